"""The worker of the embedded stack applies the declared schedules once it polls."""

from __future__ import annotations

import asyncio
import logging

import asyncpg
from temporalio.client import Client

from atlas.domain.source_schedules import declared
from atlas.schedules.apply import apply
from atlas.stores.postgres.sources import sources

_AGAIN_SECONDS = 15.0
"""Short: what would have fired before the schedules are applied does not run."""

log = logging.getLogger("atlas.schedules")


async def apply_until_done(client: Client, pool: asyncpg.Pool) -> None:
    """Apply, and retry for ever while a server does not answer: without schedules nothing runs,
    and no `health_check` would report it."""
    while True:
        try:
            async with pool.acquire() as connection:
                wanted = declared(each.spec for each in await sources.every(connection))
            changes = await apply(client, wanted)
        except Exception as error:
            log.warning("the schedules could not be applied yet: %s", error)
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            changed = [f"{each.did} {each.id}" for each in changes if each.did != "unchanged"]
            if changed:
                log.info("schedules: %s", ", ".join(changed))
            return
