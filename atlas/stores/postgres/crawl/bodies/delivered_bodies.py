"""Bodies that Atlas did not fetch: a run is given them, and they become its pages' bodies.

`enter` writes what a run was given to its record, in one transaction with the pages. `take` is for
its pages what the record of a fetch is for others: under the page's lock the body becomes the one
that processing reads, with a row in the ledger. From there on nothing differs.

Several runs may be given bodies for one page. Their `place` orders them: the body of a later place
is never replaced by one of an earlier place, and waits a moment for it, so that each becomes a
version in turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from atlas.domain.batch import FetchRow, HeldPage
from atlas.domain.delivery import SUPERSEDED, WITHDRAWN, Delivery
from atlas.domain.errors import ErrorClass, PageError
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import fetch_ledger, ledger_partitions
from atlas.stores.postgres.crawl.pages import absent_pages, pages

_PATIENCE = timedelta(seconds=60)
"""A body waits so long for those of earlier places, whose run may be dead."""
_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking some pages of a run did."""

    onward: int = 0
    """Pages that go on to processing."""
    ended: Mapping[str, int] = field(default_factory=dict)


async def draw_place(
    connection: Connection, urls: Sequence[str], now: datetime | None = None
) -> int:
    """Draw the next place in the order of pushes, for bodies of these addresses. Later bodies wait
    for it, until a run accepts it (`enter`), `give_up` or a minute later. `now`: by default the
    database's."""
    await connection.execute(
        "delete from push_places where drawn_at < coalesce($1, clock_timestamp()) - $2::interval",
        now,
        60 * _PATIENCE,
    )
    found: int = await connection.fetchval(
        """
        with drawn as materialized (select nextval('push_order') as place), kept as (
            insert into push_places (place, url, drawn_at)
            select place, url, coalesce($2, clock_timestamp())
            from drawn, unnest($1::text[]) as url order by url
        )
        select place from drawn
        """,
        list(urls),
        now,
    )
    return found


async def give_up(connection: Connection, place: int) -> None:
    """Let nobody wait for a place that no run will accept."""
    await connection.execute("delete from push_places where place = $1", place)


async def enter(
    connection: Connection,
    run_id: str,
    source_id: int,
    given: Sequence[Delivery],
    now: datetime,
    *,
    place: int | None = None,
) -> None:
    """Write what a run was given for pages of a source to its record; each page is named once. The
    pages are held by the source from now on. A repeated call changes nothing. The caller's
    transaction keeps the bodies' rows (`blob_index.hold`)."""
    started = await connection.fetchval("select started_at from runs where run_id = $1", run_id)
    await ledger_partitions.make_partitions(connection, started or now)
    await pages.upsert(connection, sorted(each.url for each in given), now)
    fresh = await connection.fetch(
        f"""
        with given as materialized (
            select p.id as page_id, p.url, o.*
            from unnest($3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[])
                as o(address, snapshot, content_type, charset, title, last_modified)
            join pages p on p.url = o.address
        ), listed as (
            insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
            select $2, page_id, 0, 'listed', $1, $9 from given where snapshot is not null
            order by page_id
            on conflict (source_id, page_id) do update set {absent_pages.LISTED}
            where source_pages.listed_run <> excluded.listed_run
            returning page_id, xmax = 0 as fresh
        ), queued as (
            insert into run_pages (run_id, page_id, level, url)
            select $1, page_id, 0, url from given order by page_id on conflict do nothing
        ), delivered as (
            insert into run_deliveries (run_id, page_id, place, snapshot, content_type, charset,
                                        title, last_modified, delivered_at)
            select $1, page_id, coalesce($10, nextval('push_order')), snapshot, content_type,
                   charset, title, last_modified, $9
            from given order by page_id on conflict do nothing
        )
        select page_id from listed where fresh
        """,  # noqa: S608 (a constant of `absent_pages`)
        run_id,
        source_id,
        [each.url for each in given],
        [each.snapshot for each in given],
        [each.content_type for each in given],
        [each.charset for each in given],
        [each.title for each in given],
        [each.last_modified for each in given],
        now,
        place,
    )
    if place is not None:
        await connection.execute(
            "delete from push_places where place = $1 and url = any($2::text[])",
            place,
            [each.url for each in given],
        )
    await change_log.append_holders(connection, run_id, [row["page_id"] for row in fresh], now)


async def take(
    connection: Connection, run_id: str, held: Sequence[HeldPage], now: datetime
) -> Taken:
    """Make what the run was given the bodies of claimed pages that are still listed; those whose
    body is settled as it is end `unchanged`. A repeated call changes nothing."""
    waiting = {page.page_id: page for page in held if page.stage == "listed"}
    async with connection.transaction():
        fences = {page_id: page.fence for page_id, page in waiting.items()}
        mine = await run_queue.lock(connection, fences)
        # Under the pages' locks: whoever takes another place for one of them waits, or is seen.
        rows = await connection.fetch(_GIVEN, run_id, sorted(mine), now - _PATIENCE)
        old = [row["page_id"] for row in rows if row["superseded"]]
        await run_queue.skip(connection, run_id, old, SUPERSEDED)
        early = [row["page_id"] for row in rows if not row["superseded"] and row["behind"]]
        await run_queue.put_back(connection, run_id, early, not_before=[now + _PAUSE] * len(early))
        turn = [row for row in rows if not row["superseded"] and not row["behind"]]
        await _mark_applied(connection, run_id, [row["page_id"] for row in turn], now)
        gone = [row["page_id"] for row in turn if row["snapshot"] is None]
        await _withdraw(connection, run_id, gone, now)
        lost = [row for row in turn if row["snapshot"] is not None and row["applied_at"]]
        failed = await run_queue.finish(
            connection, run_id, [(row["page_id"], "failed", _LOST) for row in lost]
        )
        bodies = [row for row in turn if row["snapshot"] is not None and not row["applied_at"]]
        moved = await fetch_ledger.record(
            connection,
            run_id,
            fences,
            [_row(waiting[row["page_id"]], row) for row in bodies],
            now,
            process=True,
        )
    skipped = len(old) + len(gone)
    return Taken(moved.onward, Counter(moved.ended) + failed + Counter(skipped=skipped))


_LOST = PageError(ErrorClass.TRANSIENT, "blob_missing", "its stored body was lost; put it again")

_GIVEN = """
    select d.*,
           exists (select from run_deliveries n where n.page_id = d.page_id and n.place > d.place
                   and n.applied_at is not null) as superseded,
           exists (select from run_deliveries o join runs r on r.run_id = o.run_id
                   join run_pages rp on rp.run_id = o.run_id and rp.page_id = o.page_id
                   where o.page_id = d.page_id and o.place < d.place and o.applied_at is null
                     and rp.stage <> 'done' and r.ended_at is null and o.delivered_at > $3)
           or exists (select from push_places o join pages p on p.url = o.url
                      where p.id = d.page_id and o.place < d.place and o.drawn_at > $3)
               as behind
    from run_deliveries d
    where d.run_id = $1 and d.page_id = any($2::bigint[])
    order by d.page_id
"""


def _row(page: HeldPage, row: asyncpg.Record) -> FetchRow:
    same = (row["content_type"], row["charset"], row["title"]) == (
        page.content_type,
        page.charset,
        page.title,
    )
    return FetchRow(
        page_id=page.page_id,
        url=page.url,
        attempt=page.attempts + 1,
        final_url=None,
        status=None,
        elapsed=0.0,
        snapshot=row["snapshot"],
        content_type=row["content_type"],
        charset=row["charset"],
        last_modified=row["last_modified"],
        settled=same and row["snapshot"] == page.settled and not page.gone,
        title=row["title"],
    )


async def _mark_applied(
    connection: Connection, run_id: str, page_ids: Sequence[int], now: datetime
) -> None:
    await connection.execute(
        "update run_deliveries set applied_at = coalesce(applied_at, $3) "
        "where run_id = $1 and page_id = any($2::bigint[])",
        run_id,
        list(page_ids),
        now,
    )


async def _withdraw(
    connection: Connection, run_id: str, page_ids: Sequence[int], now: datetime
) -> None:
    """Note that the pages (locked before) are gone: evidence, which the end of the run judges."""
    await connection.execute(
        "update page_state set withdrawn_at = coalesce(withdrawn_at, $2) "
        "where page_id = any($1::bigint[])",
        list(page_ids),
        now,
    )
    await run_queue.skip(connection, run_id, page_ids, WITHDRAWN)
