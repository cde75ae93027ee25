"""Changes that may be a site's bad day: they wait for their run's end, and are held or settled.

A page that waits stays `processed`, its claim in the lane `run_queue.WAITING`, where no lane of the
run takes it up and no other run writes; its prepared text stays, too. So a crash loses nothing,
and the end of the run (of a dead one, too) releases it like every claim.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from atlas.domain.errors import HELD, NOINDEX
from atlas.domain.removal import held_looks
from atlas.domain.removal.bad_bodies.kinds import BodyKind, BodyVerdict
from atlas.domain.removal.cut_bodies import is_cut
from atlas.domain.removal.removal_rules import brake
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.settlement import held_bodies

if TYPE_CHECKING:
    from atlas.domain.batch import PreparedPage
    from atlas.domain.removal.suspicious_bodies import BodyChange

_SAID = {
    "suspicious_body": "answered with a text that other pages of the run have, too, or had "
    "before (a login, block or error page, or a cache that mixed them up?)",
    "cut_body": "the body ends in the middle of what was there before",
}
_KEPT = "; its old version stays live"
_LEFT_OUT = "; it was not added to the corpus"
_MOST_GONE = 0.3
"""Share of the text before below which a body that may be bad took most of it away."""
_LONG_BEFORE = 400
"""Characters of a text of which a part can be missed."""

Reasons = dict[int, tuple[str, str]]
"""Page → code and words of why its body is held."""


async def before_noindex(
    connection: Connection, run_id: str, pages: Sequence[PreparedPage]
) -> list[PreparedPage]:
    """Let bodies that are not the page be held although they ask for no index, as logins and checks
    for humans do: else they would take a live page out of the corpus, as if it had asked for it. A
    page that has no live text is left out in either case."""
    asking = {page.page_id: _kind_without_index(page) for page in pages}
    asking = {page: kind for page, kind in asking.items() if kind}
    if not asking:
        return list(pages)
    rows = await connection.fetch(
        "select v.page_id, d.taken_for from versions v join documents d on d.id = v.document_id "
        "where v.valid_to is null and v.page_id = any($2::bigint[]) "
        "and exists (select from runs where run_id = $1 and source_name <> '' "
        "and kind <> 'push_documents')",
        run_id,
        list(asking),
    )
    live = {row["page_id"] for row in rows if row["taken_for"] != asking[row["page_id"]]}
    return [
        replace(page, error=None, noindex=True) if page.page_id in live else page for page in pages
    ]


def _kind_without_index(page: PreparedPage) -> str | None:
    """What a body that asks for no index surely is instead of the page."""
    if page.prepared is None or page.error is None or page.error.code != NOINDEX:
        return None
    verdict = page.prepared.extracted.verdict
    return verdict.kind.value if verdict is not None and verdict.certain else None


async def put_off(
    connection: Connection, run_id: str, pages: Collection[int], now: datetime, *, force: bool
) -> set[int]:
    """Let the pages (locked before) wait whose change is to be looked at with the others of the
    run. Of a run of no source, which sees few of a source's pages or many stored ones, hold those
    that are not the page, or whose body was held before, unless a person names the document and
    forces it. Returns both."""
    run = await connection.fetchrow("select source_name, kind from runs where run_id = $1", run_id)
    if run is None or not run["source_name"]:
        accepted = run is not None and run["kind"] == "process_document" and force
        return set() if accepted else await _hold_unasked(connection, run_id, pages, now)
    rows = await connection.fetch(_CHANGED, run_id, list(pages))
    cut = await _cut(connection, rows)
    waiting = await _waiting(connection, run_id, rows, cut)
    if waiting:
        await _let_wait(connection, run_id, waiting, cut)
    return waiting


async def decide(connection: Connection, run_id: str, now: datetime) -> tuple[int, dict[int, int]]:
    """Hold the waiting pages of a run that look like a bad day, or that are not the page; return
    how many, and page → fence of the rest, which are edits."""
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
        changed = await connection.fetch(_CHANGED, run_id, list(fences))
        held, many = await _held(connection, run_id, changed)
        counted = await _looks(connection, run_id, changed, held, now)
        if not many:  # what many pages answer is a bad day however often it is seen
            hidden = {row["page_id"] for row in changed if row["noindex"]}
            real = {
                page
                for page, looks in counted.items()
                if held_looks.is_real(looks.policy, looks.count, first=looks.first, now=now)
            } - hidden
            held = {page: reason for page, reason in held.items() if page not in real}
        await held_bodies.hold(connection, run_id, held, counted)
    return len(held), {page: fence for page, fence in fences.items() if page not in held}


async def is_bad_day(connection: Connection, run_id: str) -> bool:
    """Whether the run held the bodies of so many live pages that its site had a bad day."""
    row = await connection.fetchrow(_HELD_OF_RUN, run_id, list(HELD))
    if row is None or not row["pages"]:
        return False
    looked_at = await connection.fetchval(_LOOKED_AT, run_id, list(HELD))
    return bool(row["shared"]) or brake(int(row["pages"]), looked_at)


async def _hold_unasked(
    connection: Connection, run_id: str, pages: Collection[int], now: datetime
) -> set[int]:
    rows = await connection.fetch(
        "select page_id, h.code from prepared w join page_state ps using (page_id) "
        "left join held_bodies h using (page_id) "
        "where page_id = any($1::bigint[]) and w.snapshot = ps.held_snapshot",
        list(pages),
    )
    before = {row["page_id"]: row["code"] or HELD[0] for row in rows}
    for code in set(before.values()):
        again = [page for page, its in before.items() if its == code]
        await run_queue.skip(connection, run_id, again, code)
    changed = await connection.fetch(_CHANGED, run_id, [p for p in pages if p not in before])
    bad = _not_the_page(changed)
    await held_bodies.hold(
        connection, run_id, bad, await _looks(connection, run_id, changed, bad, now)
    )
    return {*before, *bad}


async def _looks(
    connection: Connection,
    run_id: str,
    rows: Sequence[asyncpg.Record],
    held: Mapping[int, tuple[str, str]],
    now: datetime,
) -> dict[int, held_bodies.Looks]:
    signatures = {
        row["page_id"]: (row["document_id"], row["signature"])
        for row in rows
        if row["page_id"] in held
    }
    return await held_bodies.looks(connection, run_id, signatures, now)


def _not_the_page(rows: Sequence[asyncpg.Record], shared: Collection[int] = ()) -> Reasons:
    """The pages whose new body was recognised as something else than the page. `shared`: those
    whose text other pages of the run have, too: evidence enough beside any other."""
    found: Reasons = {}
    for row in rows:
        if not row["taken_for"] or (_is_as_before(row) and not row["noindex"]):
            continue
        verdict = BodyVerdict(BodyKind(row["taken_for"]), tuple(row["taken_why"] or ()))
        shrunk = _most_is_gone(row)
        if not (row["taken_surely"] or shrunk or row["page_id"] in shared):
            continue
        left = f"; {row['length']} of {row['old_length']} characters are left" if shrunk else ""
        kept = _KEPT if row["old_hash"] is not None else _LEFT_OUT
        found[row["page_id"]] = (row["taken_for"], f"answered with {verdict.says}{left}{kept}")
    return found


def _doubtful_and_new(rows: Sequence[asyncpg.Record]) -> set[int]:
    """Pages without a live text whose body may not be the page: enough, if several have it."""
    return {row["page_id"] for row in rows if row["taken_for"] and row["old_hash"] is None}


def _is_as_before(row: asyncpg.Record) -> bool:
    """Whether the live text is of the same kind, or nearly the same: then that is the page."""
    if row["own_text"] is None:
        return False
    if row["own_text"] == row["text_hash"] or row["old_taken_for"] == row["taken_for"]:
        return True
    from atlas.domain.removal.suspicious_bodies import (  # numpy: 0.3 s and 15 MB
        ORDINARY,
        resemblance,
    )

    return resemblance(row["signature"], row["old_signature"] or b"") >= ORDINARY


def _most_is_gone(row: asyncpg.Record) -> bool:
    before = row["old_length"] or 0
    return before >= _LONG_BEFORE and row["length"] < _MOST_GONE * before


def _cut_short(rows: Sequence[asyncpg.Record]) -> Reasons:
    """The pages whose body lost the end that the live one had, and says nothing new."""
    return {
        row["page_id"]: ("cut_body", f"{_SAID['cut_body']}{_KEPT}")
        for row in rows
        if row["cut"] and row["ended"] is False and row["old_ended"]
    }


async def _waiting(
    connection: Connection, run_id: str, rows: Sequence[asyncpg.Record], cut: Collection[int]
) -> set[int]:
    new = any(row["old_hash"] is None for row in rows)
    earlier = await _those_waiting(connection, run_id) if new else []
    if not earlier and not any(map(_differs, rows)) and not any(r["taken_for"] for r in rows):
        return set()
    from atlas.domain.removal.suspicious_bodies import alike, waits  # numpy: 0.3 s and 15 MB

    changes = [_change(row, row["page_id"] in cut) for row in rows]
    found = {change.page for change in changes if waits(change)} | set(_not_the_page(rows))
    found |= _doubtful_and_new(rows)
    others = [_change(row, row["cut"]) for row in earlier]
    others += [change for change in changes if change.page in found]
    return found | set(alike([change for change in changes if change.before is None], others))


def _differs(row: asyncpg.Record) -> bool:
    return row["old_hash"] is not None and row["old_hash"] != row["text_hash"]


async def _held(
    connection: Connection, run_id: str, rows: Sequence[asyncpg.Record]
) -> tuple[Reasons, bool]:
    """What is held and why; and whether those are so many that it is the site's bad day."""
    from atlas.domain.removal.suspicious_bodies import (  # numpy: 0.3 s and 15 MB
        held,
        repeated,
        shared,
    )

    looked_at, answered = await connection.fetchrow(_ANSWERED, run_id, list(HELD)) or (0, 0)
    changes = [_change(row, row["cut"]) for row in rows]
    # Of 50,000 changes that takes seconds, during which heartbeats must continue.
    together = await asyncio.to_thread(held, changes, looked_at)
    new = _doubtful_and_new(rows)
    alike = set(await asyncio.to_thread(shared, changes))
    alike |= set(repeated([change for change in changes if change.page in new]))
    reasons: Reasons = {
        page: (code.value, f"{_SAID[code.value]}{_KEPT}") for page, code in together.items()
    }
    reasons |= _cut_short(rows) | _not_the_page(rows, alike)
    weight = sum(
        change.stands_for
        for change in changes
        if change.page in reasons and change.before is not None
    )
    many = bool(together) or brake(weight, looked_at) or brake(len(reasons), answered)
    return reasons, many


def _change(row: asyncpg.Record, cut: bool) -> BodyChange:
    from atlas.domain.removal.suspicious_bodies import BodyChange  # numpy: 0.3 s and 15 MB

    return BodyChange(
        page=row["page_id"],
        text=row["text_hash"],
        signature=row["signature"],
        before=row["old_hash"],
        before_signature=row["old_signature"] or b"",
        cut=cut,
        stands_for=max(1, row["stands_for"]),
        elsewhere=row["elsewhere"],
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


# What each page says now and said before: itself; or, of one without a live text, the first of the
# live pages that lead to it, whose readers would see it. A body that is the settled one brings no
# change of the site's, whatever a newer extractor or other rules of its source make of it; nor does
# one that differs in nothing but what these rules ignore.
_CHANGED = f"""
    select w.page_id, w.document_id, w.signature, w.cut, w.noindex, d.text_hash, d.ended,
           d.taken_for, d.taken_why, d.taken_surely, length(d.text) as length,
           old.id as old_document, old.text_hash as old_hash, s.signature as old_signature,
           old.ended as old_ended, old.taken_for as old_taken_for, length(old.text) as old_length,
           case when own.page_id is not null then old.text_hash end as own_text,
           led.pages as stands_for,
           exists (select from documents o
                   join versions ov on ov.document_id = o.id and ov.valid_to is null
                   where o.text_hash = d.text_hash and o.page_id <> w.page_id) as elsewhere
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
      and not exists (select from documents same where same.id = own.document_id
                      and same.compared = d.compared and same.rules is not distinct from d.rules)
    order by w.page_id
"""  # noqa: S608 (a constant of run_queue)

_LOOKED_AT = """
    select count(*) from run_pages rp
    join versions v on v.page_id = rp.page_id and v.valid_to is null
    where rp.run_id = $1
      and (rp.stage = 'processed' or rp.outcome in ('updated', 'unchanged')
           or rp.error_code like 'redirected%' or rp.error_code = any($2))
"""

# Beside those: all pages that answered with a body.
_ANSWERED = f"""
    select ({_LOOKED_AT}) as looked_at,
           (select count(*) from run_pages rp where rp.run_id = $1
              and (rp.stage = 'processed' or rp.outcome in ('added', 'updated', 'unchanged')
                   or rp.error_code = any($2))) as answered
"""  # noqa: S608 (a constant of this module)

# Live pages whose readers would have seen a held body, and whether one was held for being shared.
_HELD_OF_RUN = """
    select coalesce(sum((v.page_id is not null)::int + (
               select count(*) from page_state ps
               join versions lv on lv.page_id = ps.page_id and lv.valid_to is null
               join run_pages here on here.run_id = $1 and here.page_id = ps.page_id
               where ps.redirect_to = rp.page_id and here.error_code = 'redirected')), 0) as pages,
           bool_or(rp.error_code = 'suspicious_body') as shared
    from run_pages rp
    left join versions v on v.page_id = rp.page_id and v.valid_to is null
    where rp.run_id = $1 and rp.outcome = 'skipped' and rp.error_code = any($2)
"""
