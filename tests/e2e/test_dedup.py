"""`deduplicate_documents` on the real server: found, reported, marked; nothing is ever lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from atlas.contracts.deduplicate_documents import (
    STAGES,
    CheckPart,
    DecideGroups,
    DeduplicateRequest,
    DeduplicateResult,
    DescribeScope,
    ForgetGroups,
    ReportGroups,
)
from atlas.contracts.jobs import BeginJob, Progress
from atlas.contracts.names import QUEUE
from atlas.stores.blobs import open_blobs
from starter.client import AtlasClient
from starter.errors import DifferentRequest
from tests.e2e.environments import kill, until
from tests.e2e.stack import AtlasEnv, result_of
from tests.e2e.test_delivery import activities, beside, cut_short, once, twice
from tests.invariants import (
    assert_clusters_follow_the_evidence,
    assert_invariants,
    assert_workflows_healthy,
    snapshot,
)
from tests.origin import Origin
from tests.stores.drive import Drive

STORY = (
    "The keeper of the lighthouse wrote down the weather every evening: wind from the west, a "
    "falling glass, two sails on the horizon, and the lamp trimmed before the fog came in. In the "
    "morning the boat brought oil, bread, letters and news of the herring fleet, which had been "
    "seen off the northern skerries with its nets out and its lanterns lit until dawn. "
)
BREAD = (
    "Bread rises slowly in a cold kitchen. The baker weighs flour and salt, folds the dough three "
    "times, lets it rest under a cloth, and only then fires the oven with birch and old crates. "
)
SITE = "https://example.org"
TEXTS = {
    "/a/copy": STORY,
    "/a/print": STORY,
    "/c/edited": STORY.replace("herring", "mackerel"),
    "/b/story": STORY,
    "/d/bread": BREAD,
}
SOURCES = {"shore": ("/a/copy", "/a/print", "/c/edited"), "books": ("/b/story", "/d/bread")}

Marks = dict[str, tuple[str, str]]
"""Path of a marked page → path of the page that is kept, and kind."""

MARKS: Marks = {  # no page names a canonical one, and all came as old: the smallest URL is kept
    "/a/print": ("/a/copy", "exact"),
    "/b/story": ("/a/copy", "exact"),
    "/c/edited": ("/a/copy", "near"),
}


async def fill(env: AtlasEnv) -> None:
    """Both sources straight into the store, as a sync would leave them."""
    drive = Drive(env.pool)
    for name, paths in SOURCES.items():
        await drive.add(name)
        await drive.run(name, {SITE + path: TEXTS[path] for path in paths})
    await env.pool.execute("update pages set created_at = (select min(created_at) from pages)")


@pytest.fixture
async def corpus(atlas_env: AtlasEnv) -> AsyncIterator[AtlasEnv]:
    await fill(atlas_env)
    async with atlas_env.worker():
        yield atlas_env


async def start(env: AtlasEnv, **fields: Any) -> WorkflowHandle[Any, DeduplicateResult]:
    return await env.client.start_workflow(
        "deduplicate_documents",
        fields,
        id="deduplicate_documents:ALL",
        task_queue=QUEUE,
        result_type=DeduplicateResult,
    )


async def dedup(env: AtlasEnv, **fields: Any) -> DeduplicateResult:
    return DeduplicateResult.model_validate(await result_of(await start(env, **fields)))


async def marks(env: AtlasEnv, base: str = SITE) -> Marks:
    rows = await env.fetch(
        "select p.url, k.url as kept, x.kind from duplicates x"
        " join pages p on p.id = x.page_id join pages k on k.id = x.winner_page_id"
    )
    return {
        row["url"].removeprefix(base): (row["kept"].removeprefix(base), row["kind"]) for row in rows
    }


async def manifest(env: AtlasEnv, result: DeduplicateResult) -> list[dict[str, Any]]:
    assert result.manifest is not None
    assert result.manifest == await env.value(
        "select encode(hash, 'hex') from artifacts where kind = 'outcomes' and name = $1",
        result.run_id,
    )
    async with open_blobs(str(env.blobs)) as blobs:
        return [json.loads(line) for line in (await blobs.get(result.manifest)).splitlines()]


# A real site, from the first report to the last mark


def page(title: str, text: str, canonical: str = "") -> str:
    link = f'<link rel="canonical" href="{canonical}">' if canonical else ""
    return (
        f"<html lang=en><head><title>{title}</title>{link}</head>"
        f"<body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    )


async def test_a_site_is_reported_then_marked_then_changes(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    for path, text in TEXTS.items():
        named = origin.url("/b/story") if path.startswith("/a/") else ""
        origin.page(path, page("Bread" if text is BREAD else "Story", text, named))
    for name, paths in SOURCES.items():
        await atlas_env.add_source(name, "urls", *map(origin.url, paths))
    async with atlas_env.worker():
        for name in SOURCES:
            await atlas_env.sync(name)
        before = await snapshot(atlas_env.pool, origin.base)
        await _reported(atlas_env, origin)
        await _marked(atlas_env, origin)
        assert (await snapshot(atlas_env.pool, origin.base)).differences(before) == []
        await _changed(atlas_env, origin)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def _reported(env: AtlasEnv, origin: Origin) -> None:
    """The smallest input, as the `temporal` CLI would send it."""
    result: DeduplicateResult = await env.client.execute_workflow(
        "deduplicate_documents", id="plain", task_queue=QUEUE, result_type=DeduplicateResult
    )
    assert (result.outcome, result.applied, result.message) == ("completed", False, "")
    assert result.counts.model_dump() == {
        "texts": 3, "pages": 5, "exact_groups": 0, "near_groups": 1, "duplicates": 3,
        "marked": 0, "unmarked": 0, "drifted": 0, "repaired": 0,
    }  # fmt: skip
    [group] = result.groups
    assert (group.winner, group.kind, group.pages) == (origin.url("/b/story"), "near", 4)
    assert [(member.url, member.kind) for member in group.members] == [
        (origin.url("/a/copy"), "exact"),
        (origin.url("/a/print"), "exact"),
        (origin.url("/c/edited"), "near"),
    ]
    assert 0.8 <= group.members[-1].similarity < 1
    assert await manifest(env, result) == [group.model_dump()]
    assert await marks(env, origin.base) == {}
    [run] = await env.fetch("select * from runs where run_id = $1", result.run_id)
    assert (run["kind"], run["outcome"]) == ("deduplicate_documents", "completed")
    assert json.loads(run["summary"])["duplicates"] == 3
    assert await env.value("select count(*) from duplicate_findings") == 0


async def _marked(env: AtlasEnv, origin: Origin) -> None:
    first = await dedup(env, apply=True)
    assert (first.counts.marked, first.counts.unmarked) == (3, 0)
    assert await marks(env, origin.base) == {
        "/a/copy": ("/b/story", "exact"),
        "/a/print": ("/b/story", "exact"),
        "/c/edited": ("/b/story", "near"),
    }
    again = await dedup(env, apply=True)
    assert (again.counts.marked, again.counts.unmarked) == (0, 0), "nothing changed"
    assert again.manifest == first.manifest
    async with AtlasClient.connect() as atlas:
        unique = [each.url async for each in atlas.documents(unique=True)]
        assert unique == [origin.url("/b/story"), origin.url("/d/bread")]
        listed = {each.url: each.duplicate_of async for each in atlas.documents()}
        assert len(listed) == 5
        assert listed[origin.url("/c/edited")] == origin.url("/b/story")
        shown = await atlas.document(origin.url("/a/copy"))
        assert shown.current.duplicate_of == origin.url("/b/story")
        [hit] = (await atlas.search("herring skerries")).results
        assert (hit.url, hit.copies) == (origin.url("/b/story"), 2), "not the smallest URL"
        # What only a duplicate says is found, in the duplicate.
        assert (await atlas.search("mackerel")).results[0].url == origin.url("/c/edited")


async def _changed(env: AtlasEnv, origin: Origin) -> None:
    origin.page("/a/copy", page("Quite another", BREAD.replace("flour", "rye")))
    await env.sync("shore")
    assert set(await marks(env, origin.base)) == {"/a/print", "/c/edited"}
    origin.status("/b/story", 410)  # the page that is kept
    for _ in range(2):
        await env.sync("books", trigger="schedule")
    assert await marks(env, origin.base) == {}
    await dedup(env, apply=True)
    assert await marks(env, origin.base) == {"/c/edited": ("/a/print", "near")}


# A corpus that the store was given


@pytest.mark.slow
async def test_kinds_rules_scopes_and_limits(corpus: AtlasEnv) -> None:
    assert (await dedup(corpus, apply=True)).counts.marked == 3
    assert await marks(corpus) == MARKS
    exact = await dedup(corpus, apply=True, kind="exact", winner="shortest_url")
    assert await marks(corpus) == {
        "/a/print": ("/a/copy", "exact"),
        "/b/story": ("/a/copy", "exact"),
    }
    assert (exact.counts.exact_groups, exact.counts.near_groups) == (1, 0)
    assert (exact.counts.marked, exact.counts.unmarked) == (0, 1)
    await dedup(corpus, apply=True, kind="near")
    assert await marks(corpus) == {"/c/edited": ("/a/copy", "near")}
    strict = await dedup(corpus, apply=True, threshold=1.0)
    assert strict.counts.near_groups == 0
    assert set(await marks(corpus)) == {"/a/print", "/b/story"}

    shore = await dedup(corpus, sources=["shore"], apply=True)
    assert (shore.counts.pages, shore.counts.texts, shore.counts.duplicates) == (3, 2, 2)
    assert await marks(corpus) == MARKS, "a mark outside of the scope stays"
    nowhere = await dedup(corpus, sources=["shore", "shroe"])
    assert nowhere.outcome == "unknown_source" and "shroe" in nowhere.message
    hasty = await dedup(corpus, apply=True, minutes=1e-9)
    assert hasty.outcome == "limit_reached" and "what is marked by now stays" in hasty.message
    assert await marks(corpus) == MARKS


async def test_drift_is_told_by_a_report_and_put_right_by_apply(corpus: AtlasEnv) -> None:
    await corpus.pool.execute("delete from bands")
    await corpus.pool.execute("update sketches set representative = text_hash, similarity = null")
    told = await dedup(corpus)
    assert told.counts.drifted > 0 and told.counts.repaired == 0
    assert "a run with apply repairs them" in told.message
    mended = await dedup(corpus, apply=True)
    assert mended.counts.repaired > 0 and mended.message == ""
    assert await marks(corpus) == MARKS
    assert (await dedup(corpus)).counts.drifted == 0
    await assert_clusters_follow_the_evidence(corpus.pool)


@pytest.mark.slow
async def test_paused_cancelled_run_again_and_continued_as_new(corpus: AtlasEnv) -> None:
    calm = await dedup(corpus)
    handle = await start(corpus, apply=True, chunk=1, max_history_events=100)
    await handle.signal("pause")
    await until(lambda: _paused(handle))
    await until(lambda: corpus.value("select paused_since from runs where ended_at is null"))
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as ended:
        await handle.result()
    assert isinstance(ended.value.cause, CancelledError)
    last = "select outcome from runs order by started_at desc limit 1"
    assert await corpus.value(last) == "cancelled"
    assert await corpus.value("select count(*) from duplicate_findings") == 0

    handle = await start(corpus, apply=True, chunk=1, max_history_events=100)
    await handle.signal("pause")
    await until(lambda: _paused(handle))
    await handle.signal("resume")
    result = await handle.result()
    assert result.outcome == "completed" and result.manifest == calm.manifest
    assert result.events > 100, "it did not continue as new"
    assert await marks(corpus) == MARKS
    await assert_workflows_healthy(corpus.client)


async def _paused(handle: WorkflowHandle[Any, Any]) -> bool:
    progress: Progress = await handle.query("progress", result_type=Progress)
    return progress.paused


@pytest.mark.slow
async def test_started_twice_it_runs_once(corpus: AtlasEnv) -> None:
    async with AtlasClient.connect() as atlas:
        first = await atlas.start("deduplicate_documents", chunk=1)
        await first.pause()
        second = await atlas.start("deduplicate_documents", chunk=1)
        assert second.joined and second.run_id == first.run_id
        with pytest.raises(DifferentRequest, match="apply"):
            await atlas.start("deduplicate_documents", chunk=1, apply=True)
        await first.resume()
        assert (await second.result()) == (await first.result())


async def test_every_way_of_delivery_leaves_the_same_marks(atlas_env: AtlasEnv) -> None:
    await fill(atlas_env)
    for deliver in (once, twice, beside, cut_short):
        async with activities(atlas_env, deliver) as call:
            reported = await _by_hand(call, f"run-{deliver.__name__}")
        assert (reported.counts.marked, reported.counts.unmarked) == (3, 0), deliver
        assert (reported.counts.near_groups, reported.counts.duplicates) == (1, 3), deliver
        assert len(reported.groups) == 1, deliver
        assert await marks(atlas_env) == MARKS, deliver
        await atlas_env.pool.execute("delete from duplicates")


async def _by_hand(call: Any, run_id: str) -> Any:
    begun = BeginJob(run_id=run_id, workflow_id="by-hand", kind="deduplicate_documents")
    await call("begin_job", begun)
    assert (await call("describe_scope", DescribeScope())).pages == 5
    for stage in STAGES[:-1]:
        await _to_the_end(call, "check_part", CheckPart(stage=stage, chunk=1, repair=True))
    await _to_the_end(call, "decide_groups", DecideGroups(run_id=run_id, apply=True, chunk=1))
    reported = await call("report_groups", ReportGroups(run_id=run_id, apply=True))
    await call("forget_groups", ForgetGroups(run_id=run_id))
    return reported


async def _to_the_end(call: Any, name: str, request: Any) -> None:
    while (done := await call(name, request)).cursor is not None:
        request = request.model_copy(update={"cursor": done.cursor})


@pytest.mark.slow  # its worker starts twice
async def test_a_worker_killed_midway_costs_nothing(atlas_env: AtlasEnv) -> None:
    await fill(atlas_env)
    victim = atlas_env.spawn_worker()
    calm = await dedup(atlas_env)
    async with atlas_env.pool.acquire() as lock:
        await lock.execute("begin; lock table duplicates")  # holds the run where it marks
        handle = await start(atlas_env, apply=True, chunk=1)
        await until(lambda: _waits_for_the_lock(atlas_env))
        await kill(victim)
        await lock.execute("rollback")
    async with atlas_env.worker():
        result = await handle.result()
    assert result.outcome == "completed" and result.manifest == calm.manifest
    assert await marks(atlas_env) == MARKS
    await assert_workflows_healthy(atlas_env.client)


async def _waits_for_the_lock(env: AtlasEnv) -> Any:
    return await env.value(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        " and datname = current_database() and query like '%duplicates%'"
    )


@pytest.mark.slow  # several syncs
async def test_syncs_and_deduplication_at_once_agree(atlas_env: AtlasEnv, origin: Origin) -> None:
    """Pages change while they are marked: no mark names a text that is not there."""
    for name, paths in SOURCES.items():
        await atlas_env.add_source(name, "urls", *map(origin.url, paths))
    async with atlas_env.worker():
        for turn in range(4):
            for path, text in TEXTS.items():
                origin.page(path, page("Story", text + f"Turn {turn % 2}. " * (turn % 3)))
            await asyncio.gather(
                atlas_env.sync("shore"),
                atlas_env.sync("books"),
                dedup(atlas_env, apply=True, chunk=1),
            )
        await dedup(atlas_env, apply=True)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    assert len(await marks(atlas_env)) == 3


def test_requests_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="threshold"):
        DeduplicateRequest(threshold=0.2)
    with pytest.raises(ValueError, match="winner"):
        DeduplicateRequest.model_validate({"winner": "best"})
