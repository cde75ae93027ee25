"""Terms near to one that an index does not have, found in the order of its dictionary.

An automaton that allows any letter goes through all beginnings of all terms: with the pairs of
Chinese characters, that takes 40 ms. So one edit is looked for with the letters of the term's own
script, and two edits only behind the first letters, where people seldom slip twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rapidfuzz.distance import OSA

SAME_LETTERS = 2
"""At the beginning of a term with two edits."""
_LATIN = "a-z\u00df-\u024f"
_LETTERS = 128
"""Code points in a row among which most scripts have all their letters."""


def one_edit(term: str) -> str:
    """A pattern of the terms that are one edit from this one, or none: a letter left out, put in,
    replaced, or swapped with its neighbour. The term has letters only.

    Each place is tried within what follows the letters before it, so that they are matched once.
    """
    letter = f"[{_letters(term[0])}]"
    pattern = f"{letter}?"
    for at in range(len(term) - 1, -1, -1):
        rest = re.escape(term[at + 1 :])
        said = [f"{re.escape(term[at])}({pattern})"]
        said += [f"{letter}{re.escape(term[at:])}", f"{letter}?{rest}"]
        if at + 1 < len(term):
            said.append(re.escape(term[at + 1] + term[at] + term[at + 2 :]))
        pattern = "|".join(said)
    return pattern


def nearest_terms(
    term: str, terms: Iterable[tuple[str, int]], most: int, limit: int
) -> Sequence[str]:
    """Those that are at most so many edits from a term, of terms and their frequencies: the nearest
    first, of equally near ones the most frequent."""
    near = (
        (edits, -frequency, each)
        for each, frequency in terms
        if abs(len(each) - len(term)) <= most
        if (edits := OSA.distance(term, each, score_cutoff=most)) <= most
    )
    return [each for _, _, each in sorted(near)[:limit]]


def _letters(first: str) -> str:
    """The letters of its script, as ranges for a pattern."""
    code = ord(first)
    if code <= 0x24F:
        return _LATIN
    low = code - code % _LETTERS
    return f"{chr(low)}-{chr(low + _LETTERS - 1)}"
