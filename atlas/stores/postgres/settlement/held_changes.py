"""Changes that may be a site's bad day: they wait for their run's end, and are held or settled.

A page that waits stays `processed`, its claim in the lane `run_queue.WAITING`, where no lane of the
run takes it up and no other run writes; its prepared text stays, too. So a crash loses nothing,
and the end of the run (of a dead one, too) releases it like every claim.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import asyncpg

from atlas.domain.cut_bodies import is_cut
from atlas.domain.errors import HELD, ErrorClass, PageError
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue

if TYPE_CHECKING:
    from atlas.domain.suspicious_bodies import BodyChange, Suspicion

_SAID = {
    "suspicious_body": "answered with a text that other pages of the run answered with, too (a "
    "login, block or error page?); its old version stays live",
    "cut_body": "the body ends in the middle, as those of other pages of the run do; its old "
    "version stays live",
}
_CLASS = {"suspicious_body": ErrorClass.BLOCKED, "cut_body": ErrorClass.TRANSIENT}


async def put_off(
    connection: Connection, run_id: str, pages: Collection[int], *, force: bool = False
) -> set[int]:
    """Let the pages (locked before) wait whose change is to be looked at with the others of the
    run. Of a run of no source, which sees few of a source's pages or many stored ones, skip those
    whose body was held before, unless a person names the document and forces it. Returns both."""
    run = await connection.fetchrow("select source_name, kind from runs where run_id = $1", run_id)
    if run is None or not run["source_name"]:
        accepted = run is not None and run["kind"] == "process_document" and force
        return set() if accepted else await _skip_held(connection, run_id, pages)
    rows = await connection.fetch(_CHANGED, run_id, list(pages))
    cut = await _cut(connection, rows)
    waiting = await _waiting(connection, run_id, rows, cut)
    if waiting:
        await _let_wait(connection, run_id, waiting, cut)
    return waiting


async def decide(connection: Connection, run_id: str) -> tuple[int, dict[int, int]]:
    """Hold the waiting pages of a run that look like a bad day; return how many, and page → fence
    of the rest, which are edits."""
    async with connection.transaction():
        # Locked until all are judged: an end of the run meanwhile waits, and finds them decided.
        rows = await connection.fetch(
            "select page_id, fence from page_state where claim_run = $1 and claim_lane = $2 "
            "order by page_id for update",
            run_id,
            run_queue.WAITING,
        )
        fences = {row["page_id"]: row["fence"] for row in rows}
        if not fences:
            return 0, {}
        held = await _held(connection, run_id, fences)
        await _hold(connection, run_id, held)
    return len(held), {page: fence for page, fence in fences.items() if page not in held}


async def held_of(connection: Connection, run_id: str) -> dict[str, list[str]]:
    """Code → URLs of the pages whose new text the run held."""
    rows = await connection.fetch(
        "select error_code, array_agg(url order by url) as urls from run_pages "
        "where run_id = $1 and outcome = 'skipped' and error_code = any($2) "
        "group by error_code order by error_code desc",
        run_id,
        list(HELD),
    )
    return {row["error_code"]: row["urls"] for row in rows}


async def _skip_held(connection: Connection, run_id: str, pages: Collection[int]) -> set[int]:
    rows = await connection.fetch(
        "select page_id from prepared w join page_state ps using (page_id) "
        "where page_id = any($1::bigint[]) and w.snapshot = ps.held_snapshot",
        list(pages),
    )
    held = [row["page_id"] for row in rows]
    if held:
        await run_queue.skip(connection, run_id, held, HELD[0])
    return set(held)


async def _waiting(
    connection: Connection, run_id: str, rows: Sequence[asyncpg.Record], cut: Collection[int]
) -> set[int]:
    new = any(row["old_hash"] is None for row in rows)
    earlier = await _those_waiting(connection, run_id) if new else []
    if not earlier and not any(map(_differs, rows)):
        return set()
    from atlas.domain.suspicious_bodies import alike, waits  # numpy: 0.3 s and 15 MB

    changes = [_change(row, row["page_id"] in cut) for row in rows]
    found = {change.page for change in changes if waits(change)}
    others = [_change(row, row["cut"]) for row in earlier]
    others += [change for change in changes if change.page in found]
    return found | set(alike([change for change in changes if change.before is None], others))


def _differs(row: asyncpg.Record) -> bool:
    return row["old_hash"] is not None and row["old_hash"] != row["text_hash"]


async def _held(connection: Connection, run_id: str, pages: Iterable[int]) -> dict[int, Suspicion]:
    from atlas.domain.suspicious_bodies import held  # numpy: 0.3 s and 15 MB

    rows = await connection.fetch(_CHANGED, run_id, list(pages))
    looked_at = await connection.fetchval(_LOOKED_AT, run_id, list(HELD))
    changes = [_change(row, row["cut"]) for row in rows]
    # Of 50,000 changes that takes seconds, during which heartbeats must continue.
    return await asyncio.to_thread(held, changes, looked_at)


def _change(row: asyncpg.Record, cut: bool) -> BodyChange:
    from atlas.domain.suspicious_bodies import BodyChange  # numpy: 0.3 s and 15 MB

    return BodyChange(
        page=row["page_id"],
        text=row["text_hash"],
        signature=row["signature"],
        before=row["old_hash"],
        before_signature=row["old_signature"] or b"",
        cut=cut,
        stands_for=max(1, row["stands_for"]),
    )


async def _cut(connection: Connection, rows: Sequence[asyncpg.Record]) -> set[int]:
    """Those of the pages whose new text is a part of the live one. Texts are read only where no
    end of the body was seen."""
    endless = [row for row in rows if row["ended"] is not True and _differs(row)]
    if not endless:
        return set()
    texts = await connection.fetch(
        """
        select o.page_id, d.text, d.ended, old.text as old_text, old.ended as old_ended
        from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as o(page_id, document, before)
        join documents d on d.id = o.document join documents old on old.id = o.before
        """,
        *[[row[name] for row in endless] for name in ("page_id", "document_id", "old_document")],
    )
    return {
        row["page_id"]
        for row in texts
        if is_cut(row["text"], row["old_text"], ended=row["ended"], before_ended=row["old_ended"])
    }


async def _those_waiting(connection: Connection, run_id: str) -> list[asyncpg.Record]:
    rows = await connection.fetch(
        "select page_id from page_state where claim_run = $1 and claim_lane = $2 "
        "order by page_id limit 128",
        run_id,
        run_queue.WAITING,
    )
    return list(await connection.fetch(_CHANGED, run_id, [row["page_id"] for row in rows]))


async def _let_wait(
    connection: Connection, run_id: str, pages: Collection[int], cut: Collection[int]
) -> None:
    await connection.execute(
        "update page_state set claim_run = $1, claim_lane = $2, claim_number = 0, "
        "fence = fence + 1 where page_id = any($3::bigint[])",
        run_id,
        run_queue.WAITING,
        list(pages),
    )
    await connection.execute(
        "update prepared set cut = page_id = any($2::bigint[]) where page_id = any($1::bigint[])",
        list(pages),
        list(cut),
    )


async def _hold(connection: Connection, run_id: str, held: dict[int, Suspicion]) -> None:
    if not held:
        return
    pages = list(held)
    await connection.execute(
        "update page_state ps set held_snapshot = w.snapshot from prepared w "
        "where w.page_id = ps.page_id and ps.page_id = any($1::bigint[])",
        pages,
    )
    await connection.execute("delete from prepared where page_id = any($1::bigint[])", pages)
    ended = [
        (page, "skipped", PageError(_CLASS[code.value], code.value, _SAID[code.value]))
        for page, code in held.items()
    ]
    await run_queue.finish(connection, run_id, ended)


# What each page says now and said before: itself; or, of one without a live text, the first of the
# live pages that lead to it, whose readers would see it. A body that is the settled one brings no
# change of the site's, whatever a newer extractor makes of it.
_CHANGED = f"""
    select w.page_id, w.document_id, w.signature, w.cut, d.text_hash, d.ended,
           old.id as old_document, old.text_hash as old_hash, s.signature as old_signature,
           led.pages as stands_for
    from prepared w
    join run_pages rp on rp.run_id = $1 and rp.page_id = any($2::bigint[])
         and rp.page_id = w.page_id and {run_queue.STAGE} = 'processed'
    join page_state mine on mine.page_id = w.page_id
         and mine.settled_snapshot is distinct from w.snapshot
    join documents d on d.id = w.document_id
    left join versions own on own.page_id = w.page_id and own.valid_to is null
    cross join lateral (
        select (own.page_id is not null)::int + count(*) as pages, min(v.page_id) as first
        from page_state ps join versions v on v.page_id = ps.page_id and v.valid_to is null
        join run_pages here on here.run_id = $1 and here.page_id = ps.page_id
        where ps.redirect_to = w.page_id and here.error_code = 'redirected'
    ) led
    left join versions theirs on theirs.page_id = led.first and theirs.valid_to is null
    left join documents old on old.id = coalesce(own.document_id, theirs.document_id)
    left join sketches s on s.text_hash = old.text_hash
    where w.page_id = any($2::bigint[])
    order by w.page_id
"""  # noqa: S608 (a constant of run_queue)

_LOOKED_AT = """
    select count(*) from run_pages rp
    join versions v on v.page_id = rp.page_id and v.valid_to is null
    where rp.run_id = $1
      and (rp.stage = 'processed' or rp.outcome in ('updated', 'unchanged')
           or rp.error_code like 'redirected%' or rp.error_code = any($2))
"""
