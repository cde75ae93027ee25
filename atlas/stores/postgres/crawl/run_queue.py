"""A run's queue of pages: locks, outcomes, stages; `claims.py` takes from it. `run_pages` is the
record, `page_state` the lock.

Every write transaction first locks the `page_state` rows it means to change (FOR UPDATE, in id
order) and leaves out those whose fence has moved on: a late write of a superseded attempt, of the
same run or another, is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import asyncpg

from atlas.contracts.activities import Batch, ClaimBatch
from atlas.contracts.models import Counts
from atlas.domain.errors import PageError
from atlas.stores.postgres.connection import Connection

STAGE = "(rp.stage || '')"
"""The stage of a page of a run, in a form that no index knows.

PostgreSQL's statistics do not know the run that was just listed: it takes `run_id = $1` for one
row, and an index of the pages that are not done for the cheapest way in, so that a batch would read
the whole run, or that once for each of its pages. A statement that names its pages therefore says
`page_id = any(…)`, which only the primary key answers, and asks for the stage in this form.
"""
WAITING = -1
"""The lane of pages whose change waits until their run has seen all its pages:
`settlement/held_changes.py`."""


async def lock(connection: Connection, fences: Mapping[int, int]) -> set[int]:
    """Lock the pages' rows for this transaction; return those whose fence is still ours."""
    rows = await lock_rows(connection, fences)
    return {row["page_id"] for row in rows if fences[row["page_id"]] == row["fence"]}


async def lock_rows(connection: Connection, pages: Iterable[int]) -> list[asyncpg.Record]:
    """Lock the pages' rows for this transaction; return page and fence of each."""
    # In the order of ids, like every writer of pages: two of them cannot wait for each other.
    return await connection.fetch(
        "select page_id, fence from page_state where page_id = any($1::bigint[]) "
        "order by page_id for update",
        sorted(pages),
    )


async def finish(
    connection: Connection,
    run_id: str,
    outcomes: Iterable[tuple[int, str, PageError | None]],
) -> Counter[str]:
    """Give pages (locked before) their terminal outcome in the run and release their claims.
    Returns how many had which."""
    rows = [_ended(page, outcome, error) for page, outcome, error in outcomes]
    if not rows:
        return Counter()
    await connection.execute(
        f"""
        update run_pages rp
        set stage = 'done', outcome = o.outcome, error_class = o.error_class,
            error_code = o.code, error = o.message, marks = 0, not_before = null
        from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
             as o(page_id, outcome, error_class, code, message)
        where rp.run_id = $1 and rp.page_id = any($2::bigint[]) and rp.page_id = o.page_id
          and {STAGE} <> 'done'
        """,  # noqa: S608 (a constant of this module)
        run_id,
        *[list(column) for column in zip(*rows, strict=True)],
    )
    await _remember_attempts(connection, rows)
    await release_where(connection, "page_id = any($1::bigint[])", [row[0] for row in rows])
    return Counter(row[1] for row in rows)


_Ended: TypeAlias = tuple[int, str, str | None, str | None, str | None]


def _ended(page: int, outcome: str, error: PageError | None) -> _Ended:
    if error is None:
        return page, outcome, None, None, None
    return page, outcome, error.error_class.value, error.code, short(error)


async def skip(connection: Connection, run_id: str, pages: Sequence[int], code: str) -> None:
    """Leave pages (locked before) out of the run: it says nothing of how they fare."""
    await connection.execute(
        f"""
        update run_pages rp
        set stage = 'done', outcome = 'skipped', error_code = $3, marks = 0, not_before = null
        where run_id = $1 and page_id = any($2::bigint[]) and {STAGE} <> 'done'
        """,  # noqa: S608 (a constant of this module)
        run_id,
        list(pages),
        code,
    )
    await connection.execute("delete from prepared where page_id = any($1::bigint[])", list(pages))
    await release_where(connection, "page_id = any($1::bigint[])", list(pages))


async def _remember_attempts(connection: Connection, rows: Sequence[_Ended]) -> None:
    """How the page's last attempt ended: what a run of the failed asks for, and the back-off."""
    await connection.execute(
        """
        update page_state ps
        set failures = case when o.outcome = 'failed' then ps.failures + 1 else 0 end,
            failed_class = case when o.outcome = 'failed' then o.error_class end,
            failed_code = case when o.outcome = 'failed' then o.code end
        from unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
             as o(page_id, outcome, error_class, code)
        where ps.page_id = o.page_id
          and (o.outcome = 'failed' or ps.failures > 0 or ps.failed_class is not null)
        """,
        *[list(column) for column in list(zip(*rows, strict=True))[:4]],
    )


def short(error: PageError) -> str:
    """The message as it is kept: without what PostgreSQL refuses, and not long."""
    return error.message.replace("\x00", "")[:500]


async def put_back(
    connection: Connection,
    run_id: str,
    pages: Sequence[int],
    *,
    not_before: Sequence[datetime | None],
    refetch: bool = True,
) -> None:
    """Return pages (locked before) to the queue, to be tried again from `not_before` on."""
    await connection.execute(
        f"""
        update run_pages rp
        set stage = case when $4 then 'listed' else stage end, not_before = o.not_before
        from unnest($2::bigint[], $3::timestamptz[]) as o(page_id, not_before)
        where rp.run_id = $1 and rp.page_id = any($2::bigint[]) and rp.page_id = o.page_id
          and {STAGE} <> 'done'
        """,  # noqa: S608 (a constant of this module)
        run_id,
        list(pages),
        list(not_before),
        refetch,
    )
    await release_where(connection, "page_id = any($1::bigint[])", list(pages))


async def advance(connection: Connection, run_id: str, pages: Sequence[int], stage: str) -> None:
    """Move pages (locked before) to the next stage of the run."""
    await connection.execute(
        f"""
        update run_pages rp set stage = $3
        where run_id = $1 and page_id = any($2::bigint[]) and {STAGE} <> 'done'
        """,  # noqa: S608 (a constant of this module)
        run_id,
        list(pages),
        stage,
    )


async def mark(
    connection: Connection, run_id: str, begun: Sequence[int], ended: Sequence[int]
) -> None:
    """Commit that documents go to a child process, or came back from it. Marks without an end
    show, after a crash of the worker, which documents were being worked on. A page may be named
    more than once, and on both sides."""
    await connection.execute(
        """
        with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
        update run_pages
        set marks = greatest(0, marks + cardinality(array_positions($2::bigint[], page_id))
                                      - cardinality(array_positions($3::bigint[], page_id)))
        from relaxed
        where run_id = $1 and page_id = any($2::bigint[] || $3::bigint[])
        """,
        run_id,
        list(begun),
        list(ended),
    )


def key(batch: Batch | ClaimBatch) -> tuple[str, int, int]:
    """What a claim is known by."""
    return batch.run_id, batch.lane, batch.number


async def release_batch(connection: Connection, batch: Batch) -> None:
    """Release what the batch still claims."""
    held = "claim_run = $1 and claim_lane = $2 and claim_number = $3"
    await release_where(connection, held, *key(batch))


async def release_run(connection: Connection, run_id: str) -> None:
    """Release every claim of a run, raising the fences: its late writes are refused."""
    await release_where(connection, "claim_run = $1", run_id)


async def release_where(connection: Connection, which: str, *values: object) -> None:
    """Release the claims of the pages that `which`, a constant condition, names."""
    await connection.execute(
        f"""
        with held as (select page_id from page_state where {which} order by page_id for update)
        update page_state
        set claim_run = null, claim_lane = null, claim_number = null, fence = fence + 1
        where page_id = any(array(select page_id from held))
        """,  # noqa: S608 (a constant of this module)
        *values,
    )


async def count_missing(connection: Connection, run_id: str) -> int:
    """How many documents the run was asked for that are no page."""
    found = await connection.fetchval("select count(*) from run_missing where run_id = $1", run_id)
    return int(found)


async def counts(connection: Connection, run_id: str) -> Counts:
    """The run's counts, always aggregated from its record, so that no retry can change them."""
    rows = await connection.fetch(
        """
        select outcome, sum(pages)::bigint as pages from (
            select outcome, count(*) as pages from run_pages where run_id = $1 group by outcome
            union all
            select outcome, count(*) from run_purged where run_id = $1 group by outcome
        ) counted group by outcome
        """,
        run_id,
    )
    by_outcome = {row["outcome"]: row["pages"] for row in rows}
    done = {name: pages for name, pages in by_outcome.items() if name}
    return Counts(seen=sum(by_outcome.values()), **done)
