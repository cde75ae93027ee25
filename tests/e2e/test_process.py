"""`process_document`: from a stored body to the corpus, without a request to the web."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from atlas.composition import serving
from atlas.contracts.jobs import BeginJob, EndJob, Progress
from atlas.contracts.processing import ProcessResult, SelectPages, WindUp, WorkChunk
from atlas.domain.prepared import Prepared
from atlas.stores.postgres.search import search
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_delivery import Deliver, activities, beside, cut_short, once, twice
from tests.invariants import assert_invariants, assert_workflows_healthy, snapshot
from tests.origin import Origin
from tests.stored import store
from tests.text import poison


def page(words: str) -> str:
    return f"<html><title>{words}</title><main><p>{words} rings in the fog.</p></main></html>"


async def process(env: AtlasEnv, **request: Any) -> ProcessResult:
    """As a plain `temporal workflow execute` does."""
    answer = await env.client.execute_workflow(
        "process_document", request, id=f"p-{uuid.uuid4().hex}", task_queue="atlas"
    )
    return ProcessResult.model_validate(answer)


async def fetch(env: AtlasEnv, url: str) -> dict[str, Any]:
    answer: dict[str, Any] = await env.client.execute_workflow(
        "fetch_url", {"url": url}, id=f"f-{uuid.uuid4().hex}", task_queue="atlas"
    )
    return answer


async def found(env: AtlasEnv, words: str) -> list[str]:
    async with env.pool.acquire() as connection:
        return [hit.url for hit in (await search(connection, words)).results]


TEXT = b"A ferry bell rings twice in the fog, and the harbour wakes."
URL = "https://stored.example/a"


async def keep(env: AtlasEnv, body: bytes = TEXT, url: str = URL) -> None:
    await store(env.pool, env.blobs, {url: body})


async def refusal(env: AtlasEnv, *inputs: object) -> str:
    with pytest.raises(WorkflowFailureError) as caught:
        await env.client.execute_workflow(
            "process_document", args=inputs, id=f"p-{uuid.uuid4().hex}", task_queue="atlas"
        )
    return str(caught.value.cause)


async def test_what_was_fetched_alone_is_found_after_it_was_processed(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    url = origin.url("/bell")
    origin.page("/bell", page("Ferrybell"))
    async with atlas_env.worker():
        fetched = await fetch(atlas_env, url)
        assert await found(atlas_env, "ferrybell") == []
        result = await process(atlas_env, url=f"{url}#fragment")
        again = await process(atlas_env, snapshot=fetched["content_hash"])
    assert result.outcome == "completed"
    [document] = result.documents
    assert (document.url, document.result, document.version) == (url, "added", 1)
    assert document.snapshot == fetched["content_hash"]
    assert document.title == "Ferrybell"
    assert await found(atlas_env, "ferrybell") == [url]
    assert [each.result for each in again.documents] == ["unchanged"]
    assert len(origin.requests("/bell")) == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


async def test_a_redirected_fetch_makes_a_document_of_the_page_it_led_to(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.redirect("/old", "/new")
    origin.page("/new", page("Lantern"))
    async with atlas_env.worker():
        await fetch(atlas_env, origin.url("/old"))
        result = await process(atlas_env, url=origin.url("/old"))
    assert [(each.url, each.result) for each in result.documents] == [(origin.url("/new"), "added")]
    assert await found(atlas_env, "lantern") == [origin.url("/new")]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_a_settled_document_is_left_alone_unless_forced(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env)
    async with atlas_env.worker():
        first = await process(atlas_env, url=URL)
        number = first.documents[0].page
        before = await atlas_env.value("select settled_at from page_state")
        assert (await process(atlas_env, page=number)).counts.unchanged == 1
        assert await atlas_env.value("select settled_at from page_state") == before
        assert (await process(atlas_env, page=number, force=True)).counts.unchanged == 1
        assert await atlas_env.value("select settled_at from page_state") > before
    assert await atlas_env.value("select count(*) from versions") == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_what_cannot_be_processed_is_said_clearly(atlas_env: AtlasEnv) -> None:
    await atlas_env.pool.execute("insert into pages (url, created_at) values ($1, now())", URL)
    await atlas_env.pool.execute("insert into page_state (page_id) select id from pages")
    async with atlas_env.worker():
        never = await process(atlas_env, url=URL)
        unknown = await process(atlas_env, url="https://nobody.example/")
        no_body = await process(atlas_env, snapshot="ab" * 32)
    assert never.outcome == "completed_with_failures"
    assert [each.error_code for each in never.documents] == ["not_fetched"]
    assert "fetch it first" in (never.documents[0].error or "")
    assert (unknown.outcome, unknown.documents) == ("unknown_page", [])
    assert "fetch_url" in unknown.message
    assert no_body.outcome == "unknown_page"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_bad_input_fails_at_once_and_names_the_mend(atlas_env: AtlasEnv) -> None:
    async with atlas_env.worker():
        assert "exactly one of 'url', 'page' and 'snapshot'" in await refusal(atlas_env, {})
        two = await refusal(atlas_env, {"url": URL, "page": 1})
        assert "not 'url' and 'page'" in two
        assert "needs an input" in await refusal(atlas_env)
        assert "did you mean 'force'" in await refusal(atlas_env, {"url": URL, "Force": True})
        wanted = await refusal(atlas_env, {"url": URL, "extractor": 99})
        assert "99 refused: the workers have version" in wanted
    ended = await atlas_env.fetch("select outcome from runs")
    assert [row["outcome"] for row in ended] == ["failed"]


async def test_a_body_that_is_lost_fails_its_page_by_name(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env)
    for blob in atlas_env.blobs.rglob("*.zst"):
        blob.unlink()
    async with atlas_env.worker():
        result = await process(atlas_env, url=URL)
    assert [each.error_code for each in result.documents] == ["blob_missing"]
    assert result.outcome == "completed_with_failures"
    state = await atlas_env.fetch("select fetched_snapshot, claim_run from page_state")
    assert [tuple(row) for row in state] == [(None, None)]  # a sync fetches it anew


@pytest.mark.parametrize("lifecycle", ["tombstoned", "purged"])
async def test_a_page_that_left_the_corpus_does_not_come_back(
    atlas_env: AtlasEnv, lifecycle: str
) -> None:
    await keep(atlas_env)
    await atlas_env.pool.execute("update page_state set lifecycle = $1", lifecycle)
    async with atlas_env.worker():
        result = await process(atlas_env, url=URL, force=True)
    assert [(each.result, each.error_code) for each in result.documents] == [
        ("skipped", "page_gone")
    ]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_a_suspect_page_stays_suspect(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env)
    async with atlas_env.worker():
        await process(atlas_env, url=URL)
        await atlas_env.pool.execute("update page_state set lifecycle = 'suspect'")
        assert (await process(atlas_env, url=URL, force=True)).counts.unchanged == 1
    assert await atlas_env.value("select lifecycle from page_state") == "suspect"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


# Quarantine

EMPTY = b" \n "


async def test_a_document_that_keeps_failing_is_left_alone_and_its_old_version_stays(
    atlas_env: AtlasEnv,
) -> None:
    await keep(atlas_env)
    async with atlas_env.worker():
        await process(atlas_env, url=URL)
        await keep(atlas_env, EMPTY)
        tries = [await process(atlas_env, url=URL) for _ in range(4)]
        assert [each.documents[0].result for each in tries] == ["failed"] * 3 + ["skipped"]
        assert [each.documents[0].quarantined for each in tries] == [False, False, True, True]
        assert tries[3].documents[0].error_code == "quarantined"
        assert await found(atlas_env, "ferry") == [URL]
        assert await atlas_env.value("select lifecycle from page_state") == "live"
        forced = await process(atlas_env, url=URL, force=True)
        assert forced.documents[0].error_code == "empty_body"
        await keep(atlas_env, b"The harbour master has a new bell.")
        mended = await process(atlas_env, url=URL)
    assert mended.documents[0].result == "updated"
    assert not mended.documents[0].quarantined
    assert await atlas_env.value("select count(*) from quarantine") == 0
    assert await found(atlas_env, "harbour master") == [URL]
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


def poisoned(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    """Bodies of these URLs crash their child, in earnest."""
    sound = serving._prepare

    async def prepare(pool: Any, body: bytes, *rest: Any) -> Prepared:
        if rest[-1] in urls:
            return await pool.run(poison.crash, None, lambda _: None)
        return await sound(pool, body, *rest)

    monkeypatch.setattr(serving, "_prepare", prepare)


async def test_a_deadly_document_is_quarantined_at_once(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(atlas_env)
    with monkeypatch.context() as patch:
        poisoned(patch, URL)
        async with atlas_env.worker():
            first = await process(atlas_env, url=URL)
            second = await process(atlas_env, url=URL)
    assert first.documents[0].error_code == "extractor_crashed"
    assert first.documents[0].quarantined
    assert second.documents[0].error_code == "quarantined"
    assert await atlas_env.value("select lifecycle from page_state") == "quarantined"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    async with atlas_env.worker():  # another extractor version does better
        await atlas_env.pool.execute("update quarantine set extractor = 0")
        assert (await process(atlas_env, url=URL)).counts.added == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_a_sync_leaves_a_quarantined_document_alone(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/a", "<html><body></body></html>")
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with atlas_env.worker():
        runs = [await atlas_env.sync("docs") for _ in range(4)]
        assert [run.counts.failed for run in runs] == [1, 1, 1, 0]
        assert [run.counts.skipped for run in runs] == [0, 0, 0, 1]
        assert [run.outcome for run in runs[2:]] == ["completed_with_failures", "completed"]
        assert await atlas_env.value("select lifecycle from page_state") == "quarantined"
        origin.page("/a", page("Mended"))
        assert (await atlas_env.sync("docs")).counts.added == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


# Faults


async def test_cancelled_midway_and_run_again(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env)
    async with atlas_env.worker():
        handle = await atlas_env.client.start_workflow(
            "process_document", {"url": URL}, id="p", task_queue="atlas", start_signal="pause"
        )
        while not (await handle.query("progress", result_type=Progress)).total:
            await asyncio.sleep(0.02)
        assert (await handle.query("progress", result_type=Progress)).paused
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        assert isinstance(caught.value.cause, CancelledError)
        await assert_invariants(atlas_env.pool, atlas_env.blobs)
        record = await atlas_env.fetch("select outcome, error_code from run_pages")
        assert [tuple(row) for row in record] == [("skipped", "run_ended")]
        assert (await process(atlas_env, url=URL)).counts.added == 1
    assert await atlas_env.value("select outcome from runs limit 1") == "cancelled"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_two_runs_of_one_document_at_once(atlas_env: AtlasEnv) -> None:
    await keep(atlas_env)
    async with atlas_env.worker():
        results = await asyncio.gather(*[process(atlas_env, url=URL, force=True) for _ in range(3)])
    assert sorted(each.documents[0].result for each in results) == [
        "added", "unchanged", "unchanged",
    ]  # fmt: skip
    assert await atlas_env.value("select count(*) from versions") == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)


@pytest.mark.parametrize("deliver", [once, twice, beside, cut_short], ids=lambda way: way.__name__)
async def test_every_way_of_delivery_leaves_the_same_corpus(
    atlas_env: AtlasEnv, deliver: Deliver
) -> None:
    await store(
        atlas_env.pool,
        atlas_env.blobs,
        {f"https://stored.example/{number}": TEXT + b" %d" % number for number in range(12)}
        | {"https://stored.example/empty": EMPTY},
    )
    urls = [f"https://stored.example/{number}" for number in [*range(12), "empty", "unknown"]]
    async with activities(atlas_env, deliver) as call:
        await call("begin_job", BeginJob(run_id="r", workflow_id="by-hand", kind="batch_process"))
        selected = await call("select_pages", SelectPages(run_id="r", urls=urls))
        assert (selected.pages, selected.missing, selected.to_do) == (13, 1, 13)
        number = 0
        while True:
            number += 1
            done = await call("work_chunk", WorkChunk(run_id="r", lane=0, number=number, size=5))
            if not done.pages and done.wait is None:
                break
        wound = await call("wind_up", WindUp(run_id="r", outcomes=True))
        await call("end_job", EndJob(run_id="r", outcome=wound.outcome))
    assert wound.outcome == "completed_with_failures"
    assert wound.counts.model_dump() == {
        "seen": 13, "added": 12, "updated": 0, "unchanged": 0, "failed": 1, "skipped": 0,
    }  # fmt: skip
    assert await atlas_env.value("select failures from quarantine") == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    corpus = await snapshot(atlas_env.pool, "https://stored.example")
    assert len(corpus.live) == len(corpus.indexed) == 12
