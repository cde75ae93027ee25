"""Puts documents straight into the tables that searching reads, as settling would leave them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg

from atlas.domain.analysis import index_parts
from atlas.domain.near_duplicates import sketch
from atlas.stores.postgres.index import entries
from atlas.stores.postgres.near_duplicates import clusters

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def text_hash(title: str, text: str) -> bytes:
    return hashlib.sha256(f"{title}\n{text}".encode()).digest()


@dataclass
class Corpus:
    """A connection, and the sources made so far."""

    connection: asyncpg.Connection
    sources: dict[str, int] = field(default_factory=dict)

    async def put(
        self,
        url: str,
        title: str,
        text: str,
        *,
        source: str = "docs",
        lang: str | None = "en",
        outline: Sequence[tuple[int, int, str, str | None]] | None = None,
    ) -> bytes:
        """A live page of a source; returns its text hash."""
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
        found = sketch(text)
        await entries.add(self.connection, [entries.IndexText(hash_, index_parts(title, text))])
        await clusters.add(
            self.connection, [clusters.TextSketch(hash_, found.bands, found.signature)]
        )
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
        """Close the versions that hold a text, and take it out of the index."""
        await self.connection.execute(
            "update versions v set valid_to = $2 from documents d"
            " where d.id = v.document_id and d.text_hash = $1",
            *(text, NOW),
        )
        await entries.remove(self.connection, [text])
        await clusters.remove(self.connection, [text])
