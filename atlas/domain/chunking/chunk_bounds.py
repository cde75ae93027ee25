"""Where the chunks of a document stand, as it is kept with the document: cut once, when its text is
prepared, so that a search can name the chunk of each hit without cutting pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

CUTS_VERSION = 1
"""Of the chunks of the default size. Bounds of another version are not used: the ids would be other
than those of `document_chunks`."""
DIGEST = 16  # hex digits


class ChunkBounds(NamedTuple):
    """A chunk of the default size; places are characters of the document's text."""

    digest: str
    """The part of its id that is its own, behind that of the page."""
    begin: int
    """Where it begins, with what it repeats from the chunk before."""
    own: int
    """Where what is its own begins."""
    end: int
    section: int
    """Where its section begins, with the heading."""


def bounds_column(bounds: Sequence[ChunkBounds] | None) -> str | None:
    """As `documents.chunk_bounds` has them: `[version, [digest, begin, own, end, section], …]`."""
    if bounds is None:
        return None
    return json.dumps([CUTS_VERSION, *bounds], separators=(",", ":"))


def stored_bounds(column: str | None) -> tuple[ChunkBounds, ...] | None:
    """The same, read; None where there are none of this version."""
    if column is None:
        return None
    version, *rows = json.loads(column)
    return tuple(ChunkBounds(*row) for row in rows) if version == CUTS_VERSION else None
