"""Composition root: settings → clients → activities → workers."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from temporalio.worker import Worker

from atlas import start_checks
from atlas.composition import serving
from atlas.composition.parts import Parts, open_parts
from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING, QUEUES
from atlas.domain.blob import BlobError
from atlas.locations import NotRunning, locate
from atlas.logs import setup_logs
from atlas.settings import Settings, SettingsError
from atlas.stores.postgres.migrate import SchemaMismatch
from atlas.stores.postgres.pool import DatabaseUnreachable
from atlas.telemetry import setup_telemetry
from atlas.temporal import TemporalUnreachable, connect
from atlas.web.credentials import CredentialsError
from workflows.one_input import OneInput

REFUSALS = (
    SettingsError,
    NotRunning,
    DatabaseUnreachable,
    TemporalUnreachable,
    SchemaMismatch,
    start_checks.StartRefused,
    CredentialsError,
    BlobError,
    ValueError,
)
"""What keeps a worker from starting; their messages are for people."""

_AT_ONCE = {QUEUE: 32, QUEUE_PROCESSING: 4, QUEUE_BULK: 4}

log = logging.getLogger("atlas.worker")


def utc_now() -> datetime:
    return datetime.now(UTC)


def build_workers(parts: Parts) -> list[Worker]:
    """One worker per task queue, in this process."""
    settings = parts.settings
    served = serving.activities(parts)
    return [_worker(parts, queue, served[queue], settings) for queue in QUEUES]


def _worker(
    parts: Parts, queue: str, activities: Sequence[serving.Activity], settings: Settings
) -> Worker:
    return Worker(
        parts.client,
        task_queue=queue,
        workflows=serving.WORKFLOWS if queue == QUEUE else (),
        interceptors=[OneInput()],
        # Eager activities stay with the worker that runs the workflow: one source's batches
        # would keep one worker busy and leave the others idle.
        disable_eager_activity_execution=True,
        activities=activities,
        max_concurrent_activities=_AT_ONCE[queue],
        graceful_shutdown_timeout=timedelta(seconds=settings.shutdown_grace),
        # Without it the SDK hashes the bytecode of every loaded module: a second at each start.
        build_id=f"atlas-{version('atlas-corpus')}",
    )


def _announce() -> None:
    """Tell the embedded stack, if that started us, that this worker polls."""
    ready_file = os.environ.get("ATLAS_WORKER_READY_FILE")
    if ready_file:
        Path(ready_file).touch()


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set; then finish or give back what is under way."""
    locations = locate(settings)
    telemetry = setup_telemetry("atlas-worker")
    try:
        client = await connect(
            locations.temporal_address, keyring=settings.keyring(), plugins=telemetry.plugins
        )
        async with (
            open_parts(settings, locations, client, utc_now) as parts,
            AsyncExitStack() as on,
        ):
            for one in build_workers(parts):
                await on.enter_async_context(one)
            log.info("working on %s in namespace %s", ", ".join(QUEUES), client.namespace)
            _announce()
            await stop.wait()
            log.info("stopping: activities under way have %.0f s", settings.shutdown_grace)
    finally:
        await asyncio.to_thread(telemetry.shutdown)


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop)


def _until_servers_run() -> None:
    """The embedded stack starts its worker beside the servers: read where they are, once they run.

    A worker started by anyone else goes on at once. Ends with the one that started it.
    """
    told = os.environ.pop("ATLAS_WORKER_GO_FILE", None)
    parent = os.getppid()
    while told is not None and not Path(told).exists():
        if os.getppid() != parent:
            sys.exit(1)
        time.sleep(0.02)
    if told is not None:
        os.environ.update(json.loads(Path(told).read_text()))


def main() -> int:
    """Run a worker; exit code 0 after a stop, 1 when it refused to start."""
    setup_logs("INFO")
    _until_servers_run()
    try:
        settings = Settings.load()
        setup_logs(settings.log_level)
        asyncio.run(_until_signalled(settings))
    except REFUSALS as error:
        sys.stderr.write(f"atlas worker: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
