"""What changed between two versions of a page."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from atlas.domain.text_diff import DiffPart, word_diff, words_in

if TYPE_CHECKING:
    from atlas.stores.postgres.crawl.pages.documents import CurrentDocument


@dataclass(frozen=True, slots=True)
class ComparedVersion:
    """One of two versions of a page."""

    version: int
    """Counts the texts of the page, from 1."""
    title: str
    valid_from: datetime
    """Since when the page had it."""
    valid_to: datetime | None
    """Until when; None: it has it now."""


@dataclass(frozen=True, slots=True)
class DocumentDiff:
    """What changed between two versions of a page, in words."""

    url: str
    old: ComparedVersion = field(metadata={"json": "from"})
    """The version that is compared with."""
    new: ComparedVersion = field(metadata={"json": "to"})
    """The version that is looked at."""
    added: int
    """Words that only `to` has."""
    removed: int
    """Words that only `from` has."""
    parts: list[DiffPart]
    """In order: `same` and `removed` together are the text of `from`, `same` and `added` that of
    `to`."""


async def diff_of(old: CurrentDocument, new: CurrentDocument) -> DocumentDiff:
    """The difference of two versions of one page."""
    # Of two long texts it takes seconds, in which the program's other tasks go on.
    parts = await asyncio.to_thread(word_diff, old.text, new.text)
    return DocumentDiff(
        new.url,
        _compared(old),
        _compared(new),
        added=words_in(parts, "added"),
        removed=words_in(parts, "removed"),
        parts=parts,
    )


def _compared(document: CurrentDocument) -> ComparedVersion:
    return ComparedVersion(document.version, document.title, document.valid_from, document.valid_to)
