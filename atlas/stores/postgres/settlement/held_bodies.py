"""Bodies that are held instead of settled: kept for inspection, and counted until they are real.

A row stays until the page answers with something else that is settled, or the body is accepted.
The document of the row is no version of the page: nothing finds it but who asks for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from atlas.domain.errors import HELD, ErrorClass, PageError
from atlas.domain.removal.lifecycle import Evidence
from atlas.domain.removal.removal_rules import Weight, most_careful, weigh
from atlas.domain.sources import Deletion
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.lifecycle_sql import becomes
from atlas.stores.postgres.sources.sources import holders

_CLASS = {"cut_body": ErrorClass.TRANSIENT}
_EVIDENCE = 500
"""Characters of evidence in the ledger."""


@dataclass(frozen=True, slots=True)
class HeldBody:
    """A body that was held instead of replacing a page's text."""

    url: str
    """The canonical URL of the page."""
    code: str
    """What it was taken for, as in `login_page`."""
    reason: str
    """The same in words, with the evidence."""
    live: bool
    """Whether the page has an older text that stays live meanwhile."""
    looks: int
    """Looks in a row that found this text, or nearly; the third makes it real, a day after the
    first at the earliest, unless many pages of the source are held with it."""
    first_at: datetime
    """When it was first found."""
    last_at: datetime
    """When the last look was made that counted."""
    snapshot: str
    """SHA-256 of the stored body: its name in the blob store."""
    title: str
    """Its title, by the same rules as of any document."""
    sources: tuple[str, ...]
    """Names of the sources that hold the page."""
    text: str = ""
    """Its text; empty in lists."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks that found one text at a page, this run's included."""

    count: int
    first: datetime
    last: datetime
    """When the last of them was made that counted."""
    run: str
    policy: Deletion = "careful"
    """The most careful of the page's sources."""


async def looks(
    connection: Connection,
    run_id: str,
    signatures: Mapping[int, tuple[int, bytes]],
    now: datetime,
) -> dict[int, Looks]:
    """The looks at pages whose document and signature this run found. Another text begins again."""
    rows = await connection.fetch(
        """
        select o.page_id, h.signature, h.looks, h.first_at, h.last_at, h.last_run,
               d.text_hash = n.text_hash as same, r.trigger = 'schedule' as scheduled,
               ps.fetched_at > h.last_at as requested,
               coalesce(b.trigger = 'schedule', false) as last_scheduled,
               coalesce(b.source_id = r.source_id, false) as same_source,
               array(select s.deletion from source_pages sp join sources s on s.id = sp.source_id
                     where sp.page_id = o.page_id) as policies
        from unnest($2::bigint[], $3::bigint[]) as o(page_id, document)
        join documents n on n.id = o.document join runs r on r.run_id = $1
        join page_state ps on ps.page_id = o.page_id
        left join held_bodies h on h.page_id = o.page_id
        left join documents d on d.id = h.document_id
        left join runs b on b.run_id = h.last_run
        """,
        run_id,
        list(signatures),
        [document for document, _ in signatures.values()],
    )
    found: dict[int, Looks] = {}
    for row in rows:
        new = Looks(1, now, now, run_id, most_careful(list(row["policies"])))
        again = row["same"] or _alike(row["signature"], signatures[row["page_id"]][1])
        found[row["page_id"]] = _counted(row, new) if again else new
    return found


def _counted(row: asyncpg.Record, new: Looks) -> Looks:
    weight = weigh(
        last=row["last_at"],
        now=new.last,
        same_run=row["last_run"] == new.run,
        same_source=row["same_source"],
        scheduled=row["scheduled"],
        last_scheduled=row["last_scheduled"],
    )
    if weight is Weight.REPEATS or not row["requested"]:  # a stored body once more is no look
        return Looks(row["looks"], row["first_at"], row["last_at"], row["last_run"], new.policy)
    looks = row["looks"] + (weight is Weight.COUNTS)
    return replace(new, count=looks, first=row["first_at"])


def _alike(one: bytes | None, other: bytes) -> bool:
    if one is None:
        return False
    from atlas.domain.removal.suspicious_bodies import ALIKE, resemblance  # numpy: 0.3 s and 15 MB

    return resemblance(one, other) >= ALIKE


async def hold(
    connection: Connection,
    run_id: str,
    reasons: Mapping[int, tuple[str, str]],
    counted: Mapping[int, Looks],
) -> None:
    """Keep the prepared bodies of pages (locked before) aside, each with code and reason, and end
    the pages in the run."""
    if not reasons:
        return
    pages = list(reasons)
    await connection.execute(
        """
        insert into held_bodies (page_id, snapshot, document_id, signature, code, reason, looks,
                                 first_at, last_at, last_run)
        select w.page_id, w.snapshot, w.document_id, w.signature, o.code, o.reason, o.looks,
               o.first_at, o.last_at, o.last_run
        from unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::timestamptz[],
                    $6::timestamptz[], $7::text[])
             as o(page_id, code, reason, looks, first_at, last_at, last_run)
        join prepared w on w.page_id = o.page_id
        on conflict (page_id) do update
        set snapshot = excluded.snapshot, document_id = excluded.document_id,
            signature = excluded.signature, code = excluded.code, reason = excluded.reason,
            looks = excluded.looks, first_at = excluded.first_at, last_at = excluded.last_at,
            last_run = excluded.last_run
        """,
        pages,
        *map(list, zip(*reasons.values(), strict=True)),
        [counted[page].count for page in pages],
        [counted[page].first for page in pages],
        [counted[page].last for page in pages],
        [counted[page].run for page in pages],
    )
    await connection.execute(
        f"""
        update page_state set held_snapshot = w.snapshot, lifecycle = {becomes(Evidence.HELD)}
        from prepared w where w.page_id = page_state.page_id
          and page_state.page_id = any($1::bigint[])
        """,  # noqa: S608 (made from the lifecycle's table)
        pages,
    )
    await connection.execute("delete from prepared where page_id = any($1::bigint[])", pages)
    await _note(connection, run_id, reasons)
    ended = [
        (page, "skipped", PageError(_CLASS.get(code, ErrorClass.BLOCKED), code, reason))
        for page, (code, reason) in reasons.items()
    ]
    await run_queue.finish(connection, run_id, ended)


async def _note(
    connection: Connection, run_id: str, reasons: Mapping[int, tuple[str, str]]
) -> None:
    """Note code and evidence in the ledger, at the run's last request for each page; a run that
    made none has none to note."""
    await connection.execute(
        """
        update fetches f set error_code = o.code, evidence = left(o.reason, $5)
        from unnest($2::bigint[], $3::text[], $4::text[]) as o(page_id, code, reason),
             run_pages rp, runs r
        where r.run_id = $1 and rp.run_id = $1 and rp.page_id = any($2::bigint[])
          and rp.page_id = o.page_id and f.run_started = r.started_at and f.run_id = $1
          and f.page_id = rp.page_id and f.attempt = rp.attempts and f.error_class is null
        """,
        run_id,
        list(reasons),
        *map(list, zip(*reasons.values(), strict=True)),
        _EVIDENCE,
    )


async def forget(connection: Connection, pages: Collection[int]) -> None:
    """What was held of pages (locked before) is not needed any more: they answered otherwise, or it
    was accepted."""
    await connection.execute(
        "delete from held_bodies where page_id = any($1::bigint[])", list(pages)
    )


async def listed(
    connection: Connection, *, source: str | None = None, limit: int | None = None
) -> list[HeldBody]:
    """What is held, by URL, without the texts."""
    rows = await connection.fetch(
        f"""
        {_SELECT}
        where $1::text is null or exists (
            select from source_pages sp join sources s on s.id = sp.source_id
            where sp.page_id = h.page_id and s.name = $1)
        order by p.url limit $2
        """,
        source,
        limit,
    )
    return [_held_body(row, text="") for row in rows]


async def of_url(connection: Connection, url: str) -> HeldBody | None:
    """What is held of the page of a canonical URL, with its text."""
    row = await connection.fetchrow(f"{_SELECT} where p.url = $1", url)
    return _held_body(row, text=row["text"]) if row else None


def _held_body(row: asyncpg.Record, *, text: str) -> HeldBody:
    values = {**row, "sources": tuple(row["sources"]), "text": text}
    return HeldBody(**values)


async def of_run(connection: Connection, run_id: str) -> dict[str, list[str]]:
    """Code → URLs of the pages whose new body the run held."""
    rows = await connection.fetch(
        "select error_code, array_agg(url order by url) as urls from run_pages "
        "where run_id = $1 and outcome = 'skipped' and error_code = any($2) "
        "group by error_code order by error_code desc",
        run_id,
        list(HELD),
    )
    return {row["error_code"]: row["urls"] for row in rows}


async def live_of_run(connection: Connection, run_id: str) -> set[str]:
    """URLs of the live pages whose new body the run held."""
    rows = await connection.fetch(
        "select rp.url from run_pages rp "
        "join versions v on v.page_id = rp.page_id and v.valid_to is null "
        "where rp.run_id = $1 and rp.outcome = 'skipped' and rp.error_code = any($2)",
        run_id,
        list(HELD),
    )
    return {row["url"] for row in rows}


_SELECT = f"""
    select p.url, h.code, h.reason, v.page_id is not null as live, h.looks, h.first_at, h.last_at,
           encode(h.snapshot, 'hex') as snapshot, d.title, d.text, {holders("p.id")} as sources
    from held_bodies h join pages p on p.id = h.page_id join documents d on d.id = h.document_id
    left join versions v on v.page_id = h.page_id and v.valid_to is null
"""  # noqa: S608 (a constant)
