"""Few connections to PostgreSQL, and a pooler that shares them, are enough for whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.environments import Servers, servers
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin
from tests.pooler import pooled
from tests.proxy import socket_of, through
from tests.sites import START, GeneratedSite

__all__ = ["servers"]

pytestmark = pytest.mark.fault(21)

SITE = GeneratedSite(pages=30)


async def test_a_worker_behind_a_pooler_does_all_its_work(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    SITE.serve(origin)
    await atlas_env.add_source("docs", "site", origin.url(START), prefix=origin.url(START))
    async with pooled(socket_of(atlas_env.database_url), size=3) as pooler:
        url = through(pooler.port, atlas_env.database_url)
        monkeypatch.setenv("ATLAS_DATABASE_URL", url)
        async with atlas_env.worker():
            result = await atlas_env.sync("docs", batch=10)
            for kind in ("rebuild_index", "daily_cleanup", "health_check", "weekly_report"):
                await atlas_env.client.execute_workflow(kind, id=kind, task_queue="atlas")
        assert pooler.refused == []
    assert result.counts.done == result.counts.seen > 30
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


@pytest.mark.slow
async def test_four_workers_find_room_on_a_server_as_it_is_shipped(
    servers: Servers, tmp_path: Path
) -> None:
    """The embedded one takes 60 connections. Here 28 are left, as with others beside Atlas."""
    async with Origin() as origin, servers.atlas(tmp_path) as env:
        SITE.serve(origin)
        await env.add_source("docs", "site", origin.url(START), prefix=origin.url(START))
        name = await env.value("select current_database()")
        await env.pool.execute(f"alter database {name} connection limit 28")
        for _ in range(4):
            env.spawn_worker()
        result = await env.sync("docs", batch=5)
        assert result.counts.done == result.counts.seen > 30
        told = (tmp_path / "worker.log").read_text()
        assert "TooManyConnections" not in told and "too many connections" not in told
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)
