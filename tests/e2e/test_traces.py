"""One trace from the client down to HTTP and SQL; and nothing of it reaches crawled sites."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.client import Client, WorkflowFailureError

import activities.fetch_batch
import starter.connection
import worker
from atlas.contracts.names import QUEUE
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult
from atlas.telemetry import Telemetry, setup_telemetry
from atlas.temporal.connection import data_converter
from starter.client import AtlasClient
from starter.errors import TimedOut
from tests.contracts.test_temporal_cli import Cli
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_politeness import page
from tests.origin import Origin

TRACE_HEADERS = {
    "traceparent", "tracestate", "baggage", "b3", "uber-trace-id", "x-b3-traceid", "x-b3-spanid",
    "x-b3-sampled", "x-amzn-trace-id", "x-cloud-trace-context", "sentry-trace",
}  # fmt: skip


@pytest.fixture
async def spans(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[InMemorySpanExporter]:
    """Spans of a worker in this process, which runs as long as the test."""
    exporter = InMemorySpanExporter()
    telemetry = setup_telemetry("atlas-test", SimpleSpanProcessor(exporter))
    for module in (worker, starter.connection):
        monkeypatch.setattr(module, "setup_telemetry", lambda service: telemetry)
    async with atlas_env.worker():
        yield exporter
    telemetry.shutdown()


async def traced_sync(env: AtlasEnv, *sources: str, **options: object) -> SyncResult:
    """A sync whose client takes part in the trace."""
    telemetry: Telemetry = worker.setup_telemetry("atlas-test")
    client = await Client.connect(
        env.address,
        namespace=env.namespace,
        data_converter=data_converter(),
        plugins=telemetry.plugins,
    )
    result: SyncResult = await client.execute_workflow(
        "sync_pipeline",
        SyncRequest(sources=list(sources), **options),
        id=f"sync_pipeline:{sources[0]}",
        task_queue=QUEUE,
        result_type=SyncResult,
    )
    return result


def ancestry(spans: tuple[ReadableSpan, ...], leaf: ReadableSpan) -> list[str]:
    """Names of the spans from the trace's beginning down to `leaf`."""
    by_id = {span.context.span_id: span for span in spans}
    names = [leaf.name]
    while leaf.parent is not None:
        leaf = by_id[leaf.parent.span_id]
        names.insert(0, leaf.name)
    return names


def named(spans: tuple[ReadableSpan, ...], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def urls(spans: list[ReadableSpan]) -> set[str]:
    return {str(span.attributes["url.full"]).rpartition("/")[2] for span in spans}


def assert_no_trace_headers(origin: Origin) -> None:
    assert origin.log
    assert [seen for seen in origin.log if TRACE_HEADERS & seen.headers.keys()] == []


async def test_one_trace_from_the_client_down_to_http_and_sql(
    atlas_env: AtlasEnv, origin: Origin, spans: InMemorySpanExporter
) -> None:
    origin.page("/a", page("a"))
    origin.redirect("/b", "/a")
    await atlas_env.add_source("docs", "urls", origin.url("/a"), origin.url("/b"))
    spans.clear()
    async with AtlasClient.connect() as client:
        result = await (await client.sync("docs")).result()
        assert result.counts.added == 1
        found = spans.get_finished_spans()
    down = [
        "atlas sync",
        "StartWorkflow:sync_pipeline",
        "RunWorkflow:sync_pipeline",
        "StartActivity:fetch_batch",
        "RunActivity:fetch_batch",
        "fetch page",
        "GET",
    ]
    requests = [
        span
        for span in named(found, "GET")
        if span.attributes["url.full"] != origin.url("/robots.txt")
    ]
    assert len(requests) == 3
    assert [ancestry(found, span) for span in requests] == [down] * 3
    beneath = [span for span in found if "db.query.text" in span.attributes]
    for activity in ("open_run", "claim_batch", "fetch_batch", "process_batch", "settle_batch"):
        assert [
            span
            for span in beneath
            if f"RunActivity:{activity}" in ancestry(found, span)
            and ancestry(found, span)[:3] == down[:3]
        ], f"no SQL under {activity}"
    assert {span.name for span in beneath} >= {"UPDATE page_state", "INSERT documents"}
    (run,) = named(found, "RunWorkflow:sync_pipeline")
    told = {name: value for name, value in run.attributes.items() if name.startswith("atlas.")}
    assert told.pop("atlas.first_run_id") == result.run_id
    assert told == {
        "atlas.sources": ("docs",),
        "atlas.trigger": "client",
        "atlas.outcome": "completed",
        **{f"atlas.counts.{name}": number for name, number in result.counts},
    }
    assert len({span.context.trace_id for span in named(found, "GET")}) == 1
    assert_no_trace_headers(origin)


async def test_the_first_span_lasts_until_nobody_waits_for_the_run(
    atlas_env: AtlasEnv, origin: Origin, spans: InMemorySpanExporter
) -> None:
    origin.page("/a", page("a"))
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    spans.clear()
    async with AtlasClient.connect() as client:
        run = await client.sync("docs")
        with pytest.raises(TimedOut):
            await run.result(timeout=0.001)
        assert named(spans.get_finished_spans(), "atlas sync") == [], "the run goes on"
        result = await run.result()
        found = spans.get_finished_spans()
        (first,), (workflow,) = (
            named(found, name) for name in ("atlas sync", "RunWorkflow:sync_pipeline")
        )
        assert first.end_time >= workflow.end_time
        assert first.attributes["atlas.first_run_id"] == result.run_id
        assert first.attributes["atlas.sources"] == ("docs",)
        assert first.attributes["atlas.trigger"] == "client"
        assert first.attributes["atlas.outcome"] == "completed"
        assert first.attributes["atlas.counts.added"] == 1
        assert first.status.is_unset

        let_go = await client.start_fetch(origin.url("/a"))
        fetch = let_go.workflow_id
        del let_go
        gc.collect()
        assert named(spans.get_finished_spans(), "atlas fetch"), "nobody waits for it"

        kept = await client.start("batch_process", query={})
        began = time.time_ns()
        await kept.cancel()
        await asyncio.sleep(0.1)
    (batch,) = named(spans.get_finished_spans(), "atlas batch_process")
    assert batch.end_time <= began, "nobody waited for it"
    await atlas_env.client.get_workflow_handle(fetch).result()
    with pytest.raises(WorkflowFailureError):
        await atlas_env.client.get_workflow_handle(kept.workflow_id).result()
    assert_no_trace_headers(origin)


async def test_a_run_started_by_the_temporal_binary_begins_its_trace_itself(
    atlas_env: AtlasEnv, origin: Origin, spans: InMemorySpanExporter
) -> None:
    origin.page("/a", page("a"))
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    spans.clear()
    await Cli(atlas_env).execute("sync_pipeline", "--input", '{"sources":["docs"]}')
    found = spans.get_finished_spans()
    (request,) = [
        span for span in named(found, "GET") if span.attributes["url.full"] == origin.url("/a")
    ]
    assert ancestry(found, request)[0] == "RunWorkflow:sync_pipeline"
    (run,) = named(found, "RunWorkflow:sync_pipeline")
    assert run.attributes["atlas.first_run_id"] == run.attributes["temporalRunID"]
    async with AtlasClient.connect() as client:
        why = await client.corpus.explain(origin.url("/a"))
        shown = await client.describe_run("docs")
    assert why.facts.visits[0].trace_id == shown.trace_id == f"{run.context.trace_id:032x}"


@pytest.mark.slow
async def test_a_continued_run_is_linked_to_the_one_before(
    atlas_env: AtlasEnv, origin: Origin, spans: InMemorySpanExporter
) -> None:
    pages = [f"/{number}" for number in range(16)]
    for path in pages:
        origin.page(path, page(path))
    await atlas_env.add_source("docs", "urls", *map(origin.url, pages))
    spans.clear()
    result = await traced_sync(atlas_env, "docs", batch=1, lanes=2, max_history_events=100)
    assert result.counts.added == 16
    runs = named(spans.get_finished_spans(), "RunWorkflow:sync_pipeline")
    runs.sort(key=lambda span: span.start_time)
    assert len(runs) > 1
    assert len({span.context.trace_id for span in runs}) == len(runs)
    for before, after in pairwise(runs):
        assert after.parent is None
        assert [link.context.span_id for link in after.links] == [before.context.span_id]
    assert {span.attributes["atlas.first_run_id"] for span in runs} == {result.run_id}
    assert_no_trace_headers(origin)


async def test_later_pages_of_a_large_run_are_sampled_but_failures_never(
    atlas_env: AtlasEnv,
    origin: Origin,
    spans: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(activities.fetch_batch, "TRACED_PAGES", 4)
    first, later = ["0", "1", "2", "3"], ["4", "5", "6", "7"]
    for name in [*first, *later]:
        origin.page(f"/{name}", page(name))
    origin.status("/7", 404)
    await atlas_env.add_source("docs", "urls", *(origin.url(f"/{n}") for n in [*first, *later]))
    spans.clear()
    monkeypatch.setattr(activities.fetch_batch.zlib, "crc32", lambda url: 1)
    result = await traced_sync(atlas_env, "docs", batch=4, lanes=1)
    assert (result.counts.added, result.counts.failed) == (7, 1)
    found = spans.get_finished_spans()
    assert urls(named(found, "fetch page")) == {*first, "7"}
    assert urls(named(found, "GET")) == {*first, "robots.txt"}
    (failed,) = [span for span in named(found, "fetch page") if not span.status.is_ok]
    assert failed.attributes["url.full"] == origin.url("/7")


@pytest.mark.slow
async def test_nothing_is_exported_unless_asked(atlas_env: AtlasEnv, origin: Origin) -> None:
    origin.page("/a", page("a"))
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    async with Origin() as collector:
        async with atlas_env.worker():
            assert (await atlas_env.sync("docs")).outcome == "completed"
        assert not collector.log
        atlas_env.variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.base
        atlas_env.variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000"
        process = atlas_env.spawn_worker()
        assert (await atlas_env.sync("docs")).outcome == "completed"
        process.terminate()
        assert await asyncio.to_thread(process.wait, 60) == 0
        assert {seen.target for seen in collector.log} == {"/v1/traces", "/v1/metrics"}
    assert_no_trace_headers(origin)
