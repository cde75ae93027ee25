"""Two workers keep one host's pace together."""

import asyncio
import time
from contextlib import suppress

from tests.e2e.stack import AtlasEnv
from tests.origin import Origin, Reply, Seen
from tests.reservations import Reservations, recorded

TOLERANCE = 0.05  # seconds: clocks of this process and the database
DELAY = 0.3
PATIENCE = 90
"""Seconds that a request waits for those beside it; a busy machine takes its time with them."""


async def until_working(env: AtlasEnv, workers: int) -> None:
    """Wait until so many worker processes say that they work. (The server's list of pollers knows
    some of them only after a minute.)"""
    log = env.blobs.parent / "worker.log"
    while not log.exists() or log.read_text().count("working on") < workers:
        ended = [process.returncode for process in env.workers if process.poll() is not None]
        assert not ended, log.read_text()[-2000:]
        await asyncio.sleep(0.1)


async def fetching_workers(env: AtlasEnv, workflow_id: str) -> set[str]:
    """Identities of the workers that ran the run's fetch activities."""
    history = await env.client.get_workflow_handle(workflow_id).fetch_history()
    scheduled = {
        event.event_id
        for event in history.events
        if event.activity_task_scheduled_event_attributes.activity_type.name == "fetch_batch"
    }
    started = [event.activity_task_started_event_attributes for event in history.events]
    return {one.identity for one in started if one.scheduled_event_id in scheduled}


def page(name: str) -> str:
    return f"<html><body><h1>Page {name}</h1><p>What the {name} page has to say.</body></html>"


def sitemap(origin: Origin, paths: list[str]) -> Reply:
    entries = "".join(f"<url><loc>{origin.url(path)}</loc></url>" for path in paths)
    xmlns = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return Reply(f'<urlset xmlns="{xmlns}">{entries}</urlset>', content_type="application/xml")


async def assert_paced(
    reservations: Reservations, origin: Origin, delay: float, *, unpaced: int = 0
) -> None:
    """A pause lies before each request but the first one and `unpaced` others, and no request
    came before its turn."""
    requests, reserved = origin.requests(), await reservations.of(origin.host)
    short = [each.gap for each in reserved[1:] if each.gap < delay]
    assert len(short) <= unpaced, short
    offset = clock_offset()
    assert len(requests) == len(reserved)
    turns = sorted(each.at.timestamp() for each in reserved)
    for seen, turn in zip(requests, turns, strict=True):
        assert seen.at + offset >= turn - TOLERANCE


def clock_offset() -> float:
    """Seconds from the monotonic clock to the time of day; a pause between the two makes nothing
    seem to have come early."""
    monotonic = time.monotonic()
    return time.time() - monotonic


class Busy:
    """Answers slowly, and counts the requests it holds at once. The first of them wait until as
    many as are allowed have come, or for so long that something keeps them from coming."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.now = 0
        self.most = 0
        self._full = asyncio.Event()

    async def answer(self, seen: Seen) -> Reply:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == self.allowed:
            self._full.set()
        if seen.path != "/robots.txt":  # which comes before all others, alone
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), PATIENCE)
        await asyncio.sleep(0.1)
        self.now -= 1
        return Reply(page(seen.path))


async def test_two_workers_keep_delay_parallelism_and_crawl_delay(atlas_env: AtlasEnv) -> None:
    async with Origin() as slow, Origin() as asking, Origin() as wide:
        # Robots, sitemap, 16 pages, one of them a redirect to another.
        paths = [f"/{number}" for number in range(15)]
        for path in paths:
            slow.page(path, page(path))
        slow.redirect("/moved", "/0")
        slow.robots("User-agent: *\nDisallow: /private\n")
        slow.reply("/sitemap.xml", sitemap(slow, [*paths, "/moved"]))
        asking.route("/", lambda seen: Reply(page(seen.path)))
        asking.robots(f"User-agent: *\nCrawl-delay: {DELAY}\n")
        busy = Busy(3)
        wide.route("/", busy.answer)
        add = atlas_env.add_source
        await add("slow", "sitemap", slow.url("/sitemap.xml"), delay=DELAY, parallel=1)
        await add("asking", "urls", *(asking.url(f"/{n}") for n in range(12)), parallel=4)
        await add("wide", "urls", *(wide.url(f"/{n}") for n in range(16)), parallel=3)
        atlas_env.variables["ATLAS_FETCH_TIMEOUT"] = str(PATIENCE + 30)
        for _ in range(2):
            atlas_env.spawn_worker()
        await until_working(atlas_env, 2)
        async with recorded(atlas_env.pool) as reservations:
            result = await atlas_env.sync("slow", "asking", "wide", batch=2, lanes=4)
        assert (result.outcome, result.counts.failed) == ("completed", 0), result
        assert result.counts.added == 15 + 12 + 16
        await assert_paced(reservations, slow, DELAY)
        assert len(slow.requests()) - len(slow.requests("/robots.txt")) == 1 + 16 + 1
        # What robots.txt asks for is not known before it is read, by each worker.
        robots = len(asking.requests("/robots.txt"))
        assert len(asking.requests()) - robots == 12
        await assert_paced(reservations, asking, DELAY, unpaced=robots - 1)
        assert busy.most == 3
        runs = [f"sync_pipeline:{source}" for source in ("slow", "asking", "wide")]
        workers = [await fetching_workers(atlas_env, run) for run in runs]
        # Together on one run at least; of each it may be one that is quicker for a while.
        assert max(map(len, workers)) == 2


async def test_a_host_that_says_429_is_asked_more_slowly_by_every_worker(
    atlas_env: AtlasEnv,
) -> None:
    async with Origin() as origin:
        busy = iter([True])

        def answer(seen: Seen) -> Reply:
            if seen.path != "/robots.txt" and next(busy, False):
                return Reply(status=429)
            return Reply(page(seen.path))

        origin.route("/", answer)
        origin.robots("User-agent: *\nDisallow:\n")
        urls = [origin.url(f"/{number}") for number in range(8)]
        await atlas_env.add_source("docs", "urls", *urls, parallel=1)
        for _ in range(2):
            atlas_env.spawn_worker()
        await until_working(atlas_env, 2)
        async with recorded(atlas_env.pool) as reservations:
            result = await atlas_env.sync("docs", batch=2, lanes=2)
            gaps = await reservations.gaps(origin.host)
        assert (result.outcome, result.counts.added) == ("completed", 8)
        statuses = [row["status"] for row in await atlas_env.fetch("select status from fetches")]
        assert statuses.count(429) == 1
        # A second after the 429, then three quarters of that after each answer, and so on.
        slowed = [gap for gap in gaps if gap >= 0.75**7]
        assert max(gaps) >= 1.0 and len(slowed) >= 5, gaps
        state = "select adaptive_delay from hosts where host = $1"
        assert 0 < await atlas_env.value(state, origin.host) < 0.5
