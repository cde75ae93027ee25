"""Every concern by its name: which parts to check, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import asyncpg
from temporalio.client import Client

from atlas.contracts.health import Checked
from atlas.contracts.names import QUEUES
from atlas.contracts.schedules import PERIODIC, Declared
from atlas.domain.source_schedules import declared
from atlas.health import (
    blobs,
    browsers,
    corpus,
    database,
    egress,
    objectives,
    queues,
    schedules,
    search_index,
    temporal,
)
from atlas.health.probe import ProbeResult, looked_at
from atlas.locations import NotRunning
from atlas.settings import Settings
from atlas.stores.blobs.access import S3Access
from atlas.stores.postgres.reporting.probes import NoConnection, probe_connection
from atlas.stores.postgres.sources import sources

Figures: TypeAlias = Mapping[str, float]
_WithFigures: TypeAlias = Awaitable[tuple[ProbeResult, dict[str, float]]]


@dataclass(frozen=True)
class Concerns:
    """Checks one concern at a time; needs no part to be up."""

    database_url: Callable[[], str]
    """Raises `NotRunning` when no address is known."""
    client: Client | None
    """None while Temporal does not answer: then concerns that need it must not be checked."""
    blob_location: str
    s3: S3Access
    folders: tuple[Path, ...]
    """What Atlas writes to on this machine."""
    clock: Callable[[], datetime]
    settings: Settings = field(default_factory=Settings)
    """Of this process: what its fetches go through."""
    sampling: bool = False
    """Whether this is a check of a worker, one of many: what sources achieve of their freshness
    objectives is recorded for later ones, and what passes by itself is waited for."""

    async def check(self, concern: str, before: Figures) -> Checked:
        """What was found; `before` are the figures of the previous check. A concern that only a
        newer version knows is not checked."""
        match concern:
            case "temporal":
                return await _one("temporal", self._temporal(), temporal.MEND)
            case "postgresql":
                return await _one("postgresql", self._postgresql(), database.MEND)
            case "index":
                return await _one("index", self._index(), search_index.MEND)
            case "blobs":
                return await _one("blobs", blobs.blobs(self.blob_location, self.s3), blobs.MEND)
            case "disk":
                return await _one("disk", blobs.disk(self.folders), blobs.DISK_MEND)
            case "proxy":
                return await self._proxy()
            case "browser":
                return await self._browser()
            case "queues":
                looks = (*map(self._queue, QUEUES), self._rendering())
                return _all(await asyncio.gather(*looks))
            case "schedules":
                return await _counted("schedules", self._schedules(before), before, schedules.MEND)
            case "sources":
                overdue = known("sources", self._overdue(), corpus.MEND)
                return _all(await asyncio.gather(overdue, self._objectives(before)))
            case "pages":
                lag = known("index_lag", self._index_lag(), corpus.MEND)
                held = known("deletions", self._deletions(), corpus.MEND)
                audit = known("audit", self._audit(), corpus.MEND)
                return _all(await asyncio.gather(lag, self._quarantine(before), held, audit))
        return Checked()

    @property
    def _client(self) -> Client:
        assert self.client is not None
        return self.client

    def _address(self) -> str:
        try:
            return self.database_url()
        except NotRunning as error:
            raise NoConnection(str(error)) from None

    async def _temporal(self) -> ProbeResult:
        return await temporal.temporal(self._client, await self._corpus_id(), self.clock)

    async def _corpus_id(self) -> str | None:
        with suppress(NoConnection, asyncpg.PostgresError):
            async with probe_connection(self._address()) as connection:
                return str(await connection.fetchval("select corpus_id from corpus"))
        return None

    async def _postgresql(self) -> ProbeResult:
        return await database.postgresql(self._address(), self.clock)

    async def _index(self) -> ProbeResult:
        # A worker's own follower may have begun just now.
        patience = search_index.TAKEN_OVER if self.sampling else 0.0
        return await search_index.index(self._address(), self.settings, patience=patience)

    async def _proxy(self) -> Checked:
        """Nothing, where no proxy is set."""
        if self.settings.fetch.fetch_proxy is None:
            return Checked()
        return await _one(egress.PART, egress.fetch_proxy(self.settings), egress.MEND)

    async def _browser(self) -> Checked:
        """Nothing, where none is set."""
        if self.settings.rendering.browser is None:
            return Checked()
        return await _one(browsers.PART, browsers.browser(self.settings), browsers.MEND)

    async def _rendering(self) -> Checked:
        """Nothing, where no source has pages rendered, or nobody can say."""
        try:
            sources = await browsers.wanted(self._address())
        except (NoConnection, asyncpg.PostgresError):
            return Checked()
        if not sources:
            return Checked()
        look = browsers.rendering_queue(self._client, sources)
        return await _one(browsers.QUEUE_PART, look, browsers.QUEUE_MEND)

    async def _queue(self, name: str) -> Checked:
        return await _one(f"queue {name}", queues.queue(self._client, name), queues.MEND)

    async def _schedules(self, before: Figures) -> tuple[ProbeResult, dict[str, float]]:
        known, complete = await self._declared()
        return await schedules.schedules(
            self._client, known, before, self.clock().timestamp(), complete=complete
        )

    async def _declared(self) -> tuple[list[Declared], bool]:
        """What is declared, and whether that is all: without PostgreSQL only the four schedules of
        every Atlas are known."""
        try:
            async with probe_connection(self._address()) as connection:
                return declared(each.spec for each in await sources.every(connection)), True
        except NoConnection:
            return list(PERIODIC), False

    async def _overdue(self) -> ProbeResult:
        return await corpus.overdue(self._address(), self.clock())

    async def _objectives(self, before: Figures) -> Checked:
        return await objectives.objectives(
            self._address, self.clock(), before, sampling=self.sampling
        )

    async def _index_lag(self) -> ProbeResult:
        return await corpus.index_lag(self._address(), self.clock())

    async def _deletions(self) -> ProbeResult:
        return await corpus.deletions(self._address())

    async def _audit(self) -> ProbeResult:
        return await corpus.audit(self._address(), self.clock())

    async def _quarantine(self, before: Figures) -> Checked:
        async def look() -> tuple[ProbeResult, dict[str, float]]:
            return await corpus.quarantine(self._address(), self.clock(), before)

        return await _counted("quarantine", look(), before, corpus.MEND)


async def _one(part: str, look: Awaitable[ProbeResult], mend: str) -> Checked:
    return Checked(checks=[await looked_at(part, look, mend=mend)])


async def known(part: str, look: Awaitable[ProbeResult], mend: str) -> Checked:
    """Without PostgreSQL nothing is known of the part, which another check already reports."""
    missing = False

    async def bounded() -> ProbeResult:
        nonlocal missing
        try:
            return await look
        except NoConnection:
            missing = True
            raise

    check = await looked_at(part, bounded(), mend=mend)
    return Checked(unknown=[part]) if missing else Checked(checks=[check])


async def _counted(part: str, look: _WithFigures, before: Figures, mend: str) -> Checked:
    """Also passes the figures on; the previous ones if there are no new ones."""
    prefix = f"{part}."
    figures = {name: value for name, value in before.items() if name.startswith(prefix)}

    async def counting() -> ProbeResult:
        nonlocal figures
        found, figures = await look
        return found

    checked = await known(part, counting(), mend)
    return checked.model_copy(update={"figures": figures})


def _all(found: Sequence[Checked]) -> Checked:
    return Checked(
        checks=[check for one in found for check in one.checks],
        unknown=[part for one in found for part in one.unknown],
        figures={name: value for one in found for name, value in one.figures.items()},
    )
