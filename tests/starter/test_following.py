"""What one who waits for a run sees: pages as they come, the pace, and that nobody works on it."""

import asyncio
import gc
import os
import re
import sys
import warnings
from typing import TYPE_CHECKING, cast

import pytest

from atlas.stores.postgres.reporting.monitoring import PageCounts, together
from starter import AtlasClient
from starter.cli.framework.progress import words_of
from starter.monitoring.run_progress import Going, Pace, RunWatch
from tests.e2e.environments import kill
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.proxy import proxied

if TYPE_CHECKING:
    from starter.connection import Parts

pytestmark = pytest.mark.fault(18)

PAGES = 60


def test_a_pace_is_taken_over_half_a_minute_and_of_a_slow_run_since_its_beginning() -> None:
    pace = Pace()
    assert pace.take(0, 0.0) is None
    assert pace.take(0, 5.0) is None, "nothing moved yet"
    assert pace.take(10, 10.0) == 1.0
    for second in range(11, 60):
        rate = pace.take(10 + 4 * (second - 10), float(second))
    assert rate == 4.0, "what was slow at first is forgotten"
    slow = Pace()
    for minute in range(10):  # a page a minute: the window holds none, or one
        rate = slow.take(minute, 60.0 * minute)
        rate = slow.take(minute, 60.0 * minute + 59)
    assert rate == pytest.approx(9 / 599)
    assert slow.take(2, 700.0) is None, "a level that is listed anew"


def test_a_line_tells_pages_pace_and_time_left_or_since_when_nobody_works() -> None:
    pages = PageCounts(200, 30, 2, {"listed": 143, "fetched": 27}, {"added": 28, "failed": 2})
    going = Going(pages, rate=4.1, left=34.9)
    assert words_of(going) == (
        "57/200 pages fetched, 30 done: 28 added, 2 failed · 4.1 pages/s · about 35 s left"
    )
    assert "about" not in words_of(going, paused=True)
    lost = words_of(Going(pages, rate=4.1, left=34.9, silent=42.0))
    assert lost.endswith(
        "no worker is running, for 42 s: start one with `atlas up -d` or `atlas worker`; "
        "nothing moves before"
    )
    assert "left" not in lost and "57/200" in lost
    last = Going(PageCounts(200, 190, 0, {"fetched": 10}, {"added": 190}), rate=0.25, left=20)
    assert words_of(last) == "190/200 pages done: 190 added · 15.0 pages/min · about 20 s left"
    assert words_of(None) == words_of(Going()) == ""
    both = together([pages, PageCounts(10, 10, 1, {}, {"added": 9, "failed": 1})])
    assert (both.total, both.done, both.failed) == (210, 40, 3)
    assert both.ended == {"added": 37, "failed": 3}
    assert both.under_way == {"listed": 143, "fetched": 27}


async def serve(env: AtlasEnv, origin: Origin) -> None:
    """A source of one batch that takes a minute."""
    for number in range(PAGES):
        origin.page(f"/{number}", f"<html lang=en><title>{number}</title><p>The lamp of {number}.")
    urls = [origin.url(f"/{number}") for number in range(PAGES)]
    await env.add_source("docs", "urls", *urls, delay=0.5, parallel=1)


async def test_without_any_worker_the_clock_goes_on(atlas_env: AtlasEnv, origin: Origin) -> None:
    await serve(atlas_env, origin)
    async with AtlasClient.connect() as client:
        run = await client.sync("docs")
        last = 0.0
        async for going in run.going(0.05):
            assert going.silent is not None and going.pages is None
            assert going.silent >= last
            last = going.silent
            if last > 0.3:
                break


@pytest.mark.slow  # gRPC gives a server up after some seconds only
async def test_who_waits_outlasts_a_temporal_that_hangs_up(
    atlas_env: AtlasEnv, origin: Origin, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does that was killed, or is starting: to gRPC that is an error it does not know."""
    await serve(atlas_env, origin)
    noted: asyncio.Queue[str] = asyncio.Queue()
    async with proxied(temporal_address) as proxy, atlas_env.worker():
        monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{proxy.port}")
        async with AtlasClient.connect() as client:
            done = origin.hold_after(10)
            run = await client.sync("docs")
            await origin.arrived(count=11)
            waiting = asyncio.create_task(run.result(on_note=noted.put_nowait))
            proxy.refuses = True
            proxy.cut()
            asking = asyncio.create_task(noted.get())
            await asyncio.wait([waiting, asking], return_when=asyncio.FIRST_COMPLETED)
            assert "Temporal does not answer" in (await asking if not waiting.done() else "")
            proxy.refuses = False
            done.set()
            assert (await waiting).outcome == "completed"


@pytest.mark.slow
async def test_pages_are_counted_one_by_one_and_a_killed_worker_is_told(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await serve(atlas_env, origin)
    worker = atlas_env.spawn_worker()
    following = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "starter.cli", "sync", "docs", "--wait"),
        env={**os.environ, **atlas_env.variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert following.stderr is not None
    said: list[str] = []

    async def until_said(pattern: str) -> re.Match[str]:
        assert following.stderr is not None
        while line := (await following.stderr.readline()).decode():
            said.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the command ended; it said {said}")

    try:
        some = await until_said(rf"(\d+)/{PAGES} pages fetched.* pages/.* about .* left")
        assert 0 < int(some[1]) < PAGES, "it is one batch, and not over"
        await kill(worker)
        lost = await until_said(rf"(\d+)/{PAGES} pages fetched.*no worker is running, for (\d+) s")
        assert int(lost[1]) >= int(some[1]) and "left" not in lost.string
        atlas_env.spawn_worker()
        back = await until_said(rf"(\d+)/{PAGES} pages fetched(?!.*no worker)")
        assert int(back[1]) >= int(lost[1]), "what was fetched before the kill counts"
    finally:
        following.kill()
        await following.communicate()


async def test_the_client_counts_each_page_of_a_batch_that_is_under_way(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    for number in range(PAGES):
        origin.page(f"/{number}", f"<html lang=en><title>{number}</title><p>The lamp of {number}.")
    urls = [origin.url(f"/{number}") for number in range(PAGES)]
    await atlas_env.add_source("docs", "urls", *urls, delay=0.0, parallel=1)
    origin.status("/0", 404)
    released = origin.hold_after(30)
    async with atlas_env.worker(), AtlasClient.connect() as client:
        run = await client.sync("docs")
        await origin.arrived(count=31)
        while (seen := await run.progress()).counts.failed != 1:
            await asyncio.sleep(0.1)  # it is written within a second, before the batch ends
        assert (seen.counts.seen, seen.counts.done) == (PAGES, 1), seen
        released.set()
        assert (await run.result()).counts.added == PAGES - 1


async def test_a_run_of_several_tells_the_pages_of_those_under_way(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await serve(atlas_env, origin)
    await atlas_env.add_source("more", "urls", origin.url("/0"), origin.url("/1"))
    async with atlas_env.worker(), AtlasClient.connect() as client:
        run = await client.sync("docs", "more")
        async for going in run.going(0.2):
            # On a busy machine pages come before the worker's first heartbeat, and the second
            # source may be listed and fetched before the first.
            if going.pages is None or going.silent is not None:
                continue
            if going.pages.total >= PAGES and going.fetched >= 2:
                assert going.pages.total in (PAGES, PAGES + 2)
                break
        await run.cancel()
        assert (await run.result()).outcome == "cancelled"


async def test_a_look_that_ends_before_it_begins_leaves_no_work_behind() -> None:
    """A run may end in the moment of a look; Python warns of work that was made and never begun."""
    watch = RunWatch(cast("Parts", None), "sync_pipeline:docs", "a run")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        look = asyncio.create_task(watch.look())
        await asyncio.sleep(0)  # its parts are made, and have not begun
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look
        gc.collect()
    assert [str(each.message) for each in said] == []
