"""`weekly_report` on the real server: by its smallest input, again, by a schedule, cut short."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle

from atlas.contracts.jobs import Progress
from atlas.contracts.names import QUEUE
from atlas.contracts.weekly_report import (
    ChooseWeek,
    FreezeDays,
    MakeReport,
    WeeklyResult,
)
from atlas.domain.timing.weeks import Week
from starter import AtlasClient
from tests.e2e.environments import Servers, kill, servers, until
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_delivery import Deliver, activities, beside, cut_short, once, twice
from tests.invariants import assert_workflows_healthy
from tests.origin import Origin

__all__ = ["servers"]


def last_week() -> Week:
    return Week.before_moment(datetime.now(UTC))


async def lived(env: AtlasEnv, origin: Origin, *, days: int = 24) -> None:
    """A corpus that was synced so many days ago, and declared a few hours before."""
    for number in range(5):
        origin.page(f"/{number}", f"<html><p>What page {number} has to say.</p></html>")
    origin.status("/gone", 404)
    urls = [origin.url(f"/{number}") for number in range(5)]
    await env.add_source("docs", "urls", *urls, origin.url("/gone"))
    await env.sync("docs")
    await backdate(env, days)


async def backdate(env: AtlasEnv, days: int) -> None:
    """Move everything that happened so many days back."""
    for table, column in (
        ("sources", "created_at"), ("pages", "created_at"), ("runs", "started_at"),
        ("runs", "ended_at"), ("versions", "valid_from"), ("fetches", "fetched_at"),
        ("page_state", "checked_at"),
    ):  # fmt: skip
        await env.pool.execute(
            f"update {table} set {column} = {column} - $1::interval", timedelta(days=days)
        )


async def report(env: AtlasEnv, *given: Any, id: str = "weekly_report") -> WeeklyResult:
    result: WeeklyResult = await env.client.execute_workflow(
        "weekly_report", args=given, id=id, task_queue=QUEUE, result_type=WeeklyResult
    )
    return result


async def kept(env: AtlasEnv) -> dict[str, str]:
    """Name → hash of every report, whose blobs are there."""
    rows = await env.fetch("select name, encode(hash, 'hex') as hash from artifacts")
    for row in rows:
        assert list(env.blobs.rglob(f"*{row['hash'][4:]}*")), row
    return {row["name"]: row["hash"] for row in rows}


@asynccontextmanager
async def freezing_held(env: AtlasEnv) -> AsyncIterator[None]:
    """No day can be frozen until the block ends; it begins when a worker tries to."""
    async with env.pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table frozen_days in share row exclusive mode")
        yield


async def until_it_waits(env: AtlasEnv) -> None:
    async def waits() -> bool:
        return bool(
            await env.value(
                "select count(*) from pg_locks where not granted and relation = "
                "'frozen_days'::regclass"
            )
        )

    await until(waits)


@pytest.mark.slow
async def test_the_smallest_input_reports_on_the_week_before(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    async with atlas_env.worker():
        await lived(atlas_env, origin)
        first = await report(atlas_env)
        week = last_week()
        assert (first.outcome, first.week, first.days) == ("completed", str(week), 7)
        assert (first.first_day, first.last_day) == (str(week.first_day), str(week.last_day))
        assert (first.totals.live, first.totals.added, first.totals.requests) == (5, 0, 0)
        names = {f"{week}.{form}": hash_ for form, hash_ in first.hashes.items()}
        assert await kept(atlas_env) == names

        # Made again, whoever asks, with whatever happened since: the same bytes.
        await atlas_env.add_source("later", "urls", origin.url("/9"))
        again = await report(atlas_env, {})
        named = await report(atlas_env, {"week": str(week), "trigger": "cli"})
        assert again.hashes == named.hashes == first.hashes
        assert await kept(atlas_env) == names
        recorded = await atlas_env.fetch(
            "select kind, outcome, trigger, summary from runs where kind = 'weekly_report' "
            "order by started_at"
        )
        assert [(row["outcome"], row["trigger"]) for row in recorded] == [
            ("completed", "manual"), ("completed", "manual"), ("completed", "cli"),
        ]  # fmt: skip
        assert json.loads(recorded[0]["summary"])["live"] == 5

        # A past week, from the very days.
        then = Week.of((datetime.now(UTC) - timedelta(days=24)).date())
        past = await report(atlas_env, {"week": str(then)})
        assert past.totals.added == 5
        assert past.totals.failed == 1
        none = await report(atlas_env, {"week": str(then.before)})
        assert none.outcome == "no_data"
        assert "There are no figures for this week. Figures begin on" in none.message
    await assert_workflows_healthy(atlas_env.client)


async def test_a_week_that_cannot_be_is_refused_by_name(atlas_env: AtlasEnv) -> None:
    this_week = str(Week.of(datetime.now(UTC).date()))
    async with atlas_env.worker():
        for given, told in (
            ({"week": "2999-W01"}, "week: '2999-W01' has not ended"),
            ({"week": this_week}, "has not ended: its last day is Sunday"),
            ({"week": "2026-W54"}, "no such ISO week"),
            ({"week": "last"}, "week: 'last' refused"),
            ({"weak": "2026-W01"}, "did you mean 'week'?"),
        ):
            with pytest.raises(WorkflowFailureError) as failure:
                await report(atlas_env, given)
            assert told in str(failure.value.cause)
    assert await kept(atlas_env) == {}
    assert await atlas_env.value("select count(*) from runs") == 0


async def test_two_missed_mondays_make_two_reports(atlas_env: AtlasEnv, origin: Origin) -> None:
    monday = datetime.combine(last_week().last_day + timedelta(days=1), datetime.min.time(), UTC)
    async with atlas_env.worker(), AtlasClient.connect() as atlas:
        await lived(atlas_env, origin, days=30)
        await atlas.schedules.apply()
        await atlas.schedules.backfill(
            "weekly_report", monday - timedelta(days=7), monday + timedelta(hours=12)
        )

        async def both_ended() -> bool:
            return len(await _ended(atlas_env)) == 2

        await until(both_ended)
        results = [await handle.result() for handle in await _ended(atlas_env)]
    assert {result.week for result in results} == {str(last_week()), str(last_week().before)}
    weeks = {name.partition(".")[0] for name in await kept(atlas_env)}
    assert weeks == {result.week for result in results}
    triggers = await atlas_env.fetch("select trigger from runs where kind = 'weekly_report'")
    assert [row["trigger"] for row in triggers] == ["schedule", "schedule"]


async def _ended(env: AtlasEnv) -> list[WorkflowHandle[Any, WeeklyResult]]:
    return [
        env.client.get_workflow_handle(run.id, result_type=WeeklyResult)
        async for run in env.client.list_workflows("WorkflowType = 'weekly_report'")
        if run.status is WorkflowExecutionStatus.COMPLETED
    ]


async def test_cancelled_midway_a_rerun_makes_it(atlas_env: AtlasEnv, origin: Origin) -> None:
    async with atlas_env.worker():
        await lived(atlas_env, origin)
        handle = await paused_at_its_days(atlas_env)
        await handle.cancel()
        await assert_cancelled(atlas_env, handle)
    await assert_workflows_healthy(atlas_env.client)


@pytest.mark.slow
async def test_cancelled_while_a_day_is_frozen_a_rerun_makes_it(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    """The activity hears of it by its heartbeat, and its transaction is rolled back."""
    async with atlas_env.worker():
        await lived(atlas_env, origin)
        async with freezing_held(atlas_env):
            handle = await atlas_env.client.start_workflow(
                "weekly_report", id="weekly_report", task_queue=QUEUE
            )
            await until_it_waits(atlas_env)
            await handle.cancel()
            with pytest.raises(WorkflowFailureError):
                await handle.result()
        await assert_cancelled(atlas_env, handle)
    await assert_workflows_healthy(atlas_env.client)


async def assert_cancelled(env: AtlasEnv, handle: WorkflowHandle[Any, Any]) -> None:
    """Nothing is left of the run but its record; the next one makes the report."""
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    outcomes = await env.fetch("select outcome from runs where kind = 'weekly_report'")
    assert [row["outcome"] for row in outcomes] == ["cancelled"]
    assert await kept(env) == {}
    assert (await report(env)).outcome == "completed"


async def paused_at_its_days(env: AtlasEnv) -> WorkflowHandle[Any, WeeklyResult]:
    """A run that was paused before its first day was frozen."""
    handle = await env.client.start_workflow(
        "weekly_report", id="weekly_report", task_queue=QUEUE, start_signal="pause",
        result_type=WeeklyResult,
    )  # fmt: skip

    async def paused() -> bool:
        progress = await handle.query("progress", result_type=Progress)
        return progress.paused and progress.stage == "freezing days"

    await until(paused)
    return handle


@pytest.mark.slow
async def test_paused_it_waits_between_two_steps(atlas_env: AtlasEnv, origin: Origin) -> None:
    async with atlas_env.worker():
        await lived(atlas_env, origin)
        handle = await paused_at_its_days(atlas_env)
        assert await atlas_env.value("select count(*) from frozen_days") == 0
        since = await atlas_env.value("select paused_since from runs where kind = 'weekly_report'")
        assert since is not None
        await handle.signal("resume")
        assert (await handle.result()).outcome == "completed"


_known: list[tuple[object, ...]] = []


@pytest.mark.parametrize(
    "deliver",
    [once, beside, *(pytest.param(way, marks=pytest.mark.slow) for way in (twice, cut_short))],
    ids=lambda way: way.__name__,
)
async def test_every_way_of_delivery_freezes_and_keeps_the_same(
    atlas_env: AtlasEnv, deliver: Deliver
) -> None:
    await atlas_env.add_source("docs", "urls", "https://docs.example/")
    await atlas_env.pool.execute("update sources set created_at = timestamptz '2026-10-20 12:00Z'")
    async with activities(atlas_env, deliver) as call:
        chosen = await call(
            "choose_week", ChooseWeek(scheduled=datetime(2026, 11, 9, 6, tzinfo=UTC))
        )
        assert (chosen.week, chosen.refused) == ("2026-W45", "")
        while (await call("freeze_days", FreezeDays(until=chosen.last_day, limit=3))).remaining:
            pass
        made = await call("make_report", MakeReport(week=chosen.week))
    days = await atlas_env.fetch("select day from frozen_days order by day")
    assert len(days) == (chosen.last_day - days[0]["day"]).days + 1 == 20
    stats = await atlas_env.fetch("select * from daily_stats order by day, source")
    # The database's size is as it is; all else is the same.
    found = (made.outcome, made.totals, await kept(atlas_env) and 3, [dict(row) for row in stats])
    _known.append(found)
    assert found == _known[0]


@pytest.mark.slow
async def test_killed_midway_it_is_made_all_the_same(
    servers: Servers, tmp_path: Path, origin: Origin
) -> None:
    async with servers.atlas(tmp_path) as env:
        victim = env.spawn_worker()
        await lived(env, origin)
        async with freezing_held(env):
            handle = await env.client.start_workflow(
                "weekly_report", id="weekly_report", task_queue=QUEUE, result_type=WeeklyResult
            )
            await until_it_waits(env)
            await kill(victim)
        env.spawn_worker()
        result = await handle.result()
        assert (result.outcome, result.days, result.totals.live) == ("completed", 7, 5)
        assert (await report(env)).hashes == result.hashes
        await assert_workflows_healthy(env.client)


async def test_asked_twice_at_once_it_is_one_run(atlas_env: AtlasEnv) -> None:
    async with AtlasClient.connect() as atlas:
        first = await atlas.start("weekly_report")
        second = await atlas.start("weekly_report")
        other = await atlas.start("weekly_report", week="2026-W01")
        assert (first.joined, second.joined, other.joined) == (False, True, False)
        assert second.run_id == first.run_id
        async with atlas_env.worker():
            results = await asyncio.gather(first.result(), other.result())
    assert {result.outcome for result in results} == {"no_data"}  # type: ignore[attr-defined]
