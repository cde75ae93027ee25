"""Words of a query that may be misspelt, and the words of a text that they are near to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from atlas.domain.search.analysis import Token, tokens
from atlas.domain.search.fold import fold
from atlas.domain.search.spelling import without_accents

_SHORTEST = 4  # letters: a shorter word is near to everything
_LONGEST = 40
_ONE_EDIT = 5  # letters up to which one edit is allowed, and two beyond
_ASKED = 4
"""Words of one query that are looked at."""
_WORD = re.compile(r"[^\W\d_]+")


def words_to_check(query: str) -> Iterator[tuple[str, str]]:
    """The words of a query that may be misspelt, as the query has them, with their lexemes: those
    of letters alone, in scripts that part words by spaces."""
    found = ((query[t.start : t.end], t.lexemes[0]) for t in tokens(query) if _is_word(query, t))
    return islice(found, _ASKED)


def _is_word(query: str, token: Token) -> bool:
    word = query[token.start : token.end]
    # Words of scripts without spaces are n-grams, each its own lexeme of two or three characters.
    return token.whole and word.isalpha() and _SHORTEST <= len(word) <= _LONGEST


def allowed_edits(word: str) -> int:
    """By how many edits another word may differ from this one."""
    return 1 if len(word) <= _ONE_EDIT else 2


def nearest_word(word: str, texts: Iterable[str]) -> str | None:
    """The word of the texts that is nearest to another, of equally near ones the most frequent, as
    it is written there; None if none is near, or one differs in its accents only."""
    ours, most = _plain(word), allowed_edits(word)
    found = Counter(_WORD.findall("\n".join(texts)))
    words = [each for each in found if abs(len(each) - len(word)) <= most]
    near = extract(*(ours, _plain_words(words)), scorer=OSA.distance, score_cutoff=most, limit=None)
    ranked = [(edits, -found[words[at]], words[at].casefold(), words[at]) for _, edits, at in near]
    (edits, *_, nearest) = min(ranked, default=(0, None))
    return nearest if edits else None


def _plain(word: str) -> str:
    folded = fold(word)
    return without_accents(folded) or folded


def _plain_words(words: Collection[str]) -> list[str]:
    """`_plain` of each, all at once: of ten texts they are thousands."""
    if not words:
        return []
    folded = fold("\n".join(words))
    plain = without_accents(folded).split("\n")
    return [one or other for one, other in zip(plain, folded.split("\n"), strict=True)]
