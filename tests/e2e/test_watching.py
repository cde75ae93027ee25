"""What `atlas top` shows is true within five seconds, while workers are killed, drained and added
during a sync."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from starter import AtlasClient
from starter.cli.framework.output import plain
from starter.cli.reference.described import check
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv, Spawned
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin, Reply

PAGES = 400
LOOKS = 6
"""Looks in which an event must show, at one a second: the first may have begun before it."""
QUEUES = ("atlas", "atlas-processing", "atlas-bulk")

Shown = dict[str, Any]


class Witness:
    """What one watcher was shown, look by look."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shown: list[Shown] = []
        self._news = asyncio.Condition()

    async def take(self, shown: Shown) -> None:
        async with self._news:
            self.shown.append(shown)
            self._news.notify_all()

    async def sees(self, what: str, fact: Callable[[Shown], object], since: float) -> None:
        """The fact holds in one of the first looks that were complete after `since`."""
        looks = 0
        first = sum(_moment(each) < since for each in self.shown)
        while True:
            shown = await self._at(first + looks)
            looks += 1
            if fact(shown):
                took = _moment(shown) - since
                print(f"{self.name}: {what}: look {looks}, {took:.1f} s")
                return
            assert looks < LOOKS, f"{self.name}: {what}: not in {looks} looks; last {shown}"

    async def _at(self, place: int) -> Shown:
        async with self._news:
            await self._news.wait_for(lambda: len(self.shown) > place)
        return self.shown[place]


def _moment(shown: Shown) -> float:
    return datetime.fromisoformat(str(shown["at"])).timestamp()


@asynccontextmanager
async def watching() -> AsyncIterator[list[Witness]]:
    """One who asks `AtlasClient`, and the real `atlas top -o jsonl`."""
    asks, top = Witness("client"), Witness("atlas top")
    tasks = [asyncio.create_task(_ask(asks)), asyncio.create_task(_read(top))]
    try:
        yield [asks, top]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ask(witness: Witness) -> None:
    async with AtlasClient.connect() as atlas:
        async for seen in atlas.watch(1.0):
            await witness.take(plain(seen))


async def _read(witness: Witness) -> None:
    command = (sys.executable, "-P", "-m", "starter.cli", "top", "-o", "jsonl")
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, limit=1 << 22
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            shown = json.loads(line)
            assert check(shown).name == "overview"
            await witness.take(shown)
    finally:
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130


class Stage:
    """Workers to be added, drained and killed."""

    def __init__(self, env: AtlasEnv, folder: Path) -> None:
        self._env, self._folder, self._count = env, folder, 0

    def begin(self) -> tuple[Spawned, Path]:
        """A worker on its way, and the file that it makes when it polls."""
        self._count += 1
        ready = self._folder / f"ready-{self._count}"
        self._env.variables["ATLAS_WORKER_READY_FILE"] = str(ready)
        return self._env.spawn_worker(), ready

    async def add(self, count: int) -> list[Spawned]:
        """So many workers that poll."""
        begun = [self.begin() for _ in range(count)]

        async def polling() -> bool:
            return all(ready.exists() for _, ready in begun)

        await until(polling)
        return [process for process, _ in begun]


def state(shown: Shown, process: Spawned) -> str | None:
    """Of a worker; None: it is not shown."""
    return next((w["state"] for w in shown["workers"] if w["pid"] == process.pid), None)


def serving(shown: Shown) -> set[int]:
    """How many workers the queues have."""
    return {queue["workers"] for queue in shown["queues"]}


def running(*processes: Spawned) -> Callable[[Shown], bool]:
    """All of these run, on every queue, and no others do."""

    def fact(shown: Shown) -> bool:
        known = {w["pid"]: w for w in shown["workers"] if w["state"] == "running"}
        served = [tuple(sorted(s["queue"] for s in w["slots"])) for w in known.values()]
        return (
            known.keys() == {each.pid for each in processes}
            and all(each == tuple(sorted(QUEUES)) for each in served)
            and serving(shown) == {len(processes)}
        )

    return fact


async def _ended(process: Spawned) -> float:
    await asyncio.to_thread(process.wait, 60)
    return time.time()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_what_top_shows_is_true_within_five_seconds(
    atlas_env: AtlasEnv, origin: Origin, tmp_path: Path
) -> None:
    urls = [origin.url(f"/p/{n}") for n in range(PAGES)]
    for n in range(PAGES):
        text = f"<title>P {n}</title><main><p>Lamp {n} of the pier burns {n * 7} nights.</p></main>"
        origin.reply(f"/p/{n}", Reply(text, header_delay=1.5))
    await atlas_env.add_source("docs", "urls", *urls, parallel=16)
    stage = Stage(atlas_env, tmp_path)

    async def all_see(what: str, fact: Callable[[Shown], object], since: float) -> None:
        await asyncio.gather(*(each.sees(what, fact, since) for each in witnesses))

    async with watching() as witnesses:
        killed, drained = await stage.add(2)
        await all_see("two workers began", running(killed, drained), time.time())

        handle = await atlas_env.start("docs", batch=50, lanes=4)
        began = time.time()
        run_id = handle.result_run_id

        def shows_run(shown: Shown) -> bool:
            return [run["run_id"] for run in shown["runs"]] == [run_id]

        await all_see("the run began", shows_run, began)
        await origin.arrived(count=20)
        busy = time.time()
        await all_see("it fetches", lambda shown: "fetch" in shown["runs"][0]["stage"], busy)
        await all_see("its pages", lambda shown: shown["runs"][0]["total"] == PAGES, busy)
        await all_see("the host", lambda shown: shown["hosts"][0]["in_flight"] > 0, busy)

        def as_many(shown: Shown) -> bool:
            slots: list[int] = [s["activities"] for w in shown["workers"] for s in w["slots"]]
            asked = shown["runs"][0]["activities"]
            return 0 < sum(slots) == len([each for each in asked if each["started"]])

        await all_see("slots as activities", as_many, busy)

        killed.kill()
        gone = time.time()
        await all_see("one was killed", lambda shown: state(shown, killed) == "lost", gone)
        await all_see("its slots do not count", running(drained), gone)

        added = await stage.add(2)
        await all_see("two more began", running(drained, *added), time.time())

        drained.send_signal(signal.SIGTERM)
        told = time.time()
        ending = asyncio.create_task(_ended(drained))
        await all_see(
            "one drains, or has ended",
            lambda shown: state(shown, drained) in ("draining", None),
            told,
        )
        await all_see("it takes no more", running(*added), told)
        over = await ending
        await all_see("it ended", lambda shown: state(shown, drained) is None, over)

        result = await handle.result()
        ended = time.time()
        await all_see("the run ended", lambda shown: shown["runs"] == [], ended)
        assert result.counts.added == PAGES

    for witness in witnesses:
        _is_plausible([run for shown in witness.shown for run in shown["runs"]])
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


def _is_plausible(runs: list[Shown]) -> None:
    """Of one run: it only goes forward, and is never shown as faster than it can be."""
    done = [run["done"] for run in runs if run["done"] is not None]
    assert done == sorted(done)
    assert 0 < done[-1] <= PAGES
    assert any(run["rate"] for run in runs)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_drained_worker_shows_what_it_has_still_to_end(
    atlas_env: AtlasEnv, origin: Origin, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    origin.reply("/slow", Reply("<title>slow</title><p>It takes its time.</p>", gate=gate))
    await atlas_env.add_source("docs", "urls", origin.url("/slow"))
    [worker] = await Stage(atlas_env, tmp_path).add(1)
    handle = await atlas_env.start("docs")
    await origin.arrived("/slow")
    async with AtlasClient.connect() as atlas:
        worker.send_signal(signal.SIGTERM)
        states = []
        async for seen in atlas.watch(0.5):
            shown = plain(seen)
            states.append(state(shown, worker))
            if states[-1] == "draining":
                break
            assert len(states) < 12, states
    gate.set()
    await handle.cancel()
    await _ended(worker)
