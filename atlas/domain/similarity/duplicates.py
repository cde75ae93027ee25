"""Which pages say the same, and which of them is kept: pure rules.

Pages with one text are exact duplicates. Texts that evidence connects, pair by pair at the
threshold or more, are a component. From a component the rule chooses a winner; the pages whose
text is at least that similar *to the winner's* are its group, and the rest is grouped again. So no
page is ever marked for a chain of likenesses that ends far from what is kept.

Nothing depends on the order of pages or pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from atlas.domain.similarity.connected_components import components

Kind = Literal["exact", "near", "both"]
Rule = Literal["canonical", "oldest", "newest", "shortest_url", "smallest_url"]
Pair = tuple[bytes, bytes]
Likeness = Callable[[bytes, Sequence[bytes]], Sequence[float]]
"""Similarity of one text to each of others, 0 to 1."""


@dataclass(frozen=True, slots=True)
class LivePage:
    """One page to be compared; `since` is when Atlas first knew it."""

    page_id: int
    url: str
    text: bytes
    since: datetime
    canonical: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A page that its group could do without; `similarity` is that of its text to the winner's."""

    page: LivePage
    kind: Literal["exact", "near"]
    similarity: float


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """A page that is kept, and its duplicates: the most similar first, then by URL."""

    winner: LivePage
    marks: tuple[Mark, ...]

    @property
    def kind(self) -> Literal["exact", "near"]:
        """near as soon as one text differs from the winner's."""
        return "near" if any(mark.kind == "near" for mark in self.marks) else "exact"

    @property
    def texts(self) -> int:
        """Distinct texts."""
        return len({self.winner.text, *(mark.page.text for mark in self.marks)})


def duplicate_groups(
    pages: Iterable[LivePage],
    similar: Mapping[Pair, float],
    likeness: Likeness,
    *,
    kind: Kind,
    threshold: float,
    rule: Rule,
) -> list[DuplicateGroup]:
    """The groups of two pages or more, by their winners' URLs.

    `similar` is the evidence: pairs of texts, smaller first. Pairs below `threshold`, and those
    with a text that no page holds, count for nothing.
    """
    by_text: dict[bytes, list[LivePage]] = defaultdict(list)
    for page in pages:
        by_text[page.text].append(page)
    if kind == "exact":
        found = [_exact(held, rule) for held in by_text.values()]
    else:
        edges = [pair for pair, share in similar.items() if share >= threshold]
        near = _Near(by_text, edges, likeness, threshold, rule)
        found = [near.without_copies(each) if kind == "near" else each for each in near.groups()]
    return sorted((group for group in found if group.marks), key=lambda group: group.winner.url)


def choose(pages: Sequence[LivePage], rule: Rule) -> LivePage:
    """The page that is kept of a group: the first in a total order, which ends with the URL."""
    return min(pages, key=_order(pages, rule))


def _order(pages: Sequence[LivePage], rule: Rule) -> Callable[[LivePage], tuple[object, ...]]:
    if rule == "canonical":
        named = _named_by_others(pages)
        return lambda page: (-named.get(page.url, 0), page.since, page.url)
    if rule == "oldest":
        return lambda page: (page.since, page.url)
    if rule == "newest":
        return lambda page: (-page.since.timestamp(), page.url)
    if rule == "shortest_url":
        return lambda page: (len(page.url), page.url)
    return lambda page: (page.url,)


def _named_by_others(pages: Sequence[LivePage]) -> Mapping[str, int]:
    """How many other pages of the group claim an address as their canonical one (RFC 6596)."""
    named: dict[str, int] = defaultdict(int)
    for page in pages:
        if page.canonical is not None and page.canonical != page.url:
            named[page.canonical] += 1
    return named


def _exact(held: Sequence[LivePage], rule: Rule) -> DuplicateGroup:
    winner = choose(held, rule)
    return DuplicateGroup(winner, _marks(winner, held, {}))


@dataclass(frozen=True)
class _Near:
    by_text: Mapping[bytes, Sequence[LivePage]]
    edges: Sequence[Pair]
    likeness: Likeness
    threshold: float
    rule: Rule

    def groups(self) -> Iterator[DuplicateGroup]:
        left = _split(self.by_text, self.edges)
        while left:
            component, edges = left.pop()
            group, grouped = self._around_a_winner(component)
            yield group
            left += _split([text for text in component if text not in grouped], edges)

    def _around_a_winner(self, component: Sequence[bytes]) -> tuple[DuplicateGroup, set[bytes]]:
        pages = [page for text in component for page in self.by_text[text]]
        winner = choose(pages, self.rule)
        others = sorted(text for text in component if text != winner.text)
        shares = dict(zip(others, self.likeness(winner.text, others), strict=True))
        near = {text: share for text, share in shares.items() if share >= self.threshold}
        grouped = {winner.text, *near}
        held = [page for page in pages if page.text in grouped]
        return DuplicateGroup(winner, _marks(winner, held, near)), grouped

    @staticmethod
    def without_copies(group: DuplicateGroup) -> DuplicateGroup:
        """The group without those that have just the winner's text."""
        marks = tuple(mark for mark in group.marks if mark.kind == "near")
        return DuplicateGroup(group.winner, marks)


def _split(texts: Iterable[bytes], edges: Iterable[Pair]) -> list[tuple[list[bytes], list[Pair]]]:
    """The components of the texts, each with its own edges; other edges are left out."""
    known = set(texts)
    inside = [(low, high) for low, high in edges if low in known and high in known]
    found: list[tuple[list[bytes], list[Pair]]] = [
        (component, []) for component in components(known, inside)
    ]
    of = {text: own for component, own in found for text in component}
    for low, high in inside:
        of[low].append((low, high))
    return found


def _marks(
    winner: LivePage, held: Iterable[LivePage], near: Mapping[bytes, float]
) -> tuple[Mark, ...]:
    marks = [
        Mark(page, "near", near[page.text])
        if page.text != winner.text
        else Mark(page, "exact", 1.0)
        for page in held
        if page.page_id != winner.page_id
    ]
    return tuple(sorted(marks, key=lambda mark: (-mark.similarity, mark.kind, mark.page.url)))
