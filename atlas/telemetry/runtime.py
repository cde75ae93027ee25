"""The Temporal SDK's core in a worker: its metrics, logs and heartbeats."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cache

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    OpenTelemetryConfig,
    OpenTelemetryMetricTemporality,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
)

from atlas.telemetry.environment import identity
from atlas.telemetry.instruments import BUCKETS
from atlas.telemetry.metric_exporters import ADDRESS, Export, Shown

HEARTBEAT = timedelta(seconds=1)
"""How often a worker reports its slots and pollers to Temporal; the SDK allows 1 to 60 s. Only the
age of its last heartbeat shows that a worker was killed: Temporal keeps listing it as running."""


LOGS = LoggingConfig(
    filter=LoggingConfig.default.filter,
    forwarding=LogForwardingConfig(
        logger=logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,
    ),
)
"""Makes the core's log lines records like all others; by default it prints coloured text between a
worker's JSON lines. `atlas.logs` shows target and fields."""


class MetricsRefused(ValueError):
    """The address for metrics cannot be used; the message names it and the fix."""


@cache
def worker_runtime(export: Export | None = None) -> Runtime:
    """The runtime of the workers in this process whose metrics go there.

    Raises `MetricsRefused`.
    """
    try:
        return Runtime(telemetry=_telemetry(export), worker_heartbeat_interval=HEARTBEAT)
    except ValueError as error:
        if isinstance(export, Shown):
            raise MetricsRefused(_refusal(export.address, str(error))) from None
        raise


def _telemetry(export: Export | None) -> TelemetryConfig:
    if export is None:
        return TelemetryConfig(logging=LOGS)
    if isinstance(export, Shown):
        # Prometheus names the process itself: `job` and `instance`.
        return TelemetryConfig(
            logging=LOGS, metrics=_prometheus(export.address), attach_service_name=False
        )
    metrics = OpenTelemetryConfig(
        url=export.url,
        http=True,
        headers=dict(export.headers),
        metric_periodicity=timedelta(seconds=export.interval),
        metric_temporality=OpenTelemetryMetricTemporality.DELTA
        if export.delta
        else OpenTelemetryMetricTemporality.CUMULATIVE,
        durations_as_seconds=True,
        histogram_bucket_overrides=BUCKETS,
    )
    return TelemetryConfig(
        logging=LOGS,
        metrics=metrics,
        attach_service_name=False,
        global_tags=identity("atlas-worker"),
    )


def _prometheus(address: str) -> PrometheusConfig:
    # With all three the names are those of published dashboards.
    return PrometheusConfig(
        bind_address=address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides=BUCKETS,
    )


def _refusal(address: str, error: str) -> str:
    if "in use" in error:
        return (
            f"{ADDRESS}={address}: the port is taken, perhaps by another worker; give this one a "
            "port of its own, or port 0 for a free one (its log says which)"
        )
    return f"{ADDRESS}={address} cannot be used: {error}"
