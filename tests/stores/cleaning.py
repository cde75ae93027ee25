"""Runs clean-ups by hand, as `daily_cleanup` does, on a driven corpus and a folder of blobs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from temporalio.testing import ActivityEnvironment

from activities.cleanup import Temporary, Upkeep
from atlas.contracts.daily_cleanup import (
    CLASSES,
    CleanupEnded,
    CleanupRun,
    EndCleanup,
    MendMissing,
    MissingMended,
    Sweep,
    WorkShards,
)
from atlas.contracts.jobs import EndJob
from atlas.domain.retention import Retention
from atlas.stores.blobs import Blobs
from atlas.stores.postgres.crawl.bodies.artifacts import OUTCOMES, Artifacts
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.services.cleanup import UpkeepStore
from tests.stores.drive import Drive, Web

DAY = timedelta(days=1)


async def no_dead_runs(_: datetime) -> int:
    """Nobody has terminated anything."""
    return 0


@dataclass
class Cleaned:
    """What one clean-up came to."""

    ended: CleanupEnded
    items: set[tuple[str, str]]
    """Class and identity of every line of the manifest."""
    mended: MissingMended
    notes: list[str]
    condemned: int
    adopted: int

    def of(self, kind: str) -> set[str]:
        return {identity for name, identity in self.items if name == kind}


@dataclass
class Cleaner:
    """A corpus that is driven and cleaned; its clock is the drive's."""

    drive: Drive
    blobs: Blobs
    keep: Retention = field(default_factory=Retention)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        return self.drive.pool

    def store(self, **changes: Any) -> UpkeepStore:
        return UpkeepStore(
            self.pool,
            lambda: self.drive.now,
            self.keep,
            changes.get("delete", self.blobs.delete),
            {"temporary": Temporary(self.blobs, self.keep.grace)},
        )

    def upkeep(self, **changes: Any) -> Upkeep:
        """The activities, on `store(**changes)`."""
        outcomes = Artifacts(self.pool, lambda: self.drive.now, OUTCOMES)
        return Upkeep(self.store(**changes), self.blobs, outcomes, no_dead_runs)

    async def sync(self, source: str, web: Web) -> None:
        """A run of a source; the bodies are in the store, as fetching leaves them."""
        for text in web.values():
            if isinstance(text, str):
                await self.put(text.encode())
        await self.drive.run(source, web)

    async def put(self, body: bytes) -> str:
        """Announce and put a body."""
        async with self.blobs.writer() as writer:
            await writer.write(body)
            ref = await writer.finish()
            await self.drive.crawl.fetches.announce_blob(ref.digest, ref.size)
            await writer.publish()
        return ref.digest

    async def freeze(self) -> None:
        """Freeze every day up to yesterday, with no figures."""
        await self.pool.execute(
            "insert into frozen_days "
            "(day, frozen_at, blobs, blob_bytes, stored_bytes, database_bytes) "
            "select d, $1, 0, 0, 0, 0 "
            "from generate_series(date '2024-01-01', $2, '1 day') d on conflict do nothing",
            self.drive.now,
            (self.drive.now - DAY).date(),
        )

    async def clean(
        self,
        *,
        dry_run: bool = False,
        most: int = 100_000,
        classes: Sequence[str] = CLASSES,
        now: datetime | None = None,
        upkeep: Upkeep | None = None,
    ) -> Cleaned:
        """Everything that the workflow does once the days are frozen."""
        upkeep = upkeep or self.upkeep()
        run_id = f"cleanup-{next(self._numbers)}"
        run = {"run_id": run_id, "now": now or self.drive.now, "dry_run": dry_run}
        async with self.pool.acquire() as connection:
            await runs.open_run(
                connection, run_id=run_id, workflow_id="daily_cleanup", kind="daily_cleanup",
                trigger="manual", now=self.drive.now,
            )  # fmt: skip
        env = ActivityEnvironment()
        await env.run(upkeep.begin_cleanup, CleanupRun(**run))
        scanned = await env.run(upkeep.scan_blobs, WorkShards(**run))
        mended = await env.run(upkeep.mend_missing, MendMissing(**run))
        notes, capped = [], []
        for kind in CLASSES:
            after: str | None = ""
            while after is not None and kind in classes:
                sweep = Sweep(**run, kind=kind, after=after, max_deletions=most)
                swept = await env.run(upkeep.sweep, sweep)
                notes += swept.notes
                capped += [kind] if swept.capped else []
                after = swept.after
        condemned = 0
        if not dry_run:
            condemned = (await env.run(upkeep.condemn_blobs, WorkShards(**run))).condemned
        ended = await env.run(upkeep.end_cleanup, EndCleanup(**run, capped=capped))
        async with self.pool.acquire() as connection:
            await runs.end_job(
                connection, EndJob(run_id=run_id, outcome="completed"), self.drive.now
            )
        assert ended.manifest is not None
        lines = (await self.blobs.get(ended.manifest)).decode().splitlines()
        found = [json.loads(line) for line in lines]
        items = {(line["class"], line["identity"]) for line in found}
        assert len(items) == len(found), "a thing is listed twice"
        return Cleaned(ended, items, mended, notes, condemned, scanned.adopted)

    async def objects(self) -> set[str]:
        return {info.digest async for info in self.blobs.list()}

    async def value(self, statement: str, *values: Any) -> Any:
        return await self.pool.fetchval(statement, *values)
