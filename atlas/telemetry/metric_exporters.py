"""Where a worker's metrics go: served to Prometheus, sent by OTLP, or nowhere.

Temporal's core has only one exporter, and Atlas's own metrics use the same one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from atlas.telemetry.environment import check_protocol, endpoint_of, headers_of, sdk_disabled

ADDRESS = "ATLAS_METRICS_ADDRESS"
ENDPOINT = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
GENERAL_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORTER = "OTEL_METRICS_EXPORTER"
INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"


@dataclass(frozen=True, slots=True)
class Shown:
    """Served at http://`address`/metrics, for Prometheus to scrape."""

    address: str

    def __str__(self) -> str:
        return f"shown at http://{self.address}/metrics"


@dataclass(frozen=True, slots=True)
class Sent:
    """By OTLP over HTTP, every `interval` seconds."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    interval: float = 60.0
    delta: bool = False

    def __str__(self) -> str:
        return f"sent to {urlsplit(self.url).hostname} every {self.interval:g} s"


Export: TypeAlias = Shown | Sent


def chosen(address: str | None, environ: Mapping[str, str] = os.environ) -> Export | None:
    """What the setting and OpenTelemetry's variables request; None: no metrics.

    With an address, an endpoint for all signals receives only traces.

    Raises:
        ValueError: both ways are requested, or a value cannot be used; says which, and the fix.
    """
    exporter = _exporter(environ)
    if address is not None:
        told = [f"{name}={environ[name]}" for name in (ENDPOINT,) if environ.get(name)]
        told += [f"{EXPORTER}=otlp"] if exporter == "otlp" else []
        if told:
            raise ValueError(
                f"{ADDRESS} and {told[0].partition('=')[0]}: metrics leave a worker one way; unset "
                "one of them (a collector can read the address and pass metrics on)"
            )
        return Shown(_free(address))
    if exporter == "none" or sdk_disabled(environ):
        return None
    return _sent(environ)


def shown_at(export: Export | None) -> str | None:
    """host:port where the metrics are served, if they are."""
    return export.address if isinstance(export, Shown) else None


def _exporter(environ: Mapping[str, str]) -> str:
    value = environ.get(EXPORTER, "").strip().lower()
    if value == "prometheus":
        raise ValueError(f"{EXPORTER}=prometheus: set {ADDRESS}=127.0.0.1:9464 instead")
    if value not in ("", "otlp", "none"):
        raise ValueError(f"{EXPORTER}: {value!r} is not known; use otlp or none")
    return value


def _sent(environ: Mapping[str, str]) -> Sent | None:
    own, general = endpoint_of(environ, ENDPOINT), endpoint_of(environ, GENERAL_ENDPOINT)
    if own is None and general is None:
        return None
    check_protocol(environ, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    return Sent(
        url=own or f"{str(general).rstrip('/')}/v1/metrics",
        headers=headers_of(
            environ, "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"
        ),
        interval=_interval(environ),
        delta=environ.get(TEMPORALITY, "").lower() == "delta",
    )


def _interval(environ: Mapping[str, str]) -> float:
    value = environ.get(INTERVAL) or "60000"
    if not value.isdecimal() or int(value) < 1000:
        raise ValueError(f"{INTERVAL}: {value!r} is not a number of milliseconds from 1000 up")
    return int(value) / 1000


def _free(address: str) -> str:
    """The address as an IP and a port; for port 0, one that is currently free."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except OSError as error:
        raise ValueError(f"{ADDRESS}={address}: {host!r} is no address here: {error}") from None
    family, ip = found[0][0], str(found[0][4][0])
    chosen_port = int(port) or _free_port(family, ip, address)
    return f"[{ip}]:{chosen_port}" if family is socket.AF_INET6 else f"{ip}:{chosen_port}"


def _free_port(family: int, ip: str, address: str) -> int:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((ip, 0))
        except OSError as error:
            raise ValueError(f"{ADDRESS}={address} cannot be used: {error}") from None
        return int(probe.getsockname()[1])
