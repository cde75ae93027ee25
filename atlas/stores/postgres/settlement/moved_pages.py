"""Live pages that led elsewhere in a run: which of them moved, and which are only astray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from atlas.domain.removal import removal_rules
from atlas.domain.removal.removal_rules import RemovalSign
from atlas.domain.sources import Deletion
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.settlement.departures import Leaving


@dataclass(frozen=True, slots=True)
class Led:
    """The live pages that led elsewhere, by what that means."""

    proven: Sequence[Leaving] = ()
    """Their text is live where they lead: nothing is lost with them."""
    moved: Sequence[Leaving] = ()
    astray: Sequence[str] = ()
    """URLs of those whose redirect says nothing of a move."""


async def led_elsewhere(connection: Connection, run_id: str) -> Led:
    """The live pages that led elsewhere in the run."""
    rows = await connection.fetch(_LED, run_id)
    astray = [row["url"] for row in rows if not _is_move(row)]
    moved = [row for row in rows if _is_move(row) and _policy(row) != "keep"]
    proven = _proven(moved)
    return Led(
        [_leaving(row) for row in moved if row["page_id"] in proven],
        [_leaving(row) for row in moved if row["page_id"] not in proven],
        astray,
    )


def _is_move(row: asyncpg.Record) -> bool:
    return bool(row["moved_count"] and row["target_hash"]) and removal_rules.is_move(
        row["url"], row["target"], leads_there=row["leads_there"]
    )


def _leaving(row: asyncpg.Record) -> Leaving:
    return Leaving(
        page_id=row["page_id"],
        url=row["url"],
        live=True,
        confirmed=removal_rules.enough(_policy(row), RemovalSign.MOVED, row["moved_count"]),
        sign=RemovalSign.MOVED,
        looks=row["moved_count"],
        since=row["moved_since"],
    )


def _policy(row: asyncpg.Record) -> Deletion:
    return removal_rules.most_careful(list(row["policies"]))


def _proven(rows: Sequence[asyncpg.Record]) -> set[int]:
    if not rows:
        return set()
    from atlas.domain.removal.suspicious_bodies import (  # numpy: 0.3 s and 15 MB
        ORDINARY,
        resemblance,
    )

    return {
        row["page_id"]
        for row in rows
        if row["text_hash"] == row["target_hash"]
        or resemblance(row["signature"] or b"", row["target_signature"] or b"") >= ORDINARY
    }


# One that leads out of the source's scope has no target here: the one of an earlier look is not
# what it led to now.
_LED = """
    select rp.page_id, rp.url, t.url as target, d.text_hash, s.signature,
           td.text_hash as target_hash, ts.signature as target_signature,
           case when rp.error_code = 'redirected' then ps.moved_count else 0 end as moved_count,
           ps.moved_since,
           (select count(*) from page_state other
            join versions ov on ov.page_id = other.page_id and ov.valid_to is null
            where other.redirect_to = ps.redirect_to) as leads_there,
           array(select src.deletion from source_pages sp join sources src on src.id = sp.source_id
                 where sp.page_id = rp.page_id) as policies
    from run_pages rp
    join page_state ps on ps.page_id = rp.page_id
    join versions v on v.page_id = rp.page_id and v.valid_to is null
    join documents d on d.id = v.document_id
    left join sketches s on s.text_hash = d.text_hash
    left join pages t on t.id = ps.redirect_to
    left join versions tv on tv.page_id = ps.redirect_to and tv.valid_to is null
    left join documents td on td.id = tv.document_id
    left join sketches ts on ts.text_hash = td.text_hash
    where rp.run_id = $1 and rp.error_code like 'redirected%'
    order by rp.url
"""
