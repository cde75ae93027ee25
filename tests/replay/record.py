"""Record histories of representative runs:

    .venv/bin/python -m pytest tests/replay/record.py

writes `histories/<name>.json`. Keep the old files when workflows change: they are runs that may
be under way during a deploy. Give a new name to what is recorded anew.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHandle

from activities import exports
from atlas.contracts.jobs import Progress
from atlas.contracts.sync_pipeline import SyncProgress
from atlas.stores.search.port import TextChanges
from starter.client import AtlasClient
from tests.e2e.bulk_documents import fill
from tests.e2e.conftest import atlas_env, origin  # noqa: F401 (fixtures)
from tests.e2e.rebuilding import opened
from tests.e2e.scheduled import fired
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

HISTORIES = Path(__file__).parent / "histories"


async def keep(name: str, env: AtlasEnv, workflow_id: str) -> None:
    """Write the histories of all executions of the newest run of an id."""
    HISTORIES.mkdir(exist_ok=True)
    executions = [
        execution async for execution in env.client.list_workflows(f"WorkflowId = '{workflow_id}'")
    ]
    executions.sort(key=lambda execution: execution.start_time)
    for number, execution in enumerate(executions, 1):
        handle = env.client.get_workflow_handle(workflow_id, run_id=execution.run_id)
        history = _without_stacks(json.loads((await handle.fetch_history()).to_json()))
        suffix = f"-{number}" if len(executions) > 1 else ""
        record = {"workflow_id": workflow_id, **history}
        (HISTORIES / f"{name}{suffix}.json").write_text(json.dumps(record) + "\n")


def _without_stacks(value: Any) -> Any:
    """The history without the stacks of failures, which name the files of one machine."""
    if isinstance(value, dict):
        return {key: _without_stacks(each) for key, each in value.items() if key != "stackTrace"}
    return [_without_stacks(each) for each in value] if isinstance(value, list) else value


def page(name: str, *links: str) -> str:
    anchors = "".join(f'<a href="{link}">{link}</a> ' for link in links)
    text = f"<h1>Page {name}</h1><p>What page {name} has to say.</p>"
    return f"<html><body>{text}{anchors}</body></html>"


def site(origin: Origin, pages: int = 6) -> None:  # noqa: F811
    """A start page, pages below it, one that fails first, one gone, one redirected."""
    below = [f"/docs/{number}" for number in range(pages)]
    origin.page("/docs/", page("start", *below, "/docs/flaky", "/docs/gone", "/docs/moved"))
    for path in below:
        origin.page(path, page(path, f"{path}/deeper"))
        origin.page(f"{path}/deeper", page(f"{path} deeper"))
    origin.fail_first("/docs/flaky", 1, page("flaky"))
    origin.status("/docs/gone", 404)
    origin.redirect("/docs/moved", "/docs/0")


async def add_site(env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    site(origin)
    await env.add_source("docs", "site", origin.url("/docs/"), prefix=origin.url("/docs/"))


async def when(
    handle: WorkflowHandle[object, object], holds: Callable[[SyncProgress], bool]
) -> None:
    while not holds(await handle.query("progress", result_type=SyncProgress)):
        await asyncio.sleep(0.05)


async def test_site_with_levels_failures_and_retries(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    async with atlas_env.worker():
        result = await atlas_env.sync("docs", batch=3)
        assert result.counts.failed == 1
        await keep("site", atlas_env, "sync_pipeline:docs")


async def test_continued_as_new(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    async with atlas_env.worker():
        await atlas_env.sync("docs", batch=1, lanes=2, max_history_events=100)
        await keep("continued", atlas_env, "sync_pipeline:docs")


async def test_several_sources(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    origin.page("/a", page("a"))
    await atlas_env.add_source("list", "urls", origin.url("/a"))
    await atlas_env.add_source("feed", "feed", origin.url("/no-feed"))
    async with atlas_env.worker():
        await atlas_env.sync("docs", "list", "feed", "unknown", id="sync_pipeline:several")
        await keep("several", atlas_env, "sync_pipeline:several")
        await keep("listing_failed", atlas_env, "sync_pipeline:feed")
        await atlas_env.sync("unknown")
        await keep("unknown_source", atlas_env, "sync_pipeline:unknown")


async def test_cancelled(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    origin.page("/docs/3", page("3"), silent=True)
    async with atlas_env.worker():
        handle = await atlas_env.start("docs", batch=2)
        await origin.arrived("/docs/3")
        await handle.cancel()
        try:
            await handle.result()
        except WorkflowFailureError:
            await keep("cancelled", atlas_env, "sync_pipeline:docs")


async def test_cancelled_several(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    origin.page("/docs/3", page("3"), silent=True)
    await atlas_env.add_source("list", "urls", origin.url("/docs/0"))
    async with atlas_env.worker():
        handle = await atlas_env.start("docs", "list", id="sync_pipeline:several")
        await origin.arrived("/docs/3")
        await handle.cancel()
        try:
            await handle.result()
        except WorkflowFailureError:
            await keep("cancelled_several", atlas_env, "sync_pipeline:several")


async def test_paused_and_resumed(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    gate = asyncio.Event()
    origin.page("/docs/3", page("3"), gate=gate)
    async with atlas_env.worker():
        handle = await atlas_env.start("docs", batch=2, lanes=2)
        await origin.arrived("/docs/3")
        await handle.signal("pause")
        await when(handle, lambda progress: progress.paused)
        gate.set()
        await when(handle, lambda progress: progress.counts.done > 0)
        await handle.signal("resume")
        await handle.result()
        await keep("paused", atlas_env, "sync_pipeline:docs")


async def test_already_running(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    gate = asyncio.Event()
    origin.page("/a", page("a"), gate=gate)
    await atlas_env.add_source("list", "urls", origin.url("/a"))
    async with atlas_env.worker():
        handle = await atlas_env.start("list", id="the holder")
        await origin.arrived("/a")
        assert (await atlas_env.sync("list")).outcome == "already_running"
        waiting = await atlas_env.start("list", id="waiting", wait_for_lease=True)
        await when(waiting, lambda progress: progress.stage.startswith("waiting"))
        gate.set()
        await handle.result()
        await waiting.result()
        await keep("already_running", atlas_env, "sync_pipeline:list")
        await keep("waited", atlas_env, "waiting")


async def resting(env: AtlasEnv, origin: Origin) -> WorkflowHandle[object, object]:  # noqa: F811
    """A run whose only lane waits for a page to be tried again."""
    origin.fail_first("/flaky", 1, page("flaky"))
    await env.add_source("docs", "urls", origin.url("/flaky"))
    handle = await env.start("docs")
    while not await has_event(handle, EventType.EVENT_TYPE_TIMER_STARTED):
        await asyncio.sleep(0.05)
    return handle


async def has_event(handle: WorkflowHandle[object, object], kind: "EventType.ValueType") -> bool:
    return kind in [event.event_type for event in (await handle.fetch_history()).events]


async def test_lane_rested(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Recorded before lanes could be woken, and with a cancellation during the rest."""
    monkeypatch.setenv("ATLAS_FETCH_RETRY_DELAY", "4")
    async with atlas_env.worker():
        await (await resting(atlas_env, origin)).result()
        await keep("lane_rested", atlas_env, "sync_pipeline:docs")


async def test_lane_rested_cancelled(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATLAS_FETCH_RETRY_DELAY", "30")
    async with atlas_env.worker():
        handle = await resting(atlas_env, origin)
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
        await keep("lane_rested_cancelled", atlas_env, "sync_pipeline:docs")


@pytest.mark.parametrize("cancelled", [False, True])
async def test_slow_lane(
    atlas_env: AtlasEnv,  # noqa: F811
    origin: Origin,  # noqa: F811
    cancelled: bool,
) -> None:
    """A page that is held, until all others are done, in the slow lane beside two others."""
    paths = [f"/{number}" for number in range(8)]
    for path in paths:
        origin.page(path, page(path))
    async with Origin() as slow:
        gate = asyncio.Event()
        slow.page("/a", page("a"), gate=gate)
        await atlas_env.add_source("docs", "urls", slow.url("/a"), *map(origin.url, paths))
        async with atlas_env.worker():
            handle = await atlas_env.start("docs", batch=3, lanes=2)
            await when(handle, lambda progress: progress.counts.done == len(paths))
            await slow.arrived("/a", 2)
            if cancelled:
                await handle.cancel()
            gate.set()
            with suppress(WorkflowFailureError):
                await handle.result()
            name = "slow_lane_cancelled" if cancelled else "slow_lane"
            await keep(name, atlas_env, "sync_pipeline:docs")


async def test_fetch_url(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    origin.fail_first("/a", 1, page("a"))
    async with atlas_env.worker():
        run = atlas_env.client.execute_workflow
        await run("fetch_url", {"url": origin.url("/a")}, id="fetched", task_queue="atlas")
        await run("fetch_url", {"url": origin.url("/b")}, id="missing", task_queue="atlas")
        for name in ("fetched", "missing"):
            await keep(f"fetch_url_{name}", atlas_env, name)
        for name, kind, args in (
            ("bad_input", "sync_pipeline", [{"source": "docs"}]),
            ("no_input", "sync_pipeline", []),
            ("two_inputs", "fetch_url", [{}, {}]),
            ("unknown_type", "sync_pipelin", []),
        ):
            try:
                await run(kind, args=args, id=name, task_queue="atlas")
            except WorkflowFailureError:
                await keep(name, atlas_env, name)


async def test_weekly_report(atlas_env: AtlasEnv) -> None:  # noqa: F811
    await atlas_env.add_source("docs", "urls", "https://docs.example/")
    await atlas_env.pool.execute("update sources set created_at = timestamptz '2026-10-20 12:00Z'")
    async with atlas_env.worker():
        for name, week, then in (
            ("weekly_report", "2026-W46", "resume"),
            ("weekly_report_cancelled", "2026-W45", "cancel"),
            ("weekly_report_refused", "2999-W01", "resume"),
        ):
            handle = await atlas_env.client.start_workflow(
                "weekly_report", {"week": week}, id=name, task_queue="atlas", start_signal="pause"
            )
            stage = ""
            while stage != "freezing days" and then == "cancel":
                stage = (await handle.query("progress", result_type=Progress)).stage
            await (handle.cancel() if then == "cancel" else handle.signal(then))
            with suppress(WorkflowFailureError):
                await handle.result()
            await keep(name, atlas_env, name)


async def test_rebuild_index(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    for number in range(12):
        origin.page(f"/{number}", page(str(number)))
    await atlas_env.add_source("list", "urls", *[origin.url(f"/{n}") for n in range(12)])

    async def start(name: str, **request: Any) -> WorkflowHandle[Any, Any]:
        return await atlas_env.client.start_workflow(
            "rebuild_index", request, id=name, task_queue="atlas"
        )

    async def copying(handle: WorkflowHandle[Any, Any]) -> None:
        while (await handle.query("progress", result_type=Progress)).done < 2:
            await asyncio.sleep(0.02)

    async with atlas_env.worker():
        await atlas_env.sync("list")
        await (await start("rebuild_no_previous", rollback=True)).result()
        await (await start("rebuild")).result()
        await (await start("rebuild_rollback", rollback=True, keep_days=0.0)).result()
        cancelled = await start("rebuild_cancelled", chunk=1)
        await copying(cancelled)
        await cancelled.cancel()
        with suppress(WorkflowFailureError):
            await cancelled.result()
        paused = await start("rebuild_continued", chunk=1, max_history_events=100)
        await copying(paused)
        await paused.signal("pause")
        await (await start("rebuild_already_running")).result()
        await paused.signal("resume")
        await paused.result()
        failing = await start("rebuild_gate_failed", chunk=1)
        await copying(failing)
        await failing.signal("pause")
        index = opened(atlas_env)
        copied = list(await index.parts_of(5, ""))
        await index.apply(5, TextChanges((), copied, await index.cursor(5)))
        await index.release(5)
        await failing.signal("resume")
        await failing.result()
        for name in ("", "_no_previous", "_rollback", "_cancelled", "_continued",
                     "_already_running", "_gate_failed"):  # fmt: skip
            await keep(f"rebuild{name}", atlas_env, f"rebuild{name}")


async def test_deduplicate_documents(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    for number in range(6):
        origin.page(f"/{number}", page(str(number // 2)))
    await atlas_env.add_source("list", "urls", *[origin.url(f"/{n}") for n in range(6)])

    async def start(name: str, **request: Any) -> WorkflowHandle[Any, Any]:
        return await atlas_env.client.start_workflow(
            "deduplicate_documents", request, id=name, task_queue="atlas", start_signal="pause"
        )

    async with atlas_env.worker():
        await atlas_env.sync("list")
        for name, request in {
            "dedup_reported": {},
            "dedup_applied": {"apply": True, "sources": ["list"], "kind": "exact"},
            "dedup_continued": {"apply": True, "chunk": 1, "max_history_events": 100},
            "dedup_limited": {"minutes": 1e-9},
            "dedup_unknown_source": {"sources": ["lists"]},
            "dedup_cancelled": {"apply": True},
        }.items():
            handle = await start(name, **request)
            while not (await handle.query("progress", result_type=Progress)).paused:
                await asyncio.sleep(0.02)
            await (handle.cancel() if name == "dedup_cancelled" else handle.signal("resume"))
            with suppress(WorkflowFailureError):
                await handle.result()
            await keep(name, atlas_env, name)


async def test_audit_and_purge(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        url = await atlas_env.pool.fetchval("select min(url) from pages")
        # What an audit has processed again, so that the child is recorded too.
        await atlas_env.pool.execute(
            "update page_state set settled_extractor = 0 where page_id = "
            "(select min(page_id) from versions where valid_to is null)"
        )
        for name, kind, request in (
            ("audit_sample", "audit_corpus", {}),
            ("audit_repaired", "audit_corpus", {"full": True, "repair": True}),
            ("purge_dry", "purge_documents", {"urls": [url], "dry_run": True}),
            ("purge_url", "purge_documents", {"urls": [url], "reason": "asked"}),
            ("purge_unknown_source", "purge_documents", {"source": "nosuch"}),
        ):
            handle = await atlas_env.client.start_workflow(
                kind, request, id=name, task_queue="atlas"
            )
            with suppress(WorkflowFailureError):
                await handle.result()
            await keep(name, atlas_env, name)


async def test_export(
    atlas_env: AtlasEnv,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A part a step, so that a history of a hundred events is soon full."""
    monkeypatch.setattr(exports, "WORKING_SECONDS", 0.0)
    await fill(atlas_env.pool, 40)
    async with atlas_env.worker():
        for name, request in {
            "export_folder": {"part_documents": 20},
            "export_continued": {"part_documents": 1, "max_history_events": 100},
            "export_unknown_source": {"only": {"sources": ["nosuch"]}},
            "export_cancelled": {},
        }.items():
            handle = await atlas_env.client.start_workflow(
                "export_corpus",
                {"to": str(tmp_path / name), **request},
                id=name,
                task_queue="atlas",
                start_signal="pause" if name == "export_cancelled" else None,
            )
            if name == "export_cancelled":
                while not (await handle.query("progress", result_type=Progress)).paused:
                    await asyncio.sleep(0.02)
                await handle.cancel()
            with suppress(WorkflowFailureError):
                await handle.result()
            await keep(name, atlas_env, name)


async def test_daily_cleanup(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        for name, request in {
            "cleanup": {},
            "cleanup_audited": {},
            "cleanup_dry": {"dry_run": True, "classes": ["versions", "runs"], "max_deletions": 1},
            "cleanup_continued": {"max_history_events": 50},
            "cleanup_cancelled": {},
        }.items():
            handle = await atlas_env.client.start_workflow(
                "daily_cleanup", request, id=name, task_queue="atlas", start_signal="pause"
            )
            while not (await handle.query("progress", result_type=Progress)).paused:
                await asyncio.sleep(0.02)
            await (handle.cancel() if name == "cleanup_cancelled" else handle.signal("resume"))
            with suppress(WorkflowFailureError):
                await handle.result()
            await keep(name, atlas_env, name)


async def test_health_check(atlas_env: AtlasEnv) -> None:  # noqa: F811
    async with AtlasClient.connect() as atlas:
        await atlas.schedules.apply()
    async with atlas_env.worker():
        run = atlas_env.client.execute_workflow
        await run("health_check", {"alert": False}, id="health_check", task_queue="atlas")
        await fired(atlas_env.client, "health_check")
        await fired(atlas_env.client, "health_check")  # with the last one's result
        checks = atlas_env.client.list_workflows("WorkflowType = 'health_check'")
        for execution in [each async for each in checks][::-1]:  # the newest last
            name = "health_check" if execution.id == "health_check" else "health_check_scheduled"
            await keep(name, atlas_env, execution.id)


async def test_collecting(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await add_site(atlas_env, origin)
    for path in ("/a", "/b"):
        origin.page(path, page(path))
    await atlas_env.add_source("list", "urls", origin.url("/a"), origin.url("/b"), tags=("news",))
    await atlas_env.add_source("feed", "feed", origin.url("/no-feed"), tags=("news",))
    client = atlas_env.client

    async def collected(name: str, kind: str, request: dict[str, object]) -> None:
        await client.execute_workflow(kind, request, id=name, task_queue="atlas")
        await keep(name, atlas_env, name)

    async with atlas_env.worker():
        await collected("hourly", "hourly_collection", {})
        site = {"source": "docs", "mode": "full", "batch": 3, "limits": {"pages": 8}}
        await collected("collect_site", "collect_from_source", site)
        again = {"source": "docs", "mode": "failed"}
        await collected("collect_failed", "collect_from_source", again)
        continued = {"source": "docs", "mode": "full", "batch": 1, "max_history_events": 100}
        await collected("collect_continued", "collect_from_source", continued)
        await collected("collect_all", "collect_all_sources", {"sources": ["nobody", "list"]})
        await collected("collect_tagged", "collect_all_sources", {"tags": ["news"], "parallel": 1})
        stages = {"sources": ["list"], "stages": ["process"]}
        await collected("sync_stored", "sync_pipeline", stages)
        await collected("several_recorded", "sync_pipeline", {"all": True})


async def test_collecting_changed_and_cancelled(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    gate = asyncio.Event()
    for path in ("/a", "/b", "/c"):
        origin.page(path, page(path), gate=gate if path == "/a" else None)
    await atlas_env.add_source("list", "urls", origin.url("/a"), origin.url("/b"))
    async with atlas_env.worker():
        start = atlas_env.client.start_workflow
        given = {"source": "list", "limits": {"pages": 1}}
        handle = await start("collect_from_source", given, id="collect_changed", task_queue="atlas")
        await origin.arrived("/a")
        await handle.execute_update("add_urls", {"urls": [origin.url("/c"), "no url"]})
        await handle.execute_update("set_limits", {})
        await handle.signal("pause")
        gate.set()
        await when(handle, lambda progress: progress.counts.done > 0)
        await handle.signal("resume")
        await handle.result()
        await keep("collect_changed", atlas_env, "collect_changed")

        origin.page("/a", page("/a"), silent=True)
        before = len(origin.requests("/a"))
        again = {"mode": "full"}
        handle = await start(
            "collect_all_sources", again, id="collect_cancelled", task_queue="atlas"
        )
        await origin.arrived("/a", before + 1)
        await handle.signal("pause")
        await handle.signal("resume")
        await handle.cancel()
        with suppress(WorkflowFailureError):
            await handle.result()
        await keep("collect_cancelled", atlas_env, "collect_cancelled")
        child = "collect_from_source:list"
        await keep("collect_cancelled_child", atlas_env, child)


async def test_what_meant_nothing_fails(atlas_env: AtlasEnv, origin: Origin) -> None:  # noqa: F811
    await atlas_env.add_source("asleep", "urls", origin.url("/a"), paused=True)
    cases: dict[str, tuple[str, dict[str, Any]]] = {
        "nothing_unknown": ("sync_pipeline", {"sources": ["unknown"]}),
        "nothing_paused": ("collect_from_source", {"source": "asleep"}),
        "nothing_tagged": ("sync_pipeline", {"tags": ["unknown"]}),
        "nothing_planned": ("collect_all_sources", {}),
        "nothing_batched": ("batch_process", {"query": {}}),
        "nothing_processed": ("process_document", {"url": "https://unknown.example/"}),
        "nothing_due": ("hourly_collection", {}),
    }
    async with atlas_env.worker():
        for name, (kind, asked) in cases.items():
            with suppress(WorkflowFailureError):
                await atlas_env.client.execute_workflow(kind, asked, id=name, task_queue="atlas")
            await keep(name, atlas_env, name)
