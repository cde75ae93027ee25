"""Choosing among candidates by what speaks for and against each: a weight for every mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class WeighedAnswer(Generic[T]):
    """One answer that a page gives to a question, who gives it, and what marks it has."""

    value: T
    tag: str
    """The first tag that says so, as people write it: `meta og:title`."""
    marks: dict[str, float] = field(default_factory=dict)


def best_of(
    candidates: Sequence[WeighedAnswer[T]], weights: Mapping[str, float]
) -> WeighedAnswer[T] | None:
    """The candidate whose marks weigh most; of equals the first. Marks without a weight count
    nothing."""

    def weight(each: WeighedAnswer[T]) -> float:
        return sum(weights.get(mark, 0.0) * value for mark, value in each.marks.items())

    return max(candidates, key=weight, default=None)
