"""Crawler traps by shape: those that sites really set, and the manuals that only look like some."""

import random
from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.addresses.crawler_traps import (
    CALENDAR_VIEWS,
    FACETS,
    PAGES_OF_A_LISTING,
    Choice,
    choose,
    counts,
    endless,
)

H = "https://example.org"

ENDLESS = [
    ("trap_repeating_path", "/about/about/about/about/"),
    ("trap_repeating_path", "/de/blog/images/de/blog/images/de/blog/images/logo"),
    ("trap_repeating_path", "/shop/a/b/a/b/a/b/c.html"),
    ("trap_repeating_path", "/" + "/".join(f"x{n}" for n in range(41))),
    ("trap_growing_query", "/list?sort=a&sort=a&sort=a"),
    ("trap_growing_query", "/search?" + "&".join(f"f{n}=1" for n in range(41))),
    ("trap_growing_query", "/login?next=%2Flogin%3Fnext%3D%252Flogin%253Fnext%253D%25252Fa"),
    ("trap_calendar", "/calendar/3021/04/"),
    ("trap_calendar", "/3021/04/"),
    ("trap_calendar", "/events/1492-10-12"),
    ("trap_calendar", "/events?year=2150&month=2"),
    ("trap_calendar", "/events/?date=9999-01-01"),
]

REAL = [
    # deep manuals
    "/std/core/arch/x86_64/struct.__m128.html",
    "/rust/core/core_arch/core_arch/x86/fn._mm_abs_epi8.html",
    "/javase/8/docs/api/java/lang/annotation/Annotation.html",
    "/docs/reference/reference/reference/index.html",
    "/kubernetes/website/content/en/docs/reference/generated/kubernetes-api/v1.31/#pod",
    "/repos/org/apache/maven/maven/3.9/maven/index.html",
    "/en/stable/api/en/stable/api/overview",
    # dated archives
    "/2019/05/12/a-post-with-a-name/",
    "/2011/11/11/11",
    "/blog/2023/11/",
    "/2011/11/11/",
    "/news/2024-05-12/index.html",
    "/changelog/20240512",
    "/1984/index.html",
    "/perspective/2019/11/autonomous-technology/602209/",
    "/Teardown/MacBook+Pro+16-Inch+2019+Teardown/128106",
    # numbers that are no dates
    "/pubmed/14671205",
    "/rust-lang/rust/issues/118304",
    "/a/857845/713611",
    "/events/272902/",
    "/issues/5432/12",
    "/members/313701",
    # queries
    "/viewtopic.php?f=2&t=12345&start=40",
    "/index.php?option=com_content&view=article&id=17&Itemid=4",
    "/w/index.php?title=Main_Page&action=history",
    "/search?q=caf%C3%A9%20%26%20bar&lang=en",
    "/out?q=https%253A%252F%252Fshop.example%252Fr%253Fb%253D9%2526u%253Dhttps%25253A%25252F%25252Fe",
    "/redirect?to=%2Fdocs%2Fa%3Fb%3Dc",
    "/doc?ids=1&ids=2&ids=3",
    "/?p=1234",
    "/items?page=3&sort=name",
    "/page/2/",
    "/book/chapter-3/page-12",
]


@pytest.mark.parametrize(("reason", "path"), ENDLESS)
def test_some_shapes_are_a_trap_by_themselves(reason: str, path: str) -> None:
    trap = endless(H + path)
    assert trap is not None and trap.reason == reason
    assert not choose([H + path], []).taken


@pytest.mark.parametrize("path", REAL)
def test_what_real_sites_have_is_none(path: str) -> None:
    assert endless(H + path) is None
    assert choose([H + path], []).taken == (H + path,)


def stopped(found: Choice) -> dict[str, int]:
    return {trap.reason: len(urls) for trap, urls in found.stopped.items()}


def urls(paths: Iterable[str]) -> list[str]:
    return [H + path for path in paths]


CALENDARS = {
    "path": [f"/calendar/{y}/{m:02}/" for y in range(1950, 2050) for m in range(1, 13)],
    "query": [f"/events?month={m}&year={y}" for y in range(1950, 2050) for m in range(1, 13)],
    "day": [
        f"/agenda/{y}-{m:02}-{d:02}"
        for y in (2025, 2026)
        for m in range(1, 13)
        for d in range(1, 29)
    ],
    "plugin": [
        f"/events/month/?tribe-bar-date={y}-{m:02}-01"
        for y in range(1950, 2050)
        for m in range(1, 13)
    ],
}


@pytest.mark.parametrize("name", CALENDARS)
def test_a_calendar_is_left_after_a_year_of_days(name: str) -> None:
    views = urls(CALENDARS[name])
    found = choose(views, [])
    assert len(found.taken) == CALENDAR_VIEWS
    assert stopped(found) == {"trap_calendar": len(views) - CALENDAR_VIEWS}
    assert len(found.stopped) == 1  # one calendar


def test_what_levels_above_took_counts() -> None:
    views = urls(CALENDARS["path"])
    assert len(choose(views[400:], views[:300]).taken) == CALENDAR_VIEWS - 300
    assert not choose(views[400:], views[:400]).taken


REAL_SETS = {
    "a blog's archive by days and months": [
        *(f"/{y}/{m:02}/{d:02}/" for y in range(2000, 2026) for m in range(1, 13) for d in (1, 9)),
        *(f"/{y}/{m:02}/" for y in range(2000, 2026) for m in range(1, 13)),
        *(f"/{y}/{m:02}/a-post-{n}" for y in range(2000, 2026) for m in (1, 2) for n in range(20)),
    ],
    "listings that end": [
        *(f"/articles?page={n}" for n in range(1, 800)),
        *(f"/tags/{tag}/page/{n}/" for tag in ("a", "b", "c") for n in range(2, 900)),
    ],
    "a forum": [
        f"/viewtopic.php?f={t % 20}&t={t}&start={start}"
        for t in range(1000)
        for start in (0, 15, 30, 45)
    ],
    "a content system": [
        f"/index.php?option=com_content&view=article&id={n}&catid={n % 30}&Itemid=4"
        for n in range(3000)
    ],
    "a shop's filters, a few": [
        f"/shoes?color={c}&size={s}" for c in ("red", "blue", "black") for s in range(36, 46)
    ],
    "modules and functions": [
        f"/manual?module=m{m}&func=f{f}" for m, f in product(range(30), repeat=2)
    ],
    "a wiki": [
        f"/w/index.php?title=T{n}&action={a}" for n in range(400) for a in ("view", "info", "raw")
    ],
    "short ids that are no sessions": [f"/item?sid={n}&s=query" for n in range(500)],
    "events with a name": [f"/events/2024/05/{n % 28 + 1:02}/talk-{n}" for n in range(900)],
    "an interface's reference": [
        f"/api/v{v}/class_{n}/method_{n}" for v in (1, 2) for n in range(2000)
    ],
}


@pytest.mark.parametrize("name", REAL_SETS)
def test_large_real_sites_are_taken_whole(name: str) -> None:
    pages = urls(REAL_SETS[name])
    found = choose(pages, [])
    assert not found.stopped
    assert set(found.taken) == set(pages)
    assert not choose(pages[500:], pages[:500]).stopped


FILTERS = urls(
    f"/shoes?{'&'.join(f'{n}={v}' for n, v in zip(names, values, strict=True))}"
    for names in [("color", "size", "brand", "sort")]
    for values in product(("red", "blue", "black"), range(36, 46), "abcde", ("price", "name"))
)


def test_combinations_of_filters_are_left_after_some() -> None:
    plain = f"{H}/shoes?color=red"
    found = choose([*FILTERS, plain], [])
    assert plain in found.taken
    assert len(found.taken) == FACETS + 1
    assert stopped(found) == {"trap_facets": len(FILTERS) - FACETS}


def test_an_endless_listing_is_left_after_a_thousand_pages() -> None:
    for form in ("/all?page={}", "/all?sort=new&offset={}", "/all/page/{}/", "/all/page-{}"):
        pages = urls(form.format(n) for n in range(1, 3000))
        found = choose(pages, [])
        assert stopped(found) == {"trap_pagination": 2999 - PAGES_OF_A_LISTING}
        assert found.taken[0] == H + form.format(1) and H + form.format(1000) in found.taken


SESSIONS = {
    "/a;jsessionid={}": "/a",
    "/a?PHPSESSID={}": "/a",
    "/a?id=1&sid={}": "/a?id=1",
    "/a?sessionid={}&b=2": "/a?b=2",
    "/(S({}))/a": "/a",
}


@pytest.mark.parametrize("form", SESSIONS)
def test_of_one_page_under_many_sessions_one_is_taken(form: str) -> None:
    chance = random.Random(form)
    many = urls(form.format(f"{chance.getrandbits(96):024x}") for _ in range(20))
    found = choose(many, [])
    assert found.taken == (min(many),)
    assert stopped(found) == {"trap_session_id": 19}
    bare = H + SESSIONS[form]
    assert choose([*many, bare], []).taken == (bare,)
    assert choose(many, [bare]).taken == ()
    assert choose(many[1:], [many[0]]).taken == ()


def test_what_the_source_holds_goes_first_and_stays() -> None:
    views = urls(CALENDARS["path"])
    held = set(views[-CALENDAR_VIEWS:])
    assert set(choose(views, [], held).taken) == held
    assert set(choose(views, views[:400], held).taken) == held
    endless_one = H + ENDLESS[0][1]
    assert choose([endless_one], [], {endless_one}).taken == (endless_one,)


POOL = [
    *urls(path for _, path in ENDLESS),
    *urls(REAL),
    *urls(CALENDARS["path"][:800:2]),
    *FILTERS,
    *urls(f"/all?page={n}" for n in range(40)),
    *urls(f"/a?PHPSESSID={n:032x}" for n in range(9)),
]


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 600), st.integers(1, 700))
def test_the_choice_depends_on_sets_alone(chance, above: int, links: int) -> None:
    before, found = chance.sample(POOL, above), chance.sample(POOL, links)
    held = set(chance.sample(found, min(5, links)))
    chosen = choose(found, before, held)
    again = chance.sample(found, links) + found[:3]
    assert choose(again, chance.sample(before, above), held) == chosen
    # Every address is taken or stopped, once; what is held is taken.
    gone = [url for urls in chosen.stopped.values() for url in urls]
    assert sorted([*chosen.taken, *gone]) == sorted(found)
    assert held <= set(chosen.taken)
    # Of the levels above, only those matter that count.
    assert choose(found, [url for url in before if counts(url)], held) == chosen
    # A level that is listed once more, after a crash, is the same.
    assert choose(found, before, {*held, *chosen.taken}).taken == chosen.taken


@given(st.text(st.sampled_from("/a?b=&1;20%5-(S)cpage"), max_size=200))
def test_no_address_is_too_strange(path: str) -> None:
    choose([f"{H}/{path}"], [f"{H}/{path}"])
