"""One span per request; no trace header leaves for the crawled site."""

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from atlas.domain.fetch import RobotsMode
from tests.web.fetching import get, refused, web


def _recording() -> tuple[Tracer, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test"), exporter


def _attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


async def test_each_hop_is_a_span_in_the_callers_trace() -> None:
    tracer, exporter = _recording()
    async with web(tracing=tracer) as (client, origin):
        origin.redirect("/a", "/b")
        origin.page("/b", "text")
        with tracer.start_as_current_span("activity") as parent:
            await get(client, f"http://user:s3cret@{origin.host}/a", robots=RobotsMode.IGNORE)
        hop, page, _ = exporter.get_finished_spans()
        port = int(origin.host.partition(":")[2])
        assert _attributes(page) == {
            "http.request.method": "GET",
            "url.full": origin.url("/b"),
            "server.address": "127.0.0.1",
            "server.port": port,
            "http.request.resend_count": 1,
            "http.response.status_code": 200,
        }
        assert (hop.kind, hop.name) == (SpanKind.CLIENT, "GET")
        assert _attributes(hop)["http.response.status_code"] == 302
        assert {span.context.trace_id for span in (hop, page)} == {
            parent.get_span_context().trace_id
        }
        for seen in origin.log:
            assert not {"traceparent", "tracestate", "baggage", "b3"} & set(seen.headers)


async def test_a_failure_is_an_error_with_its_code() -> None:
    tracer, exporter = _recording()
    async with web(tracing=tracer) as (client, origin):
        await refused(client, origin.url("/none"), robots=RobotsMode.IGNORE)
        (span,) = exporter.get_finished_spans()
        assert _attributes(span)["error.type"] == "http_404"
        assert span.status.status_code is StatusCode.ERROR


async def test_a_secret_in_the_query_is_not_traced() -> None:
    tracer, exporter = _recording()
    async with web(tracing=tracer) as (client, origin):
        origin.redirect("/a", "/b?sig=s3cret")
        origin.redirect("/b?sig=s3cret", "/b?sig=s3cret")
        await refused(client, origin.url("/a?token=s3cret"), robots=RobotsMode.IGNORE)
        spans = exporter.get_finished_spans()
        assert len(spans) == 2
        assert "s3cret" not in "".join(span.to_json() for span in spans)
        assert "REDACTED" in str(_attributes(spans[0])["url.full"])


async def test_without_a_provider_nothing_is_needed() -> None:
    async with web() as (client, origin):
        origin.page("/a", "text")
        assert (await get(client, origin.url("/a")))[1] == b"text"
