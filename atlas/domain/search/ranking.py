"""BM25: what a term is worth, and which texts are worth scoring."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from atlas.domain.search.analysis import PREFIX_MARK, QueryTerm

K1 = 1.2  # how soon more occurrences of a term stop counting
B = 0.75  # how much a long text is held against it

EXACT_CANDIDATES = 10_000
"""Up to this many term occurrences over all texts, every text with any term is scored."""
BUDGET = 500
"""Beyond, rare terms and conjunctions are taken until they promise so many texts."""

MAX_TERMS = 64  # of a query; the rarest are kept


@dataclass(frozen=True, slots=True)
class CountedTerm:
    """A query term and the number of index entries that contain it."""

    term: QueryTerm
    frequency: int


@dataclass(frozen=True, slots=True)
class RankedCandidates:
    """A tsquery for the texts to score; `exact` if it leaves out none that has a term."""

    tsquery: str
    exact: bool


def terms_that_count(counted: Sequence[CountedTerm]) -> list[CountedTerm]:
    """The terms that occur anywhere, one at least if there is any; of too many, the rarest."""
    present = [each for each in counted if each.frequency] or counted[:1]
    return sorted(present, key=lambda each: each.frequency)[:MAX_TERMS]


def weight(counted: CountedTerm, entries: int) -> float:
    """Inverse document frequency (never negative), times the term's count in the query."""
    rare = (entries - counted.frequency + 0.5) / (counted.frequency + 0.5)
    return counted.term.weight * math.log1p(max(rare, 0.0))


LEAST_FACTOR = 8 / 9 - 1e-5
"""Below every `length_factor`."""


def length_factor(length: int, average: float) -> float:
    """What to multiply the score of an engine with that keeps lengths in one byte.

    It rounds a length down, by up to a ninth, which favours long texts; ours are exact. Exact for a
    term that occurs twice, and near enough for others: the factor is between .93 and 1.
    """
    kept = _BYTE_LENGTHS[bisect_right(_BYTE_LENGTHS, length) - 1]
    return (2 + _norm(kept, average)) / (2 + _norm(length, average))


class LengthFactors(dict[int, float]):
    """`length_factor` by length, each worked out once: a search asks for thousands."""

    def __init__(self, average: float) -> None:
        super().__init__()
        self._average = average

    def __missing__(self, length: int) -> float:
        self[length] = length_factor(length, self._average)
        return self[length]


def _norm(length: int, average: float) -> float:
    return K1 * (1 - B + B * length / max(average, 1.0))


def _byte_lengths() -> list[int]:
    """The lengths that one byte can say, in Lucene as in tantivy (`fieldnorm/code.rs`): exact up to
    40, then eight for each doubling of the step."""
    lengths = list(range(41))
    while len(lengths) < 256:
        lengths.append(lengths[-1] + (2 << (len(lengths) - 41) // 8))
    return lengths


_BYTE_LENGTHS = _byte_lengths()


def thresholds(most: int = 255) -> list[float]:
    """Thresholds for `width_bucket` that turn `ts_rank` of one term back into its frequency.

    With all weights 1, ts_rank of n occurrences is the sum of 1/i^2 up to n, over pi^2/6
    (tsrank.c, calc_rank_or). Each threshold lies half-way between two neighbours.
    """
    sums = [0.0]
    for number in range(1, most + 1):
        sums.append(sums[-1] + 1 / number**2 / 1.64493406685)
    return [(low + high) / 2 for low, high in pairwise(sums)]


def candidates(
    terms: Sequence[CountedTerm], phrases: Sequence[str], entries: int, budget: int = BUDGET
) -> RankedCandidates:
    """Choose the texts to score; `terms` is not empty.

    All that have any term, where these are few. Otherwise those with the rarest terms, and those
    with two of the others that rarely meet: a text with only common, common pairs cannot be
    among the best.
    """
    ordered = sorted(terms, key=lambda counted: (counted.frequency, counted.term.lexeme))
    exact = sum(counted.frequency for counted in terms) <= max(EXACT_CANDIDATES, budget)
    chosen = len(ordered) if exact else _rarest(ordered, budget)
    parts = [counted.term.tsquery for counted in ordered[:chosen]]
    parts += _conjunctions(ordered[chosen:], entries, budget)
    return RankedCandidates(" & ".join([f"({' | '.join(parts)})", *phrases]), exact)


def _rarest(ordered: Sequence[CountedTerm], budget: int) -> int:
    """How many of the rarest terms to take: at least one, and none that would flood the rest."""
    promised = ordered[0].frequency
    for number, counted in enumerate(ordered[1:], start=1):
        if promised >= budget or counted.frequency > 10 * budget:
            return number
        promised += counted.frequency
    return len(ordered)


def _conjunctions(terms: Sequence[CountedTerm], entries: int, budget: int) -> list[str]:
    expected = sorted(
        (one.frequency * other.frequency / entries, one.term.tsquery, other.term.tsquery)
        for one, other in combinations(terms, 2)
        if not _same_word(one.term.lexeme, other.term.lexeme)
    )
    taken: list[str] = []
    promised = 0.0
    for size, one, other in expected:
        promised += size
        if promised > budget:
            break
        taken.append(f"({one} & {other})")
    return taken


def _same_word(one: str, other: str) -> bool:
    """Whether two lexemes may be the stem and the first letters of one word."""
    return one.removeprefix(PREFIX_MARK)[:4] == other.removeprefix(PREFIX_MARK)[:4]
