"""A corpus of any size in seconds: live documents put straight into the tables."""

from __future__ import annotations

import asyncpg


async def fill(pool: asyncpg.Pool, documents: int, words: int = 60) -> None:
    """Live pages of a source `bulk`, each with a text of its own of so many words (of 32 letters,
    which nothing compresses)."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_SOURCE)
        await connection.execute(_PAGES, documents)
        await connection.execute(_STATES)
        await connection.execute(_DOCUMENTS, words)
        await connection.execute(_VERSIONS)
        await connection.execute(_HELD)
    await pool.execute("analyze")


_SOURCE = "insert into sources (name, kind, urls, created_at) values ('bulk', 'urls', '{}', now())"
_PAGES = """
    insert into pages (url, created_at)
    select 'https://bulk.example/' || n, now() from generate_series(1, $1::int) n
"""
_STATES = """
    insert into page_state (page_id, lifecycle, fetched_snapshot, fetched_type, fetched_at,
                            checked_at)
    select id, 'live', sha256(convert_to(url, 'UTF8')), 'text/html', created_at, created_at
    from pages
"""
_DOCUMENTS = """
    insert into documents (page_id, text_hash, extractor, snapshot, media, title, lang, text,
                           markdown, created_at)
    select p.id, sha256(convert_to('text of ' || p.url, 'UTF8')), 1,
           sha256(convert_to(p.url, 'UTF8')), 'html', 'Title of ' || p.url, 'en', o.text, o.text,
           p.created_at
    from pages p cross join lateral (
        select string_agg(md5(p.url || k), ' ') as text from generate_series(1, $1::int) k) o
"""
_VERSIONS = """
    insert into versions (page_id, seq, document_id, valid_from)
    select page_id, 1, id, created_at from documents
"""
_HELD = """
    insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
    select s.id, p.id, 0, 'listed', 'bulk', p.created_at from sources s, pages p
    where s.name = 'bulk'
"""
