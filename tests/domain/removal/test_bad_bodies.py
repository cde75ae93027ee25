"""Phrases, and the points that make a body something else than the page: pure rules."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import HELD
from atlas.domain.removal import held_looks
from atlas.domain.removal.bad_bodies.kinds import SAYS, BodyKind
from atlas.domain.removal.bad_bodies.look import TOO_LONG, PageLook
from atlas.domain.removal.bad_bodies.markers import PAGES, needles_of, products_in, widgets_in
from atlas.domain.removal.bad_bodies.phrases import (
    articles,
    block,
    challenge,
    consent,
    login,
    maintenance,
    missing_page,
    server_error,
)
from atlas.domain.removal.bad_bodies.rules import recognise
from atlas.domain.removal.bad_bodies.words import Phrases, count_words, fold
from atlas.domain.sources import Deletion

TABLES = (login, challenge, block, consent, missing_page, maintenance, server_error)


@given(st.text(max_size=200))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=200))
def test_words_are_counted_in_any_text(text: str) -> None:
    assert 0 <= count_words(text) <= len(text)


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("page not found", "Oops! Page not found.", True),
        ("page not found", "The homepage not founded", False),
        ("zaloguj sie", "ZALOGUJ SIĘ", True),
        ("страниц* ~ не найден*", "Страницу, увы, мы так и не нашли", False),
        ("страниц* ~ не найден*", "Страница, увы, не найдена", True),
        ("log in to *", "log in to continue", True),
        ("log in to *", "log in to", False),
        ("로그인이 필요", "서비스 이용에는 로그인이 필요합니다", True),
        ("请登录", "您好，请登录后再试", True),
        ("giris yap*", "GİRİŞ YAPIN", True),
        ("apologi?e", "we apologise", True),
    ],
)
def test_phrases(phrase: str, text: str, found: bool) -> None:
    assert bool(Phrases({"": phrase}).found_in(fold(text))) is found


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__.rpartition(".")[2])
def test_every_language_has_every_kind_of_phrase_and_each_finds_itself(table: object) -> None:
    rows = table.PHRASES  # type: ignore[attr-defined]
    assert all(set(each) == set(rows["head"]) for each in rows.values())
    assert {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "ja", "zh", "ko", "ar", "tr"} <= (
        set(rows["head"])
    )
    for phrase in (each for row in rows["head"].values() for each in row.split(" / ")):
        said = fold(phrase.replace("*", "word").replace("~", "").replace("?", ""))
        assert Phrases({"": phrase}).found_in(said), phrase
    assert set(articles.TOPICS) == set(articles.SPEAKS_ABOUT)


def test_every_kind_is_a_code_that_runs_know_and_words_say() -> None:
    assert {kind.value for kind in BodyKind} < set(HELD)
    assert set(SAYS) == set(BodyKind)


LOGIN = PageLook(
    title="Sign in",
    headings=("Sign in to your account",),
    text="Sign in to your account\nPassword",
    words=6,
    fields=2,
    passwords=1,
)


def test_evidence_from_several_sides_is_enough() -> None:
    verdict = recognise(LOGIN)
    assert verdict is not None
    assert (verdict.kind, verdict.certain) == (BodyKind.LOGIN, True)
    assert any("password form" in each for each in verdict.evidence)


@given(
    st.sampled_from(
        [
            phrase
            for table in TABLES
            for row in table.PHRASES["head"].values()
            for phrase in row.split(" / ")
        ]
    ),
    st.integers(1, 6),
)
def test_no_phrase_alone_is_enough(phrase: str, times: int) -> None:
    said = phrase.replace("*", "word").replace("~", "").replace("?", "")
    text = "\n".join([said] * times + ["the ferry sails at noon from the jetty"] * 12)
    verdict = recognise(PageLook(title="Ferry", headings=("Ferry",), text=text, words=110))
    assert verdict is None or not verdict.certain


def test_what_only_pages_of_substance_have_counts_against_it() -> None:
    shown = {"title": "Page not found", "headings": ("Page not found",), "text": "Page not found"}
    assert recognise(PageLook(**shown, words=30)) is not None
    assert recognise(PageLook(**shown, words=30, article=True, sections=5, code=2)) is None
    assert recognise(PageLook(**shown, words=TOO_LONG + 1)) is None
    assert recognise(None) is None


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@given(st.sampled_from(["careful", "prompt", "keep"]), st.integers(0, 10), st.integers(0, 100))
def test_three_looks_and_a_day_make_it_real_unless_everything_is_kept(
    policy: Deletion, looks: int, hours: int
) -> None:
    real = held_looks.is_real(policy, looks, first=NOON, now=NOON + timedelta(hours=hours))
    assert real is (policy != "keep" and looks >= 3 and hours >= 24)


MARKS = [each for rows in PAGES.values() for each in rows.values()]


@given(st.sampled_from(MARKS).flatmap(lambda mark: st.tuples(st.just(mark), st.from_regex(mark))))
def test_what_a_mark_matches_contains_one_of_its_needles(drawn: tuple[str, str]) -> None:
    mark, text = drawn
    source = text.upper()
    found = re.search(mark, source, re.IGNORECASE | re.DOTALL)
    assert not found or any(needle in source.lower() for needle in needles_of(mark))


def test_needles_are_literal_and_one_for_each_alternative() -> None:
    assert all(len(needle) > 2 for mark in MARKS for needle in needles_of(mark))
    assert needles_of(r"Ill\\\\|a\.(?:js|ccs)/x\?y") == ("ill\\\\", "/x?y")
    assert needles_of(r"wp-[a-z]+ method|<h1>Error \d{3} [^<]{0,60}</h1>") == (
        " method",
        "<h1>error ",
    )
    assert products_in('<INPUT ID="kc-login">') == ("login_page:Keycloak",)
    assert widgets_in("<div class='my-captcha'>") == ("captcha",)
    assert widgets_in("<p>nothing of the kind") == ()
