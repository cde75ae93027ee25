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


async def told_of(connection: Connection, pages: Collection[int]) -> set[int]:
    """Those of the pages that the feed has a change of."""
    rows = await connection.fetch(
        "select o.page_id from unnest($1::bigint[]) as o(page_id) "
        "where exists (select from changes c where c.page_id = o.page_id)",
        list(pages),
    )
    return {row["page_id"] for row in rows}


async def erase(connection: Connection, pages: Collection[int], urls: Collection[str] = ()) -> None:
    """Turn what was told of pages (by number or URL) into erasures: their numbers stay, so that
    the feed has no gap, and a reader that is behind deletes what it has of them."""
    await connection.execute(
        """
        with mine as materialized (
            select number from changes where page_id = any($1::bigint[])
            union select number from changes where url = any($2::text[]) order by 1),
        locked as materialized (  -- in order: a clean-up deletes in that order
            select number from changes where number = any(array(select number from mine))
            order by number for update)
        update changes c
        set kind = 'erased', url = null, version = null, document_id = null, text_hash = null,
            reason = 'erased', evidence = null, run_id = null, workflow_id = null
        from locked where c.number = locked.number
          and not (c.kind = 'erased' and c.text_hash is null)
        """,
        list(pages),
        list(urls),
    )


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
