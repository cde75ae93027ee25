"""The pages of a run: those that its listing has, that its source holds, or that are named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.work import Mode, RunLimits
from atlas.domain.addresses.refused_addresses import MOST, RefusedAddresses, max_pages
from atlas.domain.batch import FetchRow
from atlas.domain.removal.removal_rules import absences_needed
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.crawl.bodies import fetch_ledger
from atlas.stores.postgres.crawl.pages import absent_pages, pages
from atlas.stores.postgres.crawl.runs import (
    claims,
    listing_entries,
    refusals,
    run_limits,
    run_membership,
    runs,
    traps,
)
from atlas.stores.postgres.crawl.runs.run_membership import WantedPages
from atlas.stores.postgres.sources import sources
from atlas.stores.postgres.sources.listing_quarantine import ListingWatch
from atlas.stores.postgres.sources.sources import Source

_PART = 2000  # pages of one transaction


@dataclass(eq=False)
class RunListing:
    """Lists the pages of runs. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    extractor: int

    owned_origins = on_pool(sources.owned_origins)
    listed_above = on_pool(run_membership.listed_above)
    link_targets = on_pool(pages.link_targets)
    unfinished = on_pool(claims.unfinished)
    remember_listing_ttl = on_pool(sources.remember_listing_ttl)

    def reading(
        self, run_id: str, room: int | None = None
    ) -> AbstractAsyncContextManager[listing_entries.StoredListing]:
        """A listing while it is read: stored part by part until it is complete. `room`: pages that
        may be listed, None: all."""
        return listing_entries.reading(self.pool, run_id, room)

    def watch(self, run: runs.Run, source: Source) -> ListingWatch:
        """Knows which files of the source's listing keep ending whoever parses them."""
        return ListingWatch(self.pool, self.clock, source.id, source.spec.name, run.run_id)

    async def list_pages(
        self,
        run: runs.Run,
        source: Source,
        urls: Sequence[str],
        *,
        level: int,
        mode: Mode | None = None,
        retry_failed: bool = False,
        settles: bool = True,
        modified: Mapping[str, datetime] | None = None,
    ) -> int:
        """List pages at a level of a run, a few thousand a transaction; return how many the level
        has, those of an attempt that was cut off included. Without a `mode` the run's `due` says
        which are worked on."""
        wanted = self._wanted(run, source, mode, retry_failed, settles)
        for start in range(0, len(urls), _PART):
            part = urls[start : start + _PART]
            if not await self._list_part(run, source, part, level, wanted, modified):
                break
        return await self._listed_at(source, run, level)

    async def list_read(
        self,
        run: runs.Run,
        source: Source,
        read: listing_entries.StoredListing,
        *,
        level: int,
        mode: Mode | None = None,
        retry_failed: bool = False,
        settles: bool = True,
        refused: RefusedAddresses,
    ) -> tuple[int, bool]:
        """List what was read, as `list_pages` does, but no more pages than it has room for, the
        first by URL; return also whether there were more, which `refused` is told."""
        wanted, last = self._wanted(run, source, mode, retry_failed, settles), ""
        room = read.room
        while found := await read.after(last, _PART if room is None else min(_PART, room)):
            urls, last = [url for url, _ in found], found[-1][0]
            modified = {url: when for url, when in found if when}
            if not await self._list_part(run, source, urls, level, wanted, modified):
                break
            room = None if room is None else room - len(found)
        beyond = await read.after(last, MOST) if room == 0 else []
        if beyond:
            rest = await read.count_after(beyond[-1][0])
            rule = max_pages(source.spec.max_pages or 0)
            refused.add(rule, [url for url, _ in beyond], more=rest)
        return await self._listed_at(source, run, level), bool(beyond)

    async def _list_part(
        self,
        run: runs.Run,
        source: Source,
        urls: Sequence[str],
        level: int,
        wanted: WantedPages,
        modified: Mapping[str, datetime] | None,
    ) -> bool:
        async with self.pool.acquire() as connection, connection.transaction():
            if not await run_limits.hold_run(connection, run.run_id):
                return False  # delivered late, after the run was closed
            now = self.clock()
            fresh = await run_membership.list_for_run(
                connection,
                source_id=source.id,
                run_id=run.run_id,
                urls=urls,
                level=level,
                now=now,
                wanted=wanted,
                modified=modified,
            )
            await change_log.append_holders(connection, run.run_id, fresh, now)
        return True

    def _wanted(
        self, run: runs.Run, source: Source, mode: Mode | None, retry_failed: bool, settles: bool
    ) -> WantedPages:
        mode = mode or ("incremental" if run.due else "full")
        spec = source.spec
        return WantedPages(
            mode, spec.cadence, self.extractor, retry_failed, settles, spec.longest_unseen
        )

    async def _listed_at(self, source: Source, run: runs.Run, level: int) -> int:
        async with self.pool.acquire() as connection:
            return await run_membership.listed_at(connection, source.id, run.run_id, level)

    async def list_held(
        self,
        run: runs.Run,
        source: Source,
        *,
        level: int,
        fetch: bool,
        mode: Mode | None,
        retry_failed: bool,
        settles: bool = True,
    ) -> int:
        """Queue what the source holds at a depth; return how many it holds there and deeper.
        Without a `mode` the run's `due` says which are worked on."""
        async with self.pool.acquire() as connection, connection.transaction():
            if not await run_limits.hold_run(connection, run.run_id):
                return 0
            return await run_membership.queue_held(
                connection,
                source_id=source.id,
                run_id=run.run_id,
                level=level,
                fetch=fetch,
                now=self.clock(),
                wanted=self._wanted(run, source, mode, retry_failed, settles),
            )

    async def absent_candidates(
        self, run: runs.Run, source: Source, level: int, room: int | None
    ) -> list[str]:
        """Live pages to be visited because the listing of a run, which is at its end, has them no
        more: the first by URL that there is `room` for."""
        needed = absences_needed(source.spec.deletion, source.spec.kind)
        if needed is None:
            return []
        async with self.pool.acquire() as connection:
            return await absent_pages.to_visit(
                connection, source.id, run.run_id, needed, level, room
            )

    async def visit_absent(
        self, run: runs.Run, source: Source, urls: Sequence[str], *, level: int, mode: Mode | None
    ) -> int:
        """Let a run visit such pages at a level, those answering still only when they are due;
        return how many it visits there, those of an attempt that was cut off included."""
        needed = absences_needed(source.spec.deletion, source.spec.kind)
        wanted = self._wanted(run, source, mode, retry_failed=False, settles=True)
        for start in range(0, len(urls), _PART):
            async with self.pool.acquire() as connection, connection.transaction():
                if not await run_limits.hold_run(connection, run.run_id):
                    break  # delivered late, after the run was closed
                await absent_pages.enlist(
                    connection,
                    source_id=source.id,
                    run_id=run.run_id,
                    urls=urls[start : start + _PART],
                    level=level,
                    needed=needed or 0,
                    condition=wanted.condition(6),
                    values=wanted.values(self.clock()),
                )
        async with self.pool.acquire() as connection:
            return await absent_pages.visited_at(connection, source.id, run.run_id, level)

    async def add_pages(
        self, run: runs.Run, source: Source, urls: Sequence[str], *, level: int, limits: RunLimits
    ) -> int | None:
        """Add pages to a run by canonical URL; return how many it did not have, or None when the
        run has ended."""
        async with self.pool.acquire() as connection, connection.transaction():
            if not await run_limits.hold_run(connection, run.run_id):
                return None
            now = self.clock()
            added, fresh = await run_membership.queue_named(
                connection,
                source_id=source.id,
                run_id=run.run_id,
                urls=urls,
                level=level,
                now=now,
            )
            if limits.pages is not None:
                await run_limits.beyond_budget(connection, run.run_id, level, limits.pages)
            await change_log.append_holders(connection, run.run_id, fresh, now)
        return added

    async def apply_limits(self, run_id: str, level: int, limits: RunLimits) -> None:
        """Skip what is beyond the limits of a run, and take back what no longer is."""
        async with self.pool.acquire() as connection, connection.transaction():
            if await run_limits.hold_run(connection, run_id):
                await run_limits.beyond_budget(connection, run_id, level, limits.pages)

    async def may_list(self, run_id: str, level: int, limits: RunLimits) -> bool:
        """Whether the limits of a run let it ask for pages of a level."""
        if limits == RunLimits():
            return True
        async with self.pool.acquire() as connection:
            if await run_limits.reason_to_stop(connection, run_id, limits, self.clock()):
                return False
            return await run_limits.room(connection, run_id, level, limits.pages)

    async def without_traps(
        self,
        run: runs.Run,
        source: Source,
        links: Sequence[str],
        level: int,
        refused: RefusedAddresses,
    ) -> list[str]:
        """Those of the links to a level that are followed; the others are noted, with reasons."""
        async with self.pool.acquire() as connection:
            choice = await traps.choose(connection, source.id, run.run_id, level, links)
            if choice.stopped:
                await traps.note(connection, run.run_id, level, choice.stopped, self.clock())
        for trap, urls in choice.stopped.items():
            refused.add(trap.reason, urls)
        return list(choice.taken)

    async def note_refused(
        self, run: runs.Run, source: Source, level: int, refused: RefusedAddresses
    ) -> None:
        """Remember what the source's rules refused of the listing, or of the links to a level."""
        async with self.pool.acquire() as connection:
            await refusals.note(
                connection,
                run_id=run.run_id,
                source_id=source.id,
                level=level,
                refused=refused,
                now=self.clock(),
            )

    async def listing_failed(self, run: runs.Run, row: FetchRow) -> None:
        """Record a source's listing that could not be read as a failed page of the run."""
        now = self.clock()
        async with self.pool.acquire() as connection, connection.transaction():
            page_id = await pages.record_done(connection, run.run_id, row, now)
            await fetch_ledger.ledger(connection, run.run_id, run.started_at, [(page_id, row)], now)
