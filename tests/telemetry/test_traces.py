"""One trace from the client to SQL, on a real Temporal server and a real PostgreSQL."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from atlas.domain.errors import ErrorClass, PageError
from atlas.telemetry import Telemetry, page_span, setup_telemetry
from tests.collector import Request, collector
from tests.traced import Failing, Queries, Traced

__all__ = ["collector"]

DOWN_TO_SQL = [
    "StartWorkflow:Traced",
    "RunWorkflow:Traced",
    "StartActivity:query",
    "RunActivity:query",
    "own span",
    "SELECT",
]


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def telemetry(exporter: InMemorySpanExporter) -> Iterator[Telemetry]:
    telemetry = setup_telemetry("atlas-test", SimpleSpanProcessor(exporter))
    yield telemetry
    telemetry.shutdown()


async def run_traced(address: str, url: str, plugins: list, again: int = 0) -> str:
    client = await Client.connect(address, plugins=plugins)
    queue = uuid.uuid4().hex
    activities = [Queries(url).query]
    # No cache: every workflow task replays, which must neither repeat nor lose a span.
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Traced],
        activities=activities,
        max_cached_workflows=0,
    ):
        return await client.execute_workflow(Traced.run, again, id=queue, task_queue=queue)


def named(spans: tuple[ReadableSpan, ...], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def ids(span: ReadableSpan | Link) -> tuple[int, int]:
    return span.context.trace_id, span.context.span_id


def linked(span: ReadableSpan) -> list[tuple[int, int]]:
    return [ids(link) for link in span.links]


def ancestry(spans: tuple[ReadableSpan, ...], leaf: ReadableSpan) -> list[str]:
    by_id = {span.context.span_id: span for span in spans}
    names = [leaf.name]
    while leaf.parent is not None:
        leaf = by_id[leaf.parent.span_id]
        names.insert(0, leaf.name)
    return names


async def test_one_trace_from_the_client_down_to_sql(
    temporal_address: str,
    empty_database_url: str,
    exporter: InMemorySpanExporter,
    telemetry: Telemetry,
) -> None:
    assert await run_traced(temporal_address, empty_database_url, telemetry.plugins)
    spans = exporter.get_finished_spans()
    (leaf,) = named(spans, "SELECT")
    assert ancestry(spans, leaf) == DOWN_TO_SQL
    assert len({span.context.trace_id for span in spans}) == 1
    # OpenTelemetry's stable conventions for database clients, and none of the old ones.
    assert leaf.kind is trace.SpanKind.CLIENT
    where = ("server.", "network.")
    told = {name: value for name, value in leaf.attributes.items() if not name.startswith(where)}
    assert told == {
        "db.system.name": "postgresql",
        "db.namespace": empty_database_url.partition("?")[0].rpartition("/")[2],
        "db.query.text": "select $1::text",
        "db.query.summary": "SELECT",
    }
    assert all("a secret value" not in str(span.attributes) for span in spans)
    assert {span.resource.attributes["service.name"] for span in spans} == {"atlas-test"}


async def test_a_continued_run_is_a_trace_linked_to_the_one_before(
    temporal_address: str,
    empty_database_url: str,
    exporter: InMemorySpanExporter,
    telemetry: Telemetry,
) -> None:
    await run_traced(temporal_address, empty_database_url, telemetry.plugins, again=2)
    spans = exporter.get_finished_spans()
    first, second, third = sorted(named(spans, "RunWorkflow:Traced"), key=lambda s: s.start_time)
    assert len({span.context.trace_id for span in (first, second, third)}) == 3
    assert second.parent is None and third.parent is None
    assert [linked(span) for span in (first, second, third)] == [[], [ids(first)], [ids(second)]]
    runs = {span.attributes["atlas.first_run_id"] for span in (first, second, third)}
    assert runs == {first.attributes["temporalRunID"]}
    assert not [span for span in spans if span.status.status_code is trace.StatusCode.ERROR]
    for leaf in named(spans, "SELECT"):
        assert ancestry(spans, leaf)[-4:] == DOWN_TO_SQL[-4:]


async def test_after_shutdown_sql_is_no_longer_traced(
    exporter: InMemorySpanExporter, empty_database_url: str
) -> None:
    setup_telemetry("atlas-test", SimpleSpanProcessor(exporter)).shutdown()
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("select 1")
    await connection.close()
    assert exporter.get_finished_spans() == ()


async def test_sql_is_not_traced_where_its_instrumentation_is_disabled(
    exporter: InMemorySpanExporter, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "urllib3, asyncpg")
    telemetry = setup_telemetry("atlas-test", SimpleSpanProcessor(exporter))
    connection = await asyncpg.connect(empty_database_url)
    with page_span("page"):
        await connection.execute("select 1")
    await connection.close()
    telemetry.shutdown()
    assert [span.name for span in exporter.get_finished_spans()] == ["page"]


async def test_sql_outside_a_span_begins_no_trace(
    telemetry: Telemetry, exporter: InMemorySpanExporter, empty_database_url: str
) -> None:
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("select 1")
    with page_span("page"):
        await connection.execute("select 2")
    await connection.close()
    assert [span.name for span in exporter.get_finished_spans()] == ["SELECT", "page"]


def test_spans_of_the_plugin_hold_no_message_of_an_exception(
    telemetry: Telemetry, exporter: InMemorySpanExporter
) -> None:
    tracer = trace.get_tracer("temporalio.contrib.opentelemetry._otel_interceptor")
    with pytest.raises(OSError), tracer.start_as_current_span("RunActivity:fetch"):
        raise OSError("https://a/?sig=s3cret")
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.status.description == "OSError"
    assert [dict(event.attributes)["exception.type"] for event in span.events] == ["OSError"]
    assert "s3cret" not in span.to_json()


async def test_an_activity_that_fails_leaves_no_message_in_any_span(
    temporal_address: str, telemetry: Telemetry, exporter: InMemorySpanExporter
) -> None:
    client = await Client.connect(temporal_address, plugins=telemetry.plugins)
    queue = uuid.uuid4().hex
    activities = [Queries("").fail]
    async with Worker(client, task_queue=queue, workflows=[Failing], activities=activities):
        with pytest.raises(WorkflowFailureError):
            await client.execute_workflow(Failing.run, id=queue, task_queue=queue)
    spans = exporter.get_finished_spans()
    (failed,) = named(spans, "RunActivity:fail")
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert failed.status.description == "OSError"
    assert {"StartWorkflow:Failing", "RunWorkflow:Failing"} <= {span.name for span in spans}
    assert "s3cret" not in "".join(span.to_json() for span in spans)


def test_no_trace_header_for_any_other_server(telemetry: Telemetry) -> None:
    headers: dict[str, str] = {}
    with page_span("a page"):
        propagate.inject(headers)
    assert headers == {}


def test_unsampled_pages_leave_no_spans(
    telemetry: Telemetry, exporter: InMemorySpanExporter
) -> None:
    with page_span("kept"), page_span("left out", sampled=False), page_span("below it"):
        pass
    with page_span("left out too", sampled=False), page_span("below that"):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["kept"]


def test_an_unsampled_page_that_fails_is_kept(
    telemetry: Telemetry, exporter: InMemorySpanExporter
) -> None:
    url = {"url": "https://example.org/"}
    with page_span("batch"), pytest.raises(OSError), page_span("page", url, sampled=False):
        raise OSError("reset")
    page, batch = exporter.get_finished_spans()
    assert page.parent == batch.context
    assert page.start_time < page.end_time
    assert page.attributes["url"] == "https://example.org/"
    assert page.status.status_code is trace.StatusCode.ERROR


@pytest.mark.parametrize("sampled", [True, False])
def test_a_page_that_fails_is_named_by_its_code_alone(
    telemetry: Telemetry, exporter: InMemorySpanExporter, sampled: bool
) -> None:
    error = PageError(ErrorClass.INVALID, "redirect_loop", "circle: https://a/?sig=s3cret")
    with pytest.raises(PageError), page_span("page", sampled=sampled):
        raise error
    (page,) = exporter.get_finished_spans()
    assert page.attributes["error.type"] == page.status.description == "redirect_loop"
    assert "s3cret" not in page.to_json()


async def test_an_endpoint_in_the_environment_gets_the_spans(
    collector: tuple[str, list[Request]], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, got = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    telemetry = setup_telemetry("atlas-test")
    assert telemetry.enabled
    with page_span("exported page"):
        pass
    await asyncio.to_thread(telemetry.shutdown)
    ((path, _, body),) = got
    assert path == "/v1/traces"
    assert b"exported page" in body


async def test_no_login_of_a_netrc_goes_to_the_collector(
    collector: tuple[str, list[Request]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endpoint, got = collector
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pass\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=k")
    telemetry = setup_telemetry("atlas-test")
    with page_span("exported page"):
        pass
    await asyncio.to_thread(telemetry.shutdown)
    ((_, headers, _),) = got
    assert "authorization" not in headers
    assert headers["x-key"] == "k"


def test_a_collector_that_is_not_there_does_not_keep_a_command_from_ending() -> None:
    code = (
        "from atlas.telemetry import setup_telemetry, page_span\n"
        "telemetry = setup_telemetry('atlas-test')\n"
        "with page_span('lost'): pass\n"
        "telemetry.shutdown(0.1)\n"
        "print('ended')"
    )
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.stdout == "ended\n", done.stderr


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://host", "http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, mend: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name}: '{value}'.*{mend}"):
        setup_telemetry("atlas-test")


@pytest.mark.parametrize("off", [{}, {"OTEL_SDK_DISABLED": "true"}])
def test_without_an_endpoint_the_sdk_is_not_even_imported(off: dict[str, str]) -> None:
    if off:
        off = off | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}
    code = (
        "import sys; from atlas.telemetry import setup_telemetry; t = setup_telemetry('x');"
        "t.shutdown(); sys.exit(t.enabled or bool(t.plugins) or"
        " any(m.startswith(('opentelemetry', 'temporalio', 'asyncpg')) for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=off, check=False).returncode == 0
