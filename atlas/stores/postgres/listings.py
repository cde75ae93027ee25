"""Which pages a run looks at: what its listing has, its source holds, or it is told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from atlas.contracts.work import RunLimits
from atlas.domain.batch import FetchRow
from atlas.domain.versions import SettledWith
from atlas.stores.postgres import claims, enlisting, fetches, pages, runs, skipping
from atlas.stores.postgres.frame import Clock, RunFrame
from atlas.stores.postgres.sources import Source


class RunListings(RunFrame):
    """Lists the pages of runs. Time comes from the injected clock."""

    def __init__(self, pool: asyncpg.Pool, *, clock: Clock, current: SettledWith) -> None:
        super().__init__(pool, clock=clock)
        self._current = current

    async def list_pages(
        self,
        run: runs.Run,
        source: Source,
        urls: Sequence[str],
        *,
        level: int,
        mode: pages.Mode | None = None,
        retry_failed: bool = False,
        settles: bool = True,
        modified: Mapping[str, datetime] | None = None,
    ) -> int:
        """List pages at a level of a run, a few thousand a transaction; return how many the level
        has, those of an attempt that was cut off included. Without a `mode` the run's `due` says
        which are worked on."""
        mode = mode or _mode_of(run)
        for start in range(0, len(urls), 2000):
            async with self.pool.acquire() as connection, connection.transaction():
                if not await skipping.hold_run(connection, run.run_id):
                    break  # delivered late, after the run was closed
                await pages.list_for_run(
                    connection,
                    source_id=source.id,
                    run_id=run.run_id,
                    urls=urls[start : start + 2000],
                    level=level,
                    rule="link" if level else "listed",
                    now=self._clock(),
                    mode=mode,
                    retry_failed=retry_failed,
                    cadence=source.spec.cadence,
                    current=self._current,
                    settles=settles,
                    modified=modified,
                )
        async with self.pool.acquire() as connection:
            return await pages.listed_at(connection, source.id, run.run_id, level)

    async def list_held(
        self,
        run: runs.Run,
        source: Source,
        *,
        level: int,
        fetch: bool,
        mode: pages.Mode | None,
        retry_failed: bool,
        settles: bool = True,
    ) -> int:
        """Queue what the source holds at a depth; return how many it holds there and deeper.
        Without a `mode` the run's `due` says which are worked on."""
        async with self.pool.acquire() as connection, connection.transaction():
            if not await skipping.hold_run(connection, run.run_id):
                return 0
            return await enlisting.held(
                connection,
                source_id=source.id,
                run_id=run.run_id,
                level=level,
                fetch=fetch,
                mode=mode or _mode_of(run),
                retry_failed=retry_failed,
                cadence=source.spec.cadence,
                now=self._clock(),
                current=self._current,
                settles=settles,
            )

    async def add_pages(
        self, run: runs.Run, source: Source, urls: Sequence[str], *, level: int, limits: RunLimits
    ) -> int | None:
        """Add pages to a run by canonical URL; return how many it did not have, or None when the
        run has ended."""
        async with self.pool.acquire() as connection, connection.transaction():
            if not await skipping.hold_run(connection, run.run_id):
                return None
            added = await enlisting.named(
                connection,
                source_id=source.id,
                run_id=run.run_id,
                urls=urls,
                level=level,
                now=self._clock(),
            )
            if limits.pages is not None:
                await skipping.beyond_budget(connection, run.run_id, level, limits.pages)
        return added

    async def apply_limits(self, run_id: str, level: int, limits: RunLimits) -> None:
        """Skip what is beyond the limits of a run, and take back what no longer is."""
        async with self.pool.acquire() as connection, connection.transaction():
            if await skipping.hold_run(connection, run_id):
                await skipping.beyond_budget(connection, run_id, level, limits.pages)

    async def may_list(self, run_id: str, level: int, limits: RunLimits) -> bool:
        """Whether the limits of a run let it ask for pages of a level."""
        if limits == RunLimits():
            return True
        async with self.pool.acquire() as connection:
            if await skipping.reason_to_stop(connection, run_id, limits, self._clock()):
                return False
            return await skipping.room(connection, run_id, level, limits.pages)

    async def listed_above(self, source: Source, run_id: str, level: int) -> int:
        async with self.pool.acquire() as connection:
            return await pages.listed_above(connection, source.id, run_id, level)

    async def link_targets(self, source: Source, run_id: str, level: int) -> list[str]:
        async with self.pool.acquire() as connection:
            return await pages.link_targets(
                connection, source_id=source.id, run_id=run_id, level=level
            )

    async def unfinished(self, run_id: str, level: int) -> int:
        async with self.pool.acquire() as connection:
            return await claims.unfinished(connection, run_id, level)

    async def listing_failed(self, run: runs.Run, row: FetchRow) -> None:
        """Record a source's listing that could not be read as a failed page of the run."""
        now = self._clock()
        async with self.pool.acquire() as connection, connection.transaction():
            page_id = await pages.record_done(connection, run.run_id, row, now)
            await fetches.ledger(connection, run.run_id, run.started_at, [(page_id, row)], now)


def _mode_of(run: runs.Run) -> pages.Mode:
    return "incremental" if run.due else "full"
