"""Claims: which batch of which run works on a page, and the fence of each attempt at it."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from atlas.contracts.activities import Batch
from atlas.contracts.work import RunLimits
from atlas.domain.batch import Claim, HeldPage
from atlas.domain.versions import SettledWith
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_limits, run_queue

PATIENCE = 900.0
"""Seconds that a run waits for pages which another run holds."""

_UNLIMITED = RunLimits()


async def claim(
    connection: Connection,
    batch: Batch,
    *,
    level: int,
    size: int,
    now: datetime,
    waited: float = 0.0,
    fetch: bool = True,
    limits: RunLimits = _UNLIMITED,
) -> Claim:
    """Take the next pages of a level; a repeated claim of the same key returns the same pages.

    After `PATIENCE` seconds of waiting, pages that another run still holds are skipped. Once a
    limit of the run is reached, or if it does not `fetch`, only pages fetched already are taken
    and the others skipped.
    """
    async with connection.transaction():
        # One claim of a run after the other: a repeated one waits, and finds the same pages.
        await run_limits.hold_run(connection, batch.run_id)
        held = await connection.fetchval(
            "select count(*) from page_state "
            "where claim_run = $1 and claim_lane = $2 and claim_number = $3",
            batch.run_id,
            batch.lane,
            batch.number,
        )
        if held:
            return Claim(held, None)
        await _stop_fetching(connection, batch, level, now, fetch=fetch, limits=limits)
        taken = await _take(connection, batch, level, size, now)
        while taken and not (left := taken - await _let_fresh_go(connection, batch, now)):
            taken = await _take(connection, batch, level, size, now)
    if taken:
        return Claim(left, None)
    if waited >= PATIENCE:
        await run_limits.held_by_others(connection, batch.run_id, level)
    return await _what_next(connection, batch, level, now)


async def _stop_fetching(
    connection: Connection,
    batch: Batch,
    level: int,
    now: datetime,
    *,
    fetch: bool,
    limits: RunLimits,
) -> None:
    if fetch and limits == _UNLIMITED:
        return
    code = run_limits.NOT_FETCHED
    if fetch:
        code = await run_limits.reason_to_stop(connection, batch.run_id, limits, now) or ""
    if code:
        await run_limits.rest_of_level(connection, batch, level, code)


async def _let_fresh_go(connection: Connection, batch: Batch, now: datetime) -> int:
    pages = await run_limits.fresh(connection, batch, now)
    await run_queue.release_where(connection, "page_id = any($1::bigint[])", pages)
    return len(pages)


async def _take(connection: Connection, batch: Batch, level: int, size: int, now: datetime) -> int:
    # A lane works on one claim at a time, so an older claim of the same lane is a superseded
    # attempt's and may be taken again.
    done = await connection.execute(
        """
        with next as (
            select ps.page_id
            from run_pages rp join page_state ps on ps.page_id = rp.page_id
            where rp.run_id = $1 and rp.level = $4 and rp.stage <> 'done'
              and (rp.not_before is null or rp.not_before <= $6)
              and (ps.claim_run is null
                   or (ps.claim_run = $1 and ps.claim_lane = $2 and ps.claim_number < $3))
            order by rp.url
            limit $5
            for update of ps skip locked
        )
        update page_state
        set claim_run = $1, claim_lane = $2, claim_number = $3, fence = fence + 1
        where page_id = any(array(select page_id from next))
        """,
        batch.run_id,
        batch.lane,
        batch.number,
        level,
        size,
        now,
    )
    return int(done.split()[1])


async def _what_next(connection: Connection, batch: Batch, level: int, now: datetime) -> Claim:
    rows = await connection.fetch(
        """
        select ps.claim_run, r.workflow_id, count(*) as pages, min(rp.not_before) as not_before
        from run_pages rp join page_state ps on ps.page_id = rp.page_id
        left join runs r on r.run_id = ps.claim_run
        where rp.run_id = $1 and rp.level = $2 and rp.stage <> 'done'
          and ps.claim_run is distinct from $1
        group by ps.claim_run, r.workflow_id
        """,
        batch.run_id,
        level,
    )
    if not rows:
        return Claim(0, None)
    blocking = tuple(
        (row["workflow_id"] or "", row["claim_run"]) for row in rows if row["claim_run"]
    )
    free = [row["not_before"] for row in rows if not row["claim_run"]]
    waits = [1.0] if blocking else []
    waits += [max(0.2, (moment - now).total_seconds()) if moment else 0.2 for moment in free]
    return Claim(0, min(waits), blocking)


async def unfinished(connection: Connection, run_id: str, level: int) -> int:
    """Pages of the run's levels above `level` that are not done. Called between levels, when no
    lane is under way, so claims still standing there are of superseded attempts: they are let go,
    but for pages that wait for the run's end.
    """
    async with connection.transaction():
        await run_queue.release_where(
            connection,
            "claim_run = $1 and claim_lane <> $3 and page_id = any(array(select page_id "
            "from run_pages where run_id = $1 and level < $2 and stage <> 'done'))",
            run_id,
            level,
            run_queue.WAITING,
        )
        return int(
            await connection.fetchval(
                "select count(*) from run_pages rp join page_state ps using (page_id) "
                "where rp.run_id = $1 and rp.level < $2 and rp.stage <> 'done' "
                "and (ps.claim_run is distinct from $1 or ps.claim_lane <> $3)",
                run_id,
                level,
                run_queue.WAITING,
            )
        )


async def begin_attempt(
    connection: Connection, batch: Batch, current: SettledWith
) -> list[HeldPage]:
    """Raise the fence of the batch's pages for this attempt; earlier attempts write no more."""
    rows = await connection.fetch(
        f"""
        with mine as (
            select page_id from page_state
            where claim_run = $1 and claim_lane = $2 and claim_number = $3
            order by page_id for update
        ), raised as (
            update page_state ps set fence = fence + 1
            where page_id = any(array(select page_id from mine))
            returning ps.*
        )
        select r.page_id, r.fence, r.fetched_snapshot, r.fetched_type, r.fetched_charset,
               r.robots_tag, rp.url, rp.level, rp.stage, rp.attempts, rp.marks,
               case when target.url is null then r.etag else t.etag end as etag,
               case when target.url is null then r.last_modified else t.last_modified end
                   as last_modified,
               target.url as leads_to,
               r.fetched_run is distinct from $1
                   and (r.lifecycle in ('tombstoned', 'purged') or r.redirect_to is not null)
                   as gone,
               case when r.settled_extractor = $4 and r.settled_analyser = $5
                    then r.settled_snapshot end as settled
        from raised r join run_pages rp on rp.run_id = $1 and rp.page_id = r.page_id
            and rp.page_id = any(array(select page_id from mine))
        left join page_state t on t.page_id = r.redirect_to
        -- Asked here, and not of `t` alone: there is an index of all that were ever fetched.
        left join pages target on target.id = t.page_id and t.fetched_snapshot is not null
        where {run_queue.STAGE} <> 'done'
        order by rp.url
        """,  # noqa: S608 (a constant of `queue`)
        batch.run_id,
        batch.lane,
        batch.number,
        current.extractor,
        current.analyser,
    )
    return [_held(row) for row in rows]


def _held(row: asyncpg.Record) -> HeldPage:
    return HeldPage(
        page_id=row["page_id"],
        url=row["url"],
        level=row["level"],
        fence=row["fence"],
        stage=row["stage"],
        attempts=row["attempts"],
        marks=row["marks"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        snapshot=row["fetched_snapshot"],
        content_type=row["fetched_type"],
        charset=row["fetched_charset"],
        settled=row["settled"],
        leads_to=row["leads_to"],
        gone=row["gone"],
        robots=row["robots_tag"],
    )
