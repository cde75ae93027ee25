"""`robots: ignore`, for hosts of one's own: what it opens, what stays shut, where it is seen."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from atlas.contracts.fetch_url import FetchUrlResult
from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncProgress
from atlas.stores.postgres.sources import sources
from starter.client import AtlasClient
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

PAGE = "<html><body><p>All that is known about lamps, and who keeps them burning.</p>{}</body>"
SHUT = "User-agent: *\nDisallow: /\nCrawl-delay: 60"


@pytest.fixture
async def stranger(origin: Origin) -> AsyncIterator[Origin]:
    """A host that is not the source's; like the source's own, it forbids everything."""
    origin.robots(SHUT)
    async with Origin() as found:
        found.robots(SHUT)
        yield found


def opened(stranger: Origin) -> dict[str, tuple[str | int, ...]]:
    """Rules of a source whose pages may also be fetched from a stranger's host."""
    return {"allow": (stranger.host,), "ports": (int(stranger.host.rpartition(":")[2]),)}


async def fetched_in_spite(env: AtlasEnv) -> set[str]:
    """The URLs that the ledger has as fetched without asking robots.txt."""
    return {row["url"] for row in await env.fetch("select url from fetches where robots_ignored")}


async def test_only_the_sources_own_hosts_are_fetched_from_unasked(
    atlas_env: AtlasEnv, origin: Origin, stranger: Origin
) -> None:
    async with atlas_env.worker():
        origin.page("/s/", PAGE.format('<a href="a">a</a> <a href="away">away</a>'))
        origin.page("/s/a", PAGE.format("a"))
        origin.redirect("/s/away", stranger.url("/private"))
        start = origin.url("/s/")
        rules = opened(stranger)
        await atlas_env.add_source("own", "site", start, prefix=start, robots="ignore", **rules)
        handle = await atlas_env.start("own")
        await handle.result()
        rows = await atlas_env.fetch("select url, outcome, error_code from run_pages order by url")
        assert [(row["url"], row["outcome"], row["error_code"]) for row in rows] == [
            (start, "added", None),
            (f"{start}a", "added", None),
            (f"{start}away", "failed", "robots_disallowed"),
        ]
        assert not origin.requests("/robots.txt")
        assert not stranger.requests("/private")
        assert await fetched_in_spite(atlas_env) == {start, f"{start}a", f"{start}away"}

        async with AtlasClient.connect() as atlas:
            assert (await atlas.describe_run("own")).robots_ignored == 3
        progress = await handle.query("progress", result_type=SyncProgress)
        assert progress.robots_ignored

        async with atlas_env.pool.acquire() as connection:
            spec = (await sources.get(connection, "own")).spec
            await sources.edit(connection, replace(spec, robots="obey"))
        again = await atlas_env.sync("own", id="again")
        assert {each.code for each in again.failures} == {"robots_disallowed"}
        assert len(origin.requests("/robots.txt")) == 1
        assert await fetched_in_spite(atlas_env) == {start, f"{start}a", f"{start}away"}
        async with AtlasClient.connect() as atlas:
            assert (await atlas.describe_run("again")).robots_ignored == 0


async def test_a_listing_of_ones_own_is_read_and_strangers_pages_are_not(
    atlas_env: AtlasEnv, origin: Origin, stranger: Origin
) -> None:
    async with atlas_env.worker():
        origin.page("/a", PAGE.format("a"))
        items = "".join(
            f"<item><link>{url}</link></item>" for url in (origin.url("/a"), stranger.url("/b"))
        )
        feed = f"<rss><channel><title>t</title>{items}</channel></rss>"
        origin.page("/feed", feed, content_type="application/rss+xml")
        rules = opened(stranger)
        await atlas_env.add_source("news", "feed", origin.url("/feed"), robots="ignore", **rules)
        result = await atlas_env.sync("news")
        assert (result.counts.added, result.counts.failed) == (1, 1)
        assert [each.code for each in result.failures] == ["robots_disallowed"]
        assert not stranger.requests("/b")
        assert await fetched_in_spite(atlas_env) == {origin.url("/a")}


async def test_a_single_fetch_ignores_the_robots_txt_of_its_own_host(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    async def fetch(path: str, robots: str) -> FetchUrlResult:
        found: FetchUrlResult = await atlas_env.client.execute_workflow(
            "fetch_url",
            {"url": origin.url(path), "robots": robots},
            id=f"fetch-{path}-{robots}",
            task_queue=QUEUE,
            result_type=FetchUrlResult,
        )
        return found

    async with atlas_env.worker():
        origin.robots(SHUT)
        origin.page("/a", PAGE.format("a"))
        own = await fetch("/a", "ignore")
        assert (own.success, own.robots_ignored) == (True, True)
        assert await fetched_in_spite(atlas_env) == {origin.url("/a")}
        shut = await fetch("/a", "obey")
        assert (shut.error_code, shut.robots_ignored) == ("robots_disallowed", False)
