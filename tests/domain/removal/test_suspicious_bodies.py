"""Which changes of a run are held: the pure rules, over texts of many kinds."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.removal.cut_bodies import ends, is_cut
from atlas.domain.removal.suspicious_bodies import BodyChange, Suspicion, held, waits
from atlas.domain.similarity.near_duplicates import sketch

pytestmark = pytest.mark.fault(12)

_WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo") for b in "bcdfgklmnp"]
LOGIN = (
    "Please sign in with your name and your password to go on reading. Forgotten your password? "
    "Write to the people at the desk, who will send you a new one within the hour."
)


def prose(seed: object, words: int = 120) -> str:
    dice = random.Random(str(seed))
    return " ".join(dice.choices(_WORDS, k=words))


def change(page: int, text: str, before: str | None, **more: bool | int) -> BodyChange:
    old = sketch(before) if before is not None else None
    return BodyChange(
        page=page,
        text=_hash(text),
        signature=sketch(text).signature,
        before=None if before is None else _hash(before),
        before_signature=old.signature if old else b"",
        **more,  # type: ignore[arg-type]
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def walls(pages: int, text: str = LOGIN) -> list[BodyChange]:
    return [change(page, text, prose(page)) for page in range(pages)]


def test_texts_of_other_pages_are_held_unless_they_are_few() -> None:
    texts = [prose(("swapped", page)) for page in range(10)]
    mixed = [change(page, texts[page - 1], texts[page], elsewhere=True) for page in range(1, 10)]
    assert set(held(mixed, 10)) == set(range(1, 10))
    assert held(mixed[:1], 10) == {}
    own = [change(page, texts[page - 1], texts[page]) for page in range(1, 10)]
    assert held(own, 10) == {}


def test_an_edit_does_not_wait_and_another_text_does() -> None:
    text = prose(1)
    assert not waits(change(1, text, text))
    assert not waits(change(1, f"{text} and one sentence more", text))
    assert not waits(change(1, text, None))
    assert waits(change(1, LOGIN, text))
    assert waits(change(1, text[:-60], text, cut=True))


@given(st.integers(3, 60), st.integers(0, 400))
def test_one_text_for_many_is_held_by_its_share_of_the_run(pages: int, others: int) -> None:
    found = held(walls(pages), pages + others)
    if pages > 0.1 * (pages + others):
        assert found == dict.fromkeys(range(pages), Suspicion.SHARED)
    else:
        assert not found


@pytest.mark.parametrize("pages", [1, 2])
def test_one_or_two_are_no_bad_day(pages: int) -> None:
    assert held(walls(pages), pages) == {}


@pytest.mark.parametrize(
    "own",
    [
        "{number:016x}",
        "It is 2026-11-{day:02} 12:{minute:02}:07",
        "You asked for /docs/chapter-{number}/page-{number}.html",
        "Sign in to read the chapter about {words}",
    ],
)
def test_what_each_copy_has_of_its_own_hides_nothing(own: str) -> None:
    def copy(page: int) -> str:
        return own.format(
            number=random.Random(page).getrandbits(64),
            day=1 + page % 28,
            minute=page % 60,
            words=prose(f"title {page}", 4),
        )

    changes = [change(page, f"{LOGIN} {copy(page)}", prose(page)) for page in range(40)]
    assert len(held(changes, 40)) == 40


@given(st.integers(1, 80), st.integers(0, 10_000))
def test_a_relaunch_with_texts_of_their_own_is_not_held(pages: int, seed: int) -> None:
    changes = [change(n, prose(f"new {seed} {n}"), prose(n)) for n in range(pages)]
    assert held(changes, pages) == {}


def test_pages_of_one_template_may_be_relaunched_in_another() -> None:
    frame, other = prose("frame", 40), prose("other", 45)
    changes = [
        change(n, f"{other} {prose(f'new {n}', 30)}", f"{frame} {prose(n, 30)}") for n in range(40)
    ]
    assert held(changes, 40) == {}
    walled = [change(n, LOGIN, f"{frame} {prose(n, 10)}") for n in range(40)]
    assert len(held(walled, 40)) == 40


def test_pages_that_said_the_same_may_say_the_same_again() -> None:
    changes = [change(n, prose("new"), prose("old")) for n in range(20)]
    assert held(changes, 20) == {}


def test_edits_beside_a_bad_day_are_not_held() -> None:
    edits = [change(100 + n, prose(f"edit {n}"), prose(100 + n)) for n in range(5)]
    assert set(held([*walls(20), *edits], 30)) == set(range(20))


def test_a_new_page_is_held_with_those_that_it_resembles() -> None:
    new = [change(50, LOGIN, None), change(51, prose("new"), None)]
    assert set(held([*walls(6), *new], 6)) == {*range(6), 50}
    assert held(new, 6) == {}


@pytest.mark.fault(11)
@pytest.mark.parametrize(("leads", "holds"), [(1, False), (2, False), (3, True), (40, True)])
def test_the_target_of_many_pages_counts_for_them(leads: int, holds: bool) -> None:
    target = change(1, LOGIN, prose("first of them"), stands_for=leads)
    assert bool(held([target], max(leads, 10))) is holds


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 100))
def test_what_is_not_held_is_not_held_without_the_held_ones(
    walled: int, cut: int, edited: int, unchanged: int
) -> None:
    changes = [
        *walls(walled),
        *(change(100 + n, prose(n)[:300], prose(n), cut=True) for n in range(cut)),
        *(change(200 + n, prose(f"edit {n}"), prose(n)) for n in range(edited)),
    ]
    looked_at = len(changes) + unchanged
    first = held(changes, looked_at)
    assert held([c for c in changes if c.page not in first], looked_at) == {}


def test_a_large_run_is_decided_by_a_sample() -> None:
    changes = [
        *walls(100),
        *(change(1000 + n, prose(f"edit {n}", 30), prose(n, 30)) for n in range(700)),
    ]
    assert set(held(changes, 900)) == set(range(100))


# Bodies that end early


@pytest.mark.parametrize(
    ("body", "media", "ended"),
    [
        (b"<html><body><p>all of it</body></HTML>\n<!-- served by 7 -->", "html", True),
        (b"<html><body><p>all of it</body >", "html", True),
        ("<html><body><p>all of it</html>".encode("utf-16"), "html", True),
        (b"<html><body><p>half of", "html", False),
        (b"%PDF-1.7 ... %%EOF\n", "pdf", True),
        (b"%PDF-1.7 ...", "pdf", False),
        (b"some text", "text", None),
    ],
)
def test_the_end_of_a_body(body: bytes, media: str, ended: bool | None) -> None:
    assert ends(body, media) is ended


@given(st.floats(0.02, 0.97), st.booleans() | st.none())
def test_a_part_of_the_text_without_its_end_is_cut(share: float, before_ended: bool | None) -> None:
    text = prose(7)
    part = text[: int(len(text) * share)]
    assert is_cut(part, text, ended=False, before_ended=before_ended) is (before_ended is not False)
    assert not is_cut(part, text, ended=True, before_ended=before_ended)
    assert is_cut(part, text, ended=None, before_ended=None)


def test_what_is_no_part_or_not_shorter_is_not_cut() -> None:
    text = prose(7)
    assert not is_cut(prose(8, 40), text, ended=False, before_ended=True)
    assert not is_cut(text, text, ended=False, before_ended=True)
    assert not is_cut(f"{text} more", text, ended=False, before_ended=True)
    assert not is_cut(prose(8, 40), text, ended=None, before_ended=None)
