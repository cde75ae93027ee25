"""`health_check`: what it finds and tells, and that it leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from atlas.contracts.health import Check, CheckConcern, Checked, HealthResult, TellHealth
from atlas.contracts.names import QUEUE
from starter.client import AtlasClient
from tests.e2e.environments import kill, until
from tests.e2e.scheduled import Receiver, fired, receiver, unhurried
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_delivery import Deliver, activities, beside, once, twice
from tests.invariants import snapshot
from tests.origin import Origin

__all__ = ["unhurried"]

PARTS = [
    "temporal",
    "postgresql",
    "blobs",
    "index",
    "queue atlas",
    "queue atlas-processing",
    "queue atlas-bulk",
    "schedules",
    "sources",
    "index_lag",
    "quarantine",
    "deletions",
    "audit",
    "disk",
]


@pytest.fixture
async def alerts() -> AsyncIterator[Receiver]:
    async with receiver() as received:
        yield received


async def check(env: AtlasEnv, *request: object, id: str = "health_check") -> HealthResult:
    result: HealthResult = await env.client.execute_workflow(
        "health_check", args=request, id=id, task_queue=QUEUE, result_type=HealthResult
    )
    return result


async def apply() -> None:
    async with AtlasClient.connect() as atlas:
        await atlas.schedules.apply()


def failing(result: HealthResult) -> list[str]:
    return [each.part for each in result.checks if each.status == "failing"]


async def test_all_is_well_also_with_the_smallest_input(atlas_env: AtlasEnv) -> None:
    await apply()
    async with atlas_env.worker():
        assert (await check(atlas_env)).status == "ok"
        result = await check(atlas_env, {})
    assert [(each.part, each.status, each.mend) for each in result.checks] == [
        (part, "ok", "") for part in PARTS
    ]
    assert (result.status, result.transitions, result.delivered) == ("ok", [], None)
    assert all(each.milliseconds > 0 for each in result.checks)
    assert len(result.model_dump_json()) < 8_000


async def test_it_leaves_no_trace(atlas_env: AtlasEnv, origin: Origin) -> None:
    origin.page("/a", "<html><body><p>Of tides and harbours, at some length.</p></body></html>")
    await atlas_env.add_source("list", "urls", origin.url("/a"))
    async with atlas_env.worker():
        await atlas_env.sync("list")
        before = await snapshot(atlas_env.pool, origin.base), await rows(atlas_env)
        kept = sorted(str(file) for file in atlas_env.blobs.rglob("*.zst"))
        result, *_ = await asyncio.gather(
            *(check(atlas_env, {}, id=f"check-{number}") for number in range(3))
        )
        assert failing(result) == []
    after = await snapshot(atlas_env.pool, origin.base), await rows(atlas_env)
    assert after == before
    assert sorted(str(file) for file in atlas_env.blobs.rglob("*.zst")) == kept


async def rows(env: AtlasEnv) -> dict[str, Any]:
    """Every table with its rows, and where each sequence stands; without those in which the writer
    of the index renews its lease and begins its first build."""
    tables = await env.fetch(
        "select tablename as name from pg_tables where schemaname = 'public' "
        "and tablename not in ('search_index', 'index_generations')"
    )
    found: dict[str, Any] = {}
    for table in tables:
        name = table["name"]
        text = f"select coalesce(string_agg(t::text, chr(10) order by t::text), '') from {name} t"
        found[name] = await env.value(text)
    found["sequences"] = await env.value(
        "select string_agg(sequencename || ' ' || coalesce(last_value, 0), ',' "
        "order by sequencename) from pg_sequences"
    )
    return found


async def test_transitions_are_told_once_to_the_webhook(
    atlas_env: AtlasEnv, alerts: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_ALERT_WEBHOOK", alerts.url)
    await apply()

    async def look() -> HealthResult:
        result: HealthResult = await fired(atlas_env.client, "health_check")
        return result

    async with atlas_env.worker():
        assert (await look()).status == "ok"
        assert alerts.bodies == []

        block(atlas_env.blobs)
        first = await look()
        assert (first.status, failing(first), first.delivered) == ("failing", ["blobs"], True)
        second = await look()
        assert (second.status, second.transitions) == ("failing", [])
        [blobs] = [each for each in second.checks if each.part == "blobs"]
        assert blobs.since < second.checked_at and blobs.strikes == 2 and blobs.mend
        assert alerts.told() == [("blobs", "ok", "failing")]

        alerts.status = 403  # nobody takes the good news
        unblock(atlas_env.blobs)
        third = await look()
        assert (third.status, third.delivered, third.pending) == ("ok", False, 1)
        assert alerts.url not in third.message and "s3cret" not in third.message
        alerts.status = 200
        assert (await look()).delivered is True
        assert (await look()).transitions == []
    assert alerts.told() == [("blobs", "ok", "failing"), ("blobs", "failing", "ok")]
    assert len(set(alerts.keys)) == 2
    assert "blobs: failing, was ok" in alerts.bodies[0]["text"]


async def test_a_manual_check_tells_of_failures_only(
    atlas_env: AtlasEnv, alerts: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_ALERT_WEBHOOK", alerts.url)
    async with atlas_env.worker():
        await check(atlas_env, {})  # no schedule is there: degraded, once
        assert alerts.bodies == []
        block(atlas_env.blobs)
        quiet = await check(atlas_env, {"alert": False})
        assert (quiet.delivered, failing(quiet)) == (None, ["blobs"])
        assert alerts.bodies == []
        await check(atlas_env, {})
    assert alerts.told() == [("blobs", "ok", "failing")]


def block(folder: Path) -> None:
    """Put a file where the store has its folder."""
    folder.rename(folder.with_suffix(".away"))
    folder.touch()


def unblock(folder: Path) -> None:
    folder.unlink()
    folder.with_suffix(".away").rename(folder)


async def test_cancelled_midway_and_run_again(atlas_env: AtlasEnv) -> None:
    async with atlas_env.worker(), atlas_env.pool.acquire() as writer:
        transaction = writer.transaction()
        await transaction.start()
        await writer.execute("update corpus set corpus_id = corpus_id")
        handle = await atlas_env.client.start_workflow(
            "health_check", {}, id="health_check", task_queue=QUEUE
        )
        await waiting_for_a_lock(atlas_env)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        await transaction.rollback()
        assert failing(await check(atlas_env, {})) == []


async def waiting_for_a_lock(env: AtlasEnv) -> None:
    async def waits() -> bool:
        return bool(
            await env.value(
                "select count(*) from pg_stat_activity "
                "where application_name = 'atlas-check' and wait_event_type = 'Lock'"
            )
        )

    await until(waits)


@pytest.mark.slow
async def test_a_worker_killed_midway(atlas_env: AtlasEnv) -> None:
    process = atlas_env.spawn_worker()
    async with atlas_env.pool.acquire() as writer:
        transaction = writer.transaction()
        await transaction.start()
        await writer.execute("update corpus set corpus_id = corpus_id")
        handle = await atlas_env.client.start_workflow(
            "health_check", {}, id="health_check", task_queue=QUEUE, result_type=HealthResult
        )
        await waiting_for_a_lock(atlas_env)
        await kill(process)
        await transaction.rollback()
    atlas_env.spawn_worker()
    assert failing(await handle.result()) == []


@pytest.mark.parametrize("deliver", [twice, beside])
async def test_each_look_may_be_delivered_again(atlas_env: AtlasEnv, deliver: Deliver) -> None:
    async with activities(atlas_env, deliver) as call:
        before = await rows(atlas_env)
        for concern in ("temporal", "postgresql", "blobs", "index", "sources", "pages", "disk"):
            found: Checked = await call("check_concern", CheckConcern(concern=concern))
            assert [each.status for each in found.checks if each.status != "ok"] == [], concern
        told = await call(
            "tell_health",
            TellHealth(key="k", at=1.0, checks=[Check(part="x", status="failing")]),
        )
        assert [each.after for each in told.transitions] == ["failing"]
    assert await rows(atlas_env) == before


async def test_a_concern_of_a_newer_version_is_not_looked_at(atlas_env: AtlasEnv) -> None:
    async with activities(atlas_env, once) as call:
        assert await call("check_concern", CheckConcern(concern="weather")) == Checked()
