"""A run outlives its workers: whatever is killed, the corpus is that of an undisturbed run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from atlas.contracts.models import Counts
from atlas.contracts.names import QUEUE
from tests.e2e.environments import (
    Servers,
    kill,
    servers,
    until_pages,
)
from tests.e2e.stack import AtlasEnv
from tests.invariants import Snapshot, assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin
from tests.sites import START, GeneratedSite

__all__ = ["servers"]

SITE = GeneratedSite(pages=150)


async def crawl(env: AtlasEnv, origin: Origin) -> None:
    """Serve the site and declare it."""
    SITE.serve(origin)
    await env.add_source("docs", "site", origin.url(START), prefix=origin.url(START))


@pytest.fixture(scope="module")
async def undisturbed(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Snapshot, Counts]]:
    """The corpus and counts of a run that nothing disturbed."""
    async with Origin() as origin, servers.atlas(tmp_path_factory.mktemp("undisturbed")) as env:
        await crawl(env, origin)
        env.spawn_worker()
        result = await env.sync("docs")
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)
        yield await snapshot(env.pool, origin.base), result.counts


async def assert_same(env: AtlasEnv, origin: Origin, undisturbed: tuple[Snapshot, Counts]) -> None:
    await assert_invariants(env.pool, env.blobs)
    assert (await snapshot(env.pool, origin.base)).differences(undisturbed[0]) == []


def assert_troubles_met(site: GeneratedSite, corpus: Snapshot, counts: Counts) -> None:
    """Of a run that nothing disturbed: it met every trouble of the site."""
    assert counts.done == counts.seen
    assert len(corpus.live) == site.pages + 3 + 1  # hidden pages behind redirects, and the text
    assert counts.failed == 3 * 2 + 1  # gone pages, and the empty one
    assert counts.skipped == len(site.redirects())
    assert len(set(corpus.live.values())) < len(corpus.live)  # exact duplicates
    assert max(len(cluster) for cluster in corpus.clusters) >= 3  # with near ones beside them
    assert {depth for _, _, depth, _ in corpus.held} >= {0, 1, 2, 3}


@pytest.mark.slow  # in the fast suite tests/e2e/test_cancel.py has such a run, of fewer pages
async def test_the_undisturbed_run_meets_every_trouble_of_the_site(
    undisturbed: tuple[Snapshot, Counts],
) -> None:
    assert_troubles_met(SITE, *undisturbed)


Moment = Callable[[AtlasEnv, Origin], Awaitable[object]]


def moments(seed: int) -> list[Moment]:
    """Two moments of a run: at some request, and once some pages are done; then a bit later."""
    dice = random.Random(seed)
    requests, done = dice.randrange(1, 60), dice.randrange(60, 150)
    later = [dice.uniform(0, 0.3) for _ in range(2)]

    async def at_a_request(env: AtlasEnv, origin: Origin) -> None:
        await origin.arrived(count=requests)
        await asyncio.sleep(later[0])

    async def at_a_page(env: AtlasEnv, origin: Origin) -> None:
        await until_pages(env, "done", done)
        await asyncio.sleep(later[1])

    return [at_a_request, at_a_page]


async def killed_at(
    servers: Servers, folder: Path, seed: int, undisturbed: tuple[Snapshot, Counts]
) -> None:
    async with Origin() as origin, servers.atlas(folder) as env:
        await crawl(env, origin)
        victim = env.spawn_worker()
        handle = await env.start("docs", batch=20)
        for moment in moments(seed):
            await moment(env, origin)
            await kill(victim)
            victim = env.spawn_worker()
        result = await handle.result()
        assert result.counts == undisturbed[1], f"seed {seed}"
        await assert_same(env, origin, undisturbed)
        await assert_workflows_healthy(env.client)
        again = await env.sync("docs")
        assert again.counts.changed == 0
        await assert_same(env, origin, undisturbed)


@pytest.mark.slow
async def test_workers_killed_at_two_moments_leave_the_same_corpus(
    servers: Servers, tmp_path: Path, undisturbed: tuple[Snapshot, Counts]
) -> None:
    await killed_at(servers, tmp_path, 1, undisturbed)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("start", range(100, 112, 3))
async def test_many_more_moments(
    servers: Servers, tmp_path: Path, undisturbed: tuple[Snapshot, Counts], start: int
) -> None:
    # At once: each mostly waits for heartbeats to be missed.
    async with asyncio.TaskGroup() as group:
        for seed in range(start, start + 3):
            group.create_task(killed_at(servers, tmp_path / str(seed), seed, undisturbed))


async def test_killed_between_fetch_and_process_then_304_loses_nothing(
    servers: Servers, tmp_path: Path
) -> None:
    """The run that fetched is terminated, too: its successor takes the lease, asks again, hears
    that nothing changed, and settles what was fetched before."""
    async with Origin() as origin, servers.atlas(tmp_path) as env:
        SITE.serve(origin)
        urls = [origin.url(path) for path in SITE.steady_paths()[:40]]
        await env.add_source("docs", "urls", *urls)
        victim = env.spawn_worker(QUEUE)
        first = await env.start("docs", id="first")
        await until_pages(env, "fetched", 40)
        await kill(victim)
        assert await env.value("select count(*) from versions") == 0
        await first.terminate()
        env.spawn_worker()
        result = await env.sync("docs", id="second")
        assert (result.outcome, result.counts.added) == ("completed", 40)
        statuses = await env.fetch(
            "select distinct status from fetches where run_id = $1", result.run_id
        )
        assert [row["status"] for row in statuses] == [304]
        await assert_invariants(env.pool, env.blobs)
        assert len((await snapshot(env.pool, origin.base)).live) == 40
        ended = await env.fetch("select outcome from runs where workflow_id = 'first'")
        assert [row["outcome"] for row in ended] == ["failed"]


@pytest.mark.slow
async def test_killed_between_fetch_and_process_the_run_goes_on_without_asking_again(
    servers: Servers, tmp_path: Path
) -> None:
    async with Origin() as origin, servers.atlas(tmp_path) as env:
        SITE.serve(origin)
        await env.add_source(
            "docs", "urls", *[origin.url(path) for path in SITE.steady_paths()[:40]]
        )
        victim = env.spawn_worker(QUEUE)
        handle = await env.start("docs")
        await until_pages(env, "fetched", 40)
        await kill(victim)
        asked = len(origin.requests())
        env.spawn_worker()
        result = await handle.result()
        assert (result.outcome, result.counts.added) == ("completed", 40)
        assert len(origin.requests()) == asked
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)
