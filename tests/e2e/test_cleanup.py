"""`daily_cleanup` from start to result, on the real servers: what it takes, how it is cut off."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleBackfill,
    ScheduleSpec,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import CancelledError, WorkflowAlreadyStartedError

from atlas.contracts.daily_cleanup import (
    CLASSES,
    CleanupRequest,
    CleanupResult,
    CleanupRun,
    EndCleanup,
    MendMissing,
    Sweep,
    WorkShards,
)
from atlas.contracts.jobs import BeginJob, EndJob, Progress
from atlas.contracts.names import QUEUE
from atlas.contracts.weekly_report import FreezeDays
from atlas.stores.blobs import open_blobs
from atlas.stores.postgres.crawl.bodies import ledger_partitions
from starter import AtlasClient
from tests.e2e.environments import kill, until
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_delivery import Deliver, activities, beside, cut_short, once, twice
from tests.invariants import Snapshot, assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin

SHORT = {
    "ATLAS_RETENTION_SNAPSHOTS": "20",
    "ATLAS_RETENTION_VERSIONS": "20",
    "ATLAS_RETENTION_NEWEST_VERSIONS": "1",
    "ATLAS_RETENTION_TOMBSTONES": "20",
    "ATLAS_RETENTION_RUNS": "20",
    "ATLAS_RETENTION_NEWEST_RUNS": "1",
    "ATLAS_RETENTION_LEDGER": "5",
}
PAGES = 6
Handle = WorkflowHandle[Any, CleanupResult]


def page(number: int, edition: int) -> str:
    text = f"Page {number} of the log, edition {edition}, tells of {number * 7 + edition} boats."
    return f"<html lang=en><title>Log {number}</title><main><h1>Log {number}</h1><p>{text}</p>"


@pytest.fixture
def env(atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch) -> AtlasEnv:
    """An Atlas that keeps little."""
    for name, value in SHORT.items():
        monkeypatch.setenv(name, value)
    atlas_env.variables.update(SHORT)
    return atlas_env


async def grow(env: AtlasEnv, origin: Origin) -> None:
    """Three editions of a few pages, one of which is gone at last; needs a worker."""
    paths = [f"/{number}" for number in range(PAGES)]
    await env.add_source("docs", "urls", *map(origin.url, paths), deletion="prompt")
    for edition in range(3):
        for number, path in enumerate(paths):
            origin.page(path, page(number, edition))
        if edition == 2:
            origin.status("/0", 410)
        await env.sync("docs", id=f"sync_pipeline:{edition}")


async def age(env: AtlasEnv, by: timedelta) -> None:
    """Let everything have happened so much earlier."""
    async with env.pool.acquire() as connection, connection.transaction():
        oldest = datetime.now(UTC) - by
        for month in {oldest, oldest - timedelta(days=31), oldest + timedelta(days=31)}:
            await ledger_partitions.make_partitions(connection, month)
        for table, columns in {
            "runs": ("started_at", "ended_at"),
            "fetches": ("run_started", "fetched_at"),
            "versions": ("valid_from", "valid_to"),
            "documents": ("created_at",),
            "blobs": ("put_at", "condemned_at"),
            "page_state": ("tombstoned_at", "purged_at", "fetched_at"),
            "artifacts": ("created_at",),
        }.items():
            changes = ", ".join(f"{column} = {column} - $1::interval" for column in columns)
            await connection.execute(f"update {table} set {changes}", by)
        for table in ("daily_host_stats", "daily_stats", "frozen_days"):  # to be frozen anew
            await connection.execute(f"delete from {table}")
    for file in env.blobs.rglob("*.*"):
        stamp = file.stat().st_mtime - by.total_seconds()
        os.utime(file, (stamp, stamp))


@asynccontextmanager
async def grown(env: AtlasEnv, origin: Origin) -> AsyncIterator[None]:
    """A corpus of six weeks ago, and a worker in this process."""
    async with env.worker():
        await grow(env, origin)
        await age(env, timedelta(days=40))
        yield


async def start(env: AtlasEnv, request: dict[str, Any], id: str = "daily_cleanup") -> Handle:
    handle: Handle = await env.client.start_workflow(
        "daily_cleanup", request, id=id, task_queue=QUEUE, result_type=CleanupResult
    )
    return handle


async def clean(env: AtlasEnv, id: str = "daily_cleanup", **request: Any) -> CleanupResult:
    return await (await start(env, request, id)).result()


async def lines(env: AtlasEnv, result: CleanupResult) -> set[tuple[str, str]]:
    """Class and identity of everything in the run's list."""
    assert result.manifest is not None
    async with open_blobs(str(env.blobs)) as blobs:
        text = (await blobs.get(result.manifest)).decode()
    found = [json.loads(line) for line in text.splitlines()]
    assert len(found) == sum(result.removed.values())
    return {(line["class"], line["identity"]) for line in found}


async def sound(env: AtlasEnv) -> None:
    await assert_invariants(
        env.pool, env.blobs, bodies_since=datetime.now(UTC) - timedelta(days=20)
    )


async def objects(env: AtlasEnv) -> int:
    return sum(1 for _ in env.blobs.rglob("*.zst"))


async def test_what_is_old_goes_in_a_dry_run_as_in_a_real_one(
    env: AtlasEnv, origin: Origin
) -> None:
    async with grown(env, origin):
        corpus = await snapshot(env.pool, origin.base)
        before = await objects(env)
        dry = await clean(env, dry_run=True)
        assert (dry.outcome, dry.dry_run, dry.condemned) == ("completed", True, 0)
        assert (await snapshot(env.pool, origin.base)).differences(corpus) == []
        assert await objects(env) == before + 1  # the list itself
        real = await clean(env)
        assert await lines(env, real) == await lines(env, dry)
        assert real.removed == dry.removed
        # Page 0 had two versions and is purged with the other; every other page had three.
        assert real.removed["versions"] == 2 * (PAGES - 1) + 1
        assert real.removed["tombstones"] == 1
        assert real.removed["runs"] == 2
        assert real.removed["ledger"] >= 1
        assert real.partitions_dropped
        assert real.condemned == 2 * PAGES  # all bodies but those of the live pages
        assert real.message == ""
        await age(env, timedelta(days=3))
        last = await clean(env)
        assert last.removed["snapshots"] == 2 * PAGES
        assert last.bytes_freed > 0
        assert (
            await objects(env) == PAGES - 1 + 3
        )  # live pages, and three lists: dry and real are one, and that of the audits is empty
        await sound(env)
        assert (await snapshot(env.pool, origin.base)).live == corpus.live
        again = await env.sync("docs", id="after")
        assert (again.counts.changed, again.counts.failed) == (0, 1)
        await sound(env)
        await assert_workflows_healthy(env.client)


@pytest.mark.slow
async def test_it_is_recorded_with_its_figures(env: AtlasEnv, origin: Origin) -> None:
    async with grown(env, origin), AtlasClient.connect() as atlas:
        run = await atlas.start("daily_cleanup", max_deletions=3, classes=["versions", "runs"])
        result = await run.result()
        assert isinstance(result, CleanupResult)
        assert result.kept_by_cap == {"versions": 2 * (PAGES - 1) - 2, "runs": 2}
        assert "the cap on deletions leaves 8 versions, 2 runs" in result.message
        recorded = await env.fetch(
            "select * from runs where kind = 'daily_cleanup' and run_id = $1", result.run_id
        )
        assert recorded[0]["outcome"] == "completed"
        assert json.loads(recorded[0]["summary"])["versions"] == 3
        assert recorded[0]["trigger"] == "client"


@pytest.mark.slow
async def test_long_histories_continue_as_new(env: AtlasEnv, origin: Origin) -> None:
    async with grown(env, origin):
        result = await clean(env, max_history_events=50)
        assert result.events > 60
        assert result.removed["versions"] == 2 * (PAGES - 1) + 1
        found = [run async for run in env.client.list_workflows("WorkflowId = 'daily_cleanup'")]
        assert len(found) > 1
        await sound(env)


async def test_a_run_that_catches_up_works_as_of_its_scheduled_time(env: AtlasEnv) -> None:
    """The moment comes from the schedule, not from when the run gets round to it."""
    meant_for = datetime.now(UTC).replace(microsecond=0, second=0) - timedelta(days=3)
    handle = await env.client.create_schedule(
        "cleanup",
        Schedule(
            action=ScheduleActionStartWorkflow(
                "daily_cleanup", CleanupRequest(trigger="schedule"), id="cleanup", task_queue=QUEUE
            ),
            spec=ScheduleSpec(cron_expressions=[f"{meant_for.minute} {meant_for.hour} * * *"]),
        ),
    )
    try:
        async with env.worker():
            await handle.backfill(
                ScheduleBackfill(meant_for - timedelta(seconds=1), meant_for + timedelta(seconds=1))
            )

            async def ended() -> bool:
                return bool(await env.value("select count(*) from runs where ended_at is not null"))

            await until(ended)
            workflow_id = await env.value("select workflow_id from runs")
            asked = await begun(env, workflow_id)
    finally:
        await handle.delete()
    assert asked.now == meant_for


async def begun(env: AtlasEnv, workflow_id: str) -> CleanupRun:
    """What the activity `begin_cleanup` was asked for."""
    history = await env.client.get_workflow_handle(workflow_id).fetch_history()
    for event in history.events:
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name == "begin_cleanup":
            converter = env.client.data_converter
            values = await converter.decode(scheduled.input.payloads, [CleanupRun])
            found: CleanupRun = values[0]
            return found
    raise AssertionError("begin_cleanup was never asked for")


# Cut off


@asynccontextmanager
async def held_at(env: AtlasEnv, table: str) -> AsyncIterator[None]:
    """Nobody else touches a table until the block ends."""
    connection = await asyncpg.connect(env.database_url)
    try:
        async with connection.transaction():
            await connection.execute(f"lock table {table} in access exclusive mode")
            yield
    finally:
        await connection.close()


async def until_stage(handle: Handle, stage: str) -> None:
    async def there() -> bool:
        progress = await handle.query("progress", result_type=Progress)
        return progress.stage == stage

    await until(there)


async def until_blocked(env: AtlasEnv) -> None:
    async def blocked() -> bool:
        return bool(await env.value(
            "select count(*) from pg_stat_activity "
            "where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0"
        ))  # fmt: skip

    await until(blocked)


async def test_cancelled_midway_it_says_what_went_and_the_next_goes_on(
    env: AtlasEnv, origin: Origin
) -> None:
    async with grown(env, origin):
        expected = await clean(env, dry_run=True)
        async with held_at(env, "run_missing"):
            handle = await start(env, {})
            await until_stage(handle, "removing runs")
            await until_blocked(env)
            await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, CancelledError)
        first = handle.first_execution_run_id
        recorded = await env.fetch("select outcome, summary from runs where run_id = $1", first)
        assert recorded[0]["outcome"] == "cancelled"
        assert json.loads(recorded[0]["summary"])["versions"] == expected.removed["versions"]
        await sound(env)
        rest = await clean(env)
        assert "versions" not in rest.removed
        assert rest.removed["ledger"] == expected.removed["ledger"]
        await sound(env)
        await assert_workflows_healthy(env.client)


@pytest.mark.slow
async def test_paused_it_waits_and_a_second_start_meets_it(env: AtlasEnv, origin: Origin) -> None:
    async with grown(env, origin):
        async with held_at(env, "cleanup_items"):
            handle = await start(env, {})
            await handle.signal("pause")
            with pytest.raises(WorkflowAlreadyStartedError):
                await start(env, {})
        async with AtlasClient.connect() as atlas:
            joined = await atlas.start("daily_cleanup", trigger="manual")
            assert joined.joined

            async def paused() -> bool:
                return (await joined.progress()).paused and bool(
                    await env.value("select count(paused_since) from runs")
                )

            await until(paused)
            await handle.signal("resume")
            result = await joined.result()
        assert isinstance(result, CleanupResult)
        assert result.removed["versions"] == 2 * (PAGES - 1) + 1
        await sound(env)


KILLS = {
    "snapshots": "documents",  # the reference check of a deletion
    "versions": "versions",
    "tombstones": "quarantine",
    "runs": "run_missing",
    "ledger": "fetches",
    "condemning": "artifacts",
}
"""Where a worker is killed → the table at which it is held there."""


async def grown_afar(env: AtlasEnv, origin: Origin) -> None:
    """The same corpus, and one clean-up behind it: there are condemned blobs to delete too. The
    worker is a process of its own."""
    env.spawn_worker()
    await grow(env, origin)
    await age(env, timedelta(days=40))
    await clean(env, classes=["versions", "snapshots"], max_deletions=4)
    await age(env, timedelta(days=3))


async def killed_at(env: AtlasEnv, origin: Origin, table: str) -> None:
    """A worker is killed while it is held at a table; another goes on."""
    live = (await snapshot(env.pool, origin.base)).live
    expected = await clean(env, id="dry", dry_run=True)
    assert expected.removed["snapshots"] > 0
    victim = env.workers[-1]
    async with held_at(env, table):
        handle = await start(env, {})
        await until_blocked(env)
        await kill(victim)
    env.spawn_worker()
    result = await handle.result()
    assert result.removed == expected.removed
    assert await lines(env, result) == await lines(env, expected)
    await sound(env)
    assert (await snapshot(env.pool, origin.base)).live == live
    await assert_workflows_healthy(env.client)
    await age(env, timedelta(days=3))
    await clean(env)
    await sound(env)


@pytest.mark.slow
async def test_killed_while_it_deletes_blobs_it_goes_on(env: AtlasEnv, origin: Origin) -> None:
    await grown_afar(env, origin)
    await killed_at(env, origin, KILLS["snapshots"])


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("step", sorted(set(KILLS) - {"snapshots"}))
async def test_killed_at_every_other_step(env: AtlasEnv, origin: Origin, step: str) -> None:
    await grown_afar(env, origin)
    await killed_at(env, origin, KILLS[step])


# Delivered twice

_found: list[tuple[dict[str, int], Snapshot]] = []


@pytest.mark.parametrize(
    "deliver",
    [*(pytest.param(way, marks=pytest.mark.slow) for way in (once, twice, cut_short)), beside],
    ids=lambda way: way.__name__,
)
async def test_every_way_of_delivery_takes_the_same(
    env: AtlasEnv, origin: Origin, deliver: Deliver
) -> None:
    async with grown(env, origin):
        pass
    async with activities(env, deliver) as call:
        removed = await clean_by_hand(call, "one")
        await age(env, timedelta(days=3))
        removed |= {f"later {kind}": n for kind, n in (await clean_by_hand(call, "two")).items()}
    await sound(env)
    _found.append((removed, await snapshot(env.pool, origin.base)))
    assert removed["later snapshots"] == 2 * PAGES
    assert removed == _found[0][0]
    assert _found[-1][1].differences(_found[0][1]) == []


async def clean_by_hand(call: Any, run_id: str) -> dict[str, int]:
    """What `daily_cleanup` does."""
    run: dict[str, Any] = {"run_id": run_id, "now": datetime.now(UTC)}
    await once(
        call.by_name["begin_job"],
        BeginJob(run_id=run_id, workflow_id="by-hand", kind="daily_cleanup"),
    )
    while (await call("freeze_days", FreezeDays())).remaining:
        pass
    await call("begin_cleanup", CleanupRun(**run))
    await call("scan_blobs", WorkShards(**run))
    assert (await call("mend_missing", MendMissing(**run))).missing == 0
    for kind in CLASSES:
        swept = await call("sweep", Sweep(**run, kind=kind))
        assert (swept.after, swept.capped) == (None, False)
    await call("condemn_blobs", WorkShards(**run))
    ended = await call("end_cleanup", EndCleanup(**run))
    await once(call.by_name["end_job"], EndJob(run_id=run_id, outcome="completed"))
    removed: dict[str, int] = ended.removed
    return removed


async def test_the_record_of_a_terminated_run_is_ended(env: AtlasEnv, origin: Origin) -> None:
    """It executed no code, so nobody else would; one that Temporal has under way stays open. Each
    has a page of its own: a run that waits for a page of a dead run ends that run's record."""
    gate = asyncio.Event()
    origin.page("/a", page(1, 1), gate=gate)
    origin.page("/b", page(1, 2), gate=gate)
    await env.add_source("docs", "urls", origin.url("/a"))
    await env.add_source("open", "urls", origin.url("/b"))
    async with env.worker():
        dead, under_way = await env.start("docs"), await env.start("open")
        await origin.arrived("/a")
        await until(lambda: env.value("select count(*) = 2 from runs"))
        await dead.terminate()
        await env.pool.execute("update runs set started_at = started_at - interval '2 hours'")
        cleaned = await clean(env)
        assert "1 runs had ended without closing" in cleaned.message
        ended = await env.fetch(
            "select source_name, outcome from runs where kind = 'sync_pipeline'"
        )
        assert {row["source_name"]: row["outcome"] for row in ended} == {
            "docs": "failed",
            "open": None,
        }
        gate.set()
        await under_way.result()
    await assert_invariants(env.pool, env.blobs)
