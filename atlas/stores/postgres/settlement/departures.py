"""Pages that a run saw gone, or missing from a complete listing, with the evidence so far."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.domain.addresses.bucket_urls import lies_below
from atlas.domain.addresses.scope import scope_of
from atlas.domain.removal import removal_rules
from atlas.domain.removal.removal_rules import RemovalSign
from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.pages import absent_pages
from atlas.stores.postgres.settlement.settle import LeavingCause
from atlas.stores.postgres.sources.sources import Source


@dataclass(frozen=True, slots=True)
class Leaving:
    """A page that a run saw gone, moved or absent."""

    page_id: int
    url: str
    live: bool
    """Whether a live document would be lost with it."""
    confirmed: bool
    """Whether the evidence suffices for the policy of its sources."""
    sign: RemovalSign
    looks: int
    """Those that counted."""
    since: datetime
    """When the first of them was made: it names the evidence, until a new one begins."""

    @property
    def cause(self) -> LeavingCause:
        """Why it leaves, as the feed of changes says it."""
        return LeavingCause(self.sign.value, {"looks": self.looks, "since": self.since.isoformat()})


async def gone(connection: Connection, run_id: str) -> list[Leaving]:
    """Pages that said 404, 410 or noindex; confirmed, if often enough for the most careful of their
    sources. None whose sources keep everything."""
    rows = await connection.fetch(
        """
        select rp.page_id, rp.url, v.page_id is not null as live,
               case when rp.error_code = 'noindex' then 'noindex'
                    when ps.gone_status = 410 then 'gone' else 'not_found' end as sign,
               case when rp.error_code = 'noindex' then ps.noindex_count
                    else ps.gone_count end as looks,
               case when rp.error_code = 'noindex' then ps.noindex_since
                    else ps.gone_since end as since,
               array(select s.deletion from source_pages sp join sources s on s.id = sp.source_id
                     where sp.page_id = rp.page_id) as policies
        from run_pages rp join page_state ps using (page_id)
        left join versions v on v.page_id = rp.page_id and v.valid_to is null
        where rp.run_id = $1
          and (rp.outcome = 'failed' and rp.error_class = 'gone' or rp.error_code = 'noindex')
          and ps.lifecycle in ('suspect', 'live')
        """,
        run_id,
    )
    found = []
    for row in map(dict, rows):
        policy = removal_rules.most_careful(list(row.pop("policies")))
        sign = RemovalSign(row.pop("sign"))
        if policy != "keep":
            confirmed = removal_rules.enough(policy, sign, row["looks"])
            found.append(Leaving(**row, sign=sign, confirmed=confirmed))
    return found


async def absent(
    connection: Connection, source: Source, run_id: str, now: datetime
) -> list[Leaving]:
    """Count an absence for pages that are missing from a complete listing. Those absent often
    enough are confirmed by what they showed when they were visited, by the source's own rules,
    which want them no more, or by another source that holds them. One that was visited and still
    answers is none of them: the source goes on holding it."""
    needed = removal_rules.absences_needed(source.spec.deletion, source.spec.kind)
    if needed is None:
        return []
    await absent_pages.count(connection, source.id, run_id, now)
    rows = await absent_pages.absent(connection, source.id, run_id, needed)
    doubtful = [row for row in rows if row["often"] and row["live"] and not _shows_it(row)]
    # In a thread: a slow pattern must not hold up the event loop.
    unwanted = await asyncio.to_thread(_unwanted, source.spec, doubtful)
    return list(_leaving(rows, unwanted))


def _leaving(rows: Sequence[asyncpg.Record], unwanted: Collection[int]) -> Iterator[Leaving]:
    for row in rows:
        confirmed = row["often"] and (
            not row["live"] or row["shared"] or _shows_it(row) or row["page_id"] in unwanted
        )
        if confirmed or not row["often"]:
            yield Leaving(
                page_id=row["page_id"],
                url=row["url"],
                live=row["live"] and not row["shared"],
                confirmed=confirmed,
                sign=RemovalSign.ABSENT,
                looks=row["looks"],
                since=row["since"],
            )


def _shows_it(row: asyncpg.Record) -> bool:
    visit = set()
    if row["gone_count"]:
        visit.add(RemovalSign.NOT_FOUND)
    if row["noindex_count"]:
        visit.add(RemovalSign.NOINDEX)
    moved = row["moved_count"] and row["target_lives"]
    if moved and removal_rules.is_move(row["url"], row["target"], leads_there=row["leads_there"]):
        visit.add(RemovalSign.MOVED)
    return removal_rules.absence_confirmed(visit)


def _unwanted(spec: SourceSpec, rows: Sequence[asyncpg.Record]) -> set[int]:
    """Pages that the source would not take any more: a person changed its rules, or its list."""
    scope = scope_of(spec)
    return {
        row["page_id"]
        for row in rows
        if (spec.kind == "urls" and row["rule"] == "listed")
        or (spec.max_depth is not None and row["depth"] > spec.max_depth)
        or (spec.kind == "bucket" and not lies_below(row["url"], spec.urls))
        or (not scope.allows(row["url"]) and not scope.overrun)
    }
