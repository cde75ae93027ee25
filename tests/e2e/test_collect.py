"""`collect_from_source` and `collect_all_sources`: found and fetched, within limits, fairly."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import (
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError, CancelledError, WorkflowAlreadyStartedError

from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncProgress
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv, result_of
from tests.e2e.test_sync import found, page
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin

Handle = WorkflowHandle[Any, dict[str, Any]]


async def start(env: AtlasEnv, kind: str, given: Any = None, *, id: str = "") -> Handle:
    """As `temporal workflow start` does it: a type, an id, JSON."""
    args = [] if given is None else [given]
    return await env.client.start_workflow(kind, args=args, id=id or kind, task_queue=QUEUE)


async def execute(env: AtlasEnv, kind: str, given: Any = None) -> dict[str, Any]:
    return dict(await result_of(await start(env, kind, given)))


def words(number: int) -> str:
    return page(f"Page {number}", f"Number {number} tells of lantern {number} and ferry {number}.")


async def declare(env: AtlasEnv, origin: Origin, name: str, pages: int, **rules: Any) -> list[str]:
    """A source of pages `/<name>/0`, `/<name>/1`, …; their paths."""
    paths = [f"/{name}/{number}" for number in range(pages)]
    for number, path in enumerate(paths):
        origin.page(path, words(number))
    await env.add_source(name, "urls", *[origin.url(path) for path in paths], **rules)
    return paths


async def test_what_is_collected_is_compared_with_what_was_fetched_and_processed_later(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    paths = await declare(atlas_env, origin, "docs", 4)
    async with atlas_env.worker():
        first = await execute(atlas_env, "collect_from_source", {"source": "docs"})
        assert (first["outcome"], first["complete"]) == ("completed", True), first
        assert (first["counts"]["added"], first["counts"]["seen"]) == (4, 4)
        assert first["bytes"] == sum(len(words(number)) for number in range(4))
        assert await atlas_env.value("select count(*) from versions") == 0
        assert await atlas_env.value("select checked_at is not null from sources")
        assert await atlas_env.value("select synced_at is null from sources")

        origin.page(paths[0], words(90))
        full = {"source": "docs", "mode": "full"}
        second = await execute(atlas_env, "collect_from_source", full)
        assert (second["counts"]["updated"], second["counts"]["unchanged"]) == (1, 3)

        asked = len(origin.requests())
        settled = await atlas_env.sync("docs", stages=["process"])
        assert (settled.outcome, settled.counts.added) == ("completed", 4), settled
        assert len(origin.requests()) == asked  # from the stored bodies
        assert await found(atlas_env, '"lantern 90"') == [origin.url(paths[0])]
        again = await atlas_env.sync("docs", stages=["process"])
        assert (again.counts.unchanged, len(origin.requests())) == (4, asked)
        settled = await atlas_env.sync("docs", stages=["process"], mode="incremental")
        assert settled.counts.seen == 0
    kinds = await atlas_env.fetch("select kind from runs order by started_at")
    assert [row["kind"] for row in kinds] == ["collect_from_source"] * 2 + ["sync_pipeline"] * 3
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_of_a_site_the_links_are_followed(atlas_env: AtlasEnv, origin: Origin) -> None:
    origin.page("/docs/", page("Start", "Where it begins.", "a.html"))
    origin.page("/docs/a.html", page("Apples", "Apples ripen.", "b.html"))
    origin.page("/docs/b.html", page("Boats", "Boats lie at the quay."))
    await atlas_env.add_source("docs", "site", origin.url("/docs/"), prefix=origin.url("/docs/"))
    async with atlas_env.worker():
        result = await execute(atlas_env, "collect_from_source", {"source": "docs"})
        assert (result["counts"]["added"], result["complete"]) == (3, True), result
        assert await found(atlas_env, "quay") == [origin.url("/docs/b.html")]

        origin.page("/docs/a.html", page("Apples", "Apples are eaten.", "c.html"))
        origin.page("/docs/c.html", page("Cats", "Cats sleep."))
        limited = {"source": "docs", "mode": "full", "limits": {"pages": 2}}
        cut = await execute(atlas_env, "collect_from_source", limited)
        assert (cut["outcome"], cut["complete"]) == ("limit_reached", False), cut
        assert (cut["counts"]["seen"], cut["counts"]["updated"]) == (2, 1)
        assert not origin.requests("/docs/c.html")  # nothing deeper than the limit reaches
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_limits_cut_at_the_same_page_whatever_arrives_first(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    paths = await declare(atlas_env, origin, "docs", 9)
    async with atlas_env.worker():
        request = {"source": "docs", "limits": {"pages": 5}, "batch": 2, "mode": "full"}
        for _ in range(2):
            result = await execute(atlas_env, "collect_from_source", request)
            assert result["outcome"] == "limit_reached"
            assert result["skipped"] == {"budget": 4}
            assert result["counts"]["seen"] == 9
            assert result["complete"] is False
        asked = {seen.path for seen in origin.requests()} - {"/robots.txt"}
        assert asked == set(paths[:5])

        bytes_ = {**request, "limits": {"bytes": 1}, "lanes": 1}
        result = await execute(atlas_env, "collect_from_source", {**bytes_, "mode": "incremental"})
        assert result["outcome"] == "limit_reached"
        assert (result["counts"]["added"], result["skipped"]) == (2, {"budget": 2})

        late = await atlas_env.sync("docs", deadline=datetime(2026, 1, 1, tzinfo=UTC), lanes=2)
        assert (late.outcome, late.skipped) == ("limit_reached", {"deadline": 9})
        assert late.removed == 0
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_urls_and_limits_of_a_run_under_way(atlas_env: AtlasEnv, origin: Origin) -> None:
    paths = await declare(atlas_env, origin, "docs", 4, include=(r"/docs/",))
    gate = asyncio.Event()
    origin.page(paths[0], words(0), gate=gate)
    origin.page("/docs/extra", page("Extra", "An extra page."))
    async with atlas_env.worker():
        given = {"source": "docs", "limits": {"pages": 2}, "batch": 1}
        handle = await start(atlas_env, "collect_from_source", given)
        await origin.arrived(paths[0])
        urls = [origin.url("/docs/extra#top"), origin.url(paths[0]), origin.url("/else"), "no url"]
        added = await handle.execute_update("add_urls", {"urls": urls})
        assert (added["added"], added["known"], added["refused"]) == (1, 1, 2), added
        assert {one["url"] for one in added["refusals"]} == {origin.url("/else"), "no url"}
        again = await handle.execute_update("add_urls", {"urls": urls})
        assert (again["added"], again["known"]) == (0, 2)
        for name, bad, words_of_it in (
            ("add_urls", {"url": ["x"]}, ["url:", "did you mean 'urls'?"]),
            ("add_urls", {"urls": []}, ["urls:", "at least 1"]),
            ("add_urls", {"urls": ["x"] * 1001}, ["urls:", "at most 1000"]),
            ("set_limits", {"pages": 0}, ["pages: 0", "greater than or equal to 1"]),
        ):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(name, bad)
            assert isinstance(refused.value.cause, ApplicationError)
            message = str(refused.value.cause)
            assert [word for word in words_of_it if word not in message] == [], message
        limits = await handle.execute_update("set_limits", {"pages": 4, "minutes": 600})
        assert limits == {"pages": 4, "bytes": None, "minutes": 600.0, "deadline": None}
        gate.set()
        result = await handle.result()
    # By URL the four within the limit are 0, 1, 2, 3; `extra` comes after them.
    assert (result["counts"]["added"], result["skipped"]) == (4, {"budget": 1}), result
    assert result["outcome"] == "limit_reached"
    assert not origin.requests("/docs/extra")
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
async def test_limits_are_lifted_and_urls_added_at_the_last_moment(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    """Whatever an update answers is done: no page that was added is left behind."""
    paths = await declare(atlas_env, origin, "docs", 3)
    more = [f"/more/{number:02}" for number in range(40)]
    for path in more:
        origin.page(path, page(path, f"More about {path}."))
    async with atlas_env.worker():
        given = {"source": "docs", "limits": {"pages": 1}}
        handle = await start(atlas_env, "collect_from_source", given)
        await handle.execute_update("set_limits", {})
        added = 0
        for path in more:  # until it is too late
            try:
                answer = await handle.execute_update("add_urls", {"urls": [origin.url(path)]})
            except Exception:
                break
            added += answer["added"]
        result = await handle.result()
    assert result["counts"]["added"] == len(paths) + added, result
    assert result["outcome"] == "completed"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_only_what_failed_is_tried_again(atlas_env: AtlasEnv, origin: Origin) -> None:
    paths = await declare(atlas_env, origin, "docs", 3)
    origin.status(paths[1], 404)
    async with atlas_env.worker():
        first = await atlas_env.sync("docs")
        assert (first.counts.added, first.counts.failed) == (2, 1)
        origin.page(paths[1], words(1))
        before = len(origin.requests())
        due = await atlas_env.sync("docs", mode="incremental")
        assert (due.counts.seen, len(origin.requests())) == (0, before)
        retried = await atlas_env.sync("docs", mode="incremental", retry_failed=True)
        assert (retried.counts.added, retried.counts.seen) == (1, 1)

        origin.status(paths[2], 404)
        await atlas_env.sync("docs")
        origin.page(paths[2], words(2))
        failed = {"source": "docs", "mode": "failed"}
        result = await execute(atlas_env, "collect_from_source", failed)
        assert (result["counts"]["seen"], result["counts"]["unchanged"]) == (1, 1), result
        assert result["complete"] is False
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_cancelled_and_run_again_and_started_twice(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    paths = await declare(atlas_env, origin, "docs", 6)
    origin.page(paths[4], words(4), silent=True)
    async with atlas_env.worker():
        given = {"source": "docs", "batch": 2}
        handle = await start(atlas_env, "collect_from_source", given)
        await origin.arrived(paths[4])
        with pytest.raises(WorkflowAlreadyStartedError):
            await start(atlas_env, "collect_from_source", given)
        other = await atlas_env.sync("docs")
        assert (other.outcome, "collect_from_source" in other.message) == ("already_running", True)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        await assert_invariants(atlas_env.pool, atlas_env.blobs)
        with pytest.raises(Exception, match=r"ending|completed"):
            await handle.execute_update("add_urls", {"urls": [origin.url("/x")]})

        origin.page(paths[4], words(4))
        result = await execute(atlas_env, "collect_from_source", given)
        assert result["outcome"] == "completed"
        collected = await atlas_env.value(
            "select count(*) from page_state where fetched_snapshot is not null"
        )
        assert collected == 6
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_all_sources_are_collected_and_a_bad_one_harms_no_other(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    await declare(atlas_env, origin, "good", 2, tags=("news",))
    await declare(atlas_env, origin, "other", 3)
    await declare(atlas_env, origin, "asleep", 1, paused=True, tags=("news",))
    await atlas_env.add_source("bad", "feed", origin.url("/no-feed"), tags=("news",))
    async with atlas_env.worker():
        result = await execute(atlas_env, "collect_all_sources", {})
        assert result["outcome"] == "completed_with_failures", result
        assert result["outcomes"] == {"completed": 2, "listing_failed": 1}
        assert [one["source"] for one in result["sources"]] == ["bad", "good", "other"]
        assert (result["selected"], result["counts"]["added"]) == (3, 5)
        assert result["bytes"] > 0

        tagged = await execute(
            atlas_env,
            "collect_all_sources",
            {"tags": ["news"], "sources": ["asleep", "nobody"], "limits": {"pages": 1}},
        )
        assert tagged["outcomes"] == {
            "unknown_source": 1, "source_paused": 1, "listing_failed": 1, "completed": 1,
        }  # fmt: skip
        nothing = await execute(
            atlas_env, "collect_all_sources", {"due": True, "sources": ["good"]}
        )
        assert (nothing["outcome"], nothing["selected"]) == ("completed", 0)

        run = (await atlas_env.fetch("select * from runs where run_id = $1", result["run_id"]))[0]
        assert (run["kind"], run["outcome"]) == ("collect_all_sources", result["outcome"])
        several = await atlas_env.sync(tags=["news"], id="tagged")
        assert [one.source for one in several.sources] == ["bad", "good"]
        assert (
            await atlas_env.value("select outcome from runs where run_id = $1", several.run_id)
            == "completed_with_failures"
        )
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


@pytest.mark.slow
async def test_all_paused_resumed_and_cancelled_with_their_children(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    for name in ("one", "two", "three"):
        paths = await declare(atlas_env, origin, name, 2)
        if name != "two":
            origin.page(paths[0], words(0), silent=True)
    async with atlas_env.worker():
        handle = await start(atlas_env, "collect_all_sources", {"parallel": 2})
        for name in ("one", "three"):  # in the order of their declaration; two ends, three begins
            await origin.arrived(f"/{name}/0")
        await handle.signal("pause")

        async def paused() -> bool:
            since = "select count(paused_since) from runs where ended_at is null"
            return bool(await atlas_env.value(since) == 3)

        await until(paused)
        progress = await handle.query("progress")
        assert (progress["paused"], progress["total"], progress["of"]) == (True, 3, "sources")
        await handle.signal("resume")
        child = atlas_env.client.get_workflow_handle("collect_from_source:three")

        async def goes_on() -> bool:
            return not (await child.query("progress", result_type=SyncProgress)).paused

        await until(goes_on)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        outcomes = await atlas_env.fetch("select workflow_id, outcome from runs order by 1")
        assert {row["workflow_id"]: row["outcome"] for row in outcomes} == {
            "collect_all_sources": "cancelled",
            "collect_from_source:one": "cancelled",
            "collect_from_source:three": "cancelled",
            "collect_from_source:two": "completed",
        }
        for name in ("one", "three"):
            origin.page(f"/{name}/0", words(0))
        again = await execute(atlas_env, "collect_all_sources", {})
        assert again["outcome"] == "completed"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
async def test_many_sources_continue_as_new_and_none_is_lost_or_done_twice(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    names = [f"source-{number:02}" for number in range(24)]
    for name in names:  # paused: their runs end at once
        await atlas_env.add_source(name, "urls", origin.url("/a"), paused=True)
    async with atlas_env.worker():
        handle = await start(
            atlas_env,
            "collect_all_sources",
            {"sources": [*names, "nobody"], "parallel": 3, "max_history_events": 100},
        )
        result = await handle.result()
        assert result["outcomes"] == {"source_paused": 24, "unknown_source": 1}, result
        assert result["selected"] == 25
        assert sorted(one["source"] for one in result["sources"]) == sorted([*names, "nobody"])
        executions = atlas_env.client.list_workflows("WorkflowType = 'collect_all_sources'")
        assert len([each async for each in executions]) > 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_bad_input_is_refused_by_name(atlas_env: AtlasEnv) -> None:
    async with atlas_env.worker():
        for kind, given, words_of_it in (
            ("collect_from_source", None, '{"source": "docs"}'),
            ("collect_from_source", {"sources": "docs"}, "did you mean 'source'?"),
            ("collect_all_sources", {"limits": {"page": 1}}, "did you mean 'pages'?"),
            ("hourly_collection", {"parallel": 0}, "parallel: 0"),
        ):
            with pytest.raises(WorkflowFailureError) as failure:
                await execute(atlas_env, kind, given)
            assert words_of_it in str(failure.value.cause)
        unknown = await execute(atlas_env, "collect_from_source", {"source": "docs"})
        assert unknown["outcome"] == "unknown_source"
