"""Spans of runs and of single pages; a large run has too many pages to keep all their spans."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from atlas.domain.errors import PageError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_TRACER = "atlas"
_SOURCES = 20
"""Names of sources on one span, at most."""


@contextmanager
def page_span(
    name: str,
    attributes: Mapping[str, str | int | float | bool] | None = None,
    *,
    sampled: bool = True,
) -> Iterator[Span]:
    """A span around the work on one page; without `setup_telemetry` it records nothing.

    With `sampled=False` neither it nor its child spans (SQL) are kept, unless the block raises: a
    failure always gets a span that covers the whole block.
    """
    from opentelemetry import trace  # not at the top: workflow modules reach this one

    tracer = trace.get_tracer(_TRACER)
    if sampled:
        with tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except Exception as error:
                _record_error(span, error)
                raise
        return
    began = time.time_ns()
    try:
        with trace.use_span(_unsampled(trace.get_current_span()), record_exception=False) as span:
            yield span
    except Exception as error:
        with tracer.start_as_current_span(name, attributes=attributes, start_time=began) as span:
            _record_error(span, error)
        raise


def current_trace() -> str | None:
    """The id of the trace that this code runs in; None: it is not traced."""
    from opentelemetry import trace  # not at the top, as above

    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


class RunSpan:
    """The root span of a run's trace, in the process that starts it: from the request to the end of
    the run, provided that this process waits for it.

    Without a name it records nothing.
    """

    def __init__(self, name: str = "") -> None:
        self._span: Span | None = None
        self._until = 0
        if name:
            from opentelemetry import trace  # not at the top, as above

            self._span = trace.get_tracer(_TRACER).start_span(name)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """The block starts the run: its work is traced below the span, and an error ends it."""
        if self._span is None:
            yield
            return
        from opentelemetry import trace

        try:
            with trace.use_span(self._span, record_exception=False, set_status_on_exception=False):
                yield
        except Exception as error:
            _record_error(self._span, error)
            self._end_now()
            raise
        self._until = time.time_ns()

    @contextmanager
    def waiting(self, failed: type[Exception]) -> Iterator[None]:
        """The block waits for the run, which has ended when it returns or raises `failed`. After
        any other error (a timeout, an outage) the run continues, and may be waited for again."""
        try:
            yield
        except failed as error:
            if self._span is not None and self._span.is_recording():
                _record_error(self._span, error)
            self._end_now()
            raise
        except BaseException:
            self._until = time.time_ns()
            raise
        self._end_now()

    def end(self) -> None:
        """Nobody waits any longer: the span ends with the last wait, or else with the start."""
        # OpenTelemetry warns of a span that is ended twice; several may wait for one run.
        if self._span is not None and self._span.is_recording():
            self._span.end(self._until or time.time_ns())

    def set(self, attributes: Mapping[str, str | int | Sequence[str]]) -> None:
        """Add attributes, until the span has ended."""
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes(attributes)

    def _end_now(self) -> None:
        self._until = time.time_ns()
        self.end()


def request_attributes(request: object) -> dict[str, str | Sequence[str]]:
    """What a trace is looked for by: the sources of the run, and what started it."""
    source, sources = getattr(request, "source", None), getattr(request, "sources", None)
    found: dict[str, str | Sequence[str]] = {}
    if source or sources:
        found["atlas.sources"] = [source] if source else list(sources or ())[:_SOURCES]
    if trigger := getattr(request, "trigger", None):
        found["atlas.trigger"] = str(trigger)
    return found


def outcome_attributes(result: object) -> dict[str, str | int]:
    """How a run ended, and its counts if it has any."""
    found: dict[str, str | int] = {}
    if outcome := getattr(result, "outcome", None):
        found["atlas.outcome"] = str(outcome)
    if counts := getattr(result, "counts", None):
        found |= {f"atlas.counts.{name}": number for name, number in counts}
    return found


def _record_error(span: Span, error: Exception) -> None:
    """Record an error: for a page's own failure only the code, since its message may repeat a URL
    that contains secrets; otherwise the whole exception."""
    from opentelemetry.trace import StatusCode

    if isinstance(error, PageError):
        kind = error.code
    else:
        kind = type(error).__qualname__
        span.record_exception(error)
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR, kind)


def _unsampled(parent: Span) -> Span:
    """A stand-in for `parent` below which parent-based samplers (the default) keep nothing."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    context = parent.get_span_context()
    flags = TraceFlags(TraceFlags.DEFAULT)
    # Without a parent any valid id does: an invalid one would let the children begin a trace.
    ids = (context.trace_id, context.span_id) if context.is_valid else (1, 1)
    return NonRecordingSpan(SpanContext(*ids, is_remote=False, trace_flags=flags))
