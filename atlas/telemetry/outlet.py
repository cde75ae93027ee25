"""Where a process's spans go, until it is closed."""

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor


class Outlet(SpanProcessor):
    """A processor that can be taken off: a provider keeps its processors for good."""

    def __init__(self, processor: SpanProcessor) -> None:
        self._processor: SpanProcessor | None = processor

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if processor := self._processor:
            processor.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if processor := self._processor:
            processor.on_end(span)

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
