"""The feed of changes: written by whoever changes the corpus, in the same transaction, last.

Numbers are given by one row, `change_feed`, which a transaction locks when it appends and holds
until its end. So numbers are in the order of commits, a rolled back transaction leaves no gap, and
whoever has seen a number has seen all below it (decision 0024).

It is the last lock of a transaction, after those that `settlement/settle.py` names, and nothing
but the end follows it: who holds it waits for nobody, so that nobody can wait in a circle, and it
is held for two statements and a commit. Hence `append` is the last call of every caller.
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
"""The reason of a change that says only which sources hold a page now: its evidence names those
that `joined` and those that `left`."""
CHANNEL = "atlas_changes"
"""Notified at every commit that appends."""


@dataclass(frozen=True, slots=True)
class NewChange:
    """What a transaction is about to tell of a page."""

    kind: ChangeKind
    page_id: int
    reason: str
    version: int | None = None
    document_id: int | None = None
    text_hash: bytes | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    held_by: tuple[str, ...] = ()
    """Sources that held the page until now, besides those that still do."""


async def append(
    connection: Connection, run_id: str | None, changes: Sequence[NewChange], now: datetime
) -> None:
    """Tell of changes, in the caller's transaction, as the last thing that it does."""
    if not changes:
        return
    last: int = await connection.fetchval(
        "update change_feed set last = last + $1 returning last", len(changes)
    )
    # A statement of its own: it sees what was committed while the lock was waited for, so that a
    # source that came to hold a page meanwhile is named here or tells of it itself.
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
    """Tell of live pages that other sources hold than the feed says, as the last thing that the
    caller's transaction does: who reads by source has to know that a page came or went. `left`:
    the source that released them, which the feed may not know any more."""
    # Without the lock first: of a new page, which nobody works on yet, its settling will tell.
    known = await connection.fetch(_KNOWN, list(pages)) if pages else []
    if not known:
        return
    await connection.execute("select from change_feed for update")
    # A statement of its own, for the reason given in `append`.
    rows = await connection.fetch(_HELD_ANEW, [row["page_id"] for row in known])
    changes = [
        NewChange(
            kind="updated",
            page_id=row["page_id"],
            reason=HOLDERS,
            version=row["seq"],
            document_id=row["document_id"],
            text_hash=row["text_hash"],
            evidence=_difference({*row["told"], left} - {None}, row["held_by"]),
        )
        for row in rows
    ]
    await append(connection, run_id, changes, now)


def _difference(before: Collection[str | None], now: Collection[str]) -> dict[str, object]:
    joined = sorted(set(now) - set(before))
    left = sorted(name for name in before if name is not None and name not in now)
    return {"joined": joined, "left": left}


async def erase(connection: Connection, pages: Collection[int]) -> None:
    """Turn what was told of pages into erasures: their numbers stay, so that the feed has no gap,
    and a reader that is behind deletes what it has of them."""
    await connection.execute(_ERASE.format("page_id = any($1::bigint[])"), list(pages))


async def erase_urls(connection: Connection, urls: Collection[str]) -> None:
    """The same of addresses, whose pages may be gone."""
    await connection.execute(_ERASE.format("url = any($1::text[])"), list(urls))


async def forget_texts(connection: Connection, run_id: str) -> None:
    """Take out the hashes of texts that an erasure erases and no document has any more: other
    pages had them once, too."""
    await connection.execute(
        """
        update changes c set text_hash = null from purge_blobs b
        where b.run_id = $1 and not b.gone and c.text_hash = b.hash
          and not exists (select from documents d where d.text_hash = b.hash)
        """,
        run_id,
    )


# In the order of numbers, in which a clean-up deletes. Who reads by a source that had released the
# page has to delete it, too.
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
# What was told before is past its retention: then nobody reads on from there.
_HELD_ANEW = """
    select v.page_id, v.seq, v.document_id, d.text_hash, coalesce(c.sources, '{}') as told,
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
    with told as (
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
