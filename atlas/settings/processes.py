"""Settings of the processes: workers, alerts, logs, encryption."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from atlas.settings.field_info import Group, Listed, Shown
from atlas.temporal.keyring import Keyring


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class Working(Group):
    """Workers"""

    worker_queues: Annotated[Listed, Shown("all three", "atlas,atlas-processing,atlas-bulk")] = ()
    """Task queues that a worker serves, comma-separated; `atlas worker --queues` goes before it."""
    worker_activities: int = Field(default=32, ge=1, le=500)
    """Network and database activities at once, at most."""
    worker_bulk_activities: int = Field(default=4, ge=1, le=100)
    """Parts of rebuilds, batches and clean-ups at once, at most."""
    worker_connections: int = Field(default=6, ge=1, le=100)
    """Connections to PostgreSQL at once, at most; work waits for one, and for room on the
    server."""
    worker_start_patience: float = Field(default=60.0, ge=0)
    """Seconds a starting worker waits for PostgreSQL, Temporal or the blob store to answer."""
    worker_workflows: int = Field(default=100, ge=2, le=1000)
    """Workflow tasks at once, at most."""
    worker_target_cpu: float = Field(default=0.9, gt=0, le=1)
    """Share of the machine's CPU above which a worker takes on no more than its least."""
    worker_target_memory: float = Field(default=0.8, gt=0, le=1)
    """The same of its memory."""
    shutdown_grace: float = Field(default=30.0, ge=0)
    """Seconds a stopping worker gives what is under way."""


class Watching(Group):
    """Alerts, metrics and logs"""

    alert_webhook: Annotated[SecretStr | None, Shown(example="https://hooks.example.org/T0/x")] = (
        None
    )
    """An http(s) URL that `health_check` posts what changed to, as JSON:
    [schedules.md](schedules.md)."""
    metrics_address: Annotated[str | None, Shown("off", "127.0.0.1:9464")] = None
    """host:port where a worker shows its metrics to Prometheus, at /metrics; port 0 takes a free
    one: [telemetry.md](telemetry.md)."""
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)
    ] = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    log_format: Annotated[Literal["json", "text"] | None, Shown("by the terminal", "json")] = None
    """`json` or `text`; default: text on a terminal, JSON elsewhere."""

    @field_validator("metrics_address")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None:
            host, _, port = value.rpartition(":")
            if not host or not port.isdecimal() or int(port) > 65535:
                raise ValueError("must be a host and a port, such as 127.0.0.1:9464")
        return value

    @field_validator("alert_webhook")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_web(value.get_secret_value()):
            raise ValueError("must be a URL that starts with http:// or https://")
        return value


class Encrypting(Group):
    """Encryption"""

    encryption_keys: Annotated[
        SecretStr | None,
        Shown(example="2026-11:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    ] = None
    """`id:key` pairs, by comma or line, that encrypt what Temporal keeps; the first encrypts:
    [encryption.md](encryption.md)."""

    @field_validator("encryption_keys")
    @classmethod
    def _usable_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            Keyring.parse(value.get_secret_value())
        return value


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
