"""Rebuilds of the index as the activities see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from atlas.contracts.jobs import EndJob
from atlas.contracts.rebuild_index import (
    CheckGeneration,
    CopyTexts,
    DropGenerations,
    GenerationChecked,
    GenerationsDropped,
    GenerationStarted,
    GenerationSwitched,
    MarkSettled,
    StartGeneration,
    SwitchGeneration,
)
from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.stores.postgres.connection import on_pool
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.index import gates, generations
from atlas.stores.postgres.services.run_lifecycle import IsOpen
from atlas.stores.postgres.settlement import index_copy
from atlas.stores.postgres.settlement.index_copy import TextToCopy

_MARKED_AT_ONCE = 2000


@dataclass(eq=False)
class Rebuilds:
    """Generations as a rebuild drives them. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]

    read = on_pool(index_copy.read)
    insert = on_pool(index_copy.insert)

    async def start(self, request: StartGeneration, is_open: IsOpen) -> GenerationStarted:
        """Begin a generation, or take over the one of a run that Temporal reports closed."""
        closed: str | None = None
        async with self.pool.acquire() as connection:
            while True:
                builder = await generations.start(
                    connection,
                    run_id=request.run_id,
                    workflow_id=request.workflow_id,
                    analyser=ANALYSER_VERSION,
                    now=self.clock(),
                    instead_of=closed,
                )
                if builder is None:
                    return GenerationStarted(message="the run has ended")
                if builder.run_id == request.run_id:
                    break
                if await is_open(builder.workflow_id, builder.run_id):
                    return GenerationStarted(message=_holder(builder))
                # Its record ends first: a generation is only taken over from a run that is over.
                closed = builder.run_id
                why = "ended without closing; its generation was taken over"
                ended = EndJob(run_id=closed, outcome="failed", message=why)
                await runs.end_job(connection, ended, self.clock())
            return GenerationStarted(
                generation=builder.generation,
                texts=await index_copy.count_live(connection),
            )

    async def next_texts(self, request: CopyTexts) -> tuple[str | None, int, list[TextToCopy]]:
        """The cursor past the next chunk, how many live texts it has, and which of them are
        missing from the generation."""
        after = bytes.fromhex(request.after)
        async with self.pool.acquire() as connection:
            last, count = await index_copy.next_texts(connection, after, request.chunk)
            if last is None:
                return None, 0, []
            missing = await index_copy.missing(connection, request.generation, after, last)
        return last.hex(), count, missing

    async def check(self, request: CheckGeneration) -> GenerationChecked:
        """Make the generation ready for searches, and try its gates."""
        async with self.pool.acquire() as connection:
            await gates.make_ready(connection, request.generation)
            return await gates.check(
                connection,
                request.generation,
                queries=request.queries,
                min_overlap=request.min_overlap,
            )

    async def switch(self, request: SwitchGeneration) -> GenerationSwitched:
        """Let searches read the generation, or the previous one."""
        now = self.clock()
        keep_until = now + timedelta(days=request.keep_days) if request.keep_days else None
        run_id, built = request.run_id, request.generation
        async with self.pool.acquire() as connection:
            if built is None:
                found = await generations.roll_back(
                    connection, run_id=run_id, keep_until=keep_until, now=now
                )
                missing = "there is no previous generation to switch back to"
            else:
                found = await generations.switch(
                    connection, built, run_id=run_id, keep_until=keep_until, now=now
                )
                missing = f"generation {built} was dropped while it was being built"
        if found is None:
            return GenerationSwitched(message=missing)
        return GenerationSwitched(active=found.active, previous=found.previous)

    async def mark_settled(self, request: MarkSettled) -> None:
        """Mark the pages whose text the generation has as settled with its analyser."""
        after: int | None = 0
        while after is not None:
            async with self.pool.acquire() as connection:
                after = await index_copy.mark_settled(
                    connection, request.generation, after, _MARKED_AT_ONCE
                )

    async def drop(self, request: DropGenerations) -> GenerationsDropped:
        """Drop every retired generation; first retire what a run is building, if it is named."""
        async with self.pool.acquire() as connection:
            if request.run_id is not None:
                await generations.give_up(connection, request.run_id)
            retired = await generations.expired(connection, None)
            for generation in retired:
                await generations.drop(connection, generation)
        return GenerationsDropped(dropped=retired)


def _holder(builder: generations.Builder) -> str:
    return (
        f"{builder.workflow_id} (run {builder.run_id}) builds generation {builder.generation} "
        f"since {builder.started_at:%Y-%m-%d %H:%M:%S}Z"
    )
