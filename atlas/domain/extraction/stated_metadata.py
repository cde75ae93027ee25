"""What a page says of itself, each piece with the tag that it was read from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

StatedField = Literal[
    "title",
    "author",
    "published",
    "modified",
    "language",
    "description",
    "image",
    "licence",
    "breadcrumbs",
]

MAX_STATED = 20
MAX_STATED_VALUE = 2_000  # characters
MAX_STATED_TAG = 100  # characters


@dataclass(frozen=True, slots=True)
class StatedMetadata:
    """One thing that a page says of itself."""

    field: StatedField
    """What it is."""
    value: str
    """As read: dates in ISO 8601, addresses absolute, breadcrumbs with ` > ` between them."""
    tag: str
    """Where it stands: `meta og:title`, `json-ld datePublished`, `h1`, `visible text` …; `text` for
    a language that was told by the text, `lang of the source` for one that was declared."""


def stated_column(stated: Sequence[StatedMetadata]) -> str:
    """As `documents.stated` has it: `[[field, value, tag], …]`."""
    rows = [(each.field, each.value, each.tag) for each in stated]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def stored_metadata(column: str | None) -> tuple[StatedMetadata, ...] | None:
    """What a column says; None where nothing is known, as of a text of an older version."""
    return None if column is None else tuple(StatedMetadata(*row) for row in json.loads(column))
