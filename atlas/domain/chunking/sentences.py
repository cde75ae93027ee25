"""Where a text may be cut: sentence ends in any script, and what comes next where there is none.

Never inside a link, inline code, an address or a grapheme cluster.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import regex

_SPAN_LENGTH = 4_000  # characters of one link or address that is kept whole


class Cuttable:
    """One text in which places to cut are looked for."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start, self._end = start, end
        spans = [span.span() for span in _protected().finditer(text, start, end)]
        self._spans = [span for span in spans if span[1] - span[0] <= _SPAN_LENGTH]
        self._span_starts = [span[0] for span in self._spans]

    def sentences(self) -> list[int]:
        """Where its sentences begin, the first included."""
        return [self._start, *self._places(_ends()[0], self._start, self._end)]

    def pieces(self, most: int) -> list[int]:
        """The same, and within a sentence longer than `most` characters where its clauses, its
        words or its characters begin, whatever it takes."""
        starts = self.sentences()
        for level in _ends()[1:]:
            starts = self._finer(starts, most, level)
        return self._clusters(starts, most)

    def _finer(self, starts: Sequence[int], most: int, level: regex.Pattern[str]) -> list[int]:
        found: list[int] = []
        for start, end in zip(starts, [*starts[1:], self._end], strict=True):
            found.append(start)
            if end - start > most:
                found += self._places(level, start, end)
        return found

    def _clusters(self, starts: Sequence[int], most: int) -> list[int]:
        """Cut what is still too long between grapheme clusters, in runs of an eighth."""
        found: list[int] = []
        for start, end in zip(starts, [*starts[1:], self._end], strict=True):
            found.append(start)
            if end - start <= most:
                continue
            for cluster in _cluster().finditer(self._text, start, end):
                at = cluster.start()
                if at - found[-1] >= max(most // 8, 1) and self._allowed(at):
                    found.append(at)
        return found

    def _places(self, pattern: regex.Pattern[str], start: int, end: int) -> Iterator[int]:
        for found in pattern.finditer(self._text, start, end):
            if start < found.end() < end and self._allowed(found.end()):
                yield found.end()

    def _allowed(self, at: int) -> bool:
        """Whether no link, code or address is cut there."""
        before = bisect_right(self._span_starts, at) - 1
        return before < 0 or not self._spans[before][0] < at < self._spans[before][1]


def prepare() -> None:
    """Make what the first text would wait for."""
    _protected()
    _ends()


@functools.cache
def _protected() -> regex.Pattern[str]:
    """Links and pictures, inline code, addresses. One level of brackets inside, as Atlas writes."""
    return regex.compile(
        r"!?\[(?:[^\[\]\n]|\[[^\[\]\n]{0,500}\]){0,2000}+\]\((?:[^()\s]|\([^()\s]*\))*+\)"
        r"|`[^`\n]{1,2000}+`"
        r"|https?://[^\s<>]+"
    )


@functools.cache
def _cluster() -> regex.Pattern[str]:
    return regex.compile(r"\X")  # Unicode Annex 29


@functools.cache
def _ends() -> tuple[regex.Pattern[str], ...]:
    """What ends a sentence, a clause, a word; the next begins behind it.

    Scripts with blanks: a mark, what closes, blanks, and no small letter after them; not the dot of
    an initial or of a common abbreviation. Han and kana: the mark alone. Thai, Lao and Khmer write
    a blank where a sentence ends. Devanagari and others have marks of their own.
    """
    closes = r"[\"'”’»›)\]*_`」』】》〉）］｣]*"
    abbreviations = (
        r"\p{Lu}|[Dd]r|[Mm]rs?|[Mm]s|[Ss]t|Prof|vs|cf|[Nn]o|[Ff]ig|vol|pp?|ca|e\.g|i\.e|z\.B|d\.h"
        r"|u\.a|bzw|ggf|т\.е|т\.д"
    )
    short = rf"(?<!\b(?:{abbreviations}))"
    southeast = "[\u0e00-\u0eff\u1780-\u17ff]"
    sentence = (
        rf"(?:{short}\.|[!?…؟۔։።።।॥။។᠃܀]){closes}(?:\.{{2}})?\s+(?!\p{{Ll}})"
        rf"|[。！？｡．]+{closes}\s*"
        rf"|(?<=[0-9{southeast[1:]}[\"'”’)\]]?)[ \u00a0\u200b]+(?={southeast})"
        r"|[ \t]*\n\s*"
    )
    clause = rf"[;:,،؛、，；：—]{closes}\s+|[、，；：]{closes}"
    return (regex.compile(sentence), regex.compile(clause), regex.compile(r"\s+"))
