"""Pairs of the commonest words that stand side by side, which an index keeps as terms of their own.

A phrase of two words that are in half of all parts is found by comparing their positions in all of
these, which takes several times as long as all else that a search does. So a part also says which
pairs of the commonest words it has, and such a phrase is one term (as with the common grams of
Lucene). Which words these are is learnt from the index itself, in any language, while it grows:
each time that it has eight times as many parts as when words were learnt last. What was learnt
stays. A part says when it was written as well, by a mark for the round: in the few that are older
than what was learnt, positions are compared as ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from atlas.domain.search.analysis import FILLER, PhraseWord

MOST_WORDS = 64
"""That are learnt at a time, the commonest first. Phrases of others take two fifths as long at
most, and the pairs of twice as many words take twice the room."""
_FIRST = 1_000
"""Parts from which on an index learns; looking through fewer takes no time."""
_GROWTH = 8
_LEAST_SHARE = 1 / 8
"""Of the parts that have a word which is learnt: phrases of rarer ones are found fast enough."""
_JOINT = "|"
"""Between the words of a pair: no lexeme has it."""


@dataclass(frozen=True)
class CommonWords:
    """The words that an index learnt, by rounds, and how many parts it had at the last."""

    rounds: tuple[tuple[str, ...], ...] = ()
    parts: int = 0

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> CommonWords:
        """As it was kept; earlier layouts kept none."""
        kept = state.get("common", {"rounds": (), "parts": 0})
        return cls(tuple(map(tuple, kept["rounds"])), kept["parts"])

    @cached_property
    def _learnt(self) -> dict[str, int]:
        """The round in which each word was learnt, from 1."""
        return {word: at for at, words in enumerate(self.rounds, 1) for word in words}

    def is_due(self, parts: int) -> bool:
        """Whether an index with so many parts should learn."""
        return parts >= max(_FIRST, _GROWTH * self.parts)

    def learn(self, parts: int, counted: Sequence[tuple[str, int]]) -> CommonWords:
        """With what the commonest words of an index tell, each with the number of its parts."""
        new = tuple(
            word
            for word, count in counted
            if count >= parts * _LEAST_SHARE and word != FILLER and word not in self._learnt
        )
        return CommonWords((*self.rounds, new) if new else self.rounds, parts)

    def terms_of(self, body: str) -> str:
        """What a part with this body says: its pairs, and the mark of this round."""
        known = self._learnt
        pairs = {
            one + _JOINT + other
            for one, other in pairwise(body.split(" "))
            if one in known and other in known
        }
        return " ".join([_mark(len(self.rounds)), *pairs])

    def pairs_in(self, phrase: Sequence[PhraseWord]) -> list[tuple[str, tuple[str, ...]]]:
        """The terms of the pairs in a phrase, each with the marks of the parts that are too old to
        have it."""
        known = self._learnt
        return [
            (
                one.lexeme + _JOINT + other.lexeme,
                tuple(map(_mark, range(max(known[one.lexeme], known[other.lexeme])))),
            )
            for one, other in pairwise(phrase)
            if other.offset == one.offset + 1
            and not (one.prefix or other.prefix)
            and one.lexeme in known
            and other.lexeme in known
        ]


def _mark(round_: int) -> str:
    return f"{_JOINT}{round_}"
