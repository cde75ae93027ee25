"""Pages that a run leaves out: past a limit, without its fetch stage, fetched by another meanwhile,
or held by another for too long. A skipped page is done, with the reason as its error code."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from atlas.contracts.activities import ClaimBatch
from atlas.contracts.work import RunLimits
from atlas.domain.errors import PURGED
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue

BUDGET = "budget"
DEADLINE = "deadline"
NOT_FETCHED = "not_fetched"

_CUT = [BUDGET, DEADLINE]


async def hold_run(connection: Connection, run_id: str) -> bool:
    """Let no other claim, change of limits or end of the run come between, until the transaction
    ends; false if the run has ended. Taken before any page's lock."""
    ended = await connection.fetchrow(
        "select ended_at from runs where run_id = $1 for no key update", run_id
    )
    return ended is not None and ended["ended_at"] is None


async def reason_to_stop(
    connection: Connection, run_id: str, limits: RunLimits, now: datetime
) -> str | None:
    """Why the run claims no further page; None: it may."""
    if limits.deadline is not None and now >= limits.deadline:
        return DEADLINE
    if limits.minutes is not None:
        started = await connection.fetchval("select started_at from runs where run_id = $1", run_id)
        if now >= started + timedelta(minutes=limits.minutes):
            return DEADLINE
    if limits.bytes is not None and await bytes_received(connection, run_id) >= limits.bytes:
        return BUDGET
    return None


async def rest_of_level(connection: Connection, request: ClaimBatch, code: str) -> None:
    """Skip the level's pages that would have to be fetched and that no lane works on. Those fetched
    already go on. The caller holds the run."""
    # An older claim of the same lane is a superseded attempt's. A locked row is being claimed or
    # released by another run: the lane comes back for it.
    await connection.execute(
        """
        with free as (
            select ps.page_id
            from run_pages rp join page_state ps on ps.page_id = rp.page_id
            where rp.run_id = $1 and rp.level = $4 and rp.stage = 'listed'
              and (ps.claim_run is distinct from $1 or ps.claim_lane = $2 and ps.claim_number < $3)
            order by ps.page_id
            for update of ps skip locked
        ), released as (
            update page_state
            set claim_run = null, claim_lane = null, claim_number = null, fence = fence + 1
            where page_id = any(array(select page_id from free))
              and claim_run is not distinct from $1
        )
        update run_pages
        set stage = 'done', outcome = 'skipped', error_code = $5, not_before = null
        where run_id = $1 and page_id = any(array(select page_id from free))
        """,
        *run_queue.key(request),
        request.level,
        code,
    )


async def beyond_budget(connection: Connection, run_id: str, level: int, pages: int | None) -> None:
    """Skip the level's pages beyond the run's budget, the first by URL being within; take those
    back that a larger one has room for. None: there is none. The caller holds the run."""
    await connection.execute(
        """
        with mine as (
            select rp.page_id, rp.url, rp.stage, rp.level,
                   coalesce(rp.stage = 'done' and rp.error_code = any($4), false) as cut,
                   rp.stage = 'listed' and rp.attempts = 0
                       and ps.claim_run is distinct from $1 as untouched
            from run_pages rp join page_state ps on ps.page_id = rp.page_id
            where rp.run_id = $1 and rp.level <= $2
        ), spent as (
            select count(*) as pages from mine where not cut and (level < $2 or not untouched)
        ), ranked as (
            select page_id, cut,
                   $3::bigint is null
                   or (select pages from spent) + row_number() over (order by url) <= $3 as within
            from mine where level = $2 and (cut or untouched)
        )
        update run_pages
        set (stage, outcome, error_code, not_before) = (
            select case when cut then 'listed' else 'done' end,
                   case when not cut then 'skipped' end, case when not cut then $5 end,
                   null::timestamptz
            from (select coalesce(stage = 'done' and error_code = any($4), false) as cut) c)
        where run_id = $1 and page_id = any(array(select page_id from ranked where cut = within))
        """,
        run_id,
        level,
        pages,
        _CUT,
        BUDGET,
    )


async def room(connection: Connection, run_id: str, level: int, pages: int | None) -> bool:
    """Whether the budget lets a page of this level be asked for at all."""
    if pages is None:
        return True
    spent = await connection.fetchval(
        "select count(*) from run_pages where run_id = $1 and level < $2 "
        "and not coalesce(stage = 'done' and error_code = any($3), false)",
        run_id,
        level,
        _CUT,
    )
    return bool(spent < pages)


async def fresh(connection: Connection, request: ClaimBatch, now: datetime) -> list[int]:
    """A page that another run fetched and settled since this run began needs no second request.
    Returns those of the batch that were skipped. A fetch dated in the future proves nothing: it
    was written by a clock that was wrong."""
    rows = await connection.fetch(
        f"""
        update run_pages rp set stage = 'done', outcome = 'skipped', error_code = 'fresh'
        where rp.run_id = $1 and {run_queue.STAGE} = 'listed'
          and rp.page_id = any(array(
              select page_id from page_state
              where claim_run = $1 and claim_lane = $2 and claim_number = $3
                and fetched_run <> $1 and settled_snapshot = fetched_snapshot
                and fetched_at >= (select started_at from runs where run_id = $1)
                and fetched_at <= $4))
          -- A body that was delivered to this run is not the one that came meanwhile.
          and not exists (select from run_deliveries d
                          where d.run_id = $1 and d.page_id = rp.page_id)
        returning rp.page_id
        """,  # noqa: S608 (a constant of `run_queue`)
        *run_queue.key(request),
        now,
    )
    return [row["page_id"] for row in rows]


async def held_by_others(connection: Connection, run_id: str, level: int) -> None:
    """A paused run keeps its claims; another that shares its pages does not wait forever."""
    await connection.execute(
        """
        update run_pages rp set stage = 'done', outcome = 'skipped', error_code = 'held'
        from page_state ps
        where rp.run_id = $1 and rp.level = $2 and rp.stage in ('listed', 'fetched', 'rendering')
          and ps.page_id = rp.page_id and ps.claim_run <> $1
        """,
        run_id,
        level,
    )


async def was_cut(connection: Connection, run_id: str) -> bool:
    """Whether a limit kept the run from asking for some page."""
    found: bool = await connection.fetchval(
        "select exists (select from run_pages where run_id = $1 and outcome = 'skipped' "
        "and error_code = any($2))",
        run_id,
        _CUT,
    )
    return found


async def reasons(connection: Connection, run_id: str) -> dict[str, int]:
    """Skipped pages of the run: reason → how many."""
    rows = await connection.fetch(
        "select coalesce(error_code, 'unknown') as code, count(*) as pages from run_pages "
        "where run_id = $1 and outcome = 'skipped' group by 1 "
        "union all select $2, count(*) from run_purged where run_id = $1 and outcome = 'skipped' "
        "order by 1",
        run_id,
        PURGED,
    )
    found: Counter[str] = Counter()
    for row in rows:
        found[row["code"]] += row["pages"]
    return {code: pages for code, pages in found.items() if pages}


async def bytes_received(connection: Connection, run_id: str) -> int:
    """Bytes that the run's requests brought, as the ledger has them."""
    found = await connection.fetchval(
        "select coalesce(sum(wire_bytes), 0) from fetches where run_id = $1 "
        "and run_started = (select started_at from runs where run_id = $1)",
        run_id,
    )
    return int(found)  # PostgreSQL adds bigints up to a numeric
