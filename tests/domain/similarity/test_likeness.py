"""Which texts are taken for copies: edited ones are, pages that a reader would miss are not."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.similarity.likeness import (
    SHORT,
    THRESHOLD,
    ComparedText,
    ShownTexts,
    are_copies,
    name_of,
)
from atlas.domain.similarity.near_duplicates import copies_within, similarities, sketch
from atlas.domain.similarity.sketches import SIGNATURE_HASHES
from benchmarks.api_manuals import ManualPage, manual

HERE, THERE = frozenset([1]), frozenset([2])


def compared(page: ManualPage, host: int = 1, *, named: bool = True) -> ComparedText:
    return ComparedText(
        text_hash=hashlib.sha256(f"{page.title}\n{page.text}".encode()).digest(),
        signature=sketch(page.text).signature,
        name=name_of(page.title, page.heading) if named else 0,
        body=UUID(hashlib.md5(page.text.encode(), usedforsecurity=False).hexdigest()),
        size=len(page.text.encode()),
        hosts=frozenset([host]),
    )


def text(number: int, **rest: object) -> ComparedText:
    made = ComparedText(bytes([number]) * 32, bytes(256), 1, UUID(int=number), SHORT, HERE)
    return replace(made, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "share", "copies"),
    [
        (text(1), text(2), 0.31, True),
        (text(1), text(2), 0.29, False),
        (text(1), text(2, name=9), 0.99, False),
        (text(1), text(2, name=9, hosts=THERE), 0.31, True),
        (text(1), text(2, name=9, hosts=HERE | THERE), 0.99, False),
        (text(1), text(2, name=9, body=UUID(int=1)), 1.0, True),
        (text(1), text(2, name=0), 0.31, True),
        (text(1), text(2, size=SHORT - 1), 0.94, False),
        (text(1), text(2, size=SHORT - 1), 0.95, True),
        (text(1), text(2, size=SHORT - 1, hosts=THERE), 0.31, True),
    ],
)
def test_the_rule(one: ComparedText, other: ComparedText, share: float, copies: bool) -> None:
    assert are_copies(one, other, share) is copies
    assert are_copies(other, one, share) is copies


def test_names_are_what_a_reader_tells_apart() -> None:
    assert name_of("The  Lamp.", "") == name_of("the lamp", "")
    assert len({name_of(name, "") for name in ("C", "C++", "C#", "operator<", "operator>")}) == 5
    assert name_of("Manual", "Lamp") != name_of("Manual", "Lens")
    assert name_of("", "") == name_of("…", " ") == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_page_of_a_manual_is_joined_with_another(seed: int) -> None:
    pages = manual(300, seed)
    texts = [compared(page) for page in pages]
    by_share = {
        text for (a, b), share in _shares(texts).items() if share >= THRESHOLD for text in (a, b)
    }
    assert len(by_share) > 200, "the manual is too easy"
    assert not copies_within(texts, THRESHOLD)
    shown = ShownTexts()
    assert not any(shown.show(each) for each in texts)

    mirrored = [replace(compared(_retouched(page)), hosts=THERE) for page in pages[:20]]
    found = {pair for each in mirrored for pair in copies_within([*texts, each], THRESHOLD)}
    ends = {end for pair in found for end in pair}
    assert ends >= {each.text_hash for each in mirrored}, "copies elsewhere are still found"


def test_only_the_first_of_a_list_are_compared_where_that_is_asked_for() -> None:
    pages = manual(30, seed=7)
    texts = [compared(page) for page in pages]
    copies = [replace(compared(_retouched(page)), hosts=THERE) for page in pages]
    every, first = ShownTexts(), ShownTexts(2)
    for text in texts:
        assert every.show(text) is first.show(text) is None
    copied = [every.show(text) for text in copies]
    assert all(copied)
    leading = {text.text_hash for text in texts[:2]}
    found = [first.show(text) for text in copies]
    assert found[:2] == copied[:2] and set(found) <= {*leading, None} and None in found


def _retouched(page: ManualPage) -> ManualPage:
    return replace(page, text=f"{page.text}\nMirrored from another place.")


def _shares(texts: Sequence[ComparedText]) -> dict[tuple[bytes, bytes], float]:
    pairs = list(combinations(texts, 2))
    shares = similarities([a.signature for a, _ in pairs], [b.signature for _, b in pairs])
    return {(a.text_hash, b.text_hash): s for (a, b), s in zip(pairs, shares, strict=True)}


PLACES = st.lists(st.integers(0, SIGNATURE_HASHES), min_size=1, max_size=12)


@given(PLACES)
def test_what_is_left_out_is_a_copy_of_what_is_shown(places: list[int]) -> None:
    """Texts on a line, of which neighbours are alike and the ends are not."""
    texts = [
        ComparedText(bytes([number]) * 32, b"\1\0" * place + b"\0\0" * (SIGNATURE_HASHES - place))
        for number, place in enumerate(places)
    ]
    shares = {(a.text_hash, b.text_hash): s for (a, b), s in zip(
        combinations(texts, 2),
        [1 - abs(a - b) / SIGNATURE_HASHES for a, b in combinations(places, 2)],
        strict=True,
    )}  # fmt: skip
    list_of = ShownTexts()
    shown: list[bytes] = []
    for each in texts:
        copied = list_of.show(each)
        alike = [s for s in shown if shares[s, each.text_hash] >= THRESHOLD]
        assert copied == (alike[0] if alike else None)
        if copied is None:
            shown.append(each.text_hash)


def test_a_text_without_a_word_is_nobodys_copy() -> None:
    shown = ShownTexts()
    assert shown.show(ComparedText(b"a", b"")) is None
    assert shown.show(ComparedText(b"b", b"")) is None


def test_a_crowd_is_compared_with_some_of_itself() -> None:
    """Of more texts than all can be compared with each other, each still finds the first ones."""
    rng = random.Random(4)
    base = rng.randbytes(256)
    texts = [ComparedText(rng.randbytes(32), base) for _ in range(2_500)]
    found = copies_within(texts, 0.8)
    first = min(each.text_hash for each in texts)
    assert len(found) == len(texts) - 1
    assert {low for low, _ in found} == {first}
