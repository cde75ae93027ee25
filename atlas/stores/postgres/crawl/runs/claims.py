"""Claims: which batch of which run works on a page, and the fence of each attempt at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from atlas.contracts.activities import Batch, ClaimBatch
from atlas.domain.batch import Claim, HeldPage
from atlas.domain.extraction.extraction_rules import NO_RULES
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.runs import run_limits, slow_hosts
from atlas.stores.postgres.sources.rules_of_pages import by_digest, rules_of

PATIENCE = 900.0
"""Seconds that a run waits for pages which another run holds."""

_LANES = 4
"""Pages of slow hosts are shared out among so many batches at once, if there are enough."""
_FEWEST = 16
"""Fewer than this of them are not shared out: one batch asks as many hosts at once."""
_ROUNDS = 100
"""So often a claim takes pages that turn out to be for another time; then the lane asks again, so
that no claim of a run of a million pages lasts longer than its time-out."""


async def claim(connection: Connection, request: ClaimBatch, now: datetime) -> Claim:
    """Take the next pages of a level; a repeated claim of the same key returns the same pages.

    Pages of slow hosts are taken when there are no others, and never together with others; if the
    request says so, nothing else is taken.

    After `PATIENCE` seconds of waiting, pages that another run still holds are skipped. Once a
    limit of the run is reached, or if it does not `fetch`, only pages fetched already are taken
    and the others skipped.
    """
    async with connection.transaction():
        # One claim of a run after the other: a repeated one waits, and finds the same pages.
        await run_limits.hold_run(connection, request.run_id)
        held = await connection.fetchval(
            "select count(*) from page_state "
            "where claim_run = $1 and claim_lane = $2 and claim_number = $3",
            *run_queue.key(request),
        )
        if held:
            return Claim(held, None)
        await _stop_fetching(connection, request, now)
        taken, aside = await _take_some(connection, request, now)
    if taken:
        return Claim(taken, None, set_aside=aside)
    # The slow lane may wait for its own pages while the other lanes have work.
    if request.waited >= PATIENCE and not request.slow:
        await run_limits.held_by_others(connection, request.run_id, request.level)
    return replace(await _what_next(connection, request, now), set_aside=aside)


async def _stop_fetching(connection: Connection, request: ClaimBatch, now: datetime) -> None:
    code: str | None = run_limits.NOT_FETCHED
    if request.fetch:
        code = await run_limits.reason_to_stop(connection, request.run_id, request.limits, now)
    if code:
        await run_limits.rest_of_level(connection, request, code)


async def _take_some(connection: Connection, request: ClaimBatch, now: datetime) -> tuple[int, int]:
    """How many pages were taken, and how many set aside on the way."""
    aside = 0
    for slow in [True] if request.slow else [False, True]:
        for _ in range(_ROUNDS):
            taken = await _take(connection, request, now, slow=slow)
            if not taken:
                break
            out = 0 if slow else await slow_hosts.leave_out(connection, request)
            aside += out
            if left := taken - out - await _release_fresh(connection, request, now):
                return left, aside
        else:
            break
    return 0, aside


async def _release_fresh(connection: Connection, request: ClaimBatch, now: datetime) -> int:
    pages = await run_limits.fresh(connection, request, now)
    await run_queue.release_where(connection, "page_id = any($1::bigint[])", pages)
    return len(pages)


async def _take(connection: Connection, request: ClaimBatch, now: datetime, *, slow: bool) -> int:
    size = await _share(connection, request) if slow else request.size
    # A lane works on one claim at a time, so an older claim of the same lane is a superseded
    # attempt's and may be taken again.
    done = await connection.execute(
        f"""
        with next as (
            select ps.page_id
            from run_pages rp join page_state ps on ps.page_id = rp.page_id
            where rp.run_id = $1 and rp.level = $4 and rp.stage <> 'done'
              and rp.turn {">" if slow else "="} 0
              and (rp.not_before is null or rp.not_before <= $6)
              and (ps.claim_run is null
                   or (ps.claim_run = $1 and ps.claim_lane = $2 and ps.claim_number < $3))
            order by rp.turn, rp.url
            limit $5
            for update of ps skip locked
        )
        update page_state
        set claim_run = $1, claim_lane = $2, claim_number = $3, fence = fence + 1
        where page_id = any(array(select page_id from next))
        """,  # noqa: S608 (constants)
        *run_queue.key(request),
        request.level,
        size,
        now,
    )
    return int(done.split()[1])


async def _share(connection: Connection, request: ClaimBatch) -> int:
    """How many of the slow hosts' pages a batch takes: a batch lasts as long as its slowest page,
    however few there are, so the lanes wait for them at the same time."""
    there: int = await connection.fetchval(
        "select count(*) from (select from run_pages where run_id = $1 and level = $2 "
        "and stage <> 'done' and turn > 0 limit $3) as waiting",
        request.run_id,
        request.level,
        request.size * _LANES,
    )
    return min(request.size, max(_FEWEST, -(-there // _LANES)))


async def _what_next(connection: Connection, request: ClaimBatch, now: datetime) -> Claim:
    rows = await connection.fetch(
        """
        select ps.claim_run, r.workflow_id, count(*) as pages, min(rp.not_before) as not_before
        from run_pages rp join page_state ps on ps.page_id = rp.page_id
        left join runs r on r.run_id = ps.claim_run
        where rp.run_id = $1 and rp.level = $2 and rp.stage <> 'done'
          and ps.claim_run is distinct from $1 and rp.turn >= $3
        group by ps.claim_run, r.workflow_id
        """,
        request.run_id,
        request.level,
        int(request.slow),
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
    lane is under way, so claims still held there are of superseded attempts: they are released,
    except for pages that wait for the run's end.
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
        found: int = await connection.fetchval(
            "select count(*) from run_pages rp join page_state ps using (page_id) "
            "where rp.run_id = $1 and rp.level < $2 and rp.stage <> 'done' "
            "and (ps.claim_run is distinct from $1 or ps.claim_lane <> $3)",
            run_id,
            level,
            run_queue.WAITING,
        )
        return found


async def begin_attempt(connection: Connection, batch: Batch, extractor: int) -> list[HeldPage]:
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
        select r.page_id, r.fence, r.fetched_snapshot as snapshot,
               r.fetched_type as content_type, r.fetched_charset as charset,
               r.given_title as title, r.rendered,
               coalesce((select s.render from runs x join sources s on s.id = x.source_id
                         where x.run_id = $1),
                        -- A run of no source. Only where they all say so, no other body will do.
                        (select case when bool_and(s.render = 'always') then 'always' end
                         from source_pages sp join sources s on s.id = sp.source_id
                         where sp.page_id = r.page_id),
                        'never') as render,
               r.robots_tag as robots, r.unavailable_after,
               rp.url, rp.level, rp.stage, rp.attempts, rp.marks,
               rp.turn > 0 as slow, rp.cuts,
               case when target.url is null then r.etag else t.etag end as etag,
               case when target.url is null then r.last_modified else t.last_modified end
                   as last_modified,
               target.url as leads_to,
               r.fetched_run is distinct from $1
                   and (r.lifecycle in ('tombstoned', 'purged') or r.redirect_to is not null)
                   as gone,
               case when r.settled_extractor = $4 and not r.links_unread
                         and r.settled_rules is not distinct from ruled.digest
                    then r.settled_snapshot end as settled,
               case when r.settled_extractor = $4 and not r.links_unread
                         and r.settled_rules is not distinct from ruled.digest
                         and r.read_snapshot = r.settled_snapshot
                    then encode(r.read_digest, 'hex') end as read_digest,
               ruled.digest as rules
        from raised r cross join lateral (
            select {rules_of("r.page_id")} as digest) ruled
        join run_pages rp on rp.run_id = $1 and rp.page_id = r.page_id
            and rp.page_id = any(array(select page_id from mine))
        left join page_state t on t.page_id = r.redirect_to
        -- Asked here, and not of `t` alone: there is an index of all that were ever fetched.
        left join pages target on target.id = t.page_id and t.fetched_snapshot is not null
        where {run_queue.STAGE} <> 'done'
        order by rp.url
        """,  # noqa: S608 (a constant of `run_queue`)
        *run_queue.key(batch),
        extractor,
    )
    rules = await by_digest(connection, [row["rules"] for row in rows])
    return [HeldPage(**{**row, "rules": rules.get(row["rules"], NO_RULES)}) for row in rows]
