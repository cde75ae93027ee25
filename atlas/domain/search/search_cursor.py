"""Cursors of a search: which texts its pages have shown, as a text that the reader hands back.

A page is a cut of an order that changes with the corpus: every document that comes or goes changes
the scores of others a little. So a cursor does not say how far the order was read, but what was
shown: the next page is the best of the rest. Nothing that stays is left out or comes twice, also
when the index was built anew meanwhile. What it costs is its length, seven letters for a result.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_FORM = b"\x01"
_PRINT = 8
"""Bytes that name the search."""
_SHOWN = 5
"""Bytes of a text's hash: of 10,000 texts two begin alike once in 20,000 searches."""
_CHECK = 4
_MOMENT = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

MOST_SHOWN = 10_000
"""Results that a search goes through by cursors, as by an offset."""


@dataclass(frozen=True, slots=True)
class SearchCursor:
    """What the pages of one search have shown so far."""

    search: bytes
    """`print_of` the search."""
    shown: frozenset[bytes] = frozenset()
    """The beginnings of the hashes of the texts."""
    as_of: datetime | None = None
    """The moment whose texts are searched; None: now."""

    def __str__(self) -> str:
        moment = b"" if self.as_of is None else _micros(self.as_of)
        said = _FORM + self.search + bytes([len(moment)]) + moment + b"".join(sorted(self.shown))
        return base64.urlsafe_b64encode(said + _check(said)).decode("ascii").rstrip("=")

    def has_shown(self, text_hash: bytes) -> bool:
        """Whether a page so far has shown the text."""
        return text_hash[:_SHOWN] in self.shown

    def behind(self, texts: Iterable[bytes]) -> SearchCursor:
        """The cursor behind a page that shows these texts."""
        shown = self.shown | {text[:_SHOWN] for text in texts}
        return SearchCursor(self.search, shown, self.as_of)


def print_of(
    corpus: str, query: str, source: str | None, lang: str | None, *, collapse: bool
) -> bytes:
    """What all pages of a search have in common."""
    said = repr((corpus, query, source, lang, collapse))
    return hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=_PRINT).digest()


def parse_cursor(text: str) -> SearchCursor:
    """Parse a cursor. Raises ValueError, with the fix."""
    said = _bytes(text.strip())
    body, check = said[:-_CHECK], said[-_CHECK:]
    first = len(_FORM) + _PRINT + 1
    if len(body) < first or check != _check(body):
        raise ValueError(
            f"after: {text[:40]!r} is no cursor, or not all of it; give the `next` of the page "
            "before as it is, or leave it out to begin with the best."
        )
    if not body.startswith(_FORM):
        raise ValueError(
            "after: another version of Atlas made the cursor; leave it out, and search again "
            "from the best."
        )
    shown = first + body[first - 1]
    hashes = (body[at : at + _SHOWN] for at in range(shown, len(body), _SHOWN))
    moment = body[first:shown]
    as_of = _EPOCH + _MICROSECOND * int.from_bytes(moment, "big") if moment else None
    return SearchCursor(body[len(_FORM) : first - 1], frozenset(hashes), as_of)


def shown_before(cursor: str) -> int:
    """How many results the pages before a cursor have shown. Raises ValueError as above."""
    return len(parse_cursor(cursor).shown)


def expect_search(cursor: SearchCursor, search: bytes) -> None:
    """Raise ValueError, with the fix, unless the cursor is of this search and goes on."""
    if cursor.search != search:
        raise ValueError(
            "after: the cursor is of another search; repeat the query, source and lang that it "
            "came with, on the same corpus, or leave it out to begin with the best."
        )
    if len(cursor.shown) >= MOST_SHOWN:
        raise ValueError(
            f"after: {len(cursor.shown)} results were shown, and a search goes no further than "
            f"{MOST_SHOWN}; narrow the query, by site: or lang: for instance."
        )


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _check(said: bytes) -> bytes:
    return hashlib.blake2b(said, digest_size=_CHECK).digest()


def _micros(moment: datetime) -> bytes:
    return ((moment - _EPOCH) // _MICROSECOND).to_bytes(_MOMENT, "big")
