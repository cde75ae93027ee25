"""What a run holds of the removals it would have made, and a person's decision on them
(`crawl/pages/held_removals.py` says what the rows mean)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import asyncpg

from atlas.domain.removal.removal_rules import RemovalSign, most_careful
from atlas.domain.sources import Deletion
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.changes.change_log import NewChange
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages import absent_pages
from atlas.stores.postgres.crawl.pages.held_removals import BY_RUN, LASTS
from atlas.stores.postgres.settlement import settle
from atlas.stores.postgres.settlement.departures import Leaving


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person's decision did; URLs."""

    pages: tuple[str, ...] = ()
    """Those that it applied to."""
    removed: int = 0
    """Documents that left the corpus."""
    kept: tuple[str, ...] = ()
    """Held by a source, too, whose rule is now to keep every page."""
    expired: tuple[str, ...] = ()
    """Their pages have answered since: nothing was done to them."""
    unknown: tuple[str, ...] = ()
    """Named, and not held."""


async def hold(
    connection: Connection, source_id: int, run_id: str, pages: Sequence[Leaving], now: datetime
) -> int:
    """Record the removals that a run would have made. Returns how many."""
    once = {page.page_id: page for page in reversed(pages)}
    held = [once[page_id] for page_id in sorted(once)]
    await connection.execute(
        """
        insert into held_removals
            (source_id, page_id, sign, looks, since, run_id, last_run, held_at)
        select $1, o.page_id, o.sign, o.looks, o.since, $2, $2, $3
        from unnest($4::bigint[], $5::text[], $6::int[], $7::timestamptz[])
            as o(page_id, sign, looks, since)
        on conflict (source_id, page_id, since) do update
        set sign = excluded.sign, looks = excluded.looks, last_run = excluded.last_run,
            decided = null, decided_at = null, decided_by = null
        """,
        source_id,
        run_id,
        now,
        [page.page_id for page in held],
        [page.sign.value for page in held],
        [page.looks for page in held],
        [page.since for page in held],
    )
    return len(held)


async def approve_at_once(
    connection: Connection, source_id: int, run_id: str, pages: Sequence[Leaving], now: datetime
) -> None:
    """Record removals that a person confirmed as they asked for them."""
    await hold(connection, source_id, run_id, pages, now)
    await connection.execute(
        "update held_removals r set decided = 'approved', decided_at = $3, decided_by = $2 "
        "from unnest($4::bigint[], $5::timestamptz[]) as o(page_id, since) "
        "where r.source_id = $1 and r.page_id = o.page_id and r.since = o.since",
        source_id,
        run_id,
        now,
        [page.page_id for page in pages],
        [page.since for page in pages],
    )


async def decide(
    connection: Connection,
    named: str,
    urls: Sequence[str],
    decision: Literal["approved", "rejected"],
    *,
    by: str,
    now: datetime,
) -> Decided:
    """Approve or reject what is held of a source, or by a run (its id or the beginning of one);
    all of it, or some URLs. Repeated `by` the same run, it changes nothing and says the same."""
    async with connection.transaction():
        gone: list[NewChange] = []
        wanted = set(urls)
        rows = [
            row for row in await _named(connection, named, by) if not urls or row["url"] in wanted
        ]
        fresh = [row for row in rows if row["decided"] is None]
        lasting = await _lasting(connection, fresh)
        applied = [row for row in fresh if row["id"] in lasting]
        if decision == "approved":
            applied = [row for row in applied if lasting[row["id"]] != "keep"]
            gone = await _remove(connection, applied, now, by)
        await _mark(connection, applied, decision, by, now)
        ended = [row for row in fresh if row["id"] not in lasting]
        await _mark(connection, ended, "expired", by, now)
        await change_log.append(connection, by, gone, now)
        await _append_released(connection, applied, by, now)
    removed = len(gone)
    done = [row for row in rows if row["decided"] == decision]
    if decision == "approved" and done:  # said once more, after a worker was lost
        removed = len({row["url"] for row in done})
    late = [row for row in rows if row["decided"] == "expired"]
    handled = {row["id"] for row in (*applied, *ended)}
    return Decided(
        pages=_urls([*done, *applied]),
        removed=removed,
        kept=_urls([row for row in fresh if row["id"] not in handled]),
        expired=_urls([*late, *ended]),
        unknown=tuple(sorted(set(urls) - {row["url"] for row in rows})),
    )


def _urls(rows: Sequence[asyncpg.Record]) -> tuple[str, ...]:
    return tuple(row["url"] for row in rows)


async def _named(connection: Connection, named: str, by: str) -> list[asyncpg.Record]:
    """The open rows, and those that this decision has decided before."""
    return list(
        await connection.fetch(
            f"""
            select r.id, r.source_id, r.page_id, r.sign, r.looks, r.since, r.decided, p.url,
                   s.name as source
            from held_removals r join sources s on s.id = r.source_id
            join pages p on p.id = r.page_id
            where (r.decided is null or r.decided_by = $2) and (s.name = $1 or {BY_RUN})
            order by p.url, r.id
            """,  # noqa: S608 (a constant)
            named,
            by,
        )
    )


async def _lasting(connection: Connection, rows: Sequence[asyncpg.Record]) -> dict[int, Deletion]:
    """Id → the most careful policy of the sources that hold the page, of the rows whose evidence
    lasts; their pages are locked."""
    # Page rows before all else: the lock order at the top of `settle.py`. A run that sees one of
    # the pages answer waits here, or has been waited for.
    await connection.execute(
        "select from page_state where page_id = any($1::bigint[]) order by page_id for update",
        sorted({row["page_id"] for row in rows}),
    )
    found = await connection.fetch(
        f"""
        select r.id, array(select s.deletion from source_pages sp join sources s
                           on s.id = sp.source_id where sp.page_id = r.page_id
                           and (r.sign <> 'absent' or sp.source_id = r.source_id)) as policies
        from held_removals r where r.id = any($1::bigint[]) and r.decided is null and {LASTS}
        """,  # noqa: S608 (a constant)
        [row["id"] for row in rows],
    )
    return {row["id"]: most_careful(list(row["policies"])) for row in found}


async def _remove(
    connection: Connection, rows: Sequence[asyncpg.Record], now: datetime, run_id: str
) -> list[NewChange]:
    absent = [row for row in rows if row["sign"] == RemovalSign.ABSENT.value]
    going = {row["page_id"] for row in rows if row["sign"] != RemovalSign.ABSENT.value}
    for source_id in sorted({row["source_id"] for row in absent}):
        pages = [row["page_id"] for row in absent if row["source_id"] == source_id]
        going.update(await absent_pages.release(connection, source_id, pages, run_id))
    causes = {row["page_id"]: _cause(row, run_id) for row in rows}
    if not going:
        return []
    return await settle.bury(connection, sorted(going), now, causes=causes, run_id=run_id)


async def _append_released(
    connection: Connection, rows: Sequence[asyncpg.Record], run_id: str, now: datetime
) -> None:
    absent = [row for row in rows if row["sign"] == RemovalSign.ABSENT.value]
    for source in sorted({row["source"] for row in absent}):
        pages = [row["page_id"] for row in absent if row["source"] == source]
        await change_log.append_holders(connection, run_id, pages, now, left=source)


def _cause(row: asyncpg.Record, run_id: str) -> settle.LeavingCause:
    evidence = {"looks": row["looks"], "since": row["since"].isoformat(), "approved_by": run_id}
    return settle.LeavingCause(row["sign"], evidence)


async def _mark(
    connection: Connection, rows: Sequence[asyncpg.Record], decision: str, by: str, now: datetime
) -> None:
    await connection.execute(
        "update held_removals set decided = $2, decided_by = $3, decided_at = $4 "
        "where id = any($1::bigint[]) and decided is null",
        [row["id"] for row in rows],
        decision,
        by,
        now,
    )
