"""What the feed of changes costs writers, and how fast readers are.

Settling: batches of prepared pages, all of them new, alternately with the feed and without it (the
baseline) on one corpus, so that its growth affects both alike. Reading: what is live, and the feed,
without and with texts. Lag: from the commit of a batch to the line that a follower in another
process prints, for each change. PostgreSQL commits synchronously.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from atlas.contracts.activities import Batch
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.connection import open_pool
from benchmarks.pipeline import stack
from benchmarks.rebuild import _texts
from starter import AtlasClient
from tests.stores.drive import Drive, Web, fences, prepared

BATCH = 100
BATCHES = 20
"""With the feed, and as many without."""


def main() -> None:
    """Print settling rates and their ratio, reading rates, and the lag."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        asyncio.run(_measure(Path(home)))


async def _measure(home: Path) -> None:
    async with stack(home) as (url, _):
        pool = await open_pool(url)
        drive = Drive(pool)
        await drive.add("bench")
        texts = (text for _, text in _texts(BATCH * (2 * BATCHES + 1)))
        await settle(drive, "warm", list(islice(texts, BATCH)))
        with _following(url) as heard:
            taken, committed = await _settle_both(drive, texts)
            await _until_heard(heard, max(committed))
        with_feed, without = (sum(times) for times in taken)
        pages = BATCH * BATCHES
        print(f"settling with the feed     {pages / with_feed:9.1f} pages/s")
        print(f"settling without           {pages / without:9.1f} pages/s")
        print(f"ratio                      {without / with_feed:9.2f}")
        lags = sorted(heard[number] - at for number, at in committed.items() if number in heard)
        middle, late = statistics.median(lags), lags[int(len(lags) * 0.95)]
        print(f"lag of a follower          {middle * 1000:9.1f} ms, p95 {late * 1000:.1f} ms")
        await _read()
        await pool.close()


async def _settle_both(
    drive: Drive, texts: Iterator[str]
) -> tuple[tuple[list[float], list[float]], dict[int, float]]:
    """Seconds of each batch with the feed and without, and when each change was committed."""
    committed: dict[int, float] = {}
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * BATCHES):
        some = list(islice(texts, BATCH))
        with _silent(number % 2 == 1):
            seconds, at = await settle(drive, f"b{number}", some)
        taken[number % 2].append(seconds)
        if number % 2 == 0:
            last = await drive.pool.fetchval("select last from change_feed")
            committed |= dict.fromkeys(range(last - BATCH + 1, last + 1), at)
    return taken, committed


@contextmanager
def _silent(silent: bool) -> Iterator[None]:
    """Within the block, append nothing to the feed if `silent`."""
    append = change_log.append

    async def nothing(*_: object) -> None:
        return

    if silent:
        change_log.append = nothing  # type: ignore[assignment]
    try:
        yield
    finally:
        change_log.append = append


async def settle(drive: Drive, name: str, texts: list[str]) -> tuple[float, float]:
    """Seconds to settle one batch of new pages, and when that was done."""
    web: Web = {f"https://bench.example/{name}/{n}": text for n, text in enumerate(texts)}
    run_id = await drive.open("bench")
    await drive.enlist(run_id, *web)
    batch = Batch(run_id=run_id, lane=0, number=1)
    await drive.record(run_id, await drive.claim(batch), web)
    pages = await drive.crawl.batches.begin_attempt(batch)
    found = [prepared(page, web[page.url]) for page in pages]
    await drive.crawl.processed.store(run_id, fences(pages), found)
    pages = await drive.crawl.batches.begin_attempt(batch)
    began = time.monotonic()
    await drive.crawl.settlement.settle(batch, fences(pages))
    ended = time.monotonic()
    await drive.crawl.batches.release(batch)
    await drive.pool.execute(
        "update sources set lease_run = null, lease_workflow = null, lease_since = null"
    )
    return ended - began, ended


@contextmanager
def _following(url: str) -> Iterator[dict[int, float]]:
    """Change → when a follower in another process printed it; read in a thread, so that the event
    loop does not delay it."""
    heard: dict[int, float] = {}
    process = subprocess.Popen(
        [sys.executable, "-m", "starter.cli", "changes", "--follow", "-o", "jsonl"],
        stdout=subprocess.PIPE,
        env={**os.environ, "ATLAS_DATABASE_URL": url},
    )
    assert process.stdout is not None
    begun = threading.Event()

    def listen() -> None:
        for line in process.stdout or ():
            begun.set()
            if (number := json.loads(line)["number"]) is not None:
                heard[number] = time.monotonic()

    thread = threading.Thread(target=listen)
    thread.start()
    begun.wait(60)
    try:
        yield heard
    finally:
        process.kill()
        process.wait()
        thread.join()


async def _until_heard(heard: dict[int, float], last: int) -> None:
    while last not in heard:
        await asyncio.sleep(0.05)


async def _read() -> None:
    async with AtlasClient.connect() as atlas:
        begin = (await anext(atlas.changes())).cursor.split("-")[0] + "-0-0"
        for what, since in (("what is live", "start"), ("the feed", begin)):
            for content in (None, "text", "markdown"):
                began, count = time.monotonic(), 0
                async for _ in atlas.changes(since, content=content):  # type: ignore[arg-type]
                    count += 1
                rate = count / (time.monotonic() - began)
                print(f"reading {what}, {content or 'no text':<9} {rate:9.0f} changes/s")


if __name__ == "__main__":
    main()
