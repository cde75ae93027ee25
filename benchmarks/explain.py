"""How long `atlas explain` takes, beside reading the same page: for pages that are live, that were
refused, and that nobody ever met. The goal is 100 ms; the ratio holds on a machine of any speed.

    python -m benchmarks explain
    python -m benchmarks.explain 1000 10000 50000   # pages in the corpus
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path

from atlas.stores.postgres.connection import open_pool
from benchmarks.changes import settle
from benchmarks.pipeline import stack
from benchmarks.rebuild import _texts
from starter import AtlasClient
from tests.stores.drive import Drive

SIZES = (1_000, 10_000)
BATCH = 100
LOOKS = 300


def main() -> None:
    """Print milliseconds at each size."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        asyncio.run(_measure(Path(home), tuple(map(int, sys.argv[1:])) or SIZES))


async def _measure(home: Path, sizes: tuple[int, ...]) -> None:
    async with stack(home) as (url, _):
        pool = await open_pool(url)
        drive = Drive(pool)
        await drive.add("bench")
        texts = (text for _, text in _texts(max(sizes)))
        stored = 0
        for size in sizes:
            while stored < size:
                await settle(drive, f"b{stored}", list(islice(texts, min(BATCH, size - stored))))
                stored += BATCH
            await pool.execute("analyze")
            await _look(drive, size)
        await pool.close()


async def _look(drive: Drive, size: int) -> None:
    rows = await drive.pool.fetch("select url from pages order by random() limit $1", LOOKS)
    live = [row["url"] for row in rows]
    never = [f"https://bench.example/never/{n}" for n in range(LOOKS)]
    async with AtlasClient.connect() as atlas:
        read = await _times(atlas.document, live)
        explained = await _times(atlas.explain, live)
        unmet = await _times(atlas.explain, never)
    print(f"{size} pages")
    for what, times in (
        ("a page is read", read),
        ("a live page explained", explained),
        ("an unknown one explained", unmet),
    ):
        middle, late = statistics.median(times), times[int(len(times) * 0.95)]
        ratio = middle / statistics.median(read)
        print(f"  {what:<25} {middle:7.1f} ms, p95 {late:7.1f} ms, ratio {ratio:5.2f}")


async def _times(look: Callable[[str], Awaitable[object]], urls: list[str]) -> list[float]:
    """Milliseconds of each look, in order, after a few that are not counted."""
    times = []
    for url in [*random.sample(urls, 10), *urls]:
        began = time.perf_counter()
        await look(url)
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times[10:])


if __name__ == "__main__":
    main()
