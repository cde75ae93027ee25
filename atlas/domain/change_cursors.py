"""Cursors of the feed of changes: where a reader has got to, as a short text that it keeps.

    3f2a9c01-1204-9b1d22f0        behind change 1204
    3f2a9c01-1204-9b1d22f0-p77    in what was live at the start, behind page 77; then follows 1205

The first part names the corpus and the third the change itself, so that a cursor of another
database, or of one that was since restored from a backup, is refused instead of silently missing
changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

START = "start"
"""The word for the beginning: what is live now, and then what happens to it."""
NOW = "now"
"""The word for the end: only what happens from now on."""
UNMARKED = "0"
"""The mark of a place whose change is not there: at the very beginning, or past its retention."""

_FORM = re.compile(
    r"(?P<corpus>[0-9a-f]{8})-(?P<number>[0-9]{1,18})-(?P<mark>[0-9a-f]{8}|0)"
    r"(-p(?P<page>[0-9]{1,18}))?"
)


class InvalidCursor(ValueError):
    """Not a cursor, or not one of this feed; the message says why and how to go on."""


class ExpiredCursor(InvalidCursor):
    """What follows it is past its retention. Named like the client's error, which replaces it."""


@dataclass(frozen=True, slots=True)
class ChangeCursor:
    """A place in the feed of one corpus."""

    corpus: str
    """The first eight digits of the corpus' id."""
    number: int
    """The last change that was read."""
    mark: str = UNMARKED
    """`mark_of` that change."""
    page: int | None = None
    """While what is live is read at the start: the last page that was read."""

    def __str__(self) -> str:
        where = f"{self.corpus}-{self.number}-{self.mark}"
        return where if self.page is None else f"{where}-p{self.page}"


def mark_of(at: datetime, page: int | None) -> str:
    """What distinguishes the change of a number from another one that might have it, as after a
    restore from a backup. An erasure leaves it as it is."""
    micros = int(at.astimezone(UTC).timestamp() * 1_000_000)
    return f"{crc32(f'{micros} {page}'.encode()):08x}"


def parse(text: str) -> ChangeCursor:
    """Parse a cursor. Raises `InvalidCursor`."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise InvalidCursor(
            f"{text[:80]!r} is no cursor; give the `cursor` of the last change that was read, "
            f"'{START}' for everything, or '{NOW}' for what happens from now on"
        )
    page = found["page"]
    return ChangeCursor(
        found["corpus"], int(found["number"]), found["mark"], None if page is None else int(page)
    )


def expect_place(cursor: ChangeCursor, *, corpus: str, last: int, trimmed: int) -> None:
    """Raise unless the feed of `corpus`, which keeps the changes after `trimmed` up to `last`, has
    what follows the cursor."""
    if cursor.corpus != corpus:
        raise InvalidCursor(
            f"the cursor {cursor} is of corpus {cursor.corpus}, and this is corpus {corpus}: "
            f"correct ATLAS_DATABASE_URL, or begin with '{START}' in an empty copy"
        )
    if cursor.number > last:
        raise InvalidCursor(
            f"the cursor {cursor} is ahead of this feed, which ends with change {last}: the "
            f"database was restored from a backup. Begin with '{START}' in an empty copy"
        )
    if cursor.number < trimmed:
        raise ExpiredCursor(
            f"the cursor {cursor} has expired: changes up to {trimmed} are past their retention "
            f"(ATLAS_RETENTION_CHANGES). Begin with '{START}' in an empty copy"
        )


def expect_mark(cursor: ChangeCursor, mark: str) -> None:
    """Raise if another change has that number now, whose mark is `mark`."""
    if UNMARKED not in (cursor.mark, mark) and cursor.mark != mark:
        raise InvalidCursor(
            f"the cursor {cursor} names another change {cursor.number} than this feed has: the "
            f"database was restored from a backup. Begin with '{START}' in an empty copy"
        )
