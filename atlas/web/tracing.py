"""One span per HTTP request, in OpenTelemetry's stable HTTP names; through the API only.

Own code instead of an instrumentation: that would inject `traceparent` into requests to crawled
sites. Without a configured provider the API does nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from atlas.domain.addresses.urls import without_secrets
from atlas.domain.errors import PageError


def tracer() -> Tracer:
    """The tracer of this room; follows a provider that is set later."""
    return trace.get_tracer("atlas.web")


@contextmanager
def request_span(source: Tracer, url: str, resend_count: int) -> Iterator[Span]:
    """A client span around one request and the reading of its body.

    A PageError sets `error.type` to its code; its message, which may repeat a URL, stays out.
    """
    target = urlsplit(url)
    attributes: dict[str, str | int] = {
        "http.request.method": "GET",
        "url.full": without_secrets(url),
        "server.address": target.hostname or "",
        "server.port": target.port or (443 if target.scheme == "https" else 80),
    }
    if resend_count:
        attributes["http.request.resend_count"] = resend_count
    with source.start_as_current_span(
        "GET",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            kind = error.code if isinstance(error, PageError) else type(error).__qualname__
            span.set_attribute("error.type", kind)
            span.set_status(Status(StatusCode.ERROR, kind))
            raise
