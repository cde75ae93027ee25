"""Listings and patterns that would freeze or swell a worker: it goes on with everything else."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from atlas.contracts.sync_pipeline import SyncResult
from tests.e2e.environments import Servers, servers
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_fetch_url import fetch
from tests.hostile import listings
from tests.hostile.listings import Case, cases
from tests.hostile.neighbour import MAX_GROWTH, MAX_RATIO, Beside, Neighbour, memory_of, neighbour
from tests.origin import Origin, Reply

__all__ = ["servers"]

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")

XML = "application/xml"
SOME = {
    *("sitemap: open DOCTYPEs", "index: nested gz", "rss: items"),
    *("atom: attributes", "json: objects"),
}
"""One of each form, for the fast suite."""


@pytest.fixture
async def env(servers: Servers, tmp_path: Path) -> AsyncIterator[AtlasEnv]:
    async with servers.atlas(tmp_path) as atlas:
        atlas.variables["ATLAS_EXTRACT_TIMEOUT"] = "60"  # limits other than that of time are met
        yield atlas


def compressed(text: str) -> Reply:
    body = gzip.compress(text.encode(), 1)
    return Reply(body, headers={"Content-Encoding": "gzip"}, content_type=XML)


async def settled_worker(env: AtlasEnv, origin: Origin) -> int:
    """A worker in a process of its own that has done one of each already; its pid."""
    worker = env.spawn_worker()
    origin.page("/neighbour", "<main><p>All about the neighbour.</p></main>")
    warm = f"<urlset><url><loc>{origin.url('/neighbour')}</loc></url></urlset>"
    origin.page("/warm.xml", warm, content_type=XML)
    await env.add_source("warm", "sitemap", origin.url("/warm.xml"))
    assert (await env.sync("warm")).outcome == "completed"
    assert (await fetch(env, origin.url("/neighbour"))).success
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # the peak so far is forgotten
    return worker.pid


async def codes(env: AtlasEnv, source: str) -> set[str]:
    rows = await env.fetch(
        "select error_code from run_pages join runs using (run_id) "
        "where source_name = $1 and run_pages.outcome = 'failed'",
        source,
    )
    return {row["error_code"] for row in rows}


# Every case as a source of its own.


async def declare(env: AtlasEnv, origin: Origin, case: Case) -> str:
    """Serve the case, and declare the source that reads it; its name."""
    origin.page("/p", "<main><p>All about the harbour.</p></main>")
    entry = listings.FORMS["sitemap"][2].replace("<base>", origin.base)
    origin.page("/map.xml", f"<urlset>{entry}</urlset>", content_type=XML)
    body = case.body(origin.base)
    if case.packed:
        reply = Reply(body, content_type="application/gzip")
    else:
        reply = compressed(body.decode())
    origin.reply(case.path, reply)
    name = case.path[1:]
    rules = {"listing_entries": listings.limits(1).entries}
    await env.add_source(name, case.kind, origin.url(case.path), **rules)
    return name


async def check_end(env: AtlasEnv, case: Case, result: SyncResult) -> None:
    """The run ended as the case says, by a name, and with something in it if it succeeded."""
    failed = await codes(env, case.path[1:])
    if not case.ends[0].isdigit():
        assert (result.outcome, failed) == ("listing_failed", {case.ends}), case.name
        assert not result.complete
        return
    _, state, *cut = case.ends.split()
    assert result.counts.seen - result.counts.failed == 1, case.name
    assert result.complete is (state == "complete"), case.name
    too = {"depth": "listing_too_deep"}.get(cut[0], "listing_too_long") if cut else None
    assert failed == ({too} if too else set()), case.name


@pytest.mark.fault(5)
@pytest.mark.fault(6)
@pytest.mark.fault(7)
async def test_hostile_listings_end_by_name_and_swell_no_worker(
    env: AtlasEnv, origin: Origin
) -> None:
    pid = await settled_worker(env, origin)
    before = memory_of(pid, "VmRSS")
    some = [case for case in cases(1) if case.name in SOME]
    assert len(some) == len(SOME)
    names = [await declare(env, origin, case) for case in some]
    for case, result in zip(some, await asyncio.gather(*map(env.sync, names)), strict=True):
        await check_end(env, case, result)
    await patterns_hold_nothing_up(env, origin)
    assert memory_of(pid, "VmHWM") - before <= MAX_GROWTH


async def patterns_hold_nothing_up(env: AtlasEnv, origin: Origin) -> None:
    long = [f"{origin.base}/{'print' * 200}{number}" for number in range(60)]
    locs = "".join(f"<url><loc>{url}</loc></url>" for url in long)
    origin.page("/long.xml", f"<urlset>{locs}</urlset>", content_type=XML)
    rules = {"exclude": (".*print.*page", r"\w*\w*\w*!"), "max_pages": 1}
    await env.add_source("new", "sitemap", origin.url("/long.xml"), **rules)
    old = {"exclude": (r"(?:[a-z]+)+(?=_)",), "max_pages": 1}
    await env.add_source("old", "sitemap", origin.url("/long.xml"), **old)
    assert (await env.sync("new")).counts.seen == 1
    slow: SyncResult = await env.sync("old")
    assert await codes(env, "old") == {"pattern_too_slow"}
    assert not slow.complete


async def measured(
    env: AtlasEnv, origin: Origin, beside: Neighbour, case: Case
) -> tuple[SyncResult, Beside]:
    """The case's run and the best of up to eight looks beside it: the machine has other work."""
    name = await declare(env, origin, case)
    result, best = await beside.beside(env.sync(name))
    for _ in range(7):
        if best.ratio <= MAX_RATIO:
            break
        _, look = await beside.beside(env.sync(name))
        best = min(best, look, key=lambda each: each.ratio)
    return result, best


@pytest.mark.slow
@pytest.mark.fault(5)
@pytest.mark.fault(6)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("form", ["sitemap", "index", "rss", "rdf", "atom", "json"])
async def test_a_neighbour_takes_at_most_twice_its_time_beside_each_of_them(
    env: AtlasEnv, origin: Origin, form: str
) -> None:
    pid = await settled_worker(env, origin)
    async with neighbour(env.client, pid) as beside:
        for case in (each for each in cases(1) if each.name.startswith(f"{form}:")):
            result, seen = await measured(env, origin, beside, case)
            print(f"{case.name:28} ratio {seen.ratio:4.2f}, +{seen.grown} MiB; {result.outcome}")
            await check_end(env, case, result)
            assert seen.ratio <= MAX_RATIO, case.name
            assert seen.grown <= MAX_GROWTH, case.name


# One that takes longer than its child may.


async def slow_listing(env: AtlasEnv, origin: Origin, limit: int) -> bool:
    """Whether three pages of a neighbour were fetched while a listing was parsed, whose child was
    ended after `limit` seconds."""
    env.variables["ATLAS_EXTRACT_TIMEOUT"] = str(limit)
    pid = await settled_worker(env, origin)
    before = memory_of(pid, "VmRSS")
    origin.reply("/slow", compressed(listings.SLOW_FEED))
    await env.add_source("slow", "feed", origin.url("/slow"))
    run = asyncio.create_task(env.sync("slow"))
    await origin.arrived("/slow")
    for number in range(3):
        assert (await fetch(env, origin.url("/neighbour"), timeout=100 + number)).success
    beside = not run.done()
    result = await run
    assert result.outcome == "listing_failed"
    assert f"/slow could not be parsed: not done after {limit} s" in result.message
    assert await codes(env, "slow") == {"listing_timeout"}
    assert len(origin.requests("/slow")) == 1  # nothing that cannot succeed is tried again
    assert memory_of(pid, "VmHWM") - before <= MAX_GROWTH
    return beside


@pytest.mark.fault(5)
async def test_a_neighbour_goes_on_while_a_listing_is_parsed_until_its_child_is_ended(
    servers: Servers, tmp_path: Path
) -> None:
    for limit in (5, 30):  # longer where a busy machine needs that long for the neighbour
        async with servers.atlas(tmp_path / str(limit)) as env, Origin() as origin:
            if await slow_listing(env, origin, limit):
                return
    pytest.fail("the neighbour waited for the listing")


# Near the default limits.


@pytest.mark.slow
@pytest.mark.fault(6)
@pytest.mark.parametrize("case", ["index", "one", "empty", "json", "rss"])
async def test_large_listings_swell_no_worker(env: AtlasEnv, origin: Origin, case: str) -> None:
    env.variables["ATLAS_EXTRACT_TIMEOUT"] = "120"
    pid = await settled_worker(env, origin)
    before = memory_of(pid, "VmRSS")

    def urlset(part: int, length: int) -> str:
        tail = "x" * length
        locs = (f"<url><loc>{origin.base}/{part}/{n}/{tail}</loc></url>" for n in range(50_000))
        return f"<urlset>{''.join(locs)}</urlset>"

    kind, expected = "sitemap", "all_failed"  # none of the listed pages is there
    if case == "index":
        for part in range(6):
            origin.reply(f"/part-{part}", compressed(urlset(part, 900)))
        index = "".join(
            f"<sitemap><loc>{origin.url(f'/part-{n}')}</loc></sitemap>" for n in range(6)
        )
        origin.reply("/large", compressed(f"<sitemapindex>{index}</sitemapindex>"))
    elif case == "one":
        origin.reply("/large", compressed(urlset(0, 850)))
    elif case == "empty":
        expected = "listing_failed"
        origin.reply("/large", compressed(listings.large_sitemap()))
    else:
        kind, expected = "feed", "listing_failed"
        text = {"json": listings.large_json, "rss": listings.large_rss}[case]()
        origin.reply("/large", compressed(text))
    await env.add_source("large", kind, origin.url("/large"), max_pages=10)  # type: ignore[arg-type]
    result = await env.sync("large")
    assert result.outcome == expected
    assert result.counts.seen == (10 if expected == "all_failed" else 1)
    assert not result.complete
    assert await env.value("select count(*) from listing_entries") == 0
    growth = memory_of(pid, "VmHWM") - before
    print(f"{case}: the worker grew by {growth} MiB")
    assert growth <= MAX_GROWTH
