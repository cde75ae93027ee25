"""Reading the corpus, and changing it outside any run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.crawl.runs.runs import Run, UnknownRun
from atlas.stores.postgres.settlement import removal
from atlas.stores.postgres.sources import sources

if TYPE_CHECKING:
    from atlas.stores.postgres.services.run_lifecycle import IsOpen


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A live document without its text."""

    url: str
    """The canonical URL of the page."""
    title: str
    lang: str | None
    """ISO 639 code, as in `de`; None when it could not be determined."""
    text_hash: str
    """SHA-256 of the normalised text with its title: the same text, the same hash."""
    media: str
    """The format of the body: `html`, `pdf`, `text` …"""
    bytes: int
    """Of the text in UTF-8."""
    published: datetime | None
    """The date of publication that the page states."""
    fetched_at: datetime | None
    """When the body was received."""
    valid_from: datetime
    """Since when the page has this text."""
    version: int
    """Counts the texts of the page, from 1."""
    sources: tuple[str, ...]
    """Names of the sources that hold the page."""
    duplicate_of: str | None = None
    """URL of the page that is kept, where `atlas dedup --apply` marked this as a duplicate."""
    truncated: str | None = None
    """What is missing of the body, as in `pages 2001 to 2400`; None when nothing is."""


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One text that a page had."""

    version: int
    """Counts the texts of the page, from 1."""
    text_hash: str
    """SHA-256 of the normalised text with its title."""
    title: str
    valid_from: datetime
    """Since when the page had it."""
    valid_to: datetime | None
    """Until when; None: it has it now."""


@dataclass(frozen=True, slots=True)
class LastFetch:
    """The latest line of a page's ledger."""

    status: int | None
    error_class: str | None
    error_code: str | None
    fetched_at: datetime


async def unknown_language(
    connection: Connection, *, source: str | None = None, unique: bool = False
) -> int:
    """How many live documents a list of one language leaves out because theirs is unknown."""
    return int(await connection.fetchval(_UNKNOWN, source, unique))


async def listed_documents(
    connection: Connection,
    *,
    source: str | None = None,
    lang: str | None = None,
    limit: int | None = None,
    unique: bool = False,
) -> AsyncGenerator[ListedDocument]:
    """All live documents in the byte order of their URLs, streamed; `unique` leaves out those that
    an applied deduplication marked."""
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(_DOCUMENTS, source, lang, limit, unique, prefetch=500):
            yield ListedDocument(**{**row, "sources": tuple(row["sources"])})


async def versions(connection: Connection, url: str) -> list[DocumentVersion]:
    """Every text the page had, the latest first."""
    rows = await connection.fetch(
        """
        select v.seq as version, encode(d.text_hash, 'hex') as text_hash, d.title,
               v.valid_from, v.valid_to
        from pages p join versions v on v.page_id = p.id join documents d on d.id = v.document_id
        where p.url = $1 order by v.seq desc
        """,
        url,
    )
    return [DocumentVersion(**row) for row in rows]


async def last_fetch(connection: Connection, url: str) -> LastFetch | None:
    """The result of the page's latest request; None when there was none."""
    row = await connection.fetchrow(
        """
        select f.status, f.error_class, f.error_code, f.fetched_at
        from fetches f join pages p on p.id = f.page_id
        where p.url = $1 order by f.fetched_at desc limit 1
        """,
        url,
    )
    return LastFetch(**row) if row else None


async def find_run(connection: Connection, named: str) -> Run:
    """The run of that id or the start of one (8 characters or more), else the latest of that
    workflow id, else the latest of that source. Raises `UnknownRun`."""
    rows = await connection.fetch(_FIND, named, named if len(named) >= 8 else None)
    if not rows:
        raise UnknownRun(f"no run '{named}' is recorded; `atlas runs` lists them")
    best = [row["run_id"] for row in rows if row["rank"] == rows[0]["rank"]]
    if rows[0]["rank"] == 1 and len(best) > 1:
        raise UnknownRun(f"'{named}' begins the ids of {len(best)} runs; give more of it")
    return await runs.get(connection, best[0])


async def edit_source(
    connection: Connection, name: str, change: Callable[[SourceSpec], SourceSpec]
) -> SourceSpec:
    """Replace a source's rules by what `change` makes of them; two edits at once both count."""
    async with connection.transaction():
        # Locked before it is read: a second edit waits, and starts from the result of the first.
        await connection.execute("select from sources where name = $1 for update", name)
        spec = change((await sources.get(connection, name)).spec)
        await sources.edit(connection, spec)
    return spec


async def remove_source(
    connection: Connection, name: str, *, purge: bool, now: datetime, is_open: IsOpen
) -> int:
    """Forget a source; return how many pages no other source holds. Raises `SourceBusy`.

    A lease counts only while its holder runs in Temporal: a terminated run releases nothing, so its
    record is ended here.
    """
    source = await sources.get(connection, name)
    closed: str | None = None
    if source.lease is not None:
        if await is_open(source.lease.workflow_id, source.lease.run_id):
            raise removal.busy(name, source.lease.workflow_id)
        closed = source.lease.run_id
        await runs.end_dead(
            connection, closed, "ended without closing; its source was removed", now
        )
    return await removal.remove_source(connection, source, purge=purge, now=now, closed_run=closed)


async def pages_only_here(connection: Connection, name: str) -> int:
    """How many pages no other source than this one holds. Raises `UnknownSource`."""
    source = await sources.get(connection, name)
    return len(await removal.pages_only_here(connection, source.id))


_UNKNOWN = f"""
    select count(*)
    from versions v
    join documents d on d.id = v.document_id
    where v.valid_to is null and d.lang is null
      and not ($2 and exists (select from duplicates x where x.page_id = v.page_id))
      and {sources.held_by(1, "v.page_id")}
"""  # noqa: S608 (constants)

_DOCUMENTS = f"""
    select p.url, d.title, d.lang, encode(d.text_hash, 'hex') as text_hash, d.media,
           octet_length(d.text) as bytes, d.published, ps.fetched_at, v.valid_from,
           v.seq as version, kept.url as duplicate_of, d.truncated,
           {sources.holders("p.id")} as sources
    from versions v
    join documents d on d.id = v.document_id
    join pages p on p.id = v.page_id
    join page_state ps on ps.page_id = v.page_id
    left join duplicates x on x.page_id = p.id
    left join pages kept on kept.id = x.winner_page_id
    where v.valid_to is null and not ($4 and x.page_id is not null)
      and {sources.held_by(1, "p.id")}
      and ($2::text is null or d.lang = $2)
    order by p.url collate "C"
    limit $3
"""  # noqa: S608 (constants)

_FIND = """
    select run_id, case when run_id = $1 then 0 when starts_with(run_id, $2) then 1
                        when workflow_id = $1 then 2 else 3 end as rank
    from runs
    where run_id = $1 or starts_with(run_id, $2) or workflow_id = $1 or source_name = $1
    order by rank, started_at desc limit 20
"""
