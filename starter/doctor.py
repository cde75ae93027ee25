"""`atlas doctor`: each part looked at from here, outside Temporal, whatever is down."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from atlas.contracts.health import CONCERNS, Check
from atlas.embedded.discovery import external_temporal
from atlas.embedded.record import supervisor_of
from atlas.settings import Settings, SettingsError
from atlas.stores.postgres.pool import shown
from starter.connection import Parts
from starter.errors import AtlasError

if TYPE_CHECKING:
    from temporalio.client import Client

    from atlas.checks.concerns import Concerns

_TEMPORAL = ("temporal", "queues", "schedules")
"""Concerns of which nothing can be said without Temporal."""


async def examine(url: str | None = None) -> list[Check]:
    """What was found of each part, in the order in which to mend it.

    `url`: also fetch it, as a worker would. Never raises because of what it finds.
    """
    try:
        settings = Settings.load()
        parts = Parts(settings)
    except (SettingsError, AtlasError) as error:
        mend = "Correct the environment or .env; docs/settings.md says what each may be"
        return [Check(part="settings", status="failing", detail=str(error), mend=mend)]
    found = [Check(part="settings", detail=_where(parts)), *_home(parts), *_stack(parts)]
    try:
        found += await _concerns(parts)
        if url is not None:
            found.append(await _fetched(parts, url))
    finally:
        await parts.close()
    return found


async def _concerns(parts: Parts) -> list[Check]:
    async with _temporal(parts) as (client, why_not):
        names = [name for name in CONCERNS if client is not None or name not in _TEMPORAL]
        concerns = _looking(parts, client)
        looked = await asyncio.gather(*(concerns.check(name, {}) for name in names))
    checks = [check for one in looked for check in one.checks]
    return checks if why_not is None else [why_not, *checks]


@asynccontextmanager
async def _temporal(parts: Parts) -> AsyncIterator[tuple[Client | None, Check | None]]:
    """The client, or why there is none."""
    from atlas.checks.temporal import MEND

    try:
        async with parts.temporal() as client:
            pass
    except AtlasError as error:
        yield None, Check(part="temporal", status="failing", detail=str(error), mend=MEND)
    else:
        yield client, None


def _looking(parts: Parts, client: Client | None) -> Concerns:
    from atlas.checks.concerns import Concerns

    return Concerns(
        database_url=parts.locations.require_database,
        client=client,
        blob_location=parts.locations.blobs,
        s3=parts.locations.s3,
        folders=parts.settings.folders,
        clock=lambda: datetime.now(UTC),
    )


def _where(parts: Parts) -> str:
    database = parts.locations.database_url
    known = {
        "home": str(parts.settings.home),
        "PostgreSQL": shown(database) if database else "no address",
        "Temporal": external_temporal() or parts.locations.temporal_address or "no address",
        "namespace": parts.locations.namespace,
        "blobs": parts.locations.blobs,
    }
    return ", ".join(f"{name} {value}" for name, value in known.items())


def _home(parts: Parts) -> list[Check]:
    """Whether Atlas may write where the embedded stack keeps its state, if there is one."""
    home = parts.settings.home
    if not home.exists() or os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return []
    mend = "Run as the user who owns it, or set ATLAS_HOME to a folder you own"
    return [Check(part="home", status="failing", detail=f"{home} cannot be written", mend=mend)]


def _stack(parts: Parts) -> list[Check]:
    """The embedded stack, where a part of it is needed."""
    if parts.settings.database_url is not None and external_temporal() is not None:
        return []
    home = parts.settings.home
    if supervisor_of(home) is not None:
        return [Check(part="stack", detail=f"runs in {home}")]
    detail = f"nothing runs in {home}{_never(home)}"
    mend = "Run `atlas up -d`, or set ATLAS_DATABASE_URL and TEMPORAL_ADDRESS"
    return [Check(part="stack", status="failing", detail=detail, mend=mend)]


def _never(home: Path) -> str:
    return "" if home.exists() else ", which does not exist yet"


async def _fetched(parts: Parts, url: str) -> Check:
    from atlas.checks.probe import looked_at
    from starter.reaching import MEND, reached

    return await looked_at("web", reached(parts.settings, url), mend=MEND)
