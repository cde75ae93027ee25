"""OpenTelemetry's own environment variables, as far as Atlas reads them itself."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from urllib.parse import unquote, urlsplit


def sdk_disabled(environ: Mapping[str, str]) -> bool:
    """OTEL_SDK_DISABLED: no traces, and no metrics by OTLP."""
    return environ.get("OTEL_SDK_DISABLED", "").lower() == "true"


def endpoint_of(environ: Mapping[str, str], name: str) -> str | None:
    """The URL in a variable. Raises ValueError, which names the variable and the fix."""
    value = environ.get(name, "").strip()
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        shown = value.rpartition("@")[2]
        raise ValueError(f"{name}: {shown!r} is not an HTTP address; try http://localhost:4318")
    return value


def check_protocol(environ: Mapping[str, str], *names: str) -> None:
    """Refuse a protocol that Atlas does not speak. Raises ValueError."""
    for name in names:
        value = environ.get(name) or "http/protobuf"
        if value != "http/protobuf":
            raise ValueError(
                f"{name}: {value!r} is not spoken by Atlas; "
                "use http/protobuf, which collectors take on port 4318"
            )


def headers_of(environ: Mapping[str, str], *names: str) -> tuple[tuple[str, str], ...]:
    """`key=value,…`, percent-encoded, of the first variable that is set (W3C baggage's form)."""
    value = next((environ[name] for name in names if environ.get(name)), "")
    pairs = [part.partition("=") for part in value.split(",") if "=" in part]
    return tuple((unquote(key.strip()).lower(), unquote(what.strip())) for key, _, what in pairs)


@cache
def _instance() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def identity(service: str) -> dict[str, str]:
    """Resource attributes that identify this process, the same for traces and metrics."""
    return {
        "service.name": os.environ.get("OTEL_SERVICE_NAME") or service,
        "service.version": version("atlas-corpus"),
        "service.instance.id": _instance(),
    }
