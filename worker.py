"""Composition root: settings → clients → activities → workers."""

from __future__ import annotations

import gc

gc.disable()  # it would go through all that is imported three times, and find nothing

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from atlas.contracts.names import queues_named
from atlas.domain.blob import BlobError
from atlas.domain.measures import UNMEASURED
from atlas.health import start_checks
from atlas.locations import NotRunning, locate
from atlas.logs import setup_logs
from atlas.private_files import keep_private
from atlas.schedules.apply_at_start import apply_until_done
from atlas.settings import Settings, SettingsError
from atlas.settings.model import read_sources
from atlas.stores.postgres.connection import DatabaseUnreachable
from atlas.stores.postgres.migrate import SchemaMismatch
from atlas.telemetry import setup_telemetry
from atlas.telemetry.metric_exporters import chosen, shown_at
from atlas.telemetry.metrics import CountedMeasures
from atlas.telemetry.runtime import worker_runtime
from atlas.temporal.connection import TemporalUnreachable, answering, connect
from atlas.web.credentials import CredentialsError
from atlas.worker.heartbeat import giving_signs
from atlas.worker.indexer import indexing
from atlas.worker.metrics_sampler import sampling, show_slots
from atlas.worker.resources import WorkerParts, open_parts
from atlas.worker.startup import PartMissing, Start, Stopped
from atlas.worker.workers import build_workers

gc.enable()

REFUSALS = (
    SettingsError,
    NotRunning,
    DatabaseUnreachable,
    TemporalUnreachable,
    PartMissing,
    SchemaMismatch,
    start_checks.StartRefused,
    CredentialsError,
    BlobError,
    ValueError,
)
"""What keeps a worker from starting; their messages are for people."""

log = logging.getLogger("atlas.worker")


def utc_now() -> datetime:
    """By this machine's clock: for the check at the start only (see `DatabaseClock`)."""
    return datetime.now(UTC)


def _announce() -> None:
    """Let the embedded stack know, if it started this worker, that it polls."""
    ready_file = os.environ.get("ATLAS_WORKER_READY_FILE")
    if ready_file:
        Path(ready_file).touch()


@contextmanager
def _keeping_schedules(parts: WorkerParts) -> Iterator[None]:
    """Apply the declared schedules while working, if the embedded stack started this worker."""
    if not os.environ.get("ATLAS_WORKER_SCHEDULES"):
        yield
        return
    task = asyncio.create_task(apply_until_done(parts.client, parts.pool))
    try:
        yield
    finally:
        task.cancel()


async def run(settings: Settings, stop: asyncio.Event, queues: Sequence[str] = ()) -> None:
    """Work on the task queues (the settings', when none is named) until `stop` is set; then finish
    or give back what is under way. Parts that do not answer yet are waited for."""
    browser = settings.rendering.browser is not None
    served = queues_named(queues or settings.worker.worker_queues, browser=browser)
    locations = locate(settings)
    telemetry = setup_telemetry("atlas-worker")
    export = chosen(settings.monitoring.metrics_address)
    runtime = worker_runtime(export)
    start = Start(settings.worker.worker_start_patience, stop)
    try:
        client = await start.of(
            partial(
                connect,
                locations.temporal_address,
                secrets=locations.temporal_secrets,
                keyring=settings.keyring(),
                plugins=telemetry.plugins,
                runtime=runtime,
            )
        )
        meter = runtime.metric_meter.with_additional_attributes({"namespace": client.namespace})
        measures = CountedMeasures(meter) if export else UNMEASURED
        async with AsyncExitStack() as on:
            parts = await start.of(
                lambda: on.enter_async_context(
                    open_parts(settings, locations, client, utc_now, measures, shown_at(export))
                )
            )
            await on.enter_async_context(giving_signs(client, served, locations.require_database()))
            if export:
                log.info("metrics: %s", export)
                show_slots(settings, served, meter)
                await on.enter_async_context(sampling(parts, meter))
            on.enter_context(answering(client))
            workers = build_workers(parts, served)
            for one in workers:
                await on.enter_async_context(one)
            log.info("working on %s in namespace %s", ", ".join(served), client.namespace)
            await on.enter_async_context(indexing(parts, locations.require_database()))
            _announce()
            on.enter_context(_keeping_schedules(parts))
            await stop.wait()
            log.info("stopping: activities under way have %.0f s", settings.worker.shutdown_grace)
            # All at once: one after the other, the last would take on new work meanwhile.
            await asyncio.gather(*(one.shutdown() for one in workers))
    except Stopped:
        log.info("stopped before the start was complete")
    finally:
        await asyncio.to_thread(telemetry.shutdown)


async def _until_signalled(settings: Settings, queues: Sequence[str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop, queues)


def _until_servers_run() -> None:
    """The embedded stack starts its worker together with the servers: read where they are, once
    they run.

    A worker started otherwise goes on at once. Exits when its parent has gone.
    """
    go_file = os.environ.pop("ATLAS_WORKER_GO_FILE", None)
    parent = os.getppid()
    while go_file is not None and not Path(go_file).exists():
        if os.getppid() != parent:
            sys.exit(1)
        time.sleep(0.02)
    if go_file is not None:
        os.environ.update(json.loads(Path(go_file).read_text()))


def main(queues: Sequence[str] = ()) -> int:
    """Run a worker for the task queues (the settings', when none is named); exit code 0 after a
    stop, 1 when it refused to start."""
    keep_private()
    gc.freeze()  # nor is it gone through later
    # Libraries of PostgreSQL, S3 and OpenTelemetry would write the keys of their connections there.
    os.environ.pop("SSLKEYLOGFILE", None)
    setup_logs("INFO")
    logging.captureWarnings(True)  # or Python prints them between the JSON lines
    _until_servers_run()
    try:
        settings = Settings.load()
        setup_logs(settings.monitoring.log_level, settings.monitoring.log_format)
        for unknown in read_sources().unknown:
            log.warning("%s", unknown)
        asyncio.run(_until_signalled(settings, queues))
    except REFUSALS as error:
        sys.stderr.write(f"atlas worker: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
