"""Writing the feed of changes: whoever changes the corpus appends to it, last, in the same
transaction.

Numbers come from one row, `change_feed`, which a transaction locks when it appends and holds until
its end. So numbers are in commit order, a rolled back transaction leaves no gap, and whoever has
seen a number has seen all below it (decision 0024).

It is the last lock that a transaction takes, after those that `settlement/settle.py` names, and
nothing but the commit follows. So whoever holds it waits for nobody, which rules out deadlocks, and
holds it only briefly. Hence `append` and `append_holders` are the last calls of every transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from atlas.stores.postgres.connection import Connection

ChangeKind = Literal["added", "updated", "removed", "restored", "erased"]

HOLDERS = "sources"
"""The reason of a change that only says which sources hold a page now: its evidence names those
that `joined` and those that `left`."""
CHANNEL = "atlas_changes"
"""Notified at every commit that appends."""


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change of a page that a transaction is about to append."""

    kind: ChangeKind
    page_id: int
    reason: str
    version: int | None = None
    document_id: int | None = None
    text_hash: bytes | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    held_by: tuple[str, ...] = ()
    """Sources that held the page until now, in addition to those that still do."""


async def append(
    connection: Connection, run_id: str | None, changes: Sequence[NewChange], now: datetime
) -> None:
    """Append changes to the feed: the last thing that the caller's transaction does."""
    if not changes:
        return
    last: int = await connection.fetchval(
        "update change_feed set last = last + $1 returning last", len(changes)
    )
    # A separate statement: it sees what was committed while the one above waited for the lock. So a
    # source that has come to hold a page meanwhile is named here, or appends that itself.
    await connection.execute(
        _APPEND,
        last - len(changes),
        now,
        run_id,
        [change.kind for change in changes],
        [change.page_id for change in changes],
        [change.version for change in changes],
        [change.document_id for change in changes],
        [change.text_hash for change in changes],
        [change.reason for change in changes],
        [json.dumps(change.evidence) if change.evidence else None for change in changes],
        [" ".join(change.held_by) for change in changes],
        CHANNEL,
    )


async def append_holders(
    connection: Connection,
    run_id: str | None,
    pages: Collection[int],
    now: datetime,
    *,
    left: str | None = None,
) -> None:
    """Append a change for each live page whose sources are not those that the feed says: the last
    thing that the caller's transaction does. Whoever reads by source has to know that a page came
    or went. `left`: the source that released them, which the feed may no longer know."""
    # Asked before the lock is taken, so that listing new pages does not take it: a page on which
    # nobody works yet is appended when it is settled, with its sources.
    known = await connection.fetch(_KNOWN, list(pages)) if pages else []
    if not known:
        return
    await connection.execute("select from change_feed for update")
    released = {left} if left else set()
    # A separate statement, for the reason given in `append`.
    rows = await connection.fetch(_HELD_OTHERWISE, [row["page_id"] for row in known])
    changes = [
        NewChange(
            kind="updated",
            page_id=row["page_id"],
            reason=HOLDERS,
            version=row["seq"],
            document_id=row["document_id"],
            text_hash=row["text_hash"],
            evidence=_difference({*row["before"]} | released, {*row["held_by"]}),
        )
        for row in rows
    ]
    await append(connection, run_id, changes, now)


def _difference(before: set[str], now: set[str]) -> dict[str, object]:
    return {"joined": sorted(now - before), "left": sorted(before - now)}


async def erase(connection: Connection, pages: Collection[int]) -> None:
    """Turn the earlier changes of pages into erasures: their numbers stay, so that the feed has no
    gap, and a reader that is behind deletes what it has of them."""
    await connection.execute(_ERASE.format("page_id = any($1::bigint[])"), list(pages))


async def erase_urls(connection: Connection, urls: Collection[str]) -> None:
    """The same for addresses, whose pages may be gone."""
    await connection.execute(_ERASE.format("url = any($1::text[])"), list(urls))


async def forget_texts(connection: Connection, run_id: str) -> None:
    """Remove the hashes of texts that an erasure erases and no document has any more from the
    changes of other pages, which once had the same texts."""
    await connection.execute(
        """
        update changes c set text_hash = null from purge_blobs b
        where b.run_id = $1 and not b.gone and c.text_hash = b.hash
          and not exists (select from documents d where d.text_hash = b.hash)
        """,
        run_id,
    )


# Locked in the order of numbers, as by a clean-up: otherwise the two could deadlock. Whoever reads
# by a source that had released the page has to delete it, too: hence those in `left`.
_ERASE = """
    with locked as materialized (
        select number from changes where {} order by number for update)
    update changes c
    set kind = 'erased', url = null, version = null, document_id = null, text_hash = null,
        reason = 'erased', evidence = null, run_id = null, workflow_id = null,
        sources = array(
            select unnest(c.sources)
            union select jsonb_array_elements_text(c.evidence -> 'left') order by 1)
    from locked where c.number = locked.number and c.kind <> 'erased'
"""
_KNOWN = """
    select ps.page_id from page_state ps
    where ps.page_id = any($1::bigint[])
      and (ps.lifecycle <> 'discovered' or ps.claim_run is not null
           or (select count(*) from source_pages sp where sp.page_id = ps.page_id) > 1)
"""
# `before` is empty where the page's changes are past their retention: then no reader that knows who
# held it can go on.
_HELD_OTHERWISE = """
    select v.page_id, v.seq, v.document_id, d.text_hash, coalesce(c.sources, '{}') as before,
           h.held_by
    from versions v join documents d on d.id = v.document_id
    cross join lateral (
        select array(select s.name from source_pages sp join sources s on s.id = sp.source_id
                     where sp.page_id = v.page_id order by 1) as held_by) h
    left join lateral (
        select sources from changes c where c.page_id = v.page_id
        order by number desc limit 1) c on true
    where v.page_id = any($1::bigint[]) and v.valid_to is null
      and c.sources is distinct from h.held_by
    order by v.page_id
"""
_APPEND = """
    with appended as (
        insert into changes (number, at, kind, page_id, url, version, document_id, text_hash,
                             sources, reason, evidence, run_id, workflow_id)
        select $1 + o.ordinal, $2, o.kind, o.page_id,
               case when o.kind <> 'erased' then p.url end, o.version, o.document_id, o.text_hash,
               array(select s.name from source_pages sp join sources s on s.id = sp.source_id
                     where sp.page_id = o.page_id
                     union select unnest(string_to_array(nullif(o.held_by, ''), ' ')) order by 1),
               o.reason, o.evidence::jsonb, $3, r.workflow_id
        from unnest($4::text[], $5::bigint[], $6::int[], $7::bigint[], $8::bytea[], $9::text[],
                    $10::text[], $11::text[]) with ordinality
             as o(kind, page_id, version, document_id, text_hash, reason, evidence, held_by,
                  ordinal)
        left join pages p on p.id = o.page_id left join runs r on r.run_id = $3)
    select pg_notify($12, '')
"""
