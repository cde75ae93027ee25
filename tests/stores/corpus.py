"""Puts documents straight into the tables that searching reads, as settling would leave them."""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from atlas.domain.search.index_parts import IndexPart, index_parts
from atlas.domain.similarity.near_duplicates import sketch
from atlas.stores.postgres.index.engine_search import search_engine
from atlas.stores.postgres.index.search import SearchPage, SearchRequest
from atlas.stores.postgres.near_duplicates import clusters
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.search.port import IndexOrigin, SearchIndex
from atlas.stores.search.tantivy_engine import TantivyIndex

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def text_hash(title: str, text: str) -> bytes:
    return hashlib.sha256(f"{title}\n{text}".encode()).digest()


@dataclass
class Corpus:
    """A connection, and the sources made so far."""

    connection: asyncpg.Connection
    sources: dict[str, int] = field(default_factory=dict)

    async def put(self, url: str, title: str, text: str, **rest: Any) -> bytes:
        """A live page of a source, compared with the others; returns its text hash."""
        hash_ = await self.page(url, title, text, **rest)
        found = sketch(text)
        await clusters.add(
            self.connection, [clusters.TextSketch(hash_, found.bands, found.signature)]
        )
        return hash_

    async def page(
        self,
        url: str,
        title: str,
        text: str,
        *,
        source: str = "docs",
        lang: str | None = "en",
        outline: Sequence[tuple[int, int, str, str | None]] | None = None,
    ) -> bytes:
        """A live page of a source, with no sketch; returns its text hash."""
        hash_ = text_hash(title, text)
        page = await self.connection.fetchval(
            "insert into pages (url, created_at) values ($1, $2) returning id", url, NOW
        )
        document = await self.connection.fetchval(
            "insert into documents (page_id, text_hash, extractor, snapshot, media, title, lang,"
            " text, markdown, created_at, outline)"
            " values ($1, $2, 1, $2, 'text/html', $3, $4, $5, $5, $6, $7) returning id",
            *(
                page,
                hash_,
                title,
                lang,
                text,
                NOW,
                None if outline is None else json.dumps(outline),
            ),
        )
        await self.connection.execute(
            "insert into versions (page_id, seq, document_id, valid_from) values ($1, 1, $2, $3)",
            *(page, document, NOW),
        )
        await self.hold(source, page)
        return hash_

    async def hold(self, source: str, page: int) -> None:
        """Let a source hold a page."""
        if source not in self.sources:
            self.sources[source] = await self.connection.fetchval(
                "insert into sources (name, kind, urls, created_at)"
                " values ($1, 'urls', '{}', $2) returning id",
                *(source, NOW),
            )
        await self.connection.execute(
            "insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)"
            " values ($1, $2, 0, 'listed', 'run', $3)",
            *(self.sources[source], page, NOW),
        )

    async def drop(self, text: bytes) -> None:
        """Close the versions that hold a text."""
        async with self.connection.transaction():
            await self.connection.execute(
                "update versions v set valid_to = $2 from documents d"
                " where d.id = v.document_id and d.text_hash = $1",
                *(text, NOW),
            )
            await clusters.remove(self.connection, [text])


class OneConnection:
    """Gives whoever asks a pool the same connection, in its transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        yield self.connection


async def analyse(title: str, text: str) -> Sequence[IndexPart]:
    return index_parts(title, text)


class EngineCorpus(Corpus):
    """The same, searched by an engine that is built anew from what is live, or not, at will."""

    def __init__(self, connection: asyncpg.Connection, index: SearchIndex) -> None:
        super().__init__(connection)
        self.index = index
        self.built = False

    async def search(self, query: str, **options: Any) -> SearchPage:
        """Search the engine; the index is as old as the first search."""
        if not self.built:
            pool: Any = OneConnection(self.connection)
            await IndexFollower(pool, self.index, analyse, "test").catch_up()
            self.built = True
        return await search_engine(self.connection, self.index, SearchRequest(query, **options))

    async def put(self, url: str, title: str, text: str, **rest: Any) -> bytes:
        """As above; the next search is of a new index."""
        if self.built:
            self.built = False
            await self.index.switch(await self._emptied())
        return await super().put(url, title, text, **rest)

    async def _emptied(self) -> int:
        """A generation of another corpus: it does not fit, and is built anew."""
        number = 1 + max(each.number for each in await self.index.generations())
        await self.index.begin(number, IndexOrigin("another", 0), 0)
        return number


async def built(database_url: str, folder: Path) -> None:
    """Build the index of a database's live texts in a folder."""
    index = TantivyIndex(folder)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        follower = IndexFollower(pool, index, analyse, "built by a test")
        await follower.catch_up()
        await follower.stop()
    await index.close()
