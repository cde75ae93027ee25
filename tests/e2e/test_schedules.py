"""Schedules are made and repaired as declared, keep what an operator did, and catch up once."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from atlas.contracts.catalogue import WORKFLOWS
from atlas.contracts.schedules import PERIODIC, Declared
from atlas.embedded.temporal import TemporalServer, find_temporal
from atlas.health.schedules import schedules
from atlas.schedules.apply import apply, owned
from atlas.schedules.status import look
from atlas.temporal.connection import data_converter
from starter.client import AtlasClient
from tests.conftest import free_port, halt, launch, until_ready
from tests.e2e.scheduled import described, fired, until
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

IDS = sorted(each.id for each in PERIODIC)


@pytest.fixture
async def atlas(atlas_env: AtlasEnv) -> AsyncIterator[AtlasClient]:
    async with AtlasClient.connect() as client:
        yield client


async def did(atlas: AtlasClient) -> dict[str, str]:
    """What applying did to each schedule."""
    return {change.id: change.did for change in await atlas.schedules.apply()}


async def test_applying_twice_makes_the_four_once(atlas: AtlasClient) -> None:
    assert await did(atlas) == dict.fromkeys(IDS, "created")
    assert await did(atlas) == dict.fromkeys(IDS, "unchanged")
    seen = await atlas.schedules.list()
    assert [each.id for each in seen] == [each.id for each in PERIODIC]
    assert {each.state for each in seen} == {"active"}
    assert [each.drift for each in seen] == [()] * 4
    # Nothing begins because of it; the first two may have fired by themselves, on their minute.
    assert [each.actions for each in seen[2:]] == [0, 0]


async def test_encrypted_schedules_are_as_declared_too(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {name: f"{name}:{base64.b64encode(os.urandom(32)).decode()}" for name in ("old", "new")}
    for given, expected in (
        (keys["old"], "created"),
        (keys["old"], "unchanged"),
        (f"{keys['new']},{keys['old']}", "unchanged"),
        (keys["new"], "repaired"),
        (keys["new"], "unchanged"),
    ):
        monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", given)
        async with AtlasClient.connect() as atlas:
            assert await did(atlas) == dict.fromkeys(IDS, expected)
            assert not any(each.drift for each in await atlas.schedules.list())


async def test_two_who_apply_at_once_make_each_once(atlas: AtlasClient) -> None:
    both = await asyncio.gather(did(atlas), did(atlas))
    for id in IDS:
        assert sorted(one[id] for one in both) == ["created", "unchanged"]


async def test_the_declared_times_are_those_the_server_fires_at(
    atlas: AtlasClient, atlas_env: AtlasEnv
) -> None:
    await atlas.schedules.apply()
    now = datetime.now(UTC)
    fires = {}
    for each in PERIODIC:
        info = (await described(atlas_env.client, each.id)).info
        fires[each.id] = [moment - each.jitter for moment in info.next_action_times[:3]]
    day, week = timedelta(days=1), timedelta(days=7)
    for id, span in (("hourly_collection", timedelta(hours=1)), ("daily_cleanup", day)):
        assert fires[id][0] - now < span
    assert {moment.weekday() for moment in fires["weekly_report"]} <= {0}
    assert all(5 <= moment.hour <= 6 for moment in fires["weekly_report"])
    assert fires["weekly_report"][0] - now < week


def with_spec(spec: ScheduleSpec) -> Callable[[Schedule], Schedule]:
    return lambda schedule: replace(schedule, spec=spec)


def with_action(**changes: object) -> Callable[[Schedule], Schedule]:
    def change(schedule: Schedule) -> Schedule:
        for name, value in changes.items():
            setattr(schedule.action, name, value)
        return schedule

    return change


def with_policy(**changes: object) -> Callable[[Schedule], Schedule]:
    return lambda schedule: replace(schedule, policy=replace(schedule.policy, **changes))


HAND = [
    (with_spec(ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(hours=2))])), "interval"),
    (with_spec(ScheduleSpec(cron_expressions=["@hourly"])), "calendar"),
    (
        with_spec(ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(4)])])),
        "calendar",
    ),
    (with_spec(ScheduleSpec(time_zone_name="Europe/Athens")), "time zone"),
    (with_spec(ScheduleSpec(end_at=datetime(2030, 1, 1, tzinfo=UTC))), "bounds"),
    (with_policy(overlap=ScheduleOverlapPolicy.ALLOW_ALL), "overlap"),
    (with_policy(catchup_window=timedelta(days=365)), "catch-up window"),
    (with_policy(pause_on_failure=True), "pause on failure"),
    (with_action(workflow="sync_pipeline"), "workflow"),
    (with_action(args=[{"alert": False}]), "input"),
    (with_action(id="mine"), "workflow id"),
    (with_action(task_queue="atlas-bulk"), "task queue"),
    (with_action(run_timeout=None), "run timeout"),
    (with_action(memo={}), "declaration"),
    (with_action(static_summary="mine"), "summary"),
]


async def test_what_was_changed_by_hand_is_named_and_repaired(atlas_env: AtlasEnv) -> None:
    declared = [each for each in PERIODIC if each.id == "health_check"]
    await apply(atlas_env.client, declared)
    handle = atlas_env.client.get_schedule_handle("health_check")
    for change, field in HAND:

        def by_hand(
            now: ScheduleUpdateInput, change: Callable[[Schedule], Schedule] = change
        ) -> ScheduleUpdate:
            return ScheduleUpdate(change(now.description.schedule))

        await handle.update(by_hand)
        [change] = await apply(atlas_env.client, declared, remove=False)
        assert change.did == "repaired"
        assert any(line.startswith(f"{field}:") for line in change.why), (field, change.why)
        [seen] = await look(atlas_env.client, declared, surplus=False)
        assert seen.drift == (), field


async def test_a_pause_of_the_operator_stays_with_its_note(
    atlas: AtlasClient, atlas_env: AtlasEnv
) -> None:
    await atlas.schedules.apply()
    await atlas.schedules.pause("hourly_collection", "the site moves house")
    handle = atlas_env.client.get_schedule_handle("hourly_collection")
    change = with_policy(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
    await handle.update(lambda now: ScheduleUpdate(change(now.description.schedule)))
    assert (await did(atlas))["hourly_collection"] == "repaired"
    [seen] = [each for each in await atlas.schedules.list() if each.id == "hourly_collection"]
    assert (seen.state, seen.note, seen.next) == ("paused", "the site moves house", None)
    assert seen.drift == ()
    await atlas.schedules.resume("hourly_collection")
    [seen] = [each for each in await atlas.schedules.list() if each.id == "hourly_collection"]
    assert (seen.state, seen.note) == ("active", "")
    assert (await did(atlas))["hourly_collection"] == "unchanged"


async def test_a_deleted_schedule_is_missed_and_made_again(
    atlas: AtlasClient, atlas_env: AtlasEnv
) -> None:
    await atlas.schedules.apply()
    await atlas_env.client.get_schedule_handle("daily_cleanup").delete()
    [seen] = [each for each in await atlas.schedules.list() if each.drift]
    assert (seen.id, seen.state) == ("daily_cleanup", "missing")
    assert (await did(atlas))["daily_cleanup"] == "created"


async def test_the_schedule_of_a_source_follows_its_rules(
    atlas: AtlasClient, atlas_env: AtlasEnv
) -> None:
    await atlas.schedules.apply()
    own = "sync_pipeline:news"

    async def present() -> bool:
        return any(each.id == own for each in await atlas.schedules.list())

    fifteen = timedelta(minutes=15)
    await atlas.sources.add(
        "news", "https://news.example/feed", kind="feed", cadence=fifteen, force=True
    )
    [seen] = [each for each in await atlas.schedules.list() if each.id == own]
    assert (seen.state, seen.drift, seen.rhythm) == ("active", (), "every 15 min")
    await atlas.sources.edit("news", cadence=timedelta(minutes=30))
    action = (await described(atlas_env.client, own)).schedule
    assert action.spec.intervals[0].every == timedelta(minutes=30)
    await atlas.sources.pause("news")
    assert not await present()
    await atlas.sources.resume("news")
    assert await present()
    await atlas.sources.edit("news", cadence=timedelta(hours=6))
    assert not await present()
    await atlas.sources.edit("news", cron="15 6 * * MON-FRI")
    calendar = (await described(atlas_env.client, own)).schedule.spec.calendars[0]
    assert calendar.day_of_week == (ScheduleRange(1, 5),)
    await atlas.sources.remove("news")
    assert not await present()
    with pytest.raises(RPCError):
        await described(atlas_env.client, own)


async def test_a_source_that_went_while_temporal_was_away_loses_its_schedule(
    atlas: AtlasClient, atlas_env: AtlasEnv
) -> None:
    await atlas_env.client.create_schedule(
        "of somebody else",
        Schedule(
            ScheduleActionStartWorkflow("theirs", id="theirs", task_queue="theirs"), ScheduleSpec()
        ),
    )
    await atlas_env.add_source("news", "feed", "https://a.example/", cadence=timedelta(minutes=5))
    assert (await did(atlas))["sync_pipeline:news"] == "created"
    await atlas_env.pool.execute("delete from sources")

    async def listed() -> bool:  # by the server's visibility, a moment later
        return "sync_pipeline:news" in [id async for id in owned(atlas_env.client)]

    await until(listed)
    [surplus] = [each for each in await atlas.schedules.list() if each.state == "surplus"]
    assert surplus.drift == ("declared no more",)
    client = atlas_env.client
    for complete, status in ((True, "degraded"), (False, "ok")):  # with PostgreSQL down: not known
        found, _ = await schedules(client, PERIODIC, {}, time.time(), complete=complete)
        assert found.status == status, found
    assert (await did(atlas))["sync_pipeline:news"] == "removed"
    assert await described(atlas_env.client, "of somebody else")


async def test_each_of_the_four_runs_to_its_result_by_its_schedule(
    atlas: AtlasClient, atlas_env: AtlasEnv
) -> None:
    await atlas.schedules.apply()
    async with atlas_env.worker():
        for declared in PERIODIC:
            result = await fired(atlas_env.client, declared.id)
            assert isinstance(result, WORKFLOWS[declared.workflow].result)
            runs = [
                each
                async for each in atlas_env.client.list_workflows(
                    f"WorkflowType = '{declared.workflow}'"
                )
            ]
            assert runs and all(each.id.startswith(declared.workflow_id) for each in runs)


async def test_a_source_is_synced_by_its_schedule(
    atlas: AtlasClient, atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/a", "<html><body><p>Of tides and harbours.</p></body></html>")
    await atlas_env.add_source("news", "urls", origin.url("/a"), cadence=timedelta(minutes=5))
    await atlas.schedules.apply()
    async with atlas_env.worker():
        result = await fired(atlas_env.client, "sync_pipeline:news")
    assert (result.outcome, result.counts.added) == ("completed", 1)


def hourly_in_seconds() -> Declared:
    """The hourly collection as declared, but for its pace: the policy is what is tested."""
    [declared] = [each for each in PERIODIC if each.id == "hourly_collection"]
    return replace(declared, every=timedelta(seconds=1), jitter=timedelta(0))


async def runs_of(client: Client, schedule_id: str) -> int:
    return (await described(client, schedule_id)).info.num_actions


async def test_three_fires_without_a_worker_are_made_up_for_by_one_run(
    atlas_env: AtlasEnv,
) -> None:
    hourly = hourly_in_seconds()
    await apply(atlas_env.client, [hourly])

    async def missed() -> bool:
        info = (await described(atlas_env.client, hourly.id)).info
        return info.num_actions_skipped_overlap >= 3

    await until(missed)
    await atlas_env.client.get_schedule_handle(hourly.id).pause()
    async with atlas_env.worker():
        info = (await described(atlas_env.client, hourly.id)).info
        assert info.num_actions == 1
        run = atlas_env.client.get_workflow_handle(info.recent_actions[0].action.workflow_id)
        await run.result()
    [seen] = await look(atlas_env.client, [hourly], surplus=False)
    assert (seen.actions, seen.running) == (1, 0)


@pytest.mark.slow
async def test_temporal_down_across_three_fires_is_made_up_for_by_one_run(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path, find_temporal(), free_port(), free_port(), free_port())
    server.prepare()
    hourly, log = hourly_in_seconds(), tmp_path / "temporal.log"
    process = launch(server, log)
    try:
        await until_ready(server, process)
        client = await Client.connect(server.address, data_converter=data_converter())
        await apply(client, [hourly])
        await until(lambda: runs_of(client, hourly.id))
        [first] = (await described(client, hourly.id)).info.running_actions
        await client.get_workflow_handle(first.workflow_id).terminate()
        began = await runs_of(client, hourly.id)
        stopped_at = datetime.now(UTC)
        halt(server, process)
        await asyncio.sleep(3.5)  # three fires and a half: time is what is tested
        process = launch(server, log)
        await until_ready(server, process)
        client = await Client.connect(server.address, data_converter=data_converter())
        await until(lambda: _more_than(client, hourly.id, began))
        info = (await described(client, hourly.id)).info
        assert len(info.running_actions) == 1
        since = [each for each in info.recent_actions if each.started_at > stopped_at]
        assert len(since) <= 2  # the one that began as it stopped, and the one that catches up
        assert info.num_actions_skipped_overlap >= 2
    finally:
        halt(server, process)


async def _more_than(client: Client, schedule_id: str, runs: int) -> bool:
    return await runs_of(client, schedule_id) > runs
