"""Folding: texts that a reader takes for the same come out the same, and offsets find the way back.

Part of the analyser (`analysis.py`): a change of any output raises its version.
"""

import functools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Set

import opencc

HAN = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
"""The Han characters, as ranges for a pattern."""

PLAIN = (
    r" -~\u00c0-\u00de\u00e0-\u00ff\u0100-\u012f\u0134-\u013e\u0141-\u0148\u014a-\u017e"  # Latin
    r"\u0400-\u045f\u05d0-\u05ea\u0621-\u063a\u0641-\u064a"  # Cyrillic, Hebrew, Arabic
    r"\u0e01-\u0e32\u0e34-\u0e3a\u0e40-\u0e5b"  # Thai, with its marks, which compose with nothing
    r"\u4e00-\u9fff\u3041-\u3096\u30a1-\u30fa\u3001\u3002\uac00-\ud7a3\uff01-\uff5e"  # East Asia
    r"\u00ab\u00bb\u2013\u2014\u2018-\u201f"  # marks of punctuation
)
"""Characters that each stay one character, as ranges for a pattern: nearly all of most texts."""

_FIRST = 0x300
_HAS_HAN = re.compile(f"[{HAN}]")
_IS_VARIED = re.compile("[\u3400-\u9ffe\U00020000-\U000323ae]")
_INVISIBLE = re.compile("[\u00ad\u200d\u2060\ufeff]")  # never part of a word


def fold(text: str) -> str:
    """Fold what a reader takes for the same: NFKC, case, invisible characters, Han variants."""
    if text.isascii():
        return text.lower()
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    # Casefolding can undo the normal form (U+0345): both sides must end in the same one.
    folded = unicodedata.normalize("NFKC", folded)
    if not _HAS_HAN.search(folded):
        return folded
    return folded.translate(_variants) if _variants.among(set(folded)) else folded


def characters() -> Iterator[str]:
    """From U+0300 to U+1FFFF, where marks are looked for."""
    return map(chr, range(_FIRST, 0x20000))


def character_ranges(said: Iterable[str], wanted: str, width: int) -> str:
    """Those of `characters` that are wanted, as ranges for a pattern: `said` has so many letters
    for each, and `wanted` finds in it those that are meant. A loop in Python takes 50 ms."""
    runs = re.finditer(wanted, "".join(said))
    ends = ((run.start() // width, run.end() // width - 1) for run in runs)
    return "".join(f"{chr(_FIRST + first)}-{chr(_FIRST + last)}" for first, last in ends)


class Alignment:
    """The way back from offsets in a folded text to offsets in the text as given, and the
    way there."""

    def __init__(self, text: str, folded: str) -> None:
        self._sources: list[int] = []  # nothing moved
        if len(text) == len(folded) and unicodedata.is_normalized("NFKC", text):
            return
        self._sources, self._folded = [0], [0]
        # Fold by clusters (a character with its marks), so that compositions stay together.
        for cluster in cluster_pattern().finditer(text):
            plain = cluster.lastindex
            self._sources.append(cluster.end())
            length = len(cluster[0]) if plain else _folded_length(cluster[0])
            self._folded.append(self._folded[-1] + length)

    def start(self, offset: int) -> int:
        """Where the character at a folded offset begins."""
        if not self._sources:
            return offset
        return self._inside(bisect_right(self._folded, offset) - 1, offset, up=False)

    def end(self, offset: int) -> int:
        """Where the character before a folded offset ends."""
        if not self._sources:
            return offset
        return self._inside(max(bisect_left(self._folded, offset) - 1, 0), offset, up=True)

    def folded(self, offset: int) -> int:
        """Where a character stands in the folded text, if it stayed one character there."""
        if not self._sources:
            return offset
        cluster = bisect_right(self._sources, offset) - 1
        return self._folded[cluster] + offset - self._sources[cluster]

    def _inside(self, cluster: int, offset: int, *, up: bool) -> int:
        """The offset within a cluster that kept its length, else one of its ends."""
        begin, end = self._sources[cluster], self._sources[min(cluster + 1, len(self._sources) - 1)]
        into = offset - self._folded[cluster]
        if not into:
            return begin
        if _folded_end(self._folded, cluster) - self._folded[cluster] == end - begin:
            return begin + into
        return end if up else begin


def _folded_end(folded: list[int], cluster: int) -> int:
    return folded[min(cluster + 1, len(folded) - 1)]


@functools.lru_cache(maxsize=4096)
def _folded_length(cluster: str) -> int:
    return len(fold(cluster))


@functools.cache
def cluster_pattern() -> re.Pattern[str]:
    """Characters with their marks; (1) runs of such as each stay one character."""
    classes = map(chr, map(unicodedata.combining, characters()))
    combining = character_ranges(classes, r"[^\0]+", 1)
    # Hangul vowels and finals compose with the consonant before them.
    # Half-width voicing marks compose as well, though they are letters to Unicode.
    marks = rf"[{combining}\u1160-\u11ff\uff9e\uff9f]"
    return re.compile(rf"([{PLAIN}]{{1,256}})(?!{marks})|.{marks}*", re.DOTALL)


class _Variants(dict[int, str]):
    """Traditional characters and their simplified ones, as far as texts had any: to learn all of
    them takes as long as some searches.

    Character by character: without context a phrase and a query for a part of it always come out
    alike, and every character stays one character.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def among(self, letters: Set[str]) -> bool:
        """Whether any of some characters is a traditional one; learns those that are new."""
        if new := letters - self._known:
            han = [*filter(_IS_VARIED.match, new)]
            said = _converter().convert("\n".join(han)).split("\n") if han else ()
            pairs = zip(han, said, strict=True)
            self.update((ord(a), b) for a, b in pairs if a != b and len(b) == 1)
            self._known |= new  # last: whoever finds them here finds what became of them
        return not self.keys().isdisjoint(map(ord, letters))


_variants = _Variants()


@functools.cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
