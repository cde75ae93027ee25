"""Quarantine: bodies that keep failing in extraction, left alone until something changes.

A row begins with the first failure of a body; `since` is set once it is quarantined. Another body,
another extractor version, or `force`, tries the page again; settling it ends the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.batch import PreparedPage
from atlas.domain.removal.lifecycle import Evidence
from atlas.domain.rendering import NEEDS_BROWSER
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.run_queue import short
from atlas.stores.postgres.lifecycle_sql import becomes
from atlas.stores.postgres.sources.sources import held_by

FAILURES = 3
"""Runs in which the same body fails with the same extractor before it is left alone."""
_DEADLY = frozenset(
    ("extractor_killed_worker", "extractor_crashed", "extractor_memory", "extractor_malformed")
)
"""What ends a child or a worker: once is enough. A time-out may be a busy machine's fault."""
_HARMLESS = frozenset((NEEDS_BROWSER,))
"""What shows nothing against a body: its page fails by that name as long as there is no browser."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A document that failed in extraction too often."""

    url: str
    """The canonical URL of the page."""
    page: int
    """The number of the page."""
    snapshot: str
    """SHA-256 of the body that fails."""
    extractor: int
    """Version of the extractor that failed."""
    error_class: str
    code: str
    reason: str
    """What went wrong, in words."""
    failures: int
    """In how many runs."""
    since: datetime
    run_id: str
    """The run that set it aside."""
    live: bool
    """Whether an older version of it can be found."""


async def record(
    connection: Connection,
    run_id: str,
    failed: Sequence[PreparedPage],
    *,
    extractor: int,
    now: datetime,
) -> None:
    """Count failures of pages (locked before); quarantine those that failed too often. The old
    version of a live page stays live."""
    rows = [
        (
            page.page_id,
            page.snapshot,
            page.error.error_class.value,
            page.error.code,
            short(page.error),
        )
        for page in failed
        if page.error is not None
    ]
    if not rows:
        return
    kept = await connection.fetch(
        _RECORD,
        run_id,
        extractor,
        now,
        FAILURES,
        sorted(_DEADLY),
        *[list(column) for column in zip(*rows, strict=True)],
        sorted(_HARMLESS),
    )
    for evidence, wanted in ((Evidence.POISONED, True), (Evidence.RELEASED, False)):
        await connection.execute(
            f"update page_state set lifecycle = {becomes(evidence)} "  # noqa: S608 (from the rules)
            "where page_id = any($1::bigint[])",
            [row["page_id"] for row in kept if row["poison"] is wanted],
        )


# $1 run, $2 extractor, $3 now, $4 failures, $5 deadly codes, the columns, harmless codes.
_RECORD = """
    insert into quarantine as q
        (page_id, snapshot, extractor, error_class, code, reason, failures, since, run_id)
    select o.page_id, o.snapshot, $2, o.error_class, o.code, o.reason, 1,
           case when o.code = any($5::text[]) then $3::timestamptz end, $1
    from unnest($6::bigint[], $7::bytea[], $8::text[], $9::text[], $10::text[])
         as o(page_id, snapshot, error_class, code, reason)
    order by o.page_id
    on conflict (page_id) do update
    set (failures, since) = (
            select n.failures, coalesce(n.since, excluded.since,
                                        case when n.failures >= $4::int
                                                  and excluded.code <> all($11::text[])
                                             then $3::timestamptz end)
            from (select case when same then q.failures + 1 else 1 end as failures,
                         case when same then q.since end as since
                  from (select (q.snapshot, q.extractor)
                               = (excluded.snapshot, excluded.extractor) as same) s) n),
        snapshot = excluded.snapshot, extractor = excluded.extractor,
        error_class = excluded.error_class, code = excluded.code, reason = excluded.reason,
        run_id = excluded.run_id
    returning page_id, since is not null as poison
"""


async def held_back(connection: Connection, pages: Sequence[int], extractor: int) -> set[int]:
    """Those of the pages whose stored body is quarantined for this extractor."""
    rows = await connection.fetch(
        """
        select q.page_id from quarantine q join page_state ps on ps.page_id = q.page_id
        where q.page_id = any($1::bigint[]) and q.since is not null and q.extractor = $2
          and q.snapshot = ps.fetched_snapshot
        """,
        list(pages),
        extractor,
    )
    return {row["page_id"] for row in rows}


async def lift(connection: Connection, pages: Sequence[int]) -> None:
    """Forget the failures of pages that were settled."""
    await connection.execute(
        "delete from quarantine where page_id = any($1::bigint[])", list(pages)
    )


async def listed(
    connection: Connection, *, extractor: int, source: str | None = None, limit: int | None = None
) -> list[Quarantined]:
    """The documents left alone now, by URL."""
    rows = await connection.fetch(
        f"""
        select p.url, q.page_id as page, encode(q.snapshot, 'hex') as snapshot, q.extractor,
               q.error_class, q.code, q.reason, q.failures, q.since, q.run_id,
               exists (select from versions v
                       where v.page_id = q.page_id and v.valid_to is null) as live
        from quarantine q join pages p on p.id = q.page_id
        join page_state ps on ps.page_id = q.page_id
        where q.since is not null and q.extractor = $1 and q.snapshot = ps.fetched_snapshot
          and {held_by(2, "q.page_id")}
        order by p.url limit $3
        """,  # noqa: S608 (constants)
        extractor,
        source,
        limit,
    )
    return [Quarantined(**dict(row)) for row in rows]
