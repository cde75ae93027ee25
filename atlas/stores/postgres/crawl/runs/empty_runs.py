"""Runs that went through their source without a result: nothing was requested, or everything that
was requested failed. Counts alone would call them completed."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from atlas.contracts.models import Outcome
from atlas.domain.errors import HELD
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.runs.runs import Run

_REFUSED = (
    "(outcome = 'failed' or error_code = 'redirected_out_of_scope' or error_code in ("
    + ", ".join(f"'{code}'" for code in HELD)
    + "))"
)
_NAMED = 3
"""Kinds of failure that a message names."""


async def judge(
    connection: Connection, run: Run, stages: Sequence[str]
) -> tuple[Outcome | None, str]:
    """The outcome of a run without a result, and why; None: it did some work, or had none to
    do."""
    row = await connection.fetchrow(
        f"""
        select count(*) as seen,
               count(*) filter (where {_REFUSED}) as refused,
               count(*) filter (where error_code = 'not_fetched') as bodiless,
               count(*) filter (where outcome in ('added', 'updated', 'unchanged')
                                or error_code in ('fresh', 'held') or stage <> 'done') as taken
        from run_pages where run_id = $1
        """,  # noqa: S608 (a constant of this module)
        run.run_id,
    )
    if row is None or row["taken"]:
        return None, ""
    if row["refused"]:
        return await _all_failed(connection, run)
    if row["bodiless"] == row["seen"] > 0:
        return "nothing_selected", (
            f"stages: no page of source '{run.source}' has a stored body; add 'fetch'"
        )
    if row["seen"]:
        return None, await _all_left_out(connection, run)
    return await _nothing_held(connection, run, stages)


async def _all_left_out(connection: Connection, run: Run) -> str:
    """What to say of a run that took none of its pages, though none failed."""
    rows = await connection.fetch(
        "select coalesce(error_code, 'unknown') as code, count(*) as pages from run_pages "
        "where run_id = $1 group by 1 order by 2 desc, 1",
        run.run_id,
    )
    codes = ", ".join(f"{row['pages']} × {row['code']}" for row in rows[:_NAMED])
    return f"source '{run.source}': no page was taken over ({codes})"


async def _all_failed(connection: Connection, run: Run) -> tuple[Outcome | None, str]:
    """Of a run of what was due, only if no other page of the source is live without a failure."""
    if run.due and await connection.fetchval(_LIVE_WITHOUT_FAILURE, run.source_id):
        return None, ""
    rows = await connection.fetch(
        f"""
        select coalesce(error_code, 'unknown') as code, count(*) as pages, min(error) as said
        from run_pages where run_id = $1 and {_REFUSED}
        group by 1 order by 2 desc, 1 limit {_NAMED}
        """,  # noqa: S608 (constants of this module)
        run.run_id,
    )
    return "all_failed", _why(run, rows)


_LIVE_WITHOUT_FAILURE = """
    select exists (
        select from source_pages sp join page_state ps using (page_id)
        where sp.source_id = $1 and ps.lifecycle = 'live' and ps.failed_class is null)
"""


def _why(run: Run, rows: Sequence[asyncpg.Record]) -> str:
    codes = ", ".join(f"{row['pages']} × {row['code']}" for row in rows)
    said = next((row["said"] for row in rows if row["said"]), "no reason is recorded")
    return (
        f"source '{run.source}': no page could be taken over ({codes}; such as: {said[:200]}). "
        f"`atlas runs show {run.run_id[:18]} --failures` names each; where the address or the "
        f"rules are wrong, `atlas sources edit {run.source}` changes them"
    )


async def _nothing_held(
    connection: Connection, run: Run, stages: Sequence[str]
) -> tuple[Outcome | None, str]:
    """Without a listing a run works on what its source holds; with one, on what that names."""
    held = await connection.fetchval(
        "select exists (select from source_pages where source_id = $1)", run.source_id
    )
    if "discover" in stages:
        if held:
            return None, ""
        return "nothing_selected", (
            f"source '{run.source}': its listing names no page; if it should, "
            f"`atlas sources edit {run.source}` changes its URL, kind or rules"
        )
    if held:
        return None, f"source '{run.source}': no page was to be worked on"
    return "nothing_selected", (
        f"stages: source '{run.source}' holds no page yet; add 'discover', or sync it without "
        "--mode and --stages first"
    )
