"""What fetching leaves behind: the ledger, and the page's last fetched state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from atlas.domain.batch import FetchRow, Moved
from atlas.domain.errors import PageError, outcome_of
from atlas.domain.removal.lifecycle import Evidence
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.pages import (
    absent_pages,
    gone_pages,
    noindex,
    pages,
    purged_urls,
    recheck_schedule,
)
from atlas.stores.postgres.lifecycle_sql import becomes
from atlas.stores.postgres.sources.sources import fetched


async def record(
    connection: Connection,
    run_id: str,
    fences: dict[int, int],
    rows: Sequence[FetchRow],
    now: datetime,
    *,
    process: bool,
) -> Moved:
    """Write a part of a batch's fetches. Without `process` no page goes on: what was fetched ends
    the run, compared with what was fetched before.

    Pages whose fence moved on are left out: another attempt or run works on them now.
    """
    async with connection.transaction():
        held = await run_queue.lock(connection, {row.page_id: fences[row.page_id] for row in rows})
        rows = [row for row in rows if row.page_id in held]
        if not rows:
            return Moved()
        before = {} if process else await _bodies(connection, held)
        started = await connection.fetchval("select started_at from runs where run_id = $1", run_id)
        asked = [row for row in rows if row.asked]
        await ledger(connection, run_id, started, [(row.page_id, row) for row in asked], now)
        await _count_attempts(connection, run_id, asked)
        # When a page is asked for again is decided by what its server sent.
        await _plan(connection, started, [row for row in rows if not row.rendered], now)
        await _remember_bodies(connection, run_id, rows, now)
        await gone_pages.remember_gone(connection, run_id, rows, now)
        fresh = await _follow_redirects(connection, run_id, rows, now)
        moved = await _move_on(connection, run_id, rows)
        if not process:
            collected = await _end_collected(connection, run_id, rows, before)
            moved = Moved(0, Counter(moved.ended) + collected)
        await change_log.append_holders(connection, run_id, fresh, now)
    return moved


async def _bodies(connection: Connection, page_ids: Collection[int]) -> dict[int, bytes | None]:
    """What was last fetched of pages that are, or may become, part of the corpus."""
    rows = await connection.fetch(
        "select page_id, fetched_snapshot from page_state where page_id = any($1::bigint[]) "
        "and lifecycle not in ('tombstoned', 'purged')",
        list(page_ids),
    )
    return {row["page_id"]: row["fetched_snapshot"] for row in rows}


async def _end_collected(
    connection: Connection,
    run_id: str,
    rows: Sequence[FetchRow],
    before: Mapping[int, bytes | None],
) -> Counter[str]:
    """End the pages whose bodies stay unsettled, for a later run to take from the blob store."""
    ended: list[tuple[int, str, PageError | None]] = []
    for row in rows:
        if row.error is None and not row.settled:
            known = before.get(row.page_id)
            changed = "updated" if known is not None else "added"
            outcome = "unchanged" if known == row.snapshot else changed
            ended.append((row.page_id, outcome, None))
    return await run_queue.finish(connection, run_id, ended)


async def ledger(
    connection: Connection,
    run_id: str,
    started: datetime,
    rows: Sequence[tuple[int, FetchRow]],
    now: datetime,
) -> None:
    """Add (page, attempt) to the ledger; the same attempt twice is one row."""
    if not rows:
        return
    columns = zip(*(_ledger_row(page_id, row) for page_id, row in rows), strict=True)
    await connection.execute(
        """
        insert into fetches (run_started, run_id, fetched_at, page_id, attempt, url, final_url,
            status, error_class, error_code, snapshot, content_type, charset, bytes, wire_bytes,
            etag, last_modified, elapsed, robots_ignored, given_title, rendered)
        select $1, $2, $3, o.* from unnest($4::bigint[], $5::int[], $6::text[], $7::text[],
            $8::int[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::text[],
            $14::bigint[], $15::bigint[], $16::text[], $17::text[], $18::float8[], $19::boolean[],
            $20::text[], $21::boolean[]) as o
        on conflict do nothing
        """,
        started,
        run_id,
        now,
        *(list(column) for column in columns),
    )


def _ledger_row(page_id: int, row: FetchRow) -> tuple[object, ...]:
    error = row.error
    failed = (error.error_class.value, error.code) if error else (None, None)
    return (page_id, *_ASKED(row), *failed, *_ANSWERED(row))


_ASKED = attrgetter("attempt", "url", "final_url", "status")
_ANSWERED = attrgetter(
    "snapshot",
    "content_type",
    "charset",
    "size",
    "wire_bytes",
    "etag",
    "last_modified",
    "elapsed",
    "robots_ignored",
    "title",
    "rendered",
)
_BODY = attrgetter(
    "page_id",
    "snapshot",
    "content_type",
    "charset",
    "etag",
    "last_modified",
    "robots",
    "settled",
    "title",
    "rendered",
)


async def _plan(
    connection: Connection, started: datetime, rows: Sequence[FetchRow], now: datetime
) -> None:
    """When the pages that this run is done asking for are due again."""
    before = await connection.fetch(
        "select page_id, fetched_snapshot from page_state where page_id = any($1::bigint[])",
        [row.page_id for row in rows if row.snapshot is not None],
    )
    bodies = {row["page_id"]: row["fetched_snapshot"] for row in before}
    checks = []
    for row in rows:
        if row.redirected:
            checks.append(recheck_schedule.PageCheck(row.page_id, changed=False))
        elif row.error is not None and row.retry_at is None:
            checks.append(recheck_schedule.PageCheck(row.page_id, error=row.error))
        elif row.error is None:
            same = row.snapshot is not None and row.snapshot == bodies.get(row.page_id)
            changed = False if same else None
            checks.append(
                recheck_schedule.PageCheck(
                    row.page_id, changed=changed, max_age=row.max_age, robots=row.robots
                )
            )
    await recheck_schedule.plan(connection, started, checks, now)


async def _count_attempts(connection: Connection, run_id: str, rows: Sequence[FetchRow]) -> None:
    await connection.execute(
        "update run_pages rp set attempts = o.attempt, cuts = cuts + o.cut::int "
        "from unnest($2::bigint[], $3::int[], $4::boolean[]) as o(page_id, attempt, cut) "
        "where rp.run_id = $1 and rp.page_id = any($2::bigint[]) and rp.page_id = o.page_id",
        run_id,
        [row.page_id for row in rows],
        [row.attempt for row in rows],
        [row.cut for row in rows],
    )


async def _remember_bodies(
    connection: Connection, run_id: str, rows: Sequence[FetchRow], now: datetime
) -> None:
    bodies = [row for row in rows if row.snapshot is not None and not row.redirected]
    if not bodies:
        return
    await connection.execute(
        f"""
        update page_state
        set fetched_snapshot = o.snapshot, fetched_type = o.type, fetched_charset = o.charset,
            fetched_at = $1, fetched_run = $2,
            seen_at = case when o.settled then $1 else seen_at end,
            etag = o.etag, last_modified = o.last_modified,
            given_title = o.title, rendered = o.rendered, withdrawn_at = null,
            gone_count = 0, gone_status = null, gone_at = null, gone_run = null,
            gone_since = null, redirect_to = null, robots_tag = o.robots,
            moved_count = 0, moved_at = null, moved_run = null, moved_since = null,
            noindex_count = case when o.settled then 0 else noindex_count end,
            noindex_at = case when o.settled then null else noindex_at end,
            noindex_run = case when o.settled then null else noindex_run end,
            noindex_since = case when o.settled then null else noindex_since end,
            held_snapshot = case when o.settled then null else held_snapshot end,
            lifecycle = {becomes(Evidence.ANSWERED)}
        from unnest($3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::boolean[], $11::text[], $12::boolean[])
            as o(page_id, snapshot, type, charset, etag, last_modified, robots, settled, title,
                 rendered)
        where page_state.page_id = o.page_id
        """,  # noqa: S608 (made from the lifecycle's table)
        now,
        run_id,
        *map(list, zip(*map(_BODY, bodies), strict=True)),
    )
    # The page answers as before: what was held of it meanwhile is not needed any more.
    await connection.execute(
        "delete from held_bodies where page_id = any($1::bigint[])",
        [row.page_id for row in bodies if row.settled],
    )


async def _follow_redirects(
    connection: Connection, run_id: str, rows: Sequence[FetchRow], now: datetime
) -> list[int]:
    """List each redirect's target at the same level of the run, and remember where it leads; return
    the targets that the source did not hold before."""
    moved = [row for row in rows if row.target is not None]
    targets = [row.target for row in moved if row.target is not None]
    await noindex.forget(connection, [row.page_id for row in moved])
    await pages.upsert(connection, sorted(set(targets)), now)
    await purged_urls.note_refused(connection, run_id, targets)
    await gone_pages.remember_moved(connection, run_id, rows, now)
    if not moved:
        return []
    found = await connection.fetch(
        f"""
        with target as (
            select distinct on (p.id) p.id, p.url, rp.level, r.source_id
            from unnest($2::bigint[], $3::text[]) as o(page_id, target)
            join pages p on p.url = o.target
            join run_pages rp on rp.run_id = $1 and rp.page_id = any($2::bigint[])
                and rp.page_id = o.page_id
            join runs r on r.run_id = $1
            where r.source_id is not null and {fetched("p.id")} order by p.id, rp.level
        ), listed as (
            insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
            select source_id, id, level, 'redirect', $1, $4 from target order by id
            on conflict (source_id, page_id) do update
            set depth = excluded.depth, rule = excluded.rule, {absent_pages.LISTED}
            where source_pages.listed_run <> excluded.listed_run
            returning page_id, xmax = 0 as fresh
        ), queued as (
            insert into run_pages (run_id, page_id, level, url)
            select $1, id, level, url from target order by id on conflict do nothing
        )
        select page_id from listed where fresh
        """,  # noqa: S608 (a constant of `absent_pages`)
        run_id,
        [row.page_id for row in moved],
        targets,
        now,
    )
    return [row["page_id"] for row in found]


async def _move_on(connection: Connection, run_id: str, rows: Sequence[FetchRow]) -> Moved:
    ended: list[tuple[int, str, PageError | None]] = []
    waiting: list[FetchRow] = []
    onward: list[int] = []
    for row in rows:
        if row.error is not None and row.retry_at is not None:
            waiting.append(row)
        elif row.error is not None:
            ended.append((row.page_id, outcome_of(row.error), row.error))
        elif row.settled:
            ended.append((row.page_id, "unchanged", None))
        else:
            onward.append(row.page_id)
    outcomes = await run_queue.finish(connection, run_id, ended)
    await run_queue.advance(connection, run_id, onward, "fetched")
    if waiting:
        await run_queue.put_back(
            connection,
            run_id,
            [row.page_id for row in waiting],
            not_before=[row.retry_at for row in waiting],
        )
    return Moved(len(onward), outcomes)


async def give_back(
    connection: Connection,
    *,
    run_id: str,
    fences: dict[int, int],
    not_before: dict[int, datetime | None],
) -> None:
    """Return pages that the attempt did not get to: no failed attempt, free to be claimed, those
    of a host whose turn is long in coming from `not_before` on."""
    async with connection.transaction():
        held = sorted(await run_queue.lock(connection, fences))
        await run_queue.put_back(
            connection, run_id, held, not_before=[not_before.get(page) for page in held]
        )
