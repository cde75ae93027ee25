"""Hosts that kept a batch of a run waiting, and the pages that are set aside because of them.

A batch ends with its slowest request. So that one silent host does not hold up a hundred pages of
others, its pages go to batches of their own (`claims.py`), where nobody waits for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from atlas.contracts.activities import ClaimBatch
from atlas.domain.addresses.urls import host_of
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue

_LOOKED_AT = 200
"""Pages at each end of a level's queue that are looked at for those of other hosts."""

# By a hash of its URL, so that a batch of such pages is of many hosts, which are waited for at the
# same time.
_SET_ASIDE = f"""
    update run_pages rp set turn = 1 + (hashtext(rp.url) & 1073741823)
    where rp.run_id = $1 and rp.page_id = any($2::bigint[]) and {run_queue.STAGE} <> 'done'
      and rp.turn = 0
"""  # noqa: S608 (a constant of `run_queue`)


async def set_aside(
    connection: Connection, run_id: str, fences: Mapping[int, int], hosts: Collection[str]
) -> None:
    """Let a batch's pages be claimed after all others, and so all further pages of `hosts`."""
    async with connection.transaction():
        held = await run_queue.lock(connection, fences)
        await connection.execute(_SET_ASIDE, run_id, sorted(held))
        # In one order: two batches of a run cannot wait for each other.
        await connection.execute(
            "insert into run_slow_hosts (run_id, host) select $1, h from unnest($2::text[]) h "
            "order by h on conflict do nothing",
            run_id,
            sorted(hosts),
        )


async def among(connection: Connection, run_id: str, hosts: Collection[str]) -> set[str]:
    """Those of `hosts` that are slow in this run."""
    rows = await connection.fetch(
        "select host from run_slow_hosts where run_id = $1 and host = any($2::text[])",
        run_id,
        sorted(hosts),
    )
    return {row["host"] for row in rows}


async def leave_out(connection: Connection, request: ClaimBatch) -> int:
    """Set aside those pages of a claim whose host was found slow since the run listed them; how
    many. The caller's transaction holds the claim."""
    rows = await connection.fetch(
        "select page_id, url from run_pages where run_id = $1 and page_id = any(array("
        "select page_id from page_state "
        "where claim_run = $1 and claim_lane = $2 and claim_number = $3)) "
        "and exists (select from run_slow_hosts where run_id = $1)",
        *run_queue.key(request),
    )
    hosts = {row["page_id"]: host_of(row["url"]) for row in rows}
    slow = await among(connection, request.run_id, set(hosts.values())) if hosts else set()
    pages = sorted(page for page, host in hosts.items() if host in slow)
    if pages:
        await connection.execute(_SET_ASIDE, request.run_id, pages)
        await run_queue.release_where(connection, "page_id = any($1::bigint[])", pages)
    return len(pages)


async def others_wait(
    connection: Connection, run_id: str, level: int, hosts: Collection[str]
) -> bool:
    """Whether pages of other hosts than these wait to be claimed. Only the ends of the queue are
    looked at: it is in the order of URLs, and may be long."""
    # A statement for each end: of one for both, PostgreSQL would read the whole level first.
    for end in ("", "desc"):
        rows = await connection.fetch(
            f"""
            select rp.url
            from run_pages rp join page_state ps on ps.page_id = rp.page_id
            where rp.run_id = $1 and rp.level = $2 and rp.stage <> 'done' and rp.turn = 0
              and ps.claim_run is null
            order by rp.turn {end}, rp.url {end} limit $3
            """,  # noqa: S608 (constants)
            run_id,
            level,
            _LOOKED_AT,
        )
        if any(host_of(row["url"]) not in hosts for row in rows):
            return True
    return False
