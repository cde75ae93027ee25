"""From OpenTelemetry's own environment variables to plugins for Temporal clients and workers."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from atlas.telemetry.environment import check_protocol, endpoint_of, identity, sdk_disabled

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from temporalio.contrib.opentelemetry import ReplaySafeTracerProvider
    from temporalio.plugin import SimplePlugin

    from atlas.telemetry.span_exporter import Outlet

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_CREDENTIAL_PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
)
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@dataclass
class Telemetry:
    """What `setup_telemetry` returns; without an endpoint it has no plugins."""

    plugins: list[SimplePlugin] = field(default_factory=list)
    """For `Client.connect(plugins=…)`; a worker takes them from its client."""
    _outlet: Outlet | None = None

    @property
    def enabled(self) -> bool:
        return self._outlet is not None

    def shutdown(self, timeout: float = 5.0) -> None:
        """Export what is left, for at most `timeout` seconds; later spans go nowhere.

        Blocking. A collector that does not answer must not keep a command from ending.
        """
        if self._outlet is None:
            return
        if _traces_sql():
            _instrumentor().uninstrument()
        ending = threading.Thread(target=self._outlet.close, daemon=True)
        ending.start()
        ending.join(timeout)
        self._outlet = None


def setup_telemetry(service: str, processor: SpanProcessor | None = None) -> Telemetry:
    """Start tracing when an OTLP endpoint is set (`ENDPOINTS`), over HTTP, in batches.

    `service` becomes service.name unless OTEL_SERVICE_NAME says otherwise; headers, sampler,
    resource attributes and OTEL_SDK_DISABLED are OpenTelemetry's own variables, and so is
    OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: with `asyncpg` in it there are no SQL spans. `processor`
    takes the spans instead of the endpoint.

    Raises:
        ValueError: an endpoint or protocol cannot be used; names variable, value and fix.
    """
    if processor is None and not _wanted():
        return Telemetry()
    from atlas.telemetry.span_exporter import Outlet

    outlet = Outlet(processor or _exporting())
    _provider(service).add_span_processor(outlet)
    if _traces_sql():
        _instrumentor().instrument(skip_dep_check=True)
    return Telemetry(_plugins(), outlet)


def _wanted() -> bool:
    if sdk_disabled(os.environ):
        return False
    if os.environ.get("OTEL_TRACES_EXPORTER", "").lower() == "none":
        return False
    check_protocol(os.environ, *_PROTOCOLS)
    return any(endpoint_of(os.environ, name) is not None for name in ENDPOINTS)


def _traces_sql() -> bool:
    disabled = os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "")
    return "asyncpg" not in {name.strip() for name in disabled.split(",")}


def _exporting() -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter(session=_session()))


def _session() -> Any:
    """What spans are sent by: with the proxy of the environment, as OpenTelemetry documents it, but
    with no login that a .netrc happens to have for the collector's host. None: the one that
    OpenTelemetry makes, where a provider of credentials is named."""
    if any(os.environ.get(name) for name in _CREDENTIAL_PROVIDERS):
        return None
    from requests import Session

    session = Session()
    session.auth = lambda request: request  # an auth of its own: only without one is .netrc read
    return session


def _provider(service: str) -> ReplaySafeTracerProvider:
    """The process's tracer provider; OpenTelemetry lets it be set once and never replaced."""
    from opentelemetry import propagate, trace
    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.sdk.resources import Resource
    from temporalio.contrib.opentelemetry import ReplaySafeTracerProvider, create_tracer_provider

    # Temporal's headers have their own propagator. Without a global one no HTTP client, were it
    # ever instrumented, sends our trace ids to the sites we crawl.
    propagate.set_global_textmap(CompositePropagator([]))
    present = trace.get_tracer_provider()
    if isinstance(present, ReplaySafeTracerProvider):
        return present
    resource = Resource.create(dict(identity(service)))
    provider = create_tracer_provider(resource=resource, shutdown_on_exit=False)
    trace.set_tracer_provider(provider)
    return provider


def _instrumentor() -> Any:
    # Read when asyncpg is first instrumented: the stable names of the database conventions.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

    untyped: Any = AsyncPGInstrumentor
    return untyped(capture_parameters=False)


def _plugins() -> list[SimplePlugin]:
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin
    from temporalio.plugin import SimplePlugin

    from atlas.telemetry.run_spans import LinkContinuedRuns

    links = SimplePlugin("AtlasContinuationLinks", interceptors=[LinkContinuedRuns()])
    return [OpenTelemetryPlugin(add_temporal_spans=True), links]
