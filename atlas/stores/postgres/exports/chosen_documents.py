"""Which documents an export chooses, and how they are read: in the order of page numbers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import fields
from typing import TypeAlias

import asyncpg

from atlas.contracts.export_corpus import ChosenFilter, DocumentFilter
from atlas.domain.export_entry import ExportEntry
from atlas.domain.exported_document import ExportedDocument
from atlas.domain.extraction.outline import stored_outline
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources.sources import holders

AnyFilter: TypeAlias = DocumentFilter | ChosenFilter

_PREFETCHED = 25
"""Documents in memory at once while streaming: a text may be megabytes long."""


def choice(first: int) -> str:
    """SQL: the chosen pages, with everything about them that may be different a moment later; the
    parameters of `chosen_by` begin at number `first`."""
    sources, langs, host, prefix, since, before, marked = (f"${first + n}" for n in range(7))
    return f"""
        select v.page_id, v.document_id, v.seq as version, v.valid_from as changed_at,
               {holders("v.page_id")} as sources, ps.checked_at as last_seen,
               case when ps.fetched_snapshot = d.snapshot then ps.fetched_at end as fetched_at,
               case when ps.fetched_snapshot = d.snapshot then ps.fetched_type end as content_type,
               d.snapshot, k.representative as cluster, x.winner_page_id
        from versions v
        join documents d on d.id = v.document_id
        join pages p on p.id = v.page_id
        join page_state ps on ps.page_id = v.page_id
        left join sketches k on k.text_hash = d.text_hash
        left join duplicates x on x.page_id = v.page_id
        where v.valid_to is null
          and ({sources}::text[] is null or exists (
              select from source_pages sp join sources s on s.id = sp.source_id
              where sp.page_id = v.page_id and s.name = any({sources})))
          and ({langs}::text[] is null or d.lang = any({langs}))
          and ({host}::text is null or substring(p.url from '^[a-z]+://([^/?#]+)') = {host})
          and ({prefix}::text is null or starts_with(p.url, {prefix}))
          and ({since}::timestamptz is null or v.valid_from >= {since})
          and ({before}::timestamptz is null or v.valid_from < {before})
          and ({marked} or x.page_id is null)
    """  # noqa: S608 (constants)


def chosen_by(only: AnyFilter) -> tuple[object, ...]:
    """The parameters of `choice`."""
    return (
        only.sources or None,
        only.langs or None,
        only.host,
        only.prefix,
        only.changed_since,
        only.changed_before,
        only.include_duplicates,
    )


def reading(chosen: str, outlined: str, more: str = "") -> str:
    """SQL: the whole documents of chosen pages; `url` is null if the document no longer exists.
    `outlined` says whether their outlines are read, `more` is further columns."""
    return f"""
        select e.page_id, p.url, d.title, d.text, d.markdown, d.lang, d.canonical, d.published,
               e.sources, e.version, encode(d.text_hash, 'hex') as text_hash, e.changed_at,
               p.created_at as first_seen, e.last_seen, e.fetched_at, e.content_type, d.media,
               encode(e.snapshot, 'hex') as snapshot, encode(e.cluster, 'hex') as cluster,
               kept.url as duplicate_of, d.truncated,
               case when {outlined} then d.outline end as outline{more}
        from {chosen} e
        left join (documents d join pages p on p.id = d.page_id) on d.id = e.document_id
        left join pages kept on kept.id = e.winner_page_id
        order by e.page_id
    """  # noqa: S608 (constants)


async def stream(
    connection: Connection, only: AnyFilter, limit: int | None = None
) -> AsyncGenerator[ExportedDocument]:
    """The chosen documents as they are at one moment, one by one."""
    async with aclosing(stream_entries(connection, only, limit)) as found:
        async for entry in found:
            yield entry.document


async def stream_entries(
    connection: Connection, only: AnyFilter, limit: int | None = None, *, outlined: bool = False
) -> AsyncGenerator[ExportEntry]:
    """The same with their outlines, if these are wanted: one transaction stays open while the
    reader takes them one by one."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for row in connection.cursor(
            _STREAM, *chosen_by(only), limit, outlined, prefetch=_PREFETCHED
        ):
            yield ExportEntry(exported(row), stored_outline(row["outline"]))


def exported(row: asyncpg.Record) -> ExportedDocument:
    """The document of a row of `reading`."""
    values = {name: row[name] for name in _FIELDS}
    return ExportedDocument(**{**values, "sources": tuple(row["sources"])})


async def left_out(connection: Connection, only: AnyFilter) -> tuple[int, int]:
    """How many documents an export leaves out because they are marked as duplicates, and how many
    because their language is unknown."""
    values = list(chosen_by(only.model_copy(update={"langs": [], "include_duplicates": True})))
    row = await connection.fetchrow(_LEFT_OUT, *values, only.langs or None)
    assert row is not None
    marked = 0 if only.include_duplicates else row["marked"]
    return marked, row["unknown"] if only.langs else 0


_FIELDS = [field.name for field in fields(ExportedDocument)]
_STREAM = f"{reading(f'({choice(1)})', '$9::boolean')} limit $8"
_LEFT_OUT = f"""
    select count(*) filter (where c.winner_page_id is not null
                            and ($8::text[] is null or d.lang = any($8))) as marked,
           count(*) filter (where d.lang is null) as unknown
    from ({choice(1)}) c join documents d on d.id = c.document_id
"""  # noqa: S608 (constants)
