"""Restoring: a version becomes the page's live text again, as a new version after those it had.

The lock order is that of `settle.py`: page rows by id, then SETTLE. The page, its cluster, the hold
of its source and the evidence against it change in one transaction, so that no run finds a restored
page with the evidence that took it away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.measures import Settlement
from atlas.domain.removal.lifecycle import Evidence
from atlas.domain.removal.version_choice import REASONS
from atlas.domain.versions import SKETCH_VERSION
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.changes.change_log import NewChange
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import blob_index
from atlas.stores.postgres.lifecycle_sql import becomes
from atlas.stores.postgres.settlement import settle

if TYPE_CHECKING:
    from atlas.domain.similarity.sketches import Sketch


@dataclass(frozen=True, slots=True)
class ChosenText:
    """The text of a version that was chosen, by the document that has it."""

    text_hash: bytes
    document: int
    size: int
    """Bytes as stored; what the text takes once read is a few times as much."""


async def read(connection: Connection, texts: Sequence[ChosenText]) -> dict[bytes, str]:
    """The texts themselves, by hash."""
    rows = await connection.fetch(
        "select text_hash, text from documents where id = any($1::bigint[])",
        [text.document for text in texts],
    )
    return {row["text_hash"]: row["text"] for row in rows}


async def chosen(
    connection: Connection, run_id: str, pages: Sequence[int]
) -> dict[int, ChosenText]:
    """Page → the text chosen for it; without those whose version was deleted since."""
    rows = await connection.fetch(
        """
        select o.page_id, d.id as document, d.text_hash, pg_column_size(d.text) as size
        from run_restores o join versions v on v.page_id = o.page_id and v.seq = o.seq
        join documents d on d.id = v.document_id
        where o.run_id = $1 and o.page_id = any($2::bigint[]) order by o.page_id
        """,
        run_id,
        list(pages),
    )
    return {
        row["page_id"]: ChosenText(row["text_hash"], row["document"], row["size"]) for row in rows
    }


async def restore(
    connection: Connection,
    run_id: str,
    fences: Mapping[int, int],
    found: Mapping[int, Sketch],
    now: datetime,
) -> Settlement:
    """Make the chosen versions of pages live again, with the sketches `found` of their texts;
    those that cannot be, end with the reason."""
    async with connection.transaction():
        held = sorted(await run_queue.lock(connection, fences))
        # Under the page's lock: what was chosen may be gone, and what was live may be another.
        rows = await connection.fetch(_CHOSEN, run_id, held)
        ended = await run_queue.finish(connection, run_id, _refused(rows, held, found))
        ready = [row for row in rows if not _changed(row) and row["page_id"] in found]
        if not ready:
            return Settlement(ended)
        pages = [row["page_id"] for row in ready]
        await settle.lock_corpus(connection)
        undone = await connection.fetch(_UNDONE, pages)
        await _prepare(connection, ready, found)
        await run_queue.advance(connection, run_id, pages, "processed")
        settled = await settle.settle_prepared(connection, run_id, pages, now, restored=True)
        await _forget_evidence(connection, ready, now)
        await _remember_undone(connection, undone)
        await _hold_again(connection, run_id, pages, now)
        changes = [_from_version(change, ready) for change in settled.changes]
        await change_log.append(connection, run_id, changes, now)
        # One that was live all along may have got a holder back.
        await change_log.append_holders(connection, run_id, pages, now)
    done = settled.settlement
    return Settlement(ended + Counter(done.outcomes), done.exact, done.near)


def _from_version(change: NewChange, chosen: Sequence[asyncpg.Record]) -> NewChange:
    seq = next(row["seq"] for row in chosen if row["page_id"] == change.page_id)
    return replace(change, evidence={**change.evidence, "version": seq})


def _changed(row: asyncpg.Record) -> bool:
    """Whether another run has changed the page since it was selected."""
    return row["live"] not in (row["live_then"], row["document_id"])


def _refused(
    rows: Sequence[asyncpg.Record], held: Sequence[int], found: Mapping[int, Sketch]
) -> list[tuple[int, str, PageError | None]]:
    known = {row["page_id"] for row in rows}
    refused: list[tuple[int, str, PageError | None]] = [
        (page, "failed", _error("version_expired")) for page in held if page not in known
    ]
    for row in rows:
        if _changed(row):
            refused.append((row["page_id"], "skipped", _error("changed_since")))
        elif row["page_id"] not in found:
            refused.append((row["page_id"], "failed", _error("version_expired")))
    return refused


def _error(code: str) -> PageError:
    return PageError(ErrorClass.INVALID, code, REASONS[code])


async def _prepare(
    connection: Connection, rows: Sequence[asyncpg.Record], found: Mapping[int, Sketch]
) -> None:
    await connection.execute(
        "delete from prepared where page_id = any($1::bigint[])", [row["page_id"] for row in rows]
    )
    await connection.copy_records_to_table(
        "prepared",
        records=[_prepared_row(row, found[row["page_id"]]) for row in rows],
        columns=(
            *("page_id", "document_id", "snapshot", "sketch_version"),
            *("bands", "signature", "links", "rels"),
        ),
    )


def _prepared_row(row: asyncpg.Record, sketch: Sketch) -> tuple[object, ...]:
    return (
        *(row["page_id"], row["document_id"], row["snapshot"], SKETCH_VERSION),
        *(list(sketch.bands), sketch.signature, row["links"] or [], row["rels"] or []),
    )


async def _forget_evidence(
    connection: Connection, rows: Sequence[asyncpg.Record], now: datetime
) -> None:
    """The page is live, nothing speaks against it, and it is due: its next look is the first one.

    Without validators: a 304 would say that the page is still what took the restored text's place.
    `fetched_at` stays the last look's: else `snapshot_reuse.py` would take what that look brought
    for a newer body than the restored one.
    """
    bodies = await blob_index.hold(connection, [row["snapshot"] for row in rows])
    await connection.execute(
        f"""
        update page_state
        set lifecycle = {becomes(Evidence.RESTORED)}, tombstoned_at = null, purged_at = null,
            gone_count = 0, gone_status = null, gone_at = null, gone_run = null, gone_since = null,
            moved_count = 0, moved_at = null, moved_run = null, moved_since = null,
            redirect_to = null, noindex_count = 0, noindex_at = null, noindex_run = null,
            noindex_since = null, robots_tag = '',
            failures = 0, failed_class = null, failed_code = null, next_due = $2,
            -- Links that are not known are read at the next look at the body.
            links_unread = not o.linked,
            fetched_snapshot = case when o.stored then o.snapshot end,
            fetched_type = f.content_type, fetched_charset = f.charset,
            given_title = f.given_title, rendered = coalesce(f.rendered, false),
            withdrawn_at = null,
            etag = null, last_modified = null
        from unnest($1::bigint[], $3::bytea[], $4::boolean[], $5::boolean[])
            as o(page_id, snapshot, stored, linked)
        left join lateral (
            select f.content_type, f.charset, f.given_title, f.rendered from fetches f
            where f.snapshot = o.snapshot and f.page_id = o.page_id
            order by f.fetched_at desc limit 1) f on true
        where page_state.page_id = o.page_id
        """,  # noqa: S608 (made from the lifecycle's table)
        [row["page_id"] for row in rows],
        now,
        [row["snapshot"] for row in rows],
        [row["snapshot"] in bodies for row in rows],
        [row["links"] is not None for row in rows],
    )
    await connection.execute(
        "update source_pages set absences = 0, absent_run = null, absent_at = null, "
        "absent_since = null where page_id = any($1::bigint[])",
        [row["page_id"] for row in rows],
    )


async def _remember_undone(connection: Connection, undone: Sequence[asyncpg.Record]) -> None:
    """Hold what was undone, should the page answer with it again: `undone_texts.py`."""
    await connection.execute(
        """
        update page_state ps
        set undone_text = o.text, undone_signature = o.signature
        from unnest($1::bigint[], $2::bytea[], $3::bytea[]) as o(page_id, text, signature)
        join versions v on v.page_id = o.page_id and v.valid_to is null
        join documents d on d.id = v.document_id
        where ps.page_id = o.page_id and d.text_hash <> o.text
        """,
        *[[row[each] for row in undone] for each in ("page_id", "text", "signature")],
    )


async def _hold_again(
    connection: Connection, run_id: str, pages: Sequence[int], now: datetime
) -> None:
    """Give pages back to the sources that released them, as they held them."""
    await connection.execute(
        """
        with former as (
            delete from former_holds where page_id = any($1::bigint[])
            returning source_id, page_id, depth, rule)
        insert into source_pages (source_id, page_id, depth, rule, listed_run, listed_at)
        select source_id, page_id, depth, rule, $2, $3 from former order by source_id, page_id
        on conflict do nothing
        """,
        list(pages),
        run_id,
        now,
    )


# The newest version is what readers saw last: where that is another text, it is what was undone.
_UNDONE = """
    select v.page_id, d.text_hash as text, s.signature
    from versions v join documents d on d.id = v.document_id
    left join sketches s on s.text_hash = d.text_hash
    where v.page_id = any($1::bigint[])
      and v.seq = (select max(seq) from versions m where m.page_id = v.page_id)
    order by v.page_id
"""

_CHOSEN = """
    select o.page_id, o.live as live_then, now.document_id as live, d.id as document_id,
           d.snapshot, v.links, v.rels, o.seq
    from run_restores o
    join versions v on v.page_id = o.page_id and v.seq = o.seq
    join documents d on d.id = v.document_id
    left join versions now on now.page_id = o.page_id and now.valid_to is null
    where o.run_id = $1 and o.page_id = any($2::bigint[])
    order by o.page_id
"""
