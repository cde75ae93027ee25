"""Sketched texts as they are kept, and what the live pages say of them: name, body, size, hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from atlas.domain.similarity.likeness import ComparedText, name_of
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.connection import Connection

_AT_ONCE = 5_000  # texts read in one piece: 4 MB


@dataclass(frozen=True, slots=True)
class TextPlace:
    """What the live pages that have a text say of it."""

    name: int = 0
    body: UUID | None = None
    size: int = 0
    hosts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptText:
    """A sketched text with its place in the clusters."""

    text: ComparedText
    bands: tuple[int, ...]
    leader: bytes
    similarity: float | None


async def places(connection: Connection, texts: Collection[bytes]) -> dict[bytes, TextPlace]:
    """What live pages say of texts. Those of one text may differ in markup: the smallest counts."""
    rows = await connection.fetch(_PLACES, list(texts))
    found = {
        row["text_hash"]: TextPlace(
            name=name_of(row["title"], row["heading"]),
            body=row["body"],
            size=row["size"],
            hosts=tuple(row["hosts"]),
        )
        for row in rows
    }
    return {text: found.get(text, TextPlace()) for text in texts}


async def places_kept(connection: Connection, texts: Collection[bytes]) -> dict[bytes, TextPlace]:
    """What was said of texts when they were compared; without those that have no sketch of the
    current version."""
    rows = await connection.fetch(
        "select text_hash, name, body, size, hosts from sketches"
        " where text_hash = any($1::bytea[]) and version = $2",
        *(list(texts), SKETCH_VERSION),
    )
    return {row["text_hash"]: _place(row) for row in rows}


def _place(row: Mapping[str, Any] | asyncpg.Record) -> TextPlace:
    return TextPlace(row["name"], row["body"], row["size"], tuple(row["hosts"]))


async def kept(connection: Connection, texts: Collection[bytes]) -> dict[bytes, KeptText]:
    """Texts by their hashes; without those that have no sketch."""
    rows = await connection.fetch(_KEPT, list(texts))
    return {
        row["text_hash"]: KeptText(
            ComparedText.of(dict(row)),
            tuple(row["bands"]),
            row["representative"],
            row["similarity"],
        )
        for row in rows
    }


async def compared(connection: Connection, texts: Collection[bytes]) -> dict[bytes, ComparedText]:
    """Texts by their hashes, as they are compared; without those that have no sketch of the current
    version."""
    rows = await connection.fetch(_COMPARED, list(texts), SKETCH_VERSION)
    return {row["text_hash"]: ComparedText.of(dict(row)) for row in rows}


async def in_pieces(
    connection: Connection, texts: Sequence[bytes]
) -> AsyncIterator[dict[bytes, KeptText]]:
    """Many texts, a part at a time."""
    for start in range(0, len(texts), _AT_ONCE):
        yield await kept(connection, texts[start : start + _AT_ONCE])


# A port is part of the host: on one machine different ports are different sites.
_PLACES = """
select d.text_hash, min(d.title) as title, min(coalesce(d.outline -> 0 ->> 2, '')) as heading,
       min(md5(d.text))::uuid as body, min(octet_length(d.text)) as size,
       array_agg(distinct hashtextextended(substring(p.url from '^[a-z]+://([^/?#]+)'), 0)) as hosts
  from documents d
  join versions v on v.document_id = d.id and v.valid_to is null
  join pages p on p.id = v.page_id
 where d.text_hash = any($1::bytea[])
 group by d.text_hash
"""

_COMPARED = """
select text_hash, signature, name, body, size, hosts from sketches
 where text_hash = any($1::bytea[]) and version = $2
"""

_KEPT = """
select text_hash, signature, name, body, size, hosts, bands, representative, similarity
  from sketches where text_hash = any($1::bytea[])
"""
