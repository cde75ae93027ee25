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
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from temporalio.client import Client

from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from atlas.domain.sources import Kind, SourceSpec
from atlas.embedded.stack_record import read_stack
from atlas.stores.postgres.sources import sources
from benchmarks.pipeline import stack
from tests.hostile import listings
from tests.hostile.neighbour import neighbour
from tests.origin import Origin, Reply


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
            database_url, client = await opened.enter_async_context(stack(Path(home)))
            found = read_stack(Path(home))
            assert found is not None
            await _table(origin, client, database_url, found.parts["worker"].pid)


async def _table(origin: Origin, client: Client, database_url: str, pid: int) -> None:
    await _run(client, database_url, "warm", "feed", origin.url("/none"))
    async with neighbour(client, pid) as beside:
        for name, (kind, reply, rules) in _cases(origin).items():
            path = "/" + "".join(each if each.isalnum() else "-" for each in name.lower())
            origin.reply(path, reply)
            run = _run(client, database_url, name, kind, origin.url(path), **rules)
            result, seen = await beside.beside(run)
            print(
                f"{name:30} {statistics.median(seen.times) * 1000:6.0f} ms beside "
                f"{seen.calm * 1000:4.0f}, ratio {seen.ratio:4.2f} ({len(seen.times)} times); "
                f"worker +{seen.grown} MiB; {result.outcome}, {result.counts.seen} seen",
                flush=True,
            )


def _cases(origin: Origin) -> dict[str, tuple[Kind, Reply, dict[str, Any]]]:
    """The largest of each kind, then every case of `tests/hostile`."""
    return _large(origin) | _hostile(origin)


def _hostile(origin: Origin) -> dict[str, tuple[Kind, Reply, dict[str, Any]]]:
    origin.page("/p", "<main><p>All about the harbour.</p></main>")
    entry = listings.FORMS["sitemap"][2].replace("<base>", origin.base)
    origin.page("/map.xml", f"<urlset>{entry}</urlset>", content_type="application/xml")
    rules = {"listing_entries": listings.limits(1).entries}
    return {
        case.name: (
            case.kind,
            Reply(case.body(origin.base), content_type="application/gzip")
            if case.packed
            else _compressed(case.body(origin.base).decode()),
            rules,
        )
        for case in listings.cases(1)
    }


def _large(origin: Origin) -> dict[str, tuple[Kind, Reply, dict[str, Any]]]:
    def urlset(part: int, tail: str, many: int = 50_000) -> str:
        locs = (f"<url><loc>{origin.base}/{part}/{n}/{tail}</loc></url>" for n in range(many))
        return f"<urlset>{''.join(locs)}</urlset>"

    for part in range(6):
        origin.reply(f"/part{part}", _compressed(urlset(part, "x" * 900)))
    index = "".join(f"<sitemap><loc>{origin.url(f'/part{n}')}</loc></sitemap>" for n in range(6))
    few = {"max_pages": 10}
    patterns = (".*print.*page", r"\w*\w*\w*!")
    found: dict[str, tuple[Kind, str, dict[str, Any]]] = {
        "<url/>, 49 MB": ("sitemap", listings.LARGE_SITEMAP, few),
        "slow feed": ("feed", listings.SLOW_FEED, few),
        "{},, 24 MB": ("feed", listings.LARGE_JSON, few),
        "RSS items, 32 MB": ("feed", listings.LARGE_RSS, few),
        "one sitemap of 45 MB": ("sitemap", urlset(0, "x" * 850), few),
        "index of 6 x 50,000": ("sitemap", f"<sitemapindex>{index}</sitemapindex>", few),
        "patterns": ("sitemap", urlset(0, "print" * 190, 2_000), few | {"exclude": patterns}),
    }
    return {name: (kind, _compressed(text), rules) for name, (kind, text, rules) in found.items()}


def _compressed(text: str) -> Reply:
    body = gzip.compress(text.encode(), 1)
    headers = {"Content-Encoding": "gzip"}
    return Reply(body, headers=headers, content_type="application/xml")


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
