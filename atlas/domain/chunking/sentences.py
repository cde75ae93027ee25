"""Where a text may be cut: sentence ends in any script, and what comes next where there is none.

Never inside a link, inline code, an address or a grapheme cluster.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

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
        return [self._start, *self._allowed_within(self._sentence_ends())]

    def pieces(self, most: int) -> list[int]:
        """The same, and within a sentence longer than `most` characters where its clauses, its
        words or its characters begin, whatever it takes."""
        starts = self.sentences()
        for level in (_clause_end(), _blanks()):
            starts = self._finer(starts, most, level)
        return self._clusters(starts, most)

    def _finer(self, starts: Sequence[int], most: int, level: regex.Pattern[str]) -> list[int]:
        found: list[int] = []
        for start, end in zip(starts, [*starts[1:], self._end], strict=True):
            found.append(start)
            if end - start > most:
                ends = (each.end() for each in level.finditer(self._text, start, end))
                found += (at for at in self._allowed_within(ends) if start < at < end)
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

    def _sentence_ends(self) -> Iterator[int]:
        """Tried where a character stands with which an end may begin: trying everywhere takes
        several times as long."""
        done, ends = self._start, _sentence_end()
        southeast = _IS_SOUTHEAST.search(self._text, self._start, self._end)
        begin = _MAY_END_SOUTHEAST if southeast else _MAY_END
        for begins in begin.finditer(self._text, self._start, self._end):
            at = begins.start()
            if at >= done and (found := ends.match(self._text, at, self._end)):
                done = found.end()
                if done < self._end:
                    yield done

    def _allowed_within(self, places: Iterable[int]) -> Iterator[int]:
        return filter(self._allowed, places)

    def _allowed(self, at: int) -> bool:
        """Whether no link, code or address is cut there."""
        before = bisect_right(self._span_starts, at) - 1
        return before < 0 or not self._spans[before][0] < at < self._spans[before][1]


def prepare() -> None:
    """Make what the first text would wait for."""
    _protected()
    _sentence_end()


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


_CLOSES = r"[\"'”’»›)\]*_`」』】》〉）］｣]*"
_MARKS = "!?…؟۔։።።।॥။។᠃܀"
_ALONE = "。！？｡．"
_SOUTHEAST = "\u0e00-\u0eff\u1780-\u17ff"
_BLANKS = "[ \u00a0\u200b]+"
_MAY_END = re.compile(rf"[.{_MARKS}{_ALONE}\n]")
_MAY_END_SOUTHEAST = re.compile(rf"{_MAY_END.pattern}|{_BLANKS}(?=[{_SOUTHEAST}])")
_IS_SOUTHEAST = re.compile(f"[{_SOUTHEAST}]")


@functools.cache
def _sentence_end() -> regex.Pattern[str]:
    """What ends a sentence; the next begins behind it.

    Scripts with blanks: a mark, what closes, blanks, and no small letter after them; not the dot of
    an initial or of a common abbreviation. Han and kana: the mark alone. Thai, Lao and Khmer write
    a blank where a sentence ends. Devanagari and others have marks of their own.
    """
    abbreviations = (
        r"\p{Lu}|[Dd]r|[Mm]rs?|[Mm]s|[Ss]t|Prof|vs|cf|[Nn]o|[Ff]ig|vol|pp?|ca|e\.g|i\.e|z\.B|d\.h"
        r"|u\.a|bzw|ggf|т\.е|т\.д"
    )
    short = rf"(?<!\b(?:{abbreviations}))"
    return regex.compile(
        rf"(?:{short}\.|[{_MARKS}]){_CLOSES}(?:\.{{2}})?\s+(?!\p{{Ll}})"
        rf"|[{_ALONE}]+{_CLOSES}\s*"
        rf"|(?<=[0-9{_SOUTHEAST}][\"'”’)\]]?){_BLANKS}(?=[{_SOUTHEAST}])"
        r"|\n\s*"
    )


@functools.cache
def _clause_end() -> regex.Pattern[str]:
    return regex.compile(rf"[;:,،؛、，；：—]{_CLOSES}\s+|[、，；：]{_CLOSES}")


@functools.cache
def _blanks() -> regex.Pattern[str]:
    return regex.compile(r"\s+")
