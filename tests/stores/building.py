"""Builds generations of the index by hand, as a rebuild does."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg

from atlas.domain.search.analysis import ANALYSER_VERSION, index_parts
from atlas.stores.postgres.index import gates, generations
from atlas.stores.postgres.index.entries import IndexText
from atlas.stores.postgres.index.generations import Builder, Pointers
from atlas.stores.postgres.settlement import index_copy
from tests.stores.corpus import Corpus

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
WORDS = (
    "harbour ferry lantern orchard chapel anchor cellar ember gravel kettle marble needle".split()
)


def words(number: int) -> str:
    return " ".join(random.Random(number).choices(WORDS, k=30)) + f" {number:03}unique"


async def fill(connection: asyncpg.Connection, count: int) -> Corpus:
    corpus = Corpus(connection)
    for number in range(count):
        await corpus.put(f"https://example.org/{number:03}", f"Title {number}", words(number))
    return corpus


async def begin(connection: asyncpg.Connection, run_id: str = "r", **given: object) -> Builder:
    builder = await generations.start(
        connection,
        **{"run_id": run_id, "workflow_id": "w", "analyser": ANALYSER_VERSION, "now": NOW, **given},  # type: ignore[arg-type]
    )
    assert builder is not None
    return builder


async def analysed(connection: asyncpg.Connection, generation: int) -> list[IndexText]:
    """Every text that is missing from the generation, ready to be inserted."""
    missing = await index_copy.missing(connection, generation, b"", b"\xff" * 32)
    return [
        IndexText(text.text_hash, index_parts(text.title, text.text))
        for text in await index_copy.read(connection, missing)
    ]


async def copy(connection: asyncpg.Connection, generation: int) -> bool:
    texts = await analysed(connection, generation)
    return await index_copy.insert(connection, generation, texts)


async def switch(
    connection: asyncpg.Connection, generation: int, keep_until: datetime | None = LATER
) -> Pointers | None:
    return await generations.switch(
        connection, generation, run_id=f"r{generation}", keep_until=keep_until, now=NOW
    )


async def entries(connection: asyncpg.Connection, generation: int) -> set[bytes]:
    rows = await connection.fetch(f"select text_hash from index_entries_{generation}")
    kept = await connection.fetchrow("select * from generations where id = $1", generation)
    assert kept["entries"] == len(rows)
    return {row["text_hash"] for row in rows}


async def failed(connection: asyncpg.Connection, generation: int, **asked: object) -> list[str]:
    """Names and details of the gates that do not pass."""
    found = await gates.check(
        connection,
        generation,
        **{"queries": (), "min_overlap": 0.8, **asked},  # type: ignore[arg-type]
    )
    return [f"{gate.name}: {gate.detail}" for gate in found.gates if not gate.passed]


@asynccontextmanager
async def two(database: asyncpg.Pool) -> AsyncIterator[tuple[asyncpg.Connection, ...]]:
    async with database.acquire() as one, database.acquire() as other:
        yield one, other


async def states(connection: asyncpg.Connection) -> dict[int, str]:
    return dict(await connection.fetch("select id, state from generations"))  # type: ignore[arg-type]
