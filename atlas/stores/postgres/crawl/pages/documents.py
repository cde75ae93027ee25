"""Documents as they are read: what a page says now, or said in a version or at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.domain.extraction.outline import OutlineSection, stored_outline
from atlas.domain.extraction.stated_metadata import StatedMetadata, stored_metadata
from atlas.domain.texts import TruncatedPage
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources.sources import holders


@dataclass(frozen=True, slots=True)
class Redirects:
    """Where a page led when it was last asked for."""

    to: str
    """The URL."""
    seen: int
    """Looks in a row that found a permanent redirect (301, 308) there: the third removes the page,
    unless its sources keep all pages. 0: it redirects for a while."""
    last: datetime | None
    """When the last of them was made."""


@dataclass(frozen=True, slots=True)
class CurrentDocument:
    """The live document of one page, or what was live at another time."""

    url: str
    """The canonical URL of the page."""
    title: str
    lang: str | None
    """ISO 639 code, as in `de`; None when it could not be determined."""
    text_hash: str
    """SHA-256 of the normalised text with its title."""
    published: datetime | None
    """The date of publication that the page states."""
    canonical: str | None
    """The URL that the page names as its own, when it is another."""
    media: str
    """The format of the body: `html`, `pdf`, `text` …"""
    lifecycle: str
    """Of the page: `live`, or `suspect` when its last check did not find it, or found a body that
    was held."""
    sources: tuple[str, ...]
    """Names of the sources that hold the page."""
    fetched_at: datetime | None
    """When the body was received; None: not known, as of a text of the past."""
    valid_from: datetime
    """Since when the page has this text."""
    version: int
    """Counts the texts of the page, from 1."""
    snapshot: str
    """SHA-256 of the stored body: its name in the blob store."""
    text: str
    """Plain text."""
    markdown: str
    """The same with headings, lists and code; empty when there is none."""
    duplicate_of: str | None = None
    """URL of the page that is kept, where `atlas dedup --apply` marked this as a duplicate."""
    truncated: str | None = None
    """What is missing of the body, as in `pages 2001 to 2400`; None when nothing is."""
    author: str | None = None
    """Who wrote it, where the page or the `metadata` rules of its source say so."""
    redirects: Redirects | None = None
    """Where the page leads instead of answering; None when it answers. Its text is the last one
    that it had."""
    valid_to: datetime | None = None
    """Until when the page had this text; None: it has it now."""
    outline: tuple[OutlineSection, ...] | None = None
    """Its headings, and the terms it defines, in order; None where they are not known: the text was
    extracted before outlines were kept."""
    stated: tuple[StatedMetadata, ...] | None = None
    """What the page says of itself, each piece with the tag that it was read from; None where this
    is not known: the text was extracted before it was kept."""
    rendered: bool = False
    """Whether the stored body is what a browser made of the page, not what its server sent."""


class UnknownDocument(Exception):
    """The corpus has no live document for this URL."""


_DOCUMENT = f"""
    select p.url, d.title, d.lang, encode(d.text_hash, 'hex') as text_hash, d.published,
           d.canonical, d.media, ps.lifecycle,
           case when v.valid_to is null then ps.fetched_at end as fetched_at,
           v.valid_from, v.valid_to, v.seq as version,
           encode(d.snapshot, 'hex') as snapshot, d.text, d.markdown, d.outline, d.truncated,
           d.author, d.stated, d.rendered,
           (select kept.url from duplicates x join pages kept on kept.id = x.winner_page_id
             where x.page_id = p.id and v.valid_to is null) as duplicate_of,
           {holders("p.id")} as sources,
           led.url as redirect_to, ps.moved_count, ps.moved_at
    from versions v
    join documents d on d.id = v.document_id
    join pages p on p.id = v.page_id
    join page_state ps on ps.page_id = v.page_id
    left join pages led on led.id = ps.redirect_to and v.valid_to is null
"""  # noqa: S608 (constants)


async def current(connection: Connection, url: str) -> CurrentDocument:
    """The live document of a canonical URL; raises `UnknownDocument`."""
    row = await connection.fetchrow(f"{_DOCUMENT} where v.valid_to is null and p.url = $1", url)
    if row is None:
        raise UnknownDocument(await _why_not(connection, url))
    return _of(row)


async def numbered(connection: Connection, url: str, version: int) -> CurrentDocument:
    """What the page said in that version; raises `UnknownDocument`."""
    row = await connection.fetchrow(f"{_DOCUMENT} where p.url = $1 and v.seq = $2", url, version)
    if row is None:
        raise UnknownDocument(await _no_version(connection, url, f"has no version {version}"))
    return _of(row)


async def at(connection: Connection, url: str, moment: datetime) -> CurrentDocument:
    """What the page said at a moment; raises `UnknownDocument`."""
    row = await connection.fetchrow(
        f"{_DOCUMENT} where p.url = $1 and v.valid_from <= $2 "
        "and (v.valid_to is null or $2 < v.valid_to) order by v.seq desc limit 1",
        url,
        moment,
    )
    if row is None:
        why = f"had no text at {moment:%Y-%m-%d %H:%M}Z"
        raise UnknownDocument(await _no_version(connection, url, why))
    return _of(row)


def _of(row: asyncpg.Record) -> CurrentDocument:
    values = {**row, "sources": tuple(row["sources"])}
    values["outline"] = stored_outline(row["outline"])
    values["stated"] = stored_metadata(row["stated"])
    to, seen, last = (values.pop(name) for name in ("redirect_to", "moved_count", "moved_at"))
    return CurrentDocument(**values, redirects=to and Redirects(to, seen, last if seen else None))


async def _no_version(connection: Connection, url: str, why: str) -> str:
    row = await connection.fetchrow(
        "select min(v.seq) as first, max(v.seq) as last from versions v "
        "join pages p on p.id = v.page_id where p.url = $1",
        url,
    )
    if row is None or row["last"] is None:
        return await _why_not(connection, url)
    kept = f"versions {row['first']} to {row['last']} are kept"
    return f"{url} {why}; {kept}, and `atlas docs history` lists them"


async def _why_not(connection: Connection, url: str) -> str:
    row = await connection.fetchrow(
        "select ps.lifecycle, ps.noindex_count > 0 as hidden "
        "from pages p join page_state ps on ps.page_id = p.id where p.url = $1",
        url,
    )
    if row is None:
        return f"no document for {url}; `atlas docs list` shows which there are"
    why = ", which asks to be left out of the index (noindex)" if row["hidden"] else ""
    fix = "; `atlas docs restore URL` brings its last text back"
    fix = fix if row["lifecycle"] == "tombstoned" else ""
    return f"{url} has no live document: its page is {row['lifecycle']}{why}{fix}"


async def truncated_of(
    connection: Connection, run_id: str, limit: int
) -> tuple[int, list[TruncatedPage]]:
    """How many pages of a run have a live text that is truncated; the first of them by URL."""
    rows = await connection.fetch(
        """
        select rp.url, d.truncated, count(*) over () as pages
        from documents d
        join versions v on v.document_id = d.id and v.valid_to is null
        join run_pages rp on rp.run_id = $1 and rp.page_id = v.page_id
        where d.truncated is not null and rp.outcome in ('added', 'updated', 'unchanged')
        order by rp.url limit $2
        """,
        run_id,
        max(limit, 1),
    )
    found = [TruncatedPage(row["url"], row["truncated"]) for row in rows[:limit]]
    return (rows[0]["pages"] if rows else 0), found
