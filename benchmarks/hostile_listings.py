"""What a neighbour's `fetch_url` takes beside each hostile listing, and how far the worker grows.

One embedded stack with one worker. The listings are served from here, compressed; for each, the
neighbour is fetched again and again as long as the run of the listing lasts.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count, cycle
from pathlib import Path
from typing import Any

import asyncpg
from temporalio.client import Client

from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from atlas.domain.sources import Kind, SourceSpec
from atlas.embedded.stack_record import read_stack
from atlas.stores.postgres.sources import sources
from atlas.temporal.connection import connect
from benchmarks.pipeline import _stack
from tests.hostile import listings as hostile
from tests.origin import Origin, Reply

_NUMBERS = count()
_JSON = '{"version":"https://jsonfeed.org/version/1","items":['


def main() -> None:
    """Print a table."""
    asyncio.run(_measure())


async def _measure() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "ATLAS_HOME": home,
            "ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
            "ATLAS_EXTRACT_TIMEOUT": "20",
        }
        async with AsyncExitStack() as opened:
            origin = await opened.enter_async_context(Origin())
            # Many, so that none is asked twice within its second of politeness.
            origins = [await opened.enter_async_context(Origin()) for _ in range(60)]
            for each in origins:
                each.page("/neighbour", "<main><p>All about the neighbour.</p></main>")
            database_url, address = await opened.enter_async_context(_stack(Path(home)))
            client = await connect(address)
            stack = read_stack(Path(home))
            assert stack is not None
            await _table(origin, origins, client, database_url, stack.parts["worker"].pid)


async def _table(
    origin: Origin, origins: list[Origin], client: Client, database_url: str, pid: int
) -> None:
    neighbours = cycle(origins)
    await _run(client, database_url, "warm", "feed", origin.url("/none"))
    for _ in origins:  # their robots.txt is known from now on
        await _neighbour(client, neighbours)
    calm = statistics.median([await _neighbour(client, neighbours) for _ in range(20)])
    print(f"{'undisturbed':24} {calm * 1000:6.0f} ms")
    for name, (kind, text, rules) in _cases(origin).items():
        body = gzip.compress(text.replace("https://h.org", origin.base).encode(), 1)
        path = "/" + name.replace(" ", "-")
        headers = {"Content-Encoding": "gzip"}
        origin.reply(path, Reply(body, headers=headers, content_type="application/xml"))
        before = _memory(pid, "VmRSS")
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        url, key = origin.url(path), path[1:]
        run = asyncio.create_task(_run(client, database_url, key, kind, url, **rules))
        times = []
        while not run.done() or not times:
            times.append(await _neighbour(client, neighbours))
        result, grown = await run, _memory(pid, "VmHWM") - before
        beside = statistics.median(times)
        print(
            f"{name:24} {beside * 1000:6.0f} ms, ratio {beside / calm:4.2f} ({len(times)} times); "
            f"worker +{max(grown, 0)} MiB; {result.outcome}, {result.counts.seen} seen",
            flush=True,
        )


def _cases(origin: Origin) -> dict[str, tuple[Kind, str, dict[str, Any]]]:
    def urlset(part: int, tail: str, many: int = 50_000) -> str:
        locs = (f"<url><loc>{origin.base}/{part}/{n}/{tail}</loc></url>" for n in range(many))
        return f"<urlset>{''.join(locs)}</urlset>"

    for part in range(6):
        body = gzip.compress(urlset(part, "x" * 900).encode(), 1)
        headers = {"Content-Encoding": "gzip"}
        origin.reply(f"/part{part}", Reply(body, headers=headers, content_type="application/xml"))
    index = "".join(f"<sitemap><loc>{origin.url(f'/part{n}')}</loc></sitemap>" for n in range(6))
    few = {"max_pages": 10}
    patterns = (".*print.*page", r"\w*\w*\w*!")
    mega = hostile.M
    return {
        "CDATA, 160 KB": ("sitemap", hostile.SITEMAPS["cdata"], few),
        "DOCTYPEs": ("sitemap", hostile.SITEMAPS["doctypes"], few),
        "<url/>, 49 MB": ("sitemap", "<urlset>" + "<url/>" * (49 * mega // 6), few),
        "nested feed": ("feed", hostile.FEEDS["deep"], few),
        "slow feed": ("feed", hostile.SLOW_FEED, few),
        "{},, 24 MB": ("feed", _JSON + "{}," * (8 * mega) + "{}]}", few),
        "RSS items, 32 MB": ("feed", "<rss><channel>" + "<item/>" * (32 * mega // 7), few),
        "one sitemap of 45 MB": ("sitemap", urlset(0, "x" * 850), few),
        "index of 6 x 50,000": ("sitemap", f"<sitemapindex>{index}</sitemapindex>", few),
        "patterns": ("sitemap", urlset(0, "print" * 190, 2_000), few | {"exclude": patterns}),
    }


async def _run(
    client: Client, database_url: str, name: str, kind: Kind, url: str, **rules: Any
) -> SyncResult:
    name = "".join(each for each in name.lower() if each.isalnum()) or "x"
    connection = await asyncpg.connect(database_url)
    spec = SourceSpec(name=name, kind=kind, urls=(url,), delay=0, parallel=8, **rules)
    await sources.add(connection, spec, datetime.now(UTC))
    await connection.close()
    return await client.execute_workflow(
        "sync_pipeline",
        SyncRequest(sources=[name]),
        id=f"sync_pipeline:{name}",
        task_queue=QUEUE,
        result_type=SyncResult,
    )


async def _neighbour(client: Client, origins: Iterator[Origin]) -> float:
    request = {"url": next(origins).url("/neighbour")}
    began = time.perf_counter()
    await client.execute_workflow(
        "fetch_url", request, id=f"neighbour-{next(_NUMBERS)}", task_queue=QUEUE
    )
    return time.perf_counter() - began


def _memory(pid: int, name: str) -> int:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith(name)) // 1024
