"""`hourly_collection`: what is due is synced, searchable, and synced once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from tests.e2e.stack import AtlasEnv
from tests.e2e.test_collect import declare, execute, start, words
from tests.e2e.test_sync import found
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin

HOUR = timedelta(hours=1)


async def test_what_is_due_is_synced_once_and_can_be_found(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await declare(atlas_env, origin, "new", 2)
    await declare(atlas_env, origin, "often", 1, cadence=timedelta(minutes=15))
    await declare(atlas_env, origin, "weekdays", 1, cron="15 6 * * 1-5")
    await declare(atlas_env, origin, "asleep", 1, paused=True)
    async with atlas_env.worker():
        first = await execute(atlas_env, "hourly_collection", {})
        assert (first["outcome"], first["due"], first["started"]) == ("completed", 1, 1), first
        assert (first["outcomes"], first["counts"]["added"]) == ({"completed": 1}, 2)
        assert first["sources"][0]["workflow_id"] == "sync_pipeline:new"
        assert await found(atlas_env, '"lantern 1"') == [origin.url("/new/1")]
        started = await atlas_env.value(
            "select started_at from runs where workflow_id = 'sync_pipeline:new'"
        )
        source = (await atlas_env.fetch("select * from sources where name = 'new'"))[0]
        assert source["checked_at"] == source["synced_at"] == started

        second = await execute(atlas_env, "hourly_collection")
        assert (second["outcome"], second["due"]) == ("completed", 0)

        # Three hours without a worker, of a source due every hour: one run makes up for them.
        await atlas_env.pool.execute(
            "update sources set cadence = '1 hour', checked_at = checked_at - interval '4 hours' "
            "where name = 'new'"
        )
        third = await execute(atlas_env, "hourly_collection", {})
        assert (third["due"], third["counts"]["seen"]) == (1, 0), third
        assert (await execute(atlas_env, "hourly_collection", {}))["due"] == 0
        kinds = await atlas_env.fetch("select kind, trigger from runs order by started_at limit 2")
        assert [tuple(row) for row in kinds] == [
            ("hourly_collection", "schedule"),
            ("sync_pipeline", "schedule"),
        ]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


@pytest.mark.slow
async def test_a_source_under_way_is_no_failure_and_a_cancelled_hour_is_made_up_for(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    gate = asyncio.Event()
    busy = await declare(atlas_env, origin, "busy", 1)
    slow = await declare(atlas_env, origin, "slow", 1)
    origin.page(busy[0], words(0), gate=gate)
    origin.page(slow[0], words(1), silent=True)
    async with atlas_env.worker():
        other = await atlas_env.start("busy")
        await origin.arrived(busy[0])
        hour = await start(atlas_env, "hourly_collection", {})
        await origin.arrived(slow[0])
        await hour.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await hour.result()
        assert isinstance(failure.value.cause, CancelledError)
        origin.page(slow[0], words(1))

        again = await execute(atlas_env, "hourly_collection", {})
        assert again["outcomes"] == {"already_running": 1, "completed": 1}, again
        assert (again["outcome"], again["due"], again["started"]) == ("completed", 2, 1)
        gate.set()
        assert (await other.result()).outcome == "completed"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
