"""`atlas runs`: the same run, however it is looked at, and a hand on it."""

import asyncio
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    ScheduleActionExecutionStartWorkflow,
    WorkflowExecutionStatus,
    WorkflowHandle,
)

from atlas.contracts.names import ATTRIBUTE_OUTCOME, ATTRIBUTE_SOURCE, ATTRIBUTE_TRIGGER
from starter import AtlasClient
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas

PROSE = "The harbour wakes before the bakery does, and the ferry bell rings twice in fog. "


async def serve(env: AtlasEnv, origin: Origin, *names: str) -> None:
    """Sources of one page each, whose second page is missing."""
    for name in names:
        origin.page(f"/{name}/", f"<html lang=en><title>{name}</title><p>{name} {PROSE}<a href=b>B")
        await env.add_source(name, "site", origin.url(f"/{name}/"))


async def as_temporal_has_it(env: AtlasEnv, workflow_id: str) -> dict[str, Any]:
    """What `temporal workflow describe` and the Web UI read."""
    seen = await env.client.get_workflow_handle(workflow_id).describe()
    attributes = seen.search_attributes
    return {
        "workflow_id": seen.id,
        "run_id": seen.raw_description.workflow_execution_info.first_run_id,
        "type": seen.workflow_type,
        "temporal_status": seen.status.name.lower() if seen.status else "",
        "source": (attributes.get(ATTRIBUTE_SOURCE) or [""])[0],
        "trigger": (attributes.get(ATTRIBUTE_TRIGGER) or [""])[0],
        "outcome": (attributes.get(ATTRIBUTE_OUTCOME) or [None])[0],
    }


async def agree(env: AtlasEnv, atlas: Atlas, named: str) -> dict[str, Any]:
    """The run as `atlas runs show` prints it; Temporal, the list and the client say the same."""
    shown: dict[str, Any] = (await atlas("runs", "show", named, "-o", "json")).json
    temporal = await as_temporal_has_it(env, shown["workflow_id"])
    if temporal["outcome"] is None:  # it executed no code at its end
        del temporal["outcome"]
    assert {name: shown[name] for name in temporal} == temporal
    listed = (await atlas("runs", "list", "-o", "json")).json["runs"]
    (row,) = [each for each in listed if each["run_id"] == shown["run_id"]]
    del row["failures"]  # a list has none
    assert {name: shown[name] for name in row} == row
    async with AtlasClient.connect() as client:
        described = await client.describe_run(named)
        handle = await client.run(named)
        assert (handle.workflow, handle.workflow_id) == (shown["type"], shown["workflow_id"])
        assert (described.status, described.outcome) == (shown["status"], shown["outcome"])
        if shown["status"] == "ended" and shown["type"] == "sync_pipeline":
            result = await handle.result()
            assert (result.outcome, result.run_id) == (shown["outcome"], shown["run_id"])
            assert result.counts.model_dump() == shown["counts"]
    return shown


async def test_every_door_shows_the_same_run(
    atlas: Atlas, atlas_env: AtlasEnv, origin: Origin
) -> None:
    await serve(atlas_env, origin, "good", "halted", "cut", "shot")
    origin.page("/good/b", f"<html lang=en><title>B</title><p>The second page. {PROSE}")
    async with atlas_env.worker():
        assert (await atlas("sync", "good", "--wait")).code == 0
        done = await agree(atlas_env, atlas, "good")
        assert (done["status"], done["outcome"], done["counts"]["added"]) == (
            "ended",
            "completed",
            2,
        )
        again = await atlas("runs", "follow", "good", "-o", "json")
        assert (again.code, again.json["outcome"]) == (0, "completed")
        nothing = await atlas("runs", "retry", "good", "-o", "json")
        assert (nothing.code, nothing.json["what"]) == (0, "nothing")

        # Paused, resumed, and both again.
        async with AtlasClient.connect() as client:
            run = await client.sync("halted")
            await run.pause()
            await until(lambda: paused(atlas_env, run.run_id))
            halted = await agree(atlas_env, atlas, "halted")
            assert (halted["status"], halted["stage"]) == ("paused", "paused")
            assert halted["outcome"] is None and halted["paused_since"]
            twice = await atlas("runs", "pause", "halted")
            assert twice.code == 0 and "already paused" in twice.err
            assert (await atlas("runs", "list", "--open", "-o", "json")).json["runs"][0][
                "status"
            ] == "paused"
            under_way = await atlas("runs", "retry", "halted")
            assert under_way.code == 1 and "under way" in under_way.err
            waited = await atlas("runs", "follow", "halted", "--timeout", "0.2s")
            assert (waited.code, waited.out) == (5, "") and "atlas runs follow" in waited.err
            foreign = await somebody_elses(atlas_env)
            every = await atlas("runs", "pause", "--all")
            assert every.code == 0 and foreign.id not in every.err
            assert (await atlas("runs", "resume", "--all")).code == 0
            touched = [event.event_type for event in (await foreign.fetch_history()).events]
            assert EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED not in touched
            await foreign.terminate()
            assert (await run.result()).outcome == "completed_with_failures"
        ended = await agree(atlas_env, atlas, "halted")
        assert ended["outcome"] == "completed_with_failures"
        for verb in ("pause", "resume", "cancel"):
            late = await atlas("runs", verb, "halted")
            assert late.code == 1 and "ended completed_with_failures" in late.err

        # Retried: the failed pages alone; two at once are one run.
        origin.page("/halted/b", f"<html lang=en><title>B</title><p>It came late. {PROSE}")
        async with AtlasClient.connect() as client:
            first, second = await asyncio.gather(*(client.retry(ended["run_id"]) for _ in range(2)))
            assert first.what == second.what == "failed pages"
            assert first.handle and second.handle
            assert first.handle.run_id == second.handle.run_id
            assert {first.handle.joined, second.handle.joined} == {True, False}
            retried = await first.handle.result()
        assert retried.model_dump()["counts"] == {
            "seen": 1,
            "added": 1,
            **dict.fromkeys(("updated", "unchanged", "failed", "skipped"), 0),
        }

        # Cancelled, and once more.
        async with AtlasClient.connect() as client:
            run = await client.sync("cut")
            await run.pause()
            await until(lambda: paused(atlas_env, run.run_id))  # cancelled sooner, it has no record
            assert (await atlas("runs", "cancel", "cut")).code == 0
            await run.result()
        cut = await agree(atlas_env, atlas, "cut")
        assert (cut["outcome"], cut["temporal_status"]) == ("cancelled", "canceled")
        assert (await atlas("runs", "cancel", "cut")).code == 0
        more = await atlas("runs", "retry", "cut", "--wait", "-o", "json")
        assert (more.code, more.json["counts"]["seen"]) == (0, 2)
        assert "the same again" in more.err

        # Terminated while paused: what resumes it does not bring it back, and the next takes over.
        async with AtlasClient.connect() as client:
            run = await client.sync("shot")
            await run.pause()
            await until(lambda: paused(atlas_env, run.run_id))
        assert (await atlas("runs", "terminate", "shot", "--reason", "stuck")).code == 0
        shot = await agree(atlas_env, atlas, "shot")
        assert (shot["status"], shot["outcome"]) == ("ended", "failed")
        assert (shot["temporal_status"], shot["message"]) == ("terminated", "terminated: stuck")
        assert shot["paused_since"] is None
        assert (
            await atlas_env.value("select count(*) from sources where lease_run is not null") == 0
        )
        assert (await atlas("runs", "resume", "shot")).code == 1
        twice = await atlas("runs", "terminate", "shot")
        assert twice.code == 0 and "ended already" in twice.err
        assert (await atlas("runs", "retry", "shot", "--wait")).code == 0
        assert (await agree(atlas_env, atlas, "shot"))["outcome"] == "completed_with_failures"

        # A schedule's run, as the schedule itself names it.
        assert (await atlas("sources", "edit", "good", "--every", "15m")).code == 0
        assert (await atlas("schedules", "trigger", "good")).code == 0
        schedule = atlas_env.client.get_schedule_handle("sync_pipeline:good")
        while not (begun := (await schedule.describe()).info.recent_actions):
            await asyncio.sleep(0.1)
        fired = begun[-1].action
        assert isinstance(fired, ScheduleActionExecutionStartWorkflow)
        await atlas_env.client.get_workflow_handle(fired.workflow_id).result()
        by_itself = await agree(atlas_env, atlas, "good")
        assert by_itself["run_id"] == fired.first_execution_run_id
        assert by_itself["workflow_id"] == fired.workflow_id
        assert (by_itself["trigger"], by_itself["due"]) == ("schedule", True)

        # Of what keeps no record Temporal tells.
        await atlas("fetch", origin.url("/good/"))
        single = (await atlas("runs", "list", "--type", "fetch_url", "-o", "json")).json["runs"]
        assert [each["outcome"] for each in single] == ["completed"] and not single[0]["recorded"]
        fetched = (await atlas("runs", "show", single[0]["workflow_id"], "-o", "json")).json
        assert fetched["result"]["status_code"] == 304 and not fetched["recorded"]
        same = await atlas("runs", "follow", single[0]["run_id"], "-o", "json")
        assert (same.code, same.json["url"]) == (0, origin.url("/good/"))
        unpausable = await atlas("runs", "pause", single[0]["workflow_id"])
        assert unpausable.code == 2 and "too brief to be paused" in unpausable.err


async def somebody_elses(env: AtlasEnv) -> WorkflowHandle[Any, Any]:
    """A workflow under way that is none of ours, once Temporal lists it."""
    foreign = await env.client.start_workflow("Billing", id="of somebody else", task_queue="theirs")

    async def listed() -> bool:
        under_way = env.client.list_workflows("WorkflowType = 'Billing'")
        return [each.id async for each in under_way] == [foreign.id]

    await until(listed)
    return foreign


async def paused(env: AtlasEnv, run_id: str) -> bool:
    """Whether it stands still: paused, with its first pages listed."""
    return bool(
        await env.value(
            "select exists (select from runs join run_pages using (run_id) "
            "where run_id = $1 and paused_since is not null)",
            run_id,
        )
    )


async def test_a_run_that_no_worker_has_begun_is_found_and_ended(
    atlas: Atlas, atlas_env: AtlasEnv, origin: Origin
) -> None:
    await serve(atlas_env, origin, "docs")
    started = (await atlas("sync", "docs", "-o", "json")).json
    waiting = (await atlas("runs", "show", "docs", "-o", "json")).json
    assert (waiting["run_id"], waiting["status"]) == (started["run_id"], "running")
    assert not waiting["recorded"] and waiting["temporal_status"] == "running"
    listed = await atlas("runs", "list", "--open", "-o", "json")
    while not listed.json["runs"]:  # Temporal's lists lag a moment
        listed = await atlas("runs", "list", "--open", "-o", "json")
    assert [each["run_id"] for each in listed.json["runs"]] == [started["run_id"]]
    assert (await atlas("runs", "terminate", "docs")).code == 0
    described = await atlas_env.client.get_workflow_handle("sync_pipeline:docs").describe()
    assert described.status is WorkflowExecutionStatus.TERMINATED
    unknown = await atlas("runs", "show", "nothing-of-the-kind")
    assert unknown.code == 1 and "atlas runs" in unknown.err
