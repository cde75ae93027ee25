"""Spans of single pages, of which a large run has too many to keep them all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from atlas.domain.errors import PageError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_TRACER = "atlas"


@contextmanager
def page_span(
    name: str,
    attributes: Mapping[str, str | int | float | bool] | None = None,
    *,
    sampled: bool = True,
) -> Iterator[Span]:
    """A span around the work on one page; without `setup_telemetry` it records nothing.

    With `sampled=False` neither it nor the spans below it (SQL) are kept, unless the block
    raises: a failure is always kept, from its beginning.
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
                _tell(span, error)
                raise
        return
    began = time.time_ns()
    try:
        with trace.use_span(_unsampled(trace.get_current_span()), record_exception=False) as span:
            yield span
    except Exception as error:
        with tracer.start_as_current_span(name, attributes=attributes, start_time=began) as span:
            _tell(span, error)
        raise


def _tell(span: Span, error: Exception) -> None:
    """What failed: of a page's own failure the code, since its message may repeat a URL with
    secrets in it; of anything else all there is to know."""
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
