"""Groups and winners are a function of the pages: no order, no chain of likenesses counts."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.similarity.duplicates import (
    DuplicateGroup,
    Kind,
    LivePage,
    Rule,
    choose,
    duplicate_groups,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = [bytes([number]) * 32 for number in range(6)]
SITE = "https://example.org"
RULES: list[Rule] = ["canonical", "oldest", "newest", "shortest_url", "smallest_url"]


def page(number: int, text: int, *, days: int = 0, canonical: int | None = None) -> LivePage:
    url = f"{SITE}/{'x' * (number % 3)}{number}"
    named = None if canonical is None else f"{SITE}/{'x' * (canonical % 3)}{canonical}"
    return LivePage(number, url, TEXTS[text], EPOCH + timedelta(days=days), named)


PAGES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.none() | st.integers(0, 9)),
    max_size=10,
).map(
    lambda drawn: [
        page(number, text, days=days, canonical=named)
        for number, (text, days, named) in enumerate(drawn)
    ]
)
# Places on a line: texts are the more alike the nearer they are, as sketches of edits would be.
PLACES = st.lists(st.integers(0, 10), min_size=6, max_size=6)


class Line:
    """Likeness of texts by their places; every pair was compared."""

    def __init__(self, places: Sequence[int]) -> None:
        self.of = dict(zip(TEXTS, places, strict=True))

    def __call__(self, text: bytes, others: Sequence[bytes]) -> list[float]:
        return [1 - abs(self.of[text] - self.of[other]) / 10 for other in others]

    @property
    def similar(self) -> dict[tuple[bytes, bytes], float]:
        return {(low, high): self(low, [high])[0] for low, high in combinations(TEXTS, 2)}


def grouped(
    pages: Sequence[LivePage],
    line: Line,
    *,
    kind: Kind = "both",
    threshold: float = 0.8,
    rule: Rule = "smallest_url",
) -> list[DuplicateGroup]:
    return duplicate_groups(pages, line.similar, line, kind=kind, threshold=threshold, rule=rule)


@given(
    PAGES, PLACES, st.sampled_from(RULES), st.sampled_from(["exact", "near", "both"]), st.randoms()
)
def test_order_leaves_no_trace(
    pages: list[LivePage], places: list[int], rule: Rule, kind: Kind, chance: random.Random
) -> None:
    line = Line(places)
    found = grouped(pages, line, kind=kind, rule=rule)
    shuffled = chance.sample(pages, len(pages))
    pairs = list(line.similar.items())
    chance.shuffle(pairs)
    again = duplicate_groups(shuffled, dict(pairs), line, kind=kind, threshold=0.8, rule=rule)
    assert found == again


@given(PAGES, PLACES, st.sampled_from(RULES), st.sampled_from([0.5, 0.8, 0.9, 1.0]))
def test_what_is_marked_is_near_to_what_is_kept(
    pages: list[LivePage], places: list[int], rule: Rule, threshold: float
) -> None:
    line = Line(places)
    found = grouped(pages, line, threshold=threshold, rule=rule)
    marked = [mark.page.page_id for group in found for mark in group.marks]
    kept = [group.winner.page_id for group in found]
    assert len(set(marked)) == len(marked) and not set(marked) & set(kept)
    for group in found:
        assert choose([group.winner, *(mark.page for mark in group.marks)], rule) in (
            group.winner,
            # others of its component, grouped elsewhere, may have named another page canonical
            *([mark.page for mark in group.marks] if rule == "canonical" else []),
        )
        for mark in group.marks:
            share = line(group.winner.text, [mark.page.text])[0]
            assert share >= threshold
            assert mark.similarity == share or mark.kind == "exact"
            assert (mark.kind == "exact") == (mark.page.text == group.winner.text)
    unmarked = [each for each in pages if each.page_id not in set(marked)]
    for one, other in combinations(unmarked, 2):
        assert one.text != other.text, "two copies of one text were kept"
        assert line(one.text, [other.text])[0] < threshold, "two near-duplicates were kept"


@given(PAGES, PLACES)
def test_kinds_part_the_work(pages: list[LivePage], places: list[int]) -> None:
    line = Line(places)
    for group in grouped(pages, line, kind="exact"):
        assert group.kind == "exact" and group.texts == 1
        assert all(mark.page.text == group.winner.text for mark in group.marks)
    for group in grouped(pages, line, kind="near"):
        assert group.kind == "near"
        assert all(mark.page.text != group.winner.text for mark in group.marks)


def test_a_chain_does_not_drag_in_what_is_far() -> None:
    """0 - 2 - 4 at .8: the ends are only .6 alike, so both are kept."""
    line = Line([0, 2, 4, 10, 10, 10])
    pages = [page(0, 0), page(1, 1), page(2, 2)]
    [group] = grouped(pages, line, rule="oldest")
    assert group.winner.page_id == 0
    assert [mark.page.page_id for mark in group.marks] == [1]
    assert group.marks[0].similarity == 0.8


def test_the_canonical_page_is_the_one_that_others_name() -> None:
    shown = [page(0, 0, days=5), page(1, 0, canonical=3), page(2, 0, canonical=3), page(3, 0)]
    assert choose(shown, "canonical").page_id == 3
    boasting = [page(0, 0, days=1, canonical=0), page(1, 0, days=0)]
    assert choose(boasting, "canonical").page_id == 1, "a page's own claim counts for nothing"
    assert choose([page(5, 0), page(3, 0)], "canonical").page_id == 3, "then the smallest URL"


def test_each_rule_has_its_winner() -> None:
    pages = [page(2, 0, days=1), page(3, 0, days=2), page(4, 0, days=3)]  # xx2, 3, x4
    chosen = {rule: choose(pages, rule).page_id for rule in RULES}
    assert chosen == {
        "canonical": 2, "oldest": 2, "newest": 4, "shortest_url": 3, "smallest_url": 3,
    }  # fmt: skip


def test_hundreds_of_texts_in_a_row_take_no_age() -> None:
    """Every text is near to its neighbours only: the worst case for grouping anew."""
    texts = [number.to_bytes(32, "big") for number in range(400)]
    pages = [LivePage(n, f"{SITE}/{n:04}", text, EPOCH) for n, text in enumerate(texts)]
    similar = dict.fromkeys(pairwise(texts), 0.9)

    def likeness(text: bytes, others: Sequence[bytes]) -> list[float]:
        return [similar.get((min(text, o), max(text, o)), 0.0) for o in others]

    found = duplicate_groups(
        pages, similar, likeness, kind="both", threshold=0.8, rule="smallest_url"
    )
    assert [len(group.marks) for group in found] == [1] * 200
