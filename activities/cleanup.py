"""The daily clean-up, a part at a time: each activity works as long as its time allows and returns
where the next continues. What is deleted is recorded in the same transaction."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from temporalio import activity

from activities.manifests import write_lines
from atlas.contracts.daily_cleanup import (
    MAX_MISSING_LISTED,
    CleanupBegun,
    CleanupEnded,
    CleanupRun,
    EndCleanup,
    MendMissing,
    MissingBlob,
    MissingMended,
    ShardsWorked,
    Sweep,
    Swept,
    WorkShards,
)
from atlas.contracts.processing import JSON_LINES
from atlas.domain.blob import BlobCorrupt, BlobInfo, BlobMissing
from atlas.domain.retention import SHARDS, FoundBlob, Item, shard_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from atlas.domain.retention import BlobRow
    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.connection import Connection
    from atlas.stores.postgres.crawl.bodies.artifacts import Artifacts
    from atlas.stores.postgres.services.cleanup import UpkeepStore

    EndDeadRuns = Callable[[datetime], Awaitable[int]]

WORKING_SECONDS = 30.0
"""An activity returns after this time with where to continue, so that a retry repeats little."""

_RUNS_ARE_YOUNG = timedelta(hours=1)
"""Temporal lists a new run only after a moment, so younger runs are not taken to be dead."""

_MANY = 50_000
"""Objects that are held in memory at once, at most."""

_LINES = 2_000
"""Lines of the manifest read at once."""


class Upkeep:
    """Cleans up. Everything it deletes is chosen and recorded by `UpkeepStore`; `outcomes` keeps
    the list of it.

    `end_dead_runs` ends the records of runs that began before a moment and that Temporal has no
    longer under way.
    """

    def __init__(
        self, store: UpkeepStore, blobs: Blobs, outcomes: Artifacts, end_dead_runs: EndDeadRuns
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._outcomes = outcomes
        self._end_dead_runs = end_dead_runs

    @activity.defn
    async def begin_cleanup(self, run: CleanupRun) -> CleanupBegun:
        """Make the ledger's next partitions, forget what earlier clean-ups recorded, end the
        records of runs that were terminated."""
        if run.dry_run:
            return CleanupBegun()
        ended = await self._end_dead_runs(run.now - _RUNS_ARE_YOUNG)
        made = await self._store.begin(run.now)
        return CleanupBegun(partitions_made=made, runs_ended=ended)

    # Blobs and rows compared

    @activity.defn
    async def scan_blobs(self, request: WorkShards) -> ShardsWorked:
        """Compare the store with the rows: adopt what has no row, record what is missing."""
        until, adopted = time.monotonic() + WORKING_SECONDS, 0
        for part in await self._store.parts(request.shard):
            adopted += await self._scan(request, part)
            if _over(until) and part.stop < SHARDS:
                return ShardsWorked(following=part.stop, adopted=adopted)
        return ShardsWorked(adopted=adopted)

    async def _scan(self, run: WorkShards, part: range) -> int:
        # Rows first, then objects: a blob put in between is younger than the grace, and one deleted
        # in between is looked up again before it counts as lost.
        rows = await self._store.rows_of(part)
        there = await self._objects(part)
        if there is None:
            return sum([await self._scan(run, range(each, each + 1)) for each in part])
        old = run.now - self._store.keep.grace
        absent = [name for name, row in rows.items() if name not in there and row.put_at <= old]
        lost = [name for name in absent if not await self._blobs.exists(name)]
        await self._store.record_missing(run.run_id, lost, run.now)
        if run.dry_run:
            return 0
        unknown = [there[name] for name in there if name not in rows]
        found = [await self._found(info) for info in unknown if info.modified <= old]
        return await self._store.note(_sizes(rows, there), found)

    async def _objects(self, part: range) -> dict[str, BlobInfo] | None:
        """Digest → object; None: there are many although the rows are few."""
        there: dict[str, BlobInfo] = {}
        whole = len(part) == SHARDS
        for prefix in [""] if whole else [shard_name(shard) for shard in part]:
            async for info in self._blobs.list(prefix):
                there[info.digest] = info
                if whole and len(there) > _MANY:
                    return None
        return there

    async def _found(self, info: BlobInfo) -> FoundBlob:
        try:
            size = len(await self._blobs.get(info.digest))
        except (BlobMissing, BlobCorrupt):
            size = info.stored_bytes
        return FoundBlob(info.digest, size, info.stored_bytes, info.modified)

    @activity.defn
    async def mend_missing(self, request: MendMissing) -> MissingMended:
        """Look again at what was missing; make the pages due whose last body is lost."""
        lost = await self._still_missing(request.run_id)
        if not lost:
            return MissingMended()
        for digest in lost[:MAX_MISSING_LISTED]:
            activity.logger.error("blob %s is referred to and not in the store", digest)
        if await self._store.loss_is_doubtful(len(lost), request.now):
            return MissingMended(
                missing=len(lost),
                message=f"{len(lost)} blobs are missing from the store, too many for an accident: "
                "check that ATLAS_BLOBS names the right store; nothing is fetched again",
            )
        pages = 0
        if not request.dry_run:
            pages = await self._store.fetch_again(lost, request.now)
        return MissingMended(missing=len(lost), pages=pages, message=_loss(len(lost), pages))

    async def _still_missing(self, run_id: str) -> list[str]:
        lost: list[str] = []
        after = ""
        while items := await self._store.of_class(run_id, self._store.MISSING, after, 1_000):
            after = items[-1].key
            back = [item.key for item in items if await self._blobs.exists(item.key)]
            await self._store.strike(run_id, self._store.MISSING, back)
            lost += [item.key for item in items if item.key not in back]
        return lost

    @activity.defn
    async def condemn_blobs(self, request: WorkShards) -> ShardsWorked:
        """Condemn what nothing refers to, and spare what something refers to again."""
        until, condemned = time.monotonic() + WORKING_SECONDS, 0
        for part in await self._store.parts(request.shard):
            condemned += await self._store.condemn(part, request.now)
            if _over(until) and part.stop < SHARDS:
                return ShardsWorked(following=part.stop, condemned=condemned)
        return ShardsWorked(condemned=condemned)

    # One class

    @activity.defn
    async def sweep(self, request: Sweep) -> Swept:
        """Delete (or list) data of one class past its retention."""
        until, after = time.monotonic() + WORKING_SECONDS, request.after
        while True:
            chunk = await self._store.work(
                self._store.classes[request.kind],
                request.kind,
                run_id=request.run_id,
                now=request.now,
                after=after,
                dry_run=request.dry_run,
                most=request.max_deletions,
            )
            if chunk.after is None:
                notes = await self._store.held(request.kind, request.now)
                return Swept(capped=chunk.capped, notes=notes[:10])
            after = chunk.after
            if _over(until):
                return Swept(after=after)

    # The end

    @activity.defn
    async def end_cleanup(self, request: EndCleanup) -> CleanupEnded:
        """Count what was deleted, and keep the list of it."""
        removed, freed = await self._store.totals(request.run_id)
        missing = await self._store.of_class(
            request.run_id, self._store.MISSING, "", MAX_MISSING_LISTED
        )
        dropped = await self._store.of_class(request.run_id, "ledger", "", 100)
        kept = await self._store.left(
            request.run_id, request.capped, now=request.now, dry_run=request.dry_run
        )
        return CleanupEnded(
            removed=removed,
            bytes_freed=freed,
            kept_by_cap={kind: count for kind, count in kept.items() if count > 0},
            missing_blobs=[MissingBlob(digest=m.key, url=m.identity[:300]) for m in missing],
            partitions_dropped=[item.identity for item in dropped],
            manifest=await self._write_manifest(request.run_id),
        )

    async def _write_manifest(self, run_id: str) -> str:
        digest = await write_lines(self._blobs, self._lines(run_id), self._outcomes.announce)
        return await self._outcomes.keep_first(run_id, digest, JSON_LINES)

    async def _lines(self, run_id: str) -> AsyncIterator[bytes]:
        after = ("", "")
        while rows := await self._store.listed(run_id, after, _LINES):
            after = (rows[-1]["class"], rows[-1]["key"])
            lines = [
                json.dumps({"class": r["class"], "identity": r["identity"], "bytes": r["bytes"]})
                for r in rows
            ]
            yield "".join(line + "\n" for line in lines).encode()


class Temporary:
    """Files that dead writers left in the blob store; a class like those in the database."""

    batch = 200
    at_once = True

    def __init__(self, blobs: Blobs, grace: timedelta) -> None:
        self._blobs = blobs
        self._grace = grace

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        found = [
            Item(left.name, left.name, left.stored_bytes)
            async for left in self._blobs.leftovers(self._grace)
            if left.name > after
        ]
        return sorted(found, key=lambda item: item.key)[:limit]

    async def count(self, connection: Connection, now: datetime) -> int:
        return len(await self.select(connection, now, "", 1_000_000))

    async def remove(
        self, connection: Connection, items: Sequence[Item], now: datetime
    ) -> list[Item]:
        for item in items:
            await self._blobs.remove_leftover(item.key)
        return list(items)


def _over(until: float) -> bool:
    return time.monotonic() >= until or activity.is_worker_shutdown()


def _sizes(rows: dict[str, BlobRow], there: dict[str, BlobInfo]) -> dict[str, int]:
    """Stored sizes not known yet, or changed."""
    return {
        name: info.stored_bytes
        for name, info in there.items()
        if name in rows and rows[name].stored_bytes != info.stored_bytes
    }


def _loss(blobs: int, pages: int) -> str:
    again = f"; {pages} pages are due to be fetched again" if pages else ""
    return f"{blobs} blobs are referred to and not in the store: their bodies are lost{again}"
