"""What a tenth of dead, slow or hostile hosts costs the pages of all others, by default of 1,000.

Three syncs in one run, each of one list of pages on many hosts of loopback (`hosts_served`): the
healthy hosts alone, as many others together with the hostile ones, and once more as many alone,
since what else the machine does changes meanwhile. Counted is how fast the healthy ones' pages are
done; what the hostile ones take after that costs nobody anything.
`python -m benchmarks.hosts HOSTS PAGES` for other numbers.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from temporalio.client import Client, WorkflowFailureError

from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest
from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.sources import sources
from benchmarks.hosts_served import address, trouble
from benchmarks.pipeline import stack

_WARM, _HEALTHY, _MIXED, _AGAIN = 20, 21, 22, 23
"""Networks: 127.N.0.0/16."""


def main(hosts: int = 1000, pages: int = 3) -> None:
    """Print the rates and their ratio."""
    asyncio.run(_compare(hosts, pages))


async def _compare(hosts: int, pages: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["ATLAS_HOME"] = home
        os.environ["ATLAS_FETCH_ALLOW_NETWORKS"] = "127.0.0.0/8"
        healthy = [host for host in range(hosts) if trouble(host) is None]
        async with _served() as (port, closed), stack(Path(home)) as (database_url, client):
            await _rate(database_url, client, "warm", _urls(_WARM, healthy[:8], pages, port))
            alone = _urls(_HEALTHY, healthy, pages, port)
            before = await _rate(database_url, client, "alone", alone)
            refuse = [host for host in range(hosts) if trouble(host) == "refuses"]
            others = [host for host in range(hosts) if trouble(host) not in (None, "refuses")]
            bad = _urls(_MIXED, refuse, pages, closed) + _urls(_MIXED, others, pages, port)
            good = _urls(_MIXED, healthy, pages, port)
            mixed = await _rate(database_url, client, "mixed", good, bad)
            alone = _urls(_AGAIN, healthy, pages, port)
            after = await _rate(database_url, client, "again", alone)
    print(f"healthy hosts alone         {before:7.1f} pages/s ({len(healthy)} hosts)")
    print(f"with the hostile tenth      {mixed:7.1f} pages/s ({hosts - len(healthy)} more)")
    print(f"healthy hosts alone again   {after:7.1f} pages/s")
    print(f"ratio                       {mixed / ((before + after) / 2):7.2f}")


def _urls(network: int, hosts: Sequence[int], pages: int, port: int) -> list[str]:
    named = (f"http://{address(network, host)}:{port}/page" for host in hosts)
    return [f"{host}/{page}" for host in named for page in range(pages)]


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[int, int]]:
    """The port that all hosts are served on, and one that nobody serves."""
    command = [sys.executable, "-m", "benchmarks.hosts_served", str(_MIXED)]
    with socket.socket() as bound, subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        bound.bind(("0.0.0.0", 0))
        try:
            assert server.stdout is not None
            port = int(await asyncio.to_thread(server.stdout.readline))
            yield port, bound.getsockname()[1]
        finally:
            server.terminate()


async def _rate(
    database_url: str, client: Client, name: str, good: list[str], bad: Sequence[str] = ()
) -> float:
    """Healthy pages per second, until the last of them is done."""
    spec = SourceSpec(name=name, kind="urls", urls=(*good, *bad), delay=0, parallel=2)
    connection = await asyncpg.connect(database_url)
    await sources.add(connection, spec, datetime.now(UTC))
    began = time.perf_counter()
    handle = await client.start_workflow(
        "sync_pipeline",
        SyncRequest(sources=[name]),
        id=f"sync_pipeline:{name}",
        task_queue=QUEUE,
    )
    done = 0
    while done < len(good):
        await asyncio.sleep(0.5)
        done = await connection.fetchval(
            "select count(*) from run_pages rp join runs r using (run_id) "
            "where r.source_name = $1 and rp.stage = 'done' and rp.outcome = 'added'",
            name,
        )
    spent = time.perf_counter() - began
    if bad:
        await handle.cancel()  # what is left waits for hosts that never answer
        with suppress(WorkflowFailureError):
            await handle.result()
    else:
        await handle.result()
    await connection.close()
    return len(good) / spent


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
