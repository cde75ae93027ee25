"""A worker renews its heartbeat file while Temporal hears from it and PostgreSQL answers it.

`atlas worker --healthcheck` reads the file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.service import RPCError

from atlas.health.fleet import Beat, beats
from atlas.stores.postgres.ping import Probe
from atlas.worker.heartbeat_file import SignFile

EVERY = 5.0
AGAIN = 1.0
"""Seconds between checks while all is well, and while it is not: a worker that can work again
shows it soon."""
PATIENCE = 5.0
"""Seconds that Temporal and PostgreSQL, asked at once, have for an answer; with `EVERY` well under
`liveness.STALE_AFTER`."""
HEARD = timedelta(seconds=15)
"""Temporal hears a worker whose last heartbeat is no older than this. Workers send one every
second, so a few may be lost."""

log = logging.getLogger("atlas.worker")


@asynccontextmanager
async def giving_signs(
    client: Client, queues: Sequence[str], database_url: str
) -> AsyncIterator[None]:
    """Renew the sign of this process until the end of the context, also while it drains."""
    sign, database = SignFile(client.identity, tuple(queues)), Probe(database_url)
    task = asyncio.create_task(_renewing(sign, client, queues, database))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        database.close()
        sign.remove()


async def _renewing(sign: SignFile, client: Client, queues: Sequence[str], database: Probe) -> None:
    warned = False
    while True:
        trouble = await _trouble(client, queues, database)
        try:
            sign.renew(trouble)
        except OSError as error:
            if not warned:  # the work itself does not need the file
                log.warning("no sign of life for `atlas worker --healthcheck`: %s", error)
            warned = True
            sign.remove()  # growing old, it would say that we hang
        await asyncio.sleep(AGAIN if trouble else EVERY)


async def _trouble(client: Client, queues: Sequence[str], database: Probe) -> str | None:
    """What keeps this worker from work; None: Temporal hears it, and PostgreSQL answers it."""
    try:
        found = await asyncio.gather(_temporal_trouble(client, queues), database.trouble(PATIENCE))
    except Exception as error:  # a bug: reported as one, not as a blocked event loop
        log.exception("could not find out whether this worker can work")
        return f"a bug of Atlas, {type(error).__name__}: see the worker's log"
    return "; ".join(filter(None, found)) or None


async def _temporal_trouble(client: Client, queues: Sequence[str]) -> str | None:
    where = client.service_client.config.target_host
    try:
        async with asyncio.timeout(PATIENCE):
            heard = await beats(client, queues)
    except TimeoutError:
        return f"Temporal at {where} has not answered for {PATIENCE:.0f} s"
    except RPCError as error:
        return f"Temporal at {where} does not answer: {error.message or error.status.name}"
    if heard is None:  # an older server keeps no heartbeats, but it answered
        return None
    return unheard([each for each in heard if each.identity == client.identity], queues)


def unheard(ours: Sequence[Beat], queues: Sequence[str], now: datetime | None = None) -> str | None:
    """The queues on which Temporal does not hear this worker, in words; None: it hears it on all.

    Heartbeats and `now` are by the same clock, since they are our own.
    """
    oldest = (now or datetime.now(UTC)) - HEARD
    heard = {each.queue for each in ours if each.at >= oldest}
    silent = [queue for queue in queues if queue not in heard]
    return f"Temporal does not hear it on {', '.join(silent)}" if silent else None
