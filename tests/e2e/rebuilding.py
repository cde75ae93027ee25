"""A small corpus, rebuilds of its index, and people who search meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from temporalio.client import WorkflowHandle

from atlas.contracts.names import QUEUE
from atlas.contracts.rebuild_index import (
    RebuildResult,
)
from atlas.stores.postgres.index.engine_search import search_corpus
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.search.port import MissingGeneration
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

PAGES = 24
WORDS = "ferry lantern orchard chapel anchor cellar ember gravel kettle marble needle".split()

Handle = WorkflowHandle[Any, RebuildResult]


def page(number: int, edition: int = 0) -> str:
    """Every page says "harbour", and one word that no other edition or page says."""
    dice = random.Random(f"{number} {edition}")
    words = " ".join(dice.choices(WORDS, k=20))
    text = f"<p>The harbour of {words}, as in {number:03}q{edition}word it was said.</p>"
    return f"<html lang=en><title>Page {number}</title><main><h1>Page {number}</h1>{text}</main>"


def serve(origin: Origin, edition: int = 0) -> None:
    """A third of the pages changes with each edition."""
    for number in range(PAGES):
        origin.page(f"/{number}", page(number, edition if number % 3 == 0 else 0))


async def declare(env: AtlasEnv, origin: Origin) -> None:
    serve(origin)
    await env.add_source("docs", "urls", *[origin.url(f"/{number}") for number in range(PAGES)])


async def start(env: AtlasEnv, id: str = "rebuild_index", **request: Any) -> Handle:
    handle: Handle = await env.client.start_workflow(
        "rebuild_index", request, id=id, task_queue=QUEUE, result_type=RebuildResult
    )
    return handle


async def rebuild(env: AtlasEnv, id: str = "rebuild_index", **request: Any) -> RebuildResult:
    return await (await start(env, id, **request)).result()


async def until_copied(env: AtlasEnv, texts: int) -> None:
    """Wait until a generation that is being built has so many texts."""

    async def there() -> bool:
        number = await env.value(
            "select number from index_generations where state = 'building' and run_id is not null"
        )
        if number is None:
            return False
        with suppress(MissingGeneration):
            return len(await opened(env).parts_of(number, "")) >= texts
        return False

    await until(there)


async def pause(env: AtlasEnv, handle: Handle) -> None:
    """Paused, and nothing of it under way."""
    await handle.signal("pause")

    async def at_rest() -> bool:
        since = await env.value("select count(paused_since) from runs where ended_at is null")
        return since and not (await handle.describe()).raw_description.pending_activities

    await until(at_rest)


async def states(env: AtlasEnv) -> dict[int, str]:
    rows = await env.fetch("select number, state from index_generations")
    return {row["number"]: row["state"] for row in rows}


async def until_serving(env: AtlasEnv) -> None:
    """Wait until the worker has built the first generation by itself."""

    async def there() -> bool:
        return "active" in (await states(env)).values()

    await until(there)


async def until_dropped(env: AtlasEnv) -> None:
    """Wait until the worker has dropped what was retired."""

    async def gone() -> bool:
        return "retired" not in (await states(env)).values()

    await until(gone)


def opened(env: AtlasEnv) -> TantivyIndex:
    """The index of an Atlas, opened by this process."""
    if env.index is None:
        env.index = TantivyIndex(Path(env.variables["ATLAS_HOME"]) / "index")
    return env.index


async def urls(env: AtlasEnv, query: str = "harbour") -> list[str]:
    async with env.pool.acquire() as connection:
        return await _urls(connection, opened(env), query)


async def _urls(connection: asyncpg.Connection, index: TantivyIndex, query: str) -> list[str]:
    page = await search_corpus(connection, index, SearchRequest(query, limit=1000, collapse=False))
    return [hit.url for hit in page.results]


@dataclass
class Searchers:
    """People who search all the time; `wanted` must be in every answer, and nothing twice."""

    env: AtlasEnv
    wanted: set[str]
    answers: int = 0
    wrong: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def at_work(self, people: int = 3) -> AsyncIterator[None]:
        async with asyncpg.create_pool(self.env.database_url, min_size=people) as pool:
            tasks = [asyncio.create_task(self._search(pool)) for _ in range(people)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                for ended in await asyncio.gather(*tasks, return_exceptions=True):
                    if not isinstance(ended, asyncio.CancelledError):
                        self.wrong.append(f"error: {ended!r}")

    async def _search(self, pool: asyncpg.Pool) -> None:
        while True:
            async with pool.acquire() as connection:
                found = await _urls(connection, opened(self.env), "harbour")
            self.answers += 1
            if missing := self.wanted - set(found):
                self.wrong.append(f"missing: {sorted(missing)}")
            if len(set(found)) < len(found):
                self.wrong.append(f"duplicate: {sorted(found)}")
            # Without it they take half of the time that the rebuild needs.
            await asyncio.sleep(0.05)


async def until_settled(env: AtlasEnv, versions: int) -> None:
    async def there() -> bool:
        return bool(await env.value("select count(*) from versions where seq > 1") >= versions)

    await until(there)
