"""`process_document`: from a stored body to the corpus, without a request to the web.

One Atlas serves all tests here; each has URLs of its own.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from atlas.contracts.activities import Batch, ClaimBatch
from atlas.contracts.jobs import BeginJob, EndJob, Progress
from atlas.contracts.processing import ProcessResult, SelectPages, WindUp, WorkChunk
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.settlement import settle
from tests.e2e.environments import until
from tests.e2e.processing import (
    EMPTY,
    TEXT,
    env,
    fetch,
    found,
    keep,
    page,
    process,
    refusal,
    servers,
    set_lifecycle,
    state,
    url,
    versions,
)
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_delivery import activities, beside, cut_short, once, twice
from tests.invariants import assert_invariants
from tests.origin import Origin
from tests.stored import store

__all__ = ["env", "servers", "url"]

NAME = "process_document"


async def test_what_was_fetched_alone_is_found_after_it_was_processed(
    env: AtlasEnv, origin: Origin
) -> None:
    url = origin.url("/bell")
    origin.page("/bell", page("Ferrybell"))
    fetched = await fetch(env, url)
    assert await found(env, "ferrybell") == []
    result = await process(env, url=f"{url}#fragment")
    again = await process(env, snapshot=fetched["content_hash"])
    assert result.outcome == "completed"
    [document] = result.documents
    assert (document.url, document.result, document.version) == (url, "added", 1)
    assert document.snapshot == fetched["content_hash"]
    assert document.title == "Ferrybell"
    assert await found(env, "ferrybell") == [url]
    assert [each.result for each in again.documents] == ["unchanged"]
    assert len(origin.requests("/bell")) == 1


async def test_by_snapshot_finds_what_was_only_fetched(env: AtlasEnv, origin: Origin) -> None:
    origin.page("/buoy", page("Buoylight"))
    fetched = await fetch(env, origin.url("/buoy"))
    result = await process(env, snapshot=fetched["content_hash"])
    assert [each.result for each in result.documents] == ["added"]
    assert await found(env, "buoylight") == [origin.url("/buoy")]


async def test_the_newest_single_fetch_counts(env: AtlasEnv, origin: Origin) -> None:
    url = origin.url("/tide")
    origin.page("/tide", page("Ebbing"))
    await fetch(env, url)
    assert (await process(env, url=url)).counts.added == 1
    origin.page("/tide", page("Flooding"))
    await fetch(env, url)
    assert (await process(env, url=url)).counts.updated == 1
    assert (await found(env, "flooding"), await found(env, "ebbing")) == ([url], [])
    origin.status("/tide", 404)
    await fetch(env, url)
    assert (await process(env, url=url)).counts.unchanged == 1


async def test_a_redirected_fetch_makes_a_document_of_the_page_it_led_to(
    env: AtlasEnv, origin: Origin
) -> None:
    origin.redirect("/old", "/new")
    origin.page("/new", page("Lantern"))
    await fetch(env, origin.url("/old"))
    result = await process(env, url=origin.url("/old"))
    assert [(each.url, each.result) for each in result.documents] == [(origin.url("/new"), "added")]
    assert await found(env, "lantern") == [origin.url("/new")]


async def test_a_settled_document_is_left_alone_unless_forced(env: AtlasEnv, url: str) -> None:
    await keep(env, url)
    number = (await process(env, url=url)).documents[0].page
    before = await state(env, url, "settled_at")
    assert (await process(env, page=number)).counts.unchanged == 1
    assert await state(env, url, "settled_at") == before
    assert (await process(env, page=number, force=True)).counts.unchanged == 1
    assert await state(env, url, "settled_at") > before
    assert await versions(env, url) == 1


async def test_what_cannot_be_processed_is_said_clearly(env: AtlasEnv, url: str) -> None:
    await env.pool.execute(
        "with p as (insert into pages (url, created_at) values ($1, now()) returning id) "
        "insert into page_state (page_id) select id from p",
        url,
    )
    never = await process(env, url=url)
    unknown = await process(env, url="https://nobody.example/")
    no_body = await process(env, snapshot="ab" * 32)
    assert never.outcome == "completed_with_failures"
    assert [each.error_code for each in never.documents] == ["not_fetched"]
    assert "fetch it first" in (never.documents[0].error or "")
    assert (unknown.outcome, unknown.documents) == ("unknown_page", [])
    assert "fetch_url" in unknown.message
    assert no_body.outcome == "unknown_page"


async def test_a_body_that_is_lost_fails_its_page_by_name(env: AtlasEnv, url: str) -> None:
    await keep(env, url, b"A body that is lost before it is read.")
    digest = (await state(env, url, "fetched_snapshot")).hex()
    (env.blobs / digest[:2] / digest[2:4] / f"{digest}.zst").unlink()
    result = await process(env, url=url)
    assert [each.error_code for each in result.documents] == ["blob_missing"]
    assert result.outcome == "completed_with_failures"
    assert await state(env, url, "fetched_snapshot") is None  # a sync fetches it anew


@pytest.mark.parametrize("lifecycle", ["tombstoned", "purged"])
async def test_a_page_that_left_the_corpus_does_not_come_back(
    env: AtlasEnv, url: str, lifecycle: str
) -> None:
    await keep(env, url)
    await set_lifecycle(env, url, lifecycle)
    [document] = (await process(env, url=url, force=True)).documents
    assert (document.result, document.error_code) == ("skipped", "page_gone")
    assert await versions(env, url) == 0


async def test_a_suspect_page_stays_suspect(env: AtlasEnv, url: str) -> None:
    await keep(env, url)
    await process(env, url=url)
    await set_lifecycle(env, url, "suspect")
    assert (await process(env, url=url, force=True)).counts.unchanged == 1
    assert await state(env, url, "lifecycle") == "suspect"


# Faults


async def test_cancelled_midway_and_run_again(env: AtlasEnv, url: str) -> None:
    await keep(env, url)
    handle = await env.client.start_workflow(
        "process_document", {"url": url}, id="p", task_queue="atlas", start_signal="pause"
    )

    async def selected() -> bool:
        return (await handle.query("progress", result_type=Progress)).total is not None

    await until(selected)
    assert (await handle.query("progress", result_type=Progress)).paused
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    await assert_invariants(env.pool, env.blobs)
    run = handle.first_execution_run_id
    [record] = await env.fetch("select outcome, error_code from run_pages where run_id = $1", run)
    assert tuple(record) == ("skipped", "run_ended")
    assert await env.value("select outcome from runs where run_id = $1", run) == "cancelled"
    assert (await process(env, url=url)).counts.added == 1


async def test_several_runs_of_one_document_at_once(env: AtlasEnv, url: str) -> None:
    await keep(env, url)
    results = await asyncio.gather(*[process(env, url=url, force=True) for _ in range(3)])
    assert sorted(each.documents[0].result for each in results) == [
        "added", "unchanged", "unchanged",
    ]  # fmt: skip
    assert await versions(env, url) == 1


async def test_a_page_that_a_sync_works_on_is_waited_for(env: AtlasEnv, origin: Origin) -> None:
    gate = asyncio.Event()
    url = origin.url("/held")
    origin.page("/held", page("Moored"))
    await env.add_source("held", "urls", url)
    await env.sync("held")
    origin.page("/held", page("Adrift"), gate=gate)
    sync = await env.start("held")
    await origin.arrived("/held", count=2)
    handle = await env.client.start_workflow(
        "process_document",
        {"url": url, "force": True},
        id=f"p-{uuid.uuid4().hex}",
        task_queue="atlas",
        result_type=ProcessResult,
    )

    async def waits() -> bool:
        history = await handle.fetch_history()
        return any(event.HasField("timer_started_event_attributes") for event in history.events)

    await until(waits)
    gate.set()
    assert (await sync.result()).counts.updated == 1
    [document] = (await handle.result()).documents
    assert (document.result, document.version) == ("unchanged", 2)
    assert await found(env, "adrift") == [url]


@pytest.mark.parametrize("deliver", [twice, beside, cut_short], ids=lambda way: way.__name__)
async def test_every_way_of_delivery_leaves_the_same_corpus(
    atlas_env: AtlasEnv, deliver: Any
) -> None:
    urls = [f"https://stored.example/{name}" for name in [*range(12), "empty", "unknown"]]
    bodies = {url: TEXT + b" %d" % number for number, url in enumerate(urls[:12])}
    await store(atlas_env.pool, atlas_env.blobs, {**bodies, urls[12]: EMPTY})
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
    assert await atlas_env.value("select count(*) from versions where valid_to is null") == 12


@pytest.mark.parametrize("after", ["select_pages", "process_batch"])
async def test_a_page_buried_meanwhile_stays_buried(atlas_env: AtlasEnv, after: str) -> None:
    url = "https://stored.example/a"
    await keep(atlas_env, url)
    key = Batch(run_id="r", lane=0, number=1)
    async with activities(atlas_env, once) as call:
        await call("begin_job", BeginJob(run_id="r", workflow_id="by-hand", kind="batch_process"))
        await call("select_pages", SelectPages(run_id="r", url=url))
        if after == "process_batch":
            await call("claim_batch", ClaimBatch(**key.model_dump()))
            assert (await call("process_batch", key)).to_settle == 1
        page = await atlas_env.value("select id from pages")
        async with atlas_env.pool.acquire() as connection, connection.transaction():
            cause = {page: settle.LeavingCause("gone")}
            gone = await settle.bury(connection, [page], datetime.now(UTC), causes=cause)
            await change_log.append(connection, None, gone, datetime.now(UTC))
        for number in (1, 2, 3):
            await call("work_chunk", WorkChunk(run_id="r", lane=0, number=number))
        wound = await call("wind_up", WindUp(run_id="r"))
        await call("end_job", EndJob(run_id="r", outcome=wound.outcome))
    assert [each.error_code for each in wound.documents] == ["page_gone"]
    assert await versions(atlas_env, url) == 0
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


# Bad input: an Atlas of its own, for the fixture of the others looks for failed workflows


async def test_bad_input_fails_at_once_and_names_the_mend(atlas_env: AtlasEnv, url: str) -> None:
    async with atlas_env.worker():
        assert "exactly one of 'url', 'page' and 'snapshot'" in await refusal(atlas_env, NAME, {})
        assert "not 'url' and 'page'" in await refusal(atlas_env, NAME, {"url": url, "page": 1})
        assert "needs an input" in await refusal(atlas_env, NAME)
        assert "did you mean 'force'" in await refusal(atlas_env, NAME, {"url": url, "Force": True})
        wanted = await refusal(atlas_env, NAME, {"url": url, "extractor": 99})
        assert "99 refused: the workers have version" in wanted
    ended = await atlas_env.fetch("select outcome from runs")
    assert [row["outcome"] for row in ended] == ["failed"]
