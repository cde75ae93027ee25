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
from tests.hostile import listings as hostile
from tests.origin import Origin, Reply

__all__ = ["servers"]

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")

MAX_GROWTH = 64  # MiB
XML = "application/xml"


@pytest.fixture
async def env(servers: Servers, tmp_path: Path) -> AsyncIterator[AtlasEnv]:
    async with servers.atlas(tmp_path) as atlas:
        atlas.variables["ATLAS_EXTRACT_TIMEOUT"] = "5"
        yield atlas


def packed(text: str) -> Reply:
    body = gzip.compress(text.encode(), 1)
    return Reply(body, headers={"Content-Encoding": "gzip"}, content_type=XML)


def memory_of(pid: int, name: str) -> int:
    """MiB of a process now (VmRSS), or at most since its peak was last forgotten (VmHWM)."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith(name)) // 1024


async def settled_worker(env: AtlasEnv, origin: Origin) -> int:
    """A worker in a process of its own that has done one of each already; its pid."""
    worker = env.spawn_worker()
    origin.page("/neighbour", "<main><p>All about the neighbour.</p></main>")
    warm = f"<urlset><url><loc>{origin.url('/neighbour')}</loc></url></urlset>"
    origin.page("/warm.xml", warm, content_type=XML)
    await env.add_source("warm", "sitemap", origin.url("/warm.xml"))
    assert (await env.sync("warm")).outcome == "completed"
    assert (await fetch(env, origin.url("/neighbour"))).success
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # the peak begins anew
    return worker.pid


async def codes(env: AtlasEnv, source: str) -> set[str]:
    rows = await env.fetch(
        "select error_code from run_pages join runs using (run_id) "
        "where source_name = $1 and run_pages.outcome = 'failed'",
        source,
    )
    return {row["error_code"] for row in rows}


async def slow_listing(env: AtlasEnv, origin: Origin, limit: int) -> bool:
    """Whether three pages of a neighbour were fetched while a listing was parsed, whose child was
    ended after `limit` seconds."""
    env.variables["ATLAS_EXTRACT_TIMEOUT"] = str(limit)
    pid = await settled_worker(env, origin)
    before = memory_of(pid, "VmRSS")
    origin.reply("/slow", packed(hostile.SLOW_FEED))
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


async def patterns_hold_nothing_up(env: AtlasEnv, origin: Origin) -> None:
    long = [f"{origin.base}/{'print' * 200}{number}" for number in range(60)]
    locs = "".join(f"<url><loc>{url}</loc></url>" for url in long)
    origin.page("/map.xml", f"<urlset>{locs}</urlset>", content_type=XML)
    rules = {"exclude": (".*print.*page", r"\w*\w*\w*!"), "max_pages": 1}
    await env.add_source("new", "sitemap", origin.url("/map.xml"), **rules)
    old = {"exclude": (r"(?:[a-z]+)+(?=_)",), "max_pages": 1}
    await env.add_source("old", "sitemap", origin.url("/map.xml"), **old)
    assert (await env.sync("new")).counts.seen == 1
    slow: SyncResult = await env.sync("old")
    assert await codes(env, "old") == {"pattern_too_slow"}
    assert not slow.complete


@pytest.mark.fault(5)
@pytest.mark.fault(6)
@pytest.mark.fault(7)
async def test_hostile_listings_end_by_name_and_swell_no_worker(
    env: AtlasEnv, origin: Origin
) -> None:
    env.variables["ATLAS_EXTRACT_TIMEOUT"] = "60"  # limits other than that of time are met here
    pid = await settled_worker(env, origin)
    before = memory_of(pid, "VmRSS")
    feeds = {
        "objects": hostile.FEEDS["json objects"].replace("{},", "{}," * 8),  # 6 MB
        "items": hostile.FEEDS["items"],
    }
    maps = {name: hostile.SITEMAPS[name] for name in ("cdata", "doctypes", "empty entries")}
    for name, body in feeds.items():
        origin.reply(f"/{name}", packed(body))
        await env.add_source(name, "feed", origin.url(f"/{name}"))
    for name, body in maps.items():
        origin.reply(f"/{name[:5]}", packed(body.replace("https://h.org", origin.base)))
        await env.add_source(name[:5], "sitemap", origin.url(f"/{name[:5]}"))
    results = await asyncio.gather(
        *(env.sync(name[:5] if name in maps else name) for name in [*feeds, *maps])
    )
    assert [one.outcome for one in results[:2]] == ["listing_failed"] * 2
    assert await codes(env, "objects") == {"feed_too_large"}
    assert await codes(env, "items") == {"no_usable_link"}
    assert await codes(env, "empty") == {"no_usable_link"}
    assert await codes(env, "docty") == {"sitemap_malformed"}
    assert results[2].counts.seen == 1 and not results[2].complete
    await patterns_hold_nothing_up(env, origin)
    assert memory_of(pid, "VmHWM") - before <= MAX_GROWTH


@pytest.mark.slow
@pytest.mark.fault(6)
@pytest.mark.parametrize("case", ["index", "one", "json", "rss"])
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
            origin.reply(f"/part-{part}", packed(urlset(part, 900)))
        index = "".join(
            f"<sitemap><loc>{origin.url(f'/part-{n}')}</loc></sitemap>" for n in range(6)
        )
        origin.reply("/large", packed(f"<sitemapindex>{index}</sitemapindex>"))
    elif case == "one":
        origin.reply("/large", packed(urlset(0, 850)))
    else:
        kind, expected = "feed", "listing_failed"
        text = {
            "json": '{"version":"https://jsonfeed.org/version/1","items":['
            + "{}," * (8 * hostile.M)
            + "{}]}",
            "rss": "<rss><channel>" + "<item/>" * (32 * hostile.M // 7),
        }[case]
        origin.reply("/large", packed(text))
    await env.add_source("large", kind, origin.url("/large"), max_pages=10)  # type: ignore[arg-type]
    result = await env.sync("large")
    assert result.outcome == expected
    assert result.counts.seen == (10 if kind == "sitemap" else 1)
    assert not result.complete
    assert await env.value("select count(*) from listing_entries") == 0
    growth = memory_of(pid, "VmHWM") - before
    print(f"{case}: the worker grew by {growth} MiB")
    assert growth <= MAX_GROWTH
