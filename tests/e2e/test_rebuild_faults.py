"""Rebuilds whose worker is killed, that are cancelled, and whose activities come twice."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError

from atlas.contracts.rebuild_index import (
    CheckGeneration,
    CopyTexts,
    DropGenerations,
    MarkSettled,
    StartGeneration,
    SwitchGeneration,
)
from tests.e2e.environments import Servers, kill, servers
from tests.e2e.rebuilding import (
    PAGES,
    declare,
    rebuild,
    start,
    states,
    until_copied,
    until_dropped,
    urls,
)
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_delivery import Deliver, activities, beside, cut_short, twice
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin

__all__ = ["servers"]


@pytest.mark.slow  # ten seconds until its heartbeats are missed
async def test_a_worker_killed_while_it_copies(servers: Servers, tmp_path: Path) -> None:
    async with Origin() as origin, servers.atlas(tmp_path) as env:
        await declare(env, origin)
        victim = env.spawn_worker()
        await env.sync("docs")
        handle = await start(env, chunk=1)
        await until_copied(env, 5)
        await kill(victim)
        assert await states(env) == {1: "active", 2: "building"}
        assert set(await urls(env)) == {origin.url(f"/{n}") for n in range(PAGES)}
        env.spawn_worker()
        result = await handle.result()
        assert (result.outcome, result.generation, result.texts) == ("completed", 2, PAGES)
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_killed_or_cancelled_at_any_moment(servers: Servers, tmp_path: Path) -> None:
    """Through gates and switch as well; how it ends may depend on the moment, what is left not."""
    async with asyncio.TaskGroup() as group:  # at once: each mostly waits for missed heartbeats
        for seed in range(4):
            group.create_task(disturbed(servers, tmp_path / str(seed), random.Random(seed)))


async def disturbed(servers: Servers, folder: Path, dice: random.Random) -> None:
    async with Origin() as origin, servers.atlas(folder) as env:
        await declare(env, origin)
        victim = env.spawn_worker()
        await env.sync("docs")
        handle = await start(env, chunk=4, keep_days=0)
        await until_copied(env, 1)
        await asyncio.sleep(dice.uniform(0, 2))
        await kill(victim)
        env.spawn_worker()
        cancelled = dice.random() < 0.5
        if cancelled:
            await asyncio.sleep(dice.uniform(0, 1))
            with suppress(RPCError):  # it has ended
                await handle.cancel()
        try:
            assert (await handle.result()).outcome == "completed"
        except WorkflowFailureError as failure:
            assert cancelled and isinstance(failure.cause, CancelledError)
        assert (await rebuild(env, keep_days=0)).outcome == "completed"
        await until_dropped(env)
        assert list((await states(env)).values()) == ["active"]
        assert set(await urls(env)) == {origin.url(f"/{n}") for n in range(PAGES)}
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)


async def test_cancelled_while_it_copies_then_run_again(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await declare(atlas_env, origin)
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        handle = await start(atlas_env, chunk=1)
        await until_copied(atlas_env, 5)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        await until_dropped(atlas_env)
        assert await states(atlas_env) == {1: "active"}
        await assert_invariants(atlas_env.pool, atlas_env.blobs)
        assert await atlas_env.value(
            "select outcome from runs where kind = 'rebuild_index'"
        ) == "cancelled"  # fmt: skip
        assert (await rebuild(atlas_env)).outcome == "completed"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


@pytest.mark.parametrize(
    "deliver",
    [*(pytest.param(way, marks=pytest.mark.slow) for way in (twice, beside)), cut_short],
    ids=lambda way: way.__name__,
)
async def test_every_activity_delivered_again(
    atlas_env: AtlasEnv, origin: Origin, deliver: Deliver
) -> None:
    await declare(atlas_env, origin)
    async with atlas_env.worker():
        await atlas_env.sync("docs")
    before = await urls(atlas_env)
    built = [1]
    async with activities(atlas_env, deliver) as call:
        for run_id in ("first", "second"):
            started = await call(
                "start_generation", StartGeneration(run_id=run_id, workflow_id="by-hand")
            )
            generation = started.generation
            after: str | None = ""
            while after is not None:
                key = CopyTexts(generation=generation, after=after, chunk=10)
                after = (await call("copy_texts", key)).last
            checked = await call("check_generation", CheckGeneration(generation=generation))
            assert all(gate.passed for gate in checked.gates), checked
            switched = await call(
                "switch_generation", SwitchGeneration(run_id=run_id, generation=generation)
            )
            assert (switched.active, switched.previous) == (generation, built[-1])
            await call("mark_settled", MarkSettled(generation=generation))
            await call("drop_generations", DropGenerations(run_id=run_id))
            built.append(generation)
        back = await call("switch_generation", SwitchGeneration(run_id="rollback"))
        assert (back.active, back.previous) == (built[1], built[2])
        await until_dropped(atlas_env)
    assert await states(atlas_env) == {built[1]: "active", built[2]: "previous"}
    assert await urls(atlas_env) == before
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
