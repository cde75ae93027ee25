"""Documents per second of a whole sync, against a bare Python loop over the same functions.

The loop fetches, extracts in two child processes and copies the texts into PostgreSQL: no
workflow, no ledger, no blobs, no index, no duplicates. Both run here, one after the other, on the
same site served by a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import asyncpg
from temporalio.client import Client

from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from atlas.domain.fetch import FetchRequest
from atlas.domain.prepared import PrepareJob
from atlas.domain.sources import SourceSpec
from atlas.embedded.stack_record import read_stack
from atlas.stores.postgres.sources import sources
from atlas.temporal.connection import connect
from atlas.text.children.pool import ExtractorPool
from atlas.web.address_policy import AddressPolicy
from atlas.web.client import WebClient
from atlas.web.listings import Buffer
from atlas.web.politeness import OpenSlots
from atlas.worker.robots_parser import parsing_robots

LANES = 3


def main(pages: int = 2000) -> None:
    """Print both rates and their ratio."""
    asyncio.run(_compare(pages))


async def _compare(pages: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        os.environ["ATLAS_FETCH_ALLOW_NETWORKS"] = "127.0.0.0/8"
        async with _site(pages) as urls, stack(Path(home)) as (database_url, client):
            bare = await _bare_loop(urls, database_url)
            synced, events = await _sync(urls, database_url, client)
    print(f"bare loop  {bare:7.1f} documents/s")
    print(f"sync       {synced:7.1f} documents/s, {events / pages:.2f} history events a document")
    print(f"ratio      {synced / bare:7.2f}")


@asynccontextmanager
async def _site(pages: int) -> AsyncIterator[list[str]]:
    command = [sys.executable, "-m", "benchmarks.pages_served", str(pages)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        base = (await asyncio.to_thread(server.stdout.readline)).decode().strip()
        yield [f"{base}/page/{number}" for number in range(pages)]
    finally:
        server.terminate()
        server.wait()


@asynccontextmanager
async def stack(home: Path) -> AsyncIterator[tuple[str, Client]]:
    """An embedded stack: the database's URL and a client of its Temporal."""
    from starter.cli.commands.stack import down, up

    if up(detach=True):
        raise SystemExit("the embedded stack did not start")
    try:
        found = read_stack(home)
        assert found and found.database_url
        secrets = Path(found.temporal_secrets) if found.temporal_secrets else None
        yield found.database_url, await connect(found.temporal_address, secrets=secrets)
    finally:
        down()


async def _bare_loop(urls: list[str], database_url: str) -> float:
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))
    connection = await asyncpg.connect(database_url)
    await connection.execute("create temp table bare (url text, title text, text text)")
    async with (
        parsing_robots() as parse_robots,
        WebClient(policy=policy, parse_robots=parse_robots) as client,
        ExtractorPool(children=2) as pool,
    ):
        room = asyncio.Semaphore(8)

        async def one(url: str) -> tuple[str, str, str]:
            async with room:
                buffer = Buffer()
                got = await client.fetch(FetchRequest(url), buffer, OpenSlots())
                job = PrepareJob(bytes(buffer.body), got.content_type, got.charset, url)
                found = (await pool.prepare(job)).extracted
                return url, found.title, found.text

        await asyncio.gather(*(one(url) for url in urls[:8]))  # children are up and warm
        began = time.perf_counter()
        for start in range(0, len(urls), 100):
            rows = await asyncio.gather(*(one(url) for url in urls[start : start + 100]))
            await connection.copy_records_to_table("bare", records=rows)
        spent = time.perf_counter() - began
    await connection.close()
    return len(urls) / spent


async def _sync(urls: list[str], database_url: str, client: Client) -> tuple[float, int]:
    connection = await asyncpg.connect(database_url)
    for name, chosen in (("warm", urls[:8]), ("bench", urls)):
        spec = SourceSpec(name=name, kind="urls", urls=tuple(chosen), delay=0, parallel=8)
        await sources.add(connection, spec, datetime.now(UTC))
    await connection.close()
    result = SyncResult(workflow_id="", run_id="", outcome="failed")
    spent = 1.0
    for name in ("warm", "bench"):
        began = time.perf_counter()
        result = await client.execute_workflow(
            "sync_pipeline",
            SyncRequest(sources=[name], lanes=LANES),
            id=f"sync_pipeline:{name}",
            task_queue=QUEUE,
            result_type=SyncResult,
        )
        spent = time.perf_counter() - began
    assert result.outcome == "completed", result
    return len(urls) / spent, result.events
