"""The Temporal SDK's core in a worker: its metrics, and the heartbeats that say it lives."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from temporalio.runtime import Runtime, TelemetryConfig

HEARTBEAT = timedelta(seconds=1)
"""How often a worker tells Temporal its slots and pollers; the SDK allows 1 to 60 s. A worker
killed is seen to be gone by the age of its last one: Temporal goes on calling it running."""


@cache
def worker_runtime() -> Runtime:
    """The runtime of the workers in this process."""
    return Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=HEARTBEAT)
