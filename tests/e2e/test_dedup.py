"""`deduplicate_documents` on the real server: found, reported, marked; nothing is ever lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError, WorkflowAlreadyStartedError

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
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_delivery import Deliver, activities, beside, cut_short, once, twice
from tests.invariants import assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin

STORY = (
    "The keeper of the lighthouse wrote down the weather every evening: wind from the west, a "
    "falling glass, two sails on the horizon, and the lamp trimmed before the fog came in. In the "
    "morning the boat brought oil, bread, letters and news of the herring fleet, which had been "
    "seen off the northern skerries with its nets out and its lanterns lit until dawn. "
)
OTHER = (
    "Bread rises slowly in a cold kitchen. The baker weighs flour and salt, folds the dough three "
    "times, lets it rest under a cloth, and only then fires the oven with birch and old crates. "
)


def page(title: str, text: str, canonical: str = "") -> str:
    link = f'<link rel="canonical" href="{canonical}">' if canonical else ""
    return (
        f"<html lang=en><head><title>{title}</title>{link}</head>"
        f"<body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    )


def publish(origin: Origin) -> dict[str, str]:
    """Two copies and a print version (canonical: the second), a near-duplicate, one of its own."""
    pages = {
        "/a/copy": page("Story", STORY, origin.url("/b/story")),
        "/a/print": page("Story", STORY, origin.url("/b/story")),
        "/b/story": page("Story", STORY),
        "/c/edited": page("Story", STORY.replace("herring", "mackerel")),
        "/d/bread": page("Bread", OTHER),
    }
    for path, html in pages.items():
        origin.page(path, html)
    return pages


async def declared(env: AtlasEnv, origin: Origin) -> None:
    publish(origin)
    await env.add_source("shore", "urls", *map(origin.url, ("/a/copy", "/a/print", "/c/edited")))
    await env.add_source("books", "urls", *map(origin.url, ("/b/story", "/d/bread")))


@pytest.fixture
async def corpus(atlas_env: AtlasEnv, origin: Origin) -> AsyncIterator[AtlasEnv]:
    await declared(atlas_env, origin)
    async with atlas_env.worker():
        for name in ("shore", "books"):
            assert (await atlas_env.sync(name)).outcome == "completed"
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
    return await (await start(env, **fields)).result()


async def marks(env: AtlasEnv, origin: Origin) -> dict[str, tuple[str, str]]:
    """Marked path → (path of the page that is kept, kind)."""
    rows = await env.fetch(
        "select p.url, k.url as kept, x.kind from duplicates x"
        " join pages p on p.id = x.page_id join pages k on k.id = x.winner_page_id"
    )
    return {
        row["url"].removeprefix(origin.base): (row["kept"].removeprefix(origin.base), row["kind"])
        for row in rows
    }


ALL_MARKS = {
    "/a/copy": ("/b/story", "exact"),
    "/a/print": ("/b/story", "exact"),
    "/c/edited": ("/b/story", "near"),
}


async def manifest(env: AtlasEnv, result: DeduplicateResult) -> list[dict[str, Any]]:
    assert result.manifest is not None
    assert result.manifest == await env.value(
        "select encode(hash, 'hex') from artifacts where kind = 'outcomes' and name = $1",
        result.run_id,
    )
    async with open_blobs(str(env.blobs)) as blobs:
        return [json.loads(line) for line in (await blobs.get(result.manifest)).splitlines()]


async def test_the_smallest_input_reports_and_changes_nothing(
    corpus: AtlasEnv, origin: Origin
) -> None:
    before = await snapshot(corpus.pool, origin.base)
    result: DeduplicateResult = await corpus.client.execute_workflow(
        "deduplicate_documents", id="plain", task_queue=QUEUE, result_type=DeduplicateResult
    )
    assert (result.outcome, result.applied, result.message) == ("completed", False, "")
    assert result.counts.model_dump() == {
        "texts": 3, "pages": 5, "exact_groups": 0, "near_groups": 1, "duplicates": 3,
        "marked": 0, "unmarked": 0, "drifted": 0, "repaired": 0,
    }  # fmt: skip
    [group] = result.groups
    assert (group.winner, group.kind, group.pages) == (origin.url("/b/story"), "near", 4)
    assert [member.url for member in group.members] == [
        origin.url(path) for path in ("/a/copy", "/a/print", "/c/edited")
    ]
    assert [member.kind for member in group.members] == ["exact", "exact", "near"]
    assert 0.8 <= group.members[-1].similarity < 1
    assert await manifest(corpus, result) == [group.model_dump()]
    assert await marks(corpus, origin) == {}
    assert (await snapshot(corpus.pool, origin.base)).differences(before) == []
    run = (await corpus.fetch("select * from runs where run_id = $1", result.run_id))[0]
    assert (run["kind"], run["outcome"]) == ("deduplicate_documents", "completed")
    assert json.loads(run["summary"])["duplicates"] == 3
    assert await corpus.value("select count(*) from duplicate_findings") == 0


async def test_marks_are_seen_and_nothing_is_lost(corpus: AtlasEnv, origin: Origin) -> None:
    before = await snapshot(corpus.pool, origin.base)
    first = await dedup(corpus, apply=True)
    assert (first.counts.marked, first.counts.unmarked) == (3, 0)
    assert await marks(corpus, origin) == ALL_MARKS
    again = await dedup(corpus, apply=True)
    assert (again.counts.marked, again.counts.unmarked) == (0, 0), "nothing changed"
    assert again.manifest == first.manifest
    assert (await snapshot(corpus.pool, origin.base)).differences(before) == []
    async with AtlasClient.connect() as atlas:
        unique = [each.url async for each in atlas.documents(unique=True)]
        assert unique == [origin.url("/b/story"), origin.url("/d/bread")]
        listed = {each.url: each.duplicate_of async for each in atlas.documents()}
        assert len(listed) == 5 and listed[origin.url("/c/edited")] == origin.url("/b/story")
        shown = await atlas.document(origin.url("/a/copy"))
        assert shown.current.duplicate_of == origin.url("/b/story")
        [hit] = (await atlas.search("herring skerries")).results
        assert (hit.url, hit.copies) == (origin.url("/b/story"), 2), "not the smallest URL"
        # What only a duplicate says is found, in the duplicate.
        assert (await atlas.search("mackerel")).results[0].url == origin.url("/c/edited")
    await assert_invariants(corpus.pool, corpus.blobs)
    await assert_workflows_healthy(corpus.client)


async def test_exact_alone_and_a_stricter_rule_take_marks_off(
    corpus: AtlasEnv, origin: Origin
) -> None:
    await dedup(corpus, apply=True)
    result = await dedup(corpus, apply=True, kind="exact", winner="smallest_url")
    assert await marks(corpus, origin) == {
        "/a/print": ("/a/copy", "exact"),
        "/b/story": ("/a/copy", "exact"),
    }
    assert (result.counts.exact_groups, result.counts.near_groups) == (1, 0)
    assert (result.counts.marked, result.counts.unmarked) == (2, 2)
    await dedup(corpus, apply=True, kind="near", winner="smallest_url")
    assert await marks(corpus, origin) == {"/c/edited": ("/a/copy", "near")}
    strict = await dedup(corpus, apply=True, threshold=1.0)
    assert strict.counts.near_groups == 0
    assert set(await marks(corpus, origin)) == {"/a/copy", "/a/print"}


async def test_a_page_that_changes_or_goes_loses_its_mark(corpus: AtlasEnv, origin: Origin) -> None:
    await dedup(corpus, apply=True)
    origin.page("/a/copy", page("Quite another", OTHER.replace("flour", "rye")))
    await corpus.sync("shore")
    assert set(await marks(corpus, origin)) == {"/a/print", "/c/edited"}
    origin.status("/b/story", 410)  # the page that is kept
    await corpus.sync("books")
    assert await marks(corpus, origin) == {}
    await dedup(corpus, apply=True)
    assert await marks(corpus, origin) == {"/c/edited": ("/a/print", "near")}
    await assert_invariants(corpus.pool, corpus.blobs)


async def test_a_scope_compares_its_own_pages_only(corpus: AtlasEnv, origin: Origin) -> None:
    result = await dedup(corpus, sources=["shore"], apply=True)
    assert (result.counts.pages, result.counts.texts) == (3, 2)
    assert await marks(corpus, origin) == {
        "/a/print": ("/a/copy", "exact"),
        "/c/edited": ("/a/copy", "near"),
    }
    await dedup(corpus, apply=True, winner="canonical")
    assert await marks(corpus, origin) == ALL_MARKS, "no winner is marked itself"
    nowhere = await dedup(corpus, sources=["shore", "shroe"])
    assert nowhere.outcome == "unknown_source" and "shroe" in nowhere.message


async def test_time_that_is_up_ends_the_run_well(corpus: AtlasEnv, origin: Origin) -> None:
    result = await dedup(corpus, apply=True, minutes=1e-9)
    assert result.outcome == "limit_reached" and "what is marked by now stays" in result.message
    assert (await dedup(corpus, apply=True)).outcome == "completed"
    assert await marks(corpus, origin) == ALL_MARKS


async def test_a_long_run_continues_as_new_paused_and_resumed(
    corpus: AtlasEnv, origin: Origin
) -> None:
    calm = await dedup(corpus)
    handle = await start(corpus, apply=True, chunk=1, max_history_events=100)
    await handle.signal("pause")
    await until(lambda: _paused(handle))
    await until(lambda: corpus.value("select paused_since from runs where ended_at is null"))
    await handle.signal("resume")
    result = await handle.result()
    assert result.outcome == "completed" and result.manifest == calm.manifest
    assert result.events > 100
    assert await marks(corpus, origin) == ALL_MARKS


async def _paused(handle: WorkflowHandle[Any, Any]) -> bool:
    progress: Progress = await handle.query("progress", result_type=Progress)
    return progress.paused


async def test_cancelled_midway_and_run_again(corpus: AtlasEnv, origin: Origin) -> None:
    handle = await start(corpus, apply=True, chunk=1)
    await handle.signal("pause")
    await until(lambda: _paused(handle))
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as ended:
        await handle.result()
    assert isinstance(ended.value.cause, CancelledError)
    assert await corpus.value("select outcome from runs order by started_at desc limit 1") == (
        "cancelled"
    )
    assert await corpus.value("select count(*) from duplicate_findings") == 0
    await dedup(corpus, apply=True)
    assert await marks(corpus, origin) == ALL_MARKS
    await assert_invariants(corpus.pool, corpus.blobs)


async def test_started_twice_it_runs_once(corpus: AtlasEnv) -> None:
    async with AtlasClient.connect() as atlas:
        first = await atlas.start("deduplicate_documents", chunk=1)
        await first.pause()
        second = await atlas.start("deduplicate_documents", chunk=1)
        assert second.joined and second.run_id == first.run_id
        with pytest.raises(DifferentRequest, match="apply"):
            await atlas.start("deduplicate_documents", chunk=1, apply=True)
        with pytest.raises(WorkflowAlreadyStartedError):
            await start(corpus)
        await first.resume()
        assert (await second.result()) == (await first.result())


@pytest.mark.parametrize("deliver", [once, twice, beside, cut_short], ids=lambda way: way.__name__)
async def test_every_way_of_delivery_leaves_the_same_marks(
    corpus: AtlasEnv, origin: Origin, deliver: Deliver
) -> None:
    async with activities(corpus, deliver) as call:
        await call(
            "begin_job", BeginJob(run_id="r", workflow_id="by-hand", kind="deduplicate_documents")
        )
        assert (await call("describe_scope", DescribeScope())).pages == 5
        for stage in STAGES[:-1]:
            await _to_the_end(call, "check_part", CheckPart(stage=stage, chunk=1, repair=True))
        decide = DecideGroups(run_id="r", apply=True, chunk=1)
        await _to_the_end(call, "decide_groups", decide)
        reported = await call("report_groups", ReportGroups(run_id="r", apply=True))
        await call("forget_groups", ForgetGroups(run_id="r"))
    assert (reported.counts.marked, reported.counts.unmarked) == (3, 0)
    assert (reported.counts.near_groups, reported.counts.duplicates) == (1, 3)
    assert await marks(corpus, origin) == ALL_MARKS


async def _to_the_end(call: Any, name: str, request: Any) -> None:
    while True:
        done = await call(name, request)
        if done.cursor is None:
            return
        request = request.model_copy(update={"cursor": done.cursor})


async def test_a_worker_killed_midway_costs_nothing(atlas_env: AtlasEnv, origin: Origin) -> None:
    await declared(atlas_env, origin)
    async with atlas_env.worker():
        for name in ("shore", "books"):
            await atlas_env.sync(name)
        calm = await dedup(atlas_env)
    victim = atlas_env.spawn_worker()
    async with atlas_env.pool.acquire() as lock:
        await lock.execute("begin; lock table duplicates")  # holds the run where it marks
        handle = await start(atlas_env, apply=True, chunk=1)
        await until(lambda: _waits_for_the_lock(atlas_env))
        await kill(victim)
        await lock.execute("rollback")
    async with atlas_env.worker():
        result = await handle.result()
    assert result.outcome == "completed" and result.manifest == calm.manifest
    assert await marks(atlas_env, origin) == ALL_MARKS
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def _waits_for_the_lock(env: AtlasEnv) -> Any:
    return await env.value(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        " and datname = current_database() and query like '%duplicates%'"
    )


DAMAGE = {
    "a lost sketch": "delete from sketches where text_hash = (select min(text_hash) from sketches)",
    "a sketch of an older version": (
        "update sketches set version = 0, bands = array(select b + 1 from unnest(bands) b)"
        " where text_hash = (select max(text_hash) from sketches)"
    ),
    "a sketch of nobody": (
        "insert into sketches select sha256('x'), version, bands, signature, sha256('x')"
        " from sketches limit 1"
    ),
    "lost buckets": "delete from bands where hash % 2 = 0",
    "strays in buckets": (
        "insert into bands select distinct hash, sha256('y') from bands on conflict do nothing"
    ),
    "a crowd that is none": "insert into crowded_bands values (7, 99)",
    "lost evidence": "delete from similar_texts",
    "evidence that is none": (
        "insert into similar_texts select min(text_hash), max(text_hash), .9 from sketches"
        " on conflict (low, high) do update set similarity = .9"
    ),
    "evidence of nobody": "insert into similar_texts values ('\\x00', '\\x01', .9)",
    "a cluster torn apart": "update sketches set representative = text_hash",
    "clusters under one name": "update sketches set representative = sha256('z')",
}


async def test_what_drifted_is_told_and_put_right(corpus: AtlasEnv, origin: Origin) -> None:
    before = await snapshot(corpus.pool, origin.base)
    kept = await _kept(corpus)
    for what, statement in DAMAGE.items():
        await corpus.pool.execute(statement)
        told = await dedup(corpus)
        assert told.counts.drifted > 0 and told.counts.repaired == 0, what
        assert "a run with apply puts them right" in told.message
        mended = await dedup(corpus, apply=True)
        assert mended.counts.repaired > 0 and mended.counts.duplicates == 3, what
        assert await _kept(corpus) == kept, what
        assert (await snapshot(corpus.pool, origin.base)).differences(before) == [], what
    assert (await dedup(corpus)).counts.drifted == 0
    await assert_invariants(corpus.pool, corpus.blobs)


async def _kept(env: AtlasEnv) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: sorted(tuple(row) for row in await env.fetch(f"select * from {table}"))
        for table in ("sketches", "bands", "crowded_bands", "similar_texts")
    }


async def test_syncs_and_deduplication_at_once_agree(corpus: AtlasEnv, origin: Origin) -> None:
    """Pages change while they are marked: no mark names a text that is not there."""
    for turn in range(3):
        origin.page("/a/copy", page("Story", STORY + f"Turn {turn}. " * turn))
        origin.page("/b/story", page("Story", STORY if turn % 2 else OTHER))
        await asyncio.gather(
            corpus.sync("shore"), corpus.sync("books"), dedup(corpus, apply=True, chunk=1)
        )
    await dedup(corpus, apply=True)
    await assert_invariants(corpus.pool, corpus.blobs)
    assert (
        await corpus.value(
            "select count(*) from duplicates x where exists"
            " (select from duplicates k where k.page_id = x.winner_page_id)"
        )
        == 0
    )


def test_requests_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"threshold"):
        DeduplicateRequest(threshold=0.2)
    with pytest.raises(ValueError, match=r"winner"):
        DeduplicateRequest.model_validate({"winner": "best"})
