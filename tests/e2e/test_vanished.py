"""Connections to PostgreSQL vanish in the middle of a run, and nobody is told: the run ends, with
the corpus of an undisturbed one."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from atlas.stores.postgres import connection as pools
from atlas.stores.postgres import silent_sessions
from atlas.worker import workers
from tests.e2e.environments import Servers, kill, servers
from tests.e2e.stack import AtlasEnv
from tests.invariants import Snapshot, assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin
from tests.proxy import Link, proxied, socket_of, through
from tests.sites import START, GeneratedSite

__all__ = ["servers"]

pytestmark = pytest.mark.fault(2)

SITE = GeneratedSite(pages=40)
MOMENTS = [
    b"insert into documents",
    b"update run_pages rp set stage = $3",
    b"insert into versions",
    b"COMMIT",
]
"""What is just being said when the connections vanish: in the middle of processing, of fetching, of
settling, and, once it was heard, before the answer to a commit."""


def impatient(patch: pytest.MonkeyPatch) -> None:
    """What takes half a minute takes a second."""
    patch.setattr(pools, "_IDLE", "700ms")
    patch.setattr(silent_sessions, "EVERY", 0.3)
    patch.setattr(silent_sessions, "SILENT", 0.7)
    for name, seconds in (("_BEGINNING", 0.5), ("_CANCELLING", 0.5)):
        patch.setattr(pools, name, seconds)
    patch.setattr(pools, "_patience", type(pools._patience)("impatient", default=1.5))
    patch.setattr(workers, "_SHARE", 40)


async def declare(env: AtlasEnv, origin: Origin) -> None:
    SITE.serve(origin)
    await env.add_source("docs", "site", origin.url(START), prefix=origin.url(START))


async def undisturbed(servers: Servers, folder: Path) -> Snapshot:
    async with Origin() as origin, servers.atlas(folder) as env:
        await declare(env, origin)
        env.spawn_worker()
        await env.sync("docs")
        return await snapshot(env.pool, origin.base)


@pytest.mark.slow
async def test_connections_that_vanish_four_times_cost_nothing(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await undisturbed(servers, tmp_path / "undisturbed")
    impatient(monkeypatch)
    left = list(MOMENTS)
    async with Origin() as origin, servers.atlas(tmp_path / "vanishing") as env:
        await declare(env, origin)
        async with proxied(socket_of(env.database_url)) as proxy:

            def vanish(link: Link, sent: bytes) -> None:
                if left and left[0] in sent:
                    if left.pop(0) == b"COMMIT":
                        link.far.write(sent)
                    proxy.vanish()

            for name, value in env.variables.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("ATLAS_DATABASE_URL", through(proxy.port, env.database_url))
            proxy.on_sent = vanish
            async with env.worker():
                result = await env.sync("docs", batch=10)
        assert left == []
        assert result.counts.done == result.counts.seen
        await assert_invariants(env.pool, env.blobs)
        assert (await snapshot(env.pool, origin.base)).differences(whole) == []
        await assert_workflows_healthy(env.client)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_fresh_worker_goes_on_where_a_machine_was_lost(
    servers: Servers, tmp_path: Path
) -> None:
    """With the time-outs as shipped: its connections vanish, then it is gone as well."""
    whole = await undisturbed(servers, tmp_path / "undisturbed")
    async with Origin() as origin, servers.atlas(tmp_path / "lost") as env:
        await declare(env, origin)
        async with proxied(socket_of(env.database_url)) as proxy:
            lost = asyncio.Event()

            def vanish(link: Link, sent: bytes) -> None:
                if b"insert into versions" in sent and not lost.is_set():
                    proxy.vanish()
                    lost.set()

            proxy.on_sent = vanish
            url = through(proxy.port, env.database_url)
            command = (sys.executable, "-P", "-m", "worker")
            env.variables["ATLAS_DATABASE_URL"] = url
            victim = env.spawn_command(*command)
            handle = await env.start("docs", batch=10)
            await lost.wait()
            await kill(victim)
            env.variables["ATLAS_DATABASE_URL"] = env.database_url
            env.spawn_command(*command)
            result = await handle.result()
        assert result.counts.done == result.counts.seen
        await assert_invariants(env.pool, env.blobs)
        assert (await snapshot(env.pool, origin.base)).differences(whole) == []
