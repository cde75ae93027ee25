"""Where a process's spans go, until it is closed."""

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Status

from atlas.telemetry.sql_names import summary

_SQL = "opentelemetry.instrumentation.asyncpg"
_TEMPORAL = "temporalio."
_REVEALING = ("exception.message", "exception.stacktrace")


class Outlet(SpanProcessor):
    """A processor that can be closed: a provider never removes its processors."""

    def __init__(self, processor: SpanProcessor) -> None:
        self._processor: SpanProcessor | None = processor

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if processor := self._processor:
            processor.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if (processor := self._processor) and not _begins_with_sql(span):
            processor.on_end(_exported(span))

    def close(self) -> None:
        """Export what is left; blocking."""
        processor, self._processor = self._processor, None
        if processor is not None:
            processor.shutdown()

    def shutdown(self) -> None:
        self.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        processor = self._processor
        return processor is None or processor.force_flush(timeout_millis)


def _scope(span: ReadableSpan) -> str:
    return span.instrumentation_scope.name if span.instrumentation_scope else ""


def _begins_with_sql(span: ReadableSpan) -> bool:
    """A statement outside any span (a sampler's, a start's) is not worth a trace of its own."""
    return span.parent is None and _scope(span) == _SQL


def _exported(span: ReadableSpan) -> ReadableSpan:
    """The span as it is exported. Temporal's plugin records messages of exceptions, which may
    repeat a URL that contains secrets, so its spans and those of SQL keep only the kind of the
    error. SQL spans are renamed: the instrumentation names them by their first word."""
    if not _scope(span).startswith((_TEMPORAL, _SQL)):
        return span
    kind = (span.status.description or "").partition(":")[0] or None
    name, attributes = span.name, dict(span.attributes or {})
    if query := attributes.get("db.query.text"):
        name = attributes["db.query.summary"] = summary(str(query))
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=[_without_messages(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, kind),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _without_messages(event: Event) -> Event:
    kept = {k: v for k, v in (event.attributes or {}).items() if k not in _REVEALING}
    return Event(event.name, kept, event.timestamp)
