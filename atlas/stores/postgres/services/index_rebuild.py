"""Rebuilds of the search index as the activities see them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

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
    StartGeneration,
    SwitchGeneration,
    TextsCopied,
)
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.index import gates, generation_switch, generations, live_texts
from atlas.stores.postgres.index.generation_switch import Behind
from atlas.stores.postgres.index.generations import Generation
from atlas.stores.postgres.services.run_lifecycle import IsOpen
from atlas.stores.postgres.services.text_copier import Analyse, TextCopier
from atlas.stores.search.port import SearchIndex

R = TypeVar("R")

_LOOK = 0.1
"""Seconds between two looks at what the process that writes the index has come to."""
_DROPPED_WITHIN = 30.0
"""Seconds that a drop is waited for: another writer may have to take over first. What is not
dropped then is dropped later, without anybody asking for it."""


@dataclass(eq=False)
class Rebuilds:
    """Generations as a rebuild drives them: it fills one, and whoever writes the index
    (`index_follower.py`) has it follow the feed and drops it. Time comes from the injected
    clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    index: SearchIndex
    analyse: Analyse

    async def start(self, request: StartGeneration, is_open: IsOpen) -> GenerationStarted:
        """Begin a generation, or take over the one of a run that Temporal reports closed."""
        closed: str | None = None
        async with self.pool.acquire() as connection:
            while True:
                building = await generations.start(
                    connection,
                    self.index,
                    run_id=request.run_id,
                    workflow_id=request.workflow_id,
                    now=self.clock(),
                    instead_of=closed,
                )
                if building is None:
                    return GenerationStarted(message="the run has ended")
                if building.run_id == request.run_id:
                    break
                if building.run_id is None or await is_open(
                    building.workflow_id or "", building.run_id
                ):
                    return GenerationStarted(message=_holder(building))
                # Its record ends first: a generation is only taken over from a run that is over.
                closed = building.run_id
                why = "ended without closing; its generation was taken over"
                ended = EndJob(run_id=closed, outcome="failed", message=why)
                await runs.end_job(connection, ended, self.clock())
            return GenerationStarted(
                generation=building.number,
                texts=await live_texts.count(connection),
                after=building.copied_to.hex(),
            )

    async def copy(self, request: CopyTexts) -> TextsCopied:
        """Put the next live texts into the generation."""
        copier = TextCopier(self.pool, self.index, self.analyse)
        try:
            last, count = await copier.copy_some(
                request.generation, bytes.fromhex(request.after), request.chunk
            )
        finally:
            # The next part may be copied by another process.
            await self.index.release(request.generation)
        return TextsCopied(last=None if last is None else last.hex(), texts=count)

    async def check(self, request: CheckGeneration) -> GenerationChecked:
        """Try the gates of the generation, once it has read what was committed until now."""
        return await gates.check(
            self.pool,
            self.index,
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
                missing = "there is no previous generation to switch back to"
                found = await _until_current(
                    lambda: generation_switch.roll_back(
                        connection, self.index, run_id=run_id, keep_until=keep_until, now=now
                    )
                )
            else:
                missing = f"generation {built} was dropped while it was being built"
                found = await _until_current(
                    lambda: generation_switch.switch(
                        connection, self.index, built, run_id=run_id, keep_until=keep_until, now=now
                    )
                )
        if found is None:
            return GenerationSwitched(message=missing)
        return GenerationSwitched(active=found.active, previous=found.previous)

    async def drop(self, request: DropGenerations) -> GenerationsDropped:
        """Have every retired generation dropped; first retire what a run is building, if it is
        named."""
        async with self.pool.acquire() as connection:
            if request.run_id is not None:
                await generations.give_up(connection, request.run_id)
            retired = await generations.retired(connection)
        return GenerationsDropped(dropped=await until_dropped(self.pool, retired))


async def until_dropped(pool: asyncpg.Pool, retired: list[int]) -> list[int]:
    """Wait, for a while, until generations that were retired are dropped; which are."""
    left = set(retired)
    with suppress(TimeoutError):
        async with asyncio.timeout(_DROPPED_WITHIN):
            while left:
                async with pool.acquire() as connection:
                    left &= set(await generations.known(connection))
                if left:
                    await asyncio.sleep(_LOOK)
    return sorted(set(retired) - left)


async def _until_current(switch: Callable[[], Awaitable[R]]) -> R:
    while True:
        try:
            return await switch()
        except Behind:
            await asyncio.sleep(_LOOK)


def _holder(building: Generation) -> str:
    who = "a worker, by itself,"
    if building.run_id is not None:
        who = f"{building.workflow_id} (run {building.run_id})"
    return (
        f"{who} builds generation {building.number} since {building.started_at:%Y-%m-%d %H:%M:%S}Z"
    )
