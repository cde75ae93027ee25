"""Which texts are taken for copies of each other: pure rules over their sketches, names and hosts.

How many word pairs two texts share does not say whether a reader would miss one of them. An edited
copy with every fifth word changed shares .47; two pages of an API manual, made from one template,
often share .8. So what a site itself tells apart stays apart: of two pages of one host with
different names (title and first heading), only those with the very same text are copies. Elsewhere,
and under one name, `THRESHOLD` is enough, except for texts so short that the words of a template
are most of what they have.

Of 1,000 pages of Rust's manual the share alone joins 716 with another page, this rule none; of made
ones: `python -m benchmarks near_duplicates`.

Nothing here needs numpy: a search compares what it shows.
"""

from __future__ import annotations

import hashlib
import struct
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rapidfuzz.distance import Hamming
from rapidfuzz.process import extract

THRESHOLD = 0.30
"""Least share of equal signature hashes. With every fifth word changed, two texts share .47 of
their word pairs on average; two that have nothing to do with each other, hardly more than .13."""

SHORT_THRESHOLD = 0.95
"""The same for texts of one host of which one is shorter than `SHORT`."""
SHORT = 120
"""Bytes: less than twenty words."""

_HASHES = 128
_MOST_UNLIKE = int(_HASHES * (1 - THRESHOLD))
"""Hashes in which copies may differ."""
_NAMES: int = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ComparedText:
    """What is known of a text when it is compared with others."""

    text_hash: bytes
    signature: bytes
    """128 hashes of 16 bits, as `near_duplicates.sketch` makes them; empty: it has no word."""
    name: int = 0
    """Of its title and first heading (`name_of`); 0: it has none."""
    body: UUID | None = None
    """Digest of the text without its title."""
    size: int = SHORT
    """Bytes of the text."""
    hosts: frozenset[int] = frozenset()
    """Hosts of the live pages that have it, as numbers."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> ComparedText:
        """From a stored sketch, which has the same fields."""
        return cls(
            text_hash=stored["text_hash"],
            signature=stored["signature"],
            name=stored["name"],
            body=stored["body"],
            size=stored["size"],
            hosts=frozenset(stored["hosts"]),
        )


def name_of(title: str, heading: str) -> int:
    """A number for what a page calls itself: case, spacing and marks do not count."""
    words = "".join(
        character
        for character in unicodedata.normalize("NFKC", f"{title}\n{heading}").casefold()
        if character.isalnum() or character in "+#-$@*/=<>!&|^~%"
    )
    if not words:
        return 0
    digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return 1 + int.from_bytes(digest) % _NAMES


def are_copies(one: ComparedText, other: ComparedText, share: float) -> bool:
    """Whether two texts that share so much are taken for copies."""
    if share < THRESHOLD:
        return False
    if one.body is not None and one.body == other.body:
        return True
    if one.hosts.isdisjoint(other.hosts):
        return True
    if one.name and other.name and one.name != other.name:
        return False
    return share >= SHORT_THRESHOLD or min(one.size, other.size) >= SHORT


class ShownTexts:
    """The texts of a list, best first, without copies of those above them.

    A text that was left out draws in no others: everything that is left out is a copy of what is
    shown. The shares are exact. With `compared`, no text is compared with others than the first so
    many.
    """

    def __init__(self, compared: int | None = None) -> None:
        self._shown: list[ComparedText] = []
        self._hashes: list[str] = []
        self._compared = compared

    def show(self, text: ComparedText) -> bytes | None:
        """Show a text, or say of which one shown before it is a copy."""
        hashes = _as_characters(text.signature)
        if hashes and (shown := self._copied(text, hashes)) is not None:
            return shown.text_hash
        if len(self._shown) != self._compared:
            self._shown.append(text)
            self._hashes.append(hashes)
        return None

    def _copied(self, text: ComparedText, hashes: str) -> ComparedText | None:
        # Forty nanoseconds for each that is shown: a search compares 200 texts.
        alike = extract(
            hashes, self._hashes, scorer=Hamming.distance, score_cutoff=_MOST_UNLIKE, limit=None
        )
        for number, unlike in sorted((number, unlike) for _, unlike, number in alike):
            if are_copies(text, self._shown[number], 1 - unlike / _HASHES):
                return self._shown[number]
        return None


def _as_characters(signature: bytes) -> str:
    """The hashes of a signature, each as a character."""
    return "".join(map(chr, struct.unpack(f"<{len(signature) // 2}H", signature)))
