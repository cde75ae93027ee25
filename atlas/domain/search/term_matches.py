"""Where a text says what a query meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

from atlas.domain.search.analysis import PREFIX_MARK, PhraseWord
from atlas.domain.search.fold import fold
from atlas.domain.search.occurrences import occurrences
from atlas.domain.search.spelling import without_accents

_UNLIKE = 2
"""Letters by which the shorter of two words may differ from the other, if only their first five
letters are the same: "Leuchtturm" means "Leuchttürme", but "international" not "intercept"."""
_SAME = 0.6
"""The share of the longer that both have: "Cloudflare" does not mean "cloud"."""
_ALIKE = 4
"""Letters that a stem shares with the first five letters of its word: "fli" is that of "flies"."""

_LONGEST = 40
"""Words of a phrase that is looked for; the words of a longer one are."""


class TermMatch(NamedTuple):
    """A term of the query in a text; offsets are characters of it."""

    start: int
    end: int
    term: str


def term_matches(text: str, terms: Collection[str], low: int, high: int) -> list[TermMatch]:
    """The matches of lexemes between two characters of a text, in order."""
    part = text[low:high]
    found = [TermMatch(low + a, low + b, term) for term, a, b in occurrences(part, terms)]
    stems = [term for term in terms if not term.startswith(PREFIX_MARK)]
    stemmed = {(each.start, each.end) for each in found if not each.term.startswith(PREFIX_MARK)}
    return sorted(
        each
        for each in found
        if not each.term.startswith(PREFIX_MARK)
        or (each.start, each.end) in stemmed
        or _akin(text[each.start : each.end], each.term.removeprefix(PREFIX_MARK), stems)
    )


def phrase_matches(
    text: str, matches: Sequence[TermMatch], phrase: Sequence[PhraseWord]
) -> list[TermMatch]:
    """Where the words of a phrase stand side by side among the matches, each place as one match."""
    if not 1 < len(phrase) <= _LONGEST:
        return []
    found: list[TermMatch] = []
    begun: list[tuple[int, int, int]] = []  # where it begins, where its last word ends, its words
    for match in matches:
        begun = [each for each in begun if not any(map(str.isalnum, text[each[1] : match.start]))]
        for start, _, words in [(match.start, match.start, 0), *begun]:
            if match.term != phrase[words].lexeme or (words and match.start == start):
                continue
            if words + 1 == len(phrase):
                found.append(TermMatch(start, match.end, phrase_name(phrase)))
            else:
                begun.append((start, match.end, words + 1))
    return found


def phrase_name(phrase: Sequence[PhraseWord]) -> str:
    """The term of its matches: no lexeme has a blank."""
    return " ".join(word.lexeme for word in phrase)


def within(matches: Sequence[TermMatch], low: int, high: int) -> list[TermMatch]:
    """Those that lie between two characters."""
    return [each for each in matches if low <= each.start and each.end <= high]


def _akin(word: str, beginning: str, stems: Iterable[str]) -> bool:
    """Whether a word with these first letters is a form of a word of the query."""
    if not beginning.isascii():
        return True  # Hebrew, whose spellings differ within the word
    said = without_accents(fold(word)) or word
    plain = [without_accents(stem) or stem for stem in stems]
    return any(
        _shared(stem, said) >= max(_SAME * max(lengths), min(lengths) - _UNLIKE)
        for stem in plain
        if _shared(stem, beginning) >= min(len(stem), _ALIKE)
        and (lengths := (len(stem), len(said)))
    )


def _shared(one: str, other: str) -> int:
    """How many letters two words have in common at their beginnings."""
    same = (a == b for a, b in zip(one, other, strict=False))
    return sum(takewhile(bool, same))
