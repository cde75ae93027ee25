"""`deduplicate_documents` as its activities see it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.deduplicate_documents import (
    CheckPart,
    DecideGroups,
    DuplicateCounts,
    PartDone,
    ScopeDescribed,
)
from atlas.domain.similarity.duplicates import DuplicateGroup, Pair, duplicate_groups
from atlas.domain.similarity.likeness import ComparedText
from atlas.stores.postgres.connection import Connection, on_pool
from atlas.stores.postgres.near_duplicates import consistency, marks
from atlas.stores.postgres.near_duplicates.marks import ClusterPart, Decision, Finding
from atlas.stores.postgres.sources import sources


@dataclass(eq=False)
class Deduplication:
    """The marks, what a run finds, and the checks before it. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]

    take_off_rest = on_pool(marks.take_off_rest)
    forget = on_pool(marks.forget)

    async def describe(self, wanted: Sequence[str]) -> ScopeDescribed:
        """Count what is in scope; name a source that is not declared."""
        async with self.pool.acquire() as connection:
            known = set(await sources.all_names(connection, active_only=False))
            for name in sorted(set(wanted)):
                if name not in known:
                    return ScopeDescribed(message=str(await sources.unknown(connection, name)))
            texts, pages = await marks.scope(connection, wanted)
            return ScopeDescribed(texts=texts, pages=pages)

    async def check(self, request: CheckPart) -> PartDone:
        """One part of a check. Buckets and clusters belong to all texts: a run on the whole corpus
        checks them."""
        if request.sources and request.stage in ("buckets", "clusters"):
            return PartDone()
        async with self.pool.acquire() as connection:
            return await _check(connection, request)

    async def decide(self, request: DecideGroups) -> PartDone:
        """Find the groups of the next clusters; note them, and mark their duplicates."""
        async with self.pool.acquire() as connection:
            part = await _read(connection, request)
            if part is None:
                return PartDone()
            # In a thread: a large cluster takes seconds, and heartbeats must continue meanwhile.
            groups = await asyncio.to_thread(_groups, part, request)
            decision = Decision(request.run_id, request.winner, part, groups)
            if request.apply:
                await marks.apply(connection, decision, self.clock())
            else:
                await marks.note(connection, decision)
        return PartDone(cursor=part.last.hex(), checked=len(part.pages))

    async def counts(self, run_id: str, wanted: Sequence[str]) -> DuplicateCounts:
        """What was compared and found."""
        async with self.pool.acquire() as connection:
            texts, pages = await marks.scope(connection, wanted)
            found = await marks.counted(connection, run_id)
        return DuplicateCounts(texts=texts, pages=pages, **found)

    async def findings(self, run_id: str, *, limit: int | None = None) -> AsyncGenerator[Finding]:
        """The groups, the largest first; streamed."""
        async with (
            self.pool.acquire() as connection,
            aclosing(marks.findings(connection, run_id, limit=limit)) as found,
        ):
            async for finding in found:
                yield finding


async def _check(connection: Connection, request: CheckPart) -> PartDone:
    cursor, chunk, repair = request.cursor, request.chunk, request.repair
    if request.stage == "buckets":
        return await consistency.check_buckets(connection, cursor, chunk=chunk, repair=repair)
    if request.stage == "clusters":
        return await consistency.check_clusters(connection, cursor, chunk=chunk, repair=repair)
    check = (
        consistency.check_evidence if request.stage == "evidence" else consistency.check_sketches
    )
    return await check(connection, cursor, chunk=chunk, sources=request.sources, repair=repair)


async def _read(connection: Connection, request: DecideGroups) -> ClusterPart | None:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await marks.read_part(
            connection,
            bytes.fromhex(request.cursor),
            chunk=request.chunk,
            sources=request.sources,
        )


def _groups(part: ClusterPart, request: DecideGroups) -> list[DuplicateGroup]:
    from atlas.domain.similarity.near_duplicates import (  # numpy: 0.3 s and 15 MB
        copies_among,
        copies_within,
    )

    texts, least = part.texts, request.threshold

    def likeness(text: bytes, others: Sequence[bytes]) -> Sequence[float]:
        copies = copies_among(texts[text], [texts[other] for other in others], least)
        return [copies.get(other, 0.0) for other in others]

    members: dict[bytes, list[ComparedText]] = defaultdict(list)
    if request.kind != "exact":
        for name, cluster in part.clusters.items():
            if name in texts:
                members[cluster].append(texts[name])
    similar: dict[Pair, float] = {}
    for some in members.values():
        similar |= copies_within(some, least)
    return duplicate_groups(
        part.pages,
        similar,
        likeness,
        kind=request.kind,
        threshold=least,
        rule=request.winner,
    )
