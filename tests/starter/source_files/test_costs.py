"""What a plan says a sync takes is what the sync then takes, within a tenth."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.reporting.page_costs import PageLooks
from starter import AtlasClient
from starter.source_files.costs import (
    Ask,
    HostPace,
    SourceCost,
    asked_again,
    by_host,
    changed_share,
    pace_of,
    sample_of,
    together,
)
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.origin.replies import Reply
from tests.starter.conftest import Atlas

LEAF = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
)
INDEX = (
    '<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}'
    "</sitemapindex>"
)
FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{}</channel></rss>'
RULES = "    delay: 0\n    parallel: 8\n"


def body(number: int, edition: int = 0) -> str:
    """A page with a text of its own; pages differ in length by a third."""
    chance = random.Random(number * 1000 + edition)
    words = " ".join(f"w{chance.randrange(10**6)}" for _ in range(150 + number * 37 % 51))
    return f"<html><head><title>{number}</title></head><body><p>{words}</p></body></html>"


def near(told: int | None, took: int) -> bool:
    return told is not None and abs(told - took) <= 0.1 * took


async def test_a_sync_takes_what_the_plan_said(
    atlas_env: AtlasEnv, atlas: Atlas, origin: Origin
) -> None:
    for number in range(45):
        origin.page(f"/map/{number}", body(number), etag=number % 2 == 0, encoding="gzip")
    for part in range(3):
        listed = "".join(
            f"<url><loc>{origin.url(f'/map/{number}')}</loc></url>"
            for number in range(part * 15, part * 15 + 15)
        )
        origin.page(f"/map-{part}.xml", LEAF.format(listed), content_type="application/xml")
    listed = "".join(f"<sitemap><loc>{origin.url(f'/map-{n}.xml')}</loc></sitemap>" for n in "012")
    origin.page("/map.xml", INDEX.format(listed), content_type="application/xml")
    for number in range(100, 110):
        origin.page(f"/news/{number}", body(number))
    origin.redirect("/news/110", "/news/old", 301)
    origin.page("/news/old", body(120))
    items = "".join(
        f"<item><link>{origin.url(f'/news/{n}')}</link></item>" for n in range(100, 111)
    )
    origin.page("/feed", FEED.format(items), content_type="application/rss+xml")
    origin.robots("User-agent: *\nDisallow: /map/7\nCrawl-delay: 0.001\n")
    text = (
        f"sources:\n  map:\n    kind: sitemap\n    urls: ['{origin.url('/map.xml')}']\n{RULES}"
        f"  news:\n    kind: feed\n    urls: ['{origin.url('/feed')}']\n{RULES}"
    )
    async with AtlasClient.connect() as client, atlas_env.worker():
        plan = await client.source_files.plan(text, sample=12)
        assert plan.cost.asked == len(origin.requests())
        assert plan.cost.asked < 50  # 65 pages and listings are there
        costs = {each.name: each.cost for each in plan.sources}
        assert costs["map"] and costs["map"].pages == 44  # robots.txt forbids one
        await client.source_files.apply(text, plan=plan)
        await holds(atlas_env, origin, costs)

        # Known pages: half of those with a validator answer 304, and some have changed.
        for number in range(100, 105):
            origin.page(f"/news/{number}", body(number, 1))
        await atlas_env.sync("map", "news")
        text = text.replace("parallel: 8", "parallel: 7")
        again = await client.source_files.plan(text, sample=0)
        costs = {each.name: each.cost for each in again.sources}
        for cost in costs.values():
            assert cost and cost.bytes_error is None
            assert any("ledger" in each for each in cost.rests_on), cost
        for number in range(100, 105):
            origin.page(f"/news/{number}", body(number, 2))
        await client.source_files.apply(text, plan=again)
        await holds(atlas_env, origin, costs)
        offline = await client.source_files.plan(
            text.replace("parallel: 7", "parallel: 6"), look=False
        )
        assert offline.cost.asked == 0
        known = {each.name: each.cost for each in offline.sources}
        assert known["map"] and known["map"].pages == 45


async def holds(env: AtlasEnv, origin: Origin, costs: dict[str, SourceCost | None]) -> None:
    """Sync each source, and compare with what was said."""
    for name, cost in costs.items():
        assert cost is not None
        before = len(origin.requests())
        result = await env.sync(name)
        assert result.outcome in ("completed", "completed_with_failures"), result
        took = len(origin.requests()) - before
        assert near(cost.requests, took), (name, cost, took)
        wire = await env.value(
            "select sum(wire_bytes) from fetches where run_id = $1", result.run_id
        )
        listings = sum(
            len(reply.payload())
            for seen in origin.requests()[before:]
            if seen.path.endswith((".xml", "/feed"))
            for reply in (served(origin, seen.path),)
        )
        assert near(cost.bytes, int(wire) + listings), (name, cost, wire, listings)


def served(origin: Origin, path: str) -> Reply:
    reply = origin._exact[path](origin.requests()[0])
    assert isinstance(reply, Reply)
    return reply


@pytest.mark.usefixtures("corpus")
async def test_what_cannot_be_known_is_unknown_and_a_bound_is_a_bound(
    atlas: Atlas, origin: Origin
) -> None:
    origin.page("/", "<html><body>Start", content_type="text/html")
    site = f"    kind: site\n    urls: ['{origin.url('/')}']\n    delay: 0.5\n"
    empty = f"    kind: sitemap\n    urls: ['{origin.url('/')}']\n    delay: 0\n"
    text = f"sources:\n  a:\n{site}  b:\n{site}    max_pages: 7\n  c:\n{empty}"
    async with AtlasClient.connect() as client:
        plan = await client.source_files.plan(text)
        a, b, c = (each.cost for each in plan.sources)
        assert a and (a.requests, a.bytes, a.duration) == (None, None, None)
        assert a.rests_on == ("nothing: a crawl finds its pages by following links",)
        assert b and (b.requests, b.bytes, b.at_most) == (8, None, True)
        assert b.duration == timedelta(seconds=3.5)
        assert c and c.requests is None and "could not be read" in c.rests_on[0]
        assert plan.cost.unknown == ("a", "b", "c")
        blind = await client.source_files.plan(text, look=False)
        assert blind.sources[2].cost and "--offline" in blind.sources[2].cost.rests_on[0]


def looks(whole: int, same: int, **fields: object) -> PageLooks:
    values = {
        "url": "u",
        "requests": whole + same,
        "runs": whole + same,
        "size": 1000,
        "conditional": True,
        "leads_to": None,
        "elapsed": 0.1,
    }
    return PageLooks(whole=whole, same=same, **(values | fields))  # type: ignore[arg-type]


def test_a_page_that_answers_304_costs_its_changed_share() -> None:
    pages = [looks(1, 3), looks(4, 0)]
    assert changed_share(pages) == 0.5
    assert changed_share([looks(1, 0), looks(3, 0, conditional=False)]) is None
    assert asked_again(pages[0], "h", 0.5, led=False).bytes == pytest.approx(1000 * 0.5 / 4)
    assert asked_again(pages[1], "h", 0.5, led=False).bytes == pytest.approx(1000 * 3.5 / 4)
    assert asked_again(looks(3, 0, conditional=False), "h", 0.0, led=False).bytes == 1000


def test_retries_and_redirects_are_requests() -> None:
    assert asked_again(looks(2, 0, requests=6), "h", 0, led=False).requests == 3
    assert (
        asked_again(looks(0, 0, requests=1, runs=1, leads_to="v"), "h", 0, led=False).requests == 2
    )
    assert (
        asked_again(looks(0, 0, requests=1, runs=1, leads_to="v"), "h", 0, led=True).requests == 3
    )


def test_the_hours_are_those_of_the_pace() -> None:
    assert HostPace(2, 1).seconds(1801, 0.3) == 3600
    assert (
        HostPace(0.1, 2).seconds(1000, 0.8) == 400
    )  # the host answers more slowly than it is asked
    assert HostPace(0, 4).seconds(100, 0.2) == 5
    assert pace_of(SourceSpec("x", "feed", ("https://x/",), delay=1), 5).delay == 5


def test_hosts_are_asked_beside_each_other_and_sources_of_a_host_in_turn() -> None:
    assert by_host([Ask("a", 1, 10, 1), Ask("b", 2, 5, 1), Ask("a", 3, 10, 3)]) == {
        "a": Ask("a", 4, 20, 2.5),
        "b": Ask("b", 2, 5, 1),
    }
    whole = SourceCost(3, 4, 50, None, timedelta(seconds=9), False, ())
    bound = SourceCost(7, 8, None, None, timedelta(seconds=3), True, ())
    total = together({"x": whole, "y": bound}, [{"a": 9, "b": 1}, {"a": 3}], 5)
    assert (total.requests, total.bytes, total.unknown) == (12, 50, ("y",))
    assert (total.duration, total.asked) == (timedelta(seconds=12), 5)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40), st.integers(0, 100))
def test_a_sample_says_how_far_it_may_be_off(sizes: list[int], more: int) -> None:
    asks = [Ask("h", 1, size, 0) for size in sizes]
    sample = sample_of(asks, len(sizes) + more)
    assert min(sizes) - 1 <= sample.bytes <= max(sizes) + 1
    assert sample.bytes_error >= 0
    if not more:
        assert sample.bytes_error == 0
    for one, other in pairwise([len(sizes), len(sizes) + 5, len(sizes) + 50]):
        assert sample_of(asks, one).bytes_error <= sample_of(asks, other).bytes_error
