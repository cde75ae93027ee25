"""Pushed pages that were withdrawn: they leave at the end of their run, by the rules of
`removal_rules.py` and under its brake.

A withdrawal is a statement, not a look: one suffices, unless a source that holds the page keeps
everything. The brake is asked all the same: a program that withdraws by mistake most of what it
pushed is likelier than one that means it. What left by withdrawals of the last 24 hours counts
together with what would leave now, so that a loop of single ones is no way around it. What a person
confirmed or approved does not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.domain.delivery import WITHDRAWN
from atlas.domain.removal import removal_rules
from atlas.domain.removal.removal_rules import RemovalSign
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.changes.change_log import NewChange
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages import held_removals
from atlas.stores.postgres.settlement import deletion_decisions, settle
from atlas.stores.postgres.settlement.departures import Leaving


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What the end of a run did with the pages that it was told are gone; URLs."""

    removed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    """Those that wait for a person: too many would have left at once."""
    kept: tuple[str, ...] = ()
    """Those that a source keeps whatever happens."""


async def reconcile(
    connection: Connection, run_id: str, now: datetime, *, confirmed: bool = False
) -> Withdrawn:
    """Let the pages go whose withdrawal stands; `confirmed`: however many they are. Repeating it
    changes nothing."""
    async with connection.transaction():
        # Page rows before all else: the lock order at the top of `settle.py`. A later body that is
        # being taken is waited for, and then its page is not withdrawn any more.
        await connection.execute(_LOCK, run_id)
        # Then SETTLE, which two runs that let one page each go would else take after counting.
        await settle.lock_corpus(connection)
        rows = await connection.fetch(_STANDING, run_id, WITHDRAWN)
        rejected: set[int] = set()
        if not confirmed:
            rejected = await held_removals.rejected(connection, [row["page_id"] for row in rows])
        by_source: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
        kept = []
        for row in rows:
            policy = removal_rules.most_careful(list(row["policies"]))
            if row["page_id"] in rejected or not removal_rules.enough(
                policy, RemovalSign.WITHDRAWN, 1
            ):
                kept.append(row["url"])
            else:
                by_source[row["source_id"]].append(row)
        going: list[Leaving] = []
        held: list[Leaving] = []
        for source_id, mine in sorted(by_source.items()):
            leaving = [_leaving(row) for row in mine]
            seen = [page for page in leaving if page.live]
            if confirmed:
                await deletion_decisions.approve_at_once(connection, source_id, run_id, seen, now)
                going += leaving
            elif await _too_many(connection, source_id, len(seen), now):
                await deletion_decisions.hold(connection, source_id, run_id, seen, now)
                held += seen
            else:
                going += leaving
        removed = await _bury(connection, run_id, going, now)
        await change_log.append(connection, run_id, removed, now)
    gone = {change.page_id for change in removed}
    return Withdrawn(
        removed=tuple(page.url for page in going if page.page_id in gone),
        held=tuple(page.url for page in held),
        kept=tuple(kept),
    )


async def _too_many(connection: Connection, source_id: int, pages: int, now: datetime) -> bool:
    """Whether the brake holds that many live pages, if they are to leave now."""
    since = now - removal_rules.WITHDRAWALS_COUNT
    row = await connection.fetchrow(_COUNTED, source_id, since)
    assert row is not None
    return pages > 0 and removal_rules.brake(row["lately"] + pages, row["lately"] + row["live"])


async def _bury(
    connection: Connection, run_id: str, going: Sequence[Leaving], now: datetime
) -> list[NewChange]:
    if not going:
        return []
    causes = {page.page_id: page.cause for page in going}
    return await settle.bury(connection, sorted(causes), now, causes=causes, run_id=run_id)


def _leaving(row: asyncpg.Record) -> Leaving:
    return Leaving(
        page_id=row["page_id"],
        url=row["url"],
        live=row["live"],
        confirmed=True,
        sign=RemovalSign.WITHDRAWN,
        looks=1,
        since=row["withdrawn_at"],
    )


_LOCK = """
    select from page_state where page_id = any(array(
        select page_id from run_deliveries where run_id = $1 and snapshot is null))
    order by page_id for update
"""

# Those whose page has got a body since are not among them: that took the word back.
_STANDING = """
    select d.page_id, rp.url, ps.withdrawn_at, v.page_id is not null as live,
           (select min(sp.source_id) from source_pages sp join sources s on s.id = sp.source_id
            where sp.page_id = d.page_id and s.kind = 'push') as source_id,
           array(select s.deletion from source_pages sp join sources s on s.id = sp.source_id
                 where sp.page_id = d.page_id) as policies
    from run_deliveries d
    join run_pages rp on rp.run_id = $1 and rp.page_id = d.page_id and rp.error_code = $2
    join page_state ps on ps.page_id = d.page_id and ps.withdrawn_at is not null
    left join versions v on v.page_id = d.page_id and v.valid_to is null
    where d.run_id = $1 and d.snapshot is null
      and ps.lifecycle in ('discovered', 'live', 'suspect')
      and exists (select from source_pages sp join sources s on s.id = sp.source_id
                  where sp.page_id = d.page_id and s.kind = 'push')
    order by d.page_id
"""
# What a source has, and what left it lately by withdrawals that nobody looked at. What came back
# is not among these.
_COUNTED = """
    select count(*) filter (where v.page_id is not null) as live,
           count(*) filter (
               where ps.lifecycle = 'tombstoned' and ps.withdrawn_at is not null
               and ps.tombstoned_at > $2
               and exists (select from versions v where v.page_id = sp.page_id)
               and not exists (select from held_removals h where h.page_id = sp.page_id
                               and h.decided = 'approved' and h.decided_at >= ps.tombstoned_at)
           ) as lately
    from source_pages sp
    join page_state ps on ps.page_id = sp.page_id
    left join versions v on v.page_id = sp.page_id and v.valid_to is null
    where sp.source_id = $1
"""
