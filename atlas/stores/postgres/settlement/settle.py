"""Settling: one transaction makes documents, versions, links and clusters agree.

Lock order everywhere: page rows (by id), then SETTLE, and last of all the row that numbers changes
(`changes/change_log.py`). SETTLE lets one settlement at a time decide which
texts are live, so that two lanes cannot both believe that the other still holds a text, or both
make a cluster's representative.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import asyncpg

from atlas.contracts.activities import Batch
from atlas.domain.measures import Settlement
from atlas.domain.removal.lifecycle import Evidence
from atlas.domain.texts import UNSEEN
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.changes.change_log import ChangeKind, NewChange
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.pages import quarantine, recheck_schedule
from atlas.stores.postgres.crawl.pages.pages import replace_links
from atlas.stores.postgres.lifecycle_sql import becomes
from atlas.stores.postgres.near_duplicates import clusters, marks
from atlas.stores.postgres.settlement import held_bodies, held_changes, undone_texts


@dataclass(frozen=True, slots=True)
class SettledPages:
    """What settling did, and the changes to append to the feed at the end of the transaction."""

    settlement: Settlement
    changes: Sequence[NewChange] = ()


@dataclass(frozen=True, slots=True)
class LeavingCause:
    """Why a page leaves, in a word, and what speaks for it."""

    reason: str
    evidence: Mapping[str, object] = field(default_factory=dict)


async def settle(
    connection: Connection, batch: Batch, fences: dict[int, int], now: datetime, *, decided: bool
) -> Settlement:
    """Settle the processed pages whose fence is still ours, and give them their outcome. A change
    that may be a bad day's waits for the others of its run, unless that is `decided`."""
    async with connection.transaction():
        held = await run_queue.lock(connection, fences)
        if not decided:
            held -= await undone_texts.hold(connection, batch.run_id, held, now, force=batch.force)
            held -= await held_changes.put_off(
                connection, batch.run_id, held, now, force=batch.force
            )
        await lock_corpus(connection)
        settled = await settle_prepared(connection, batch.run_id, held, now)
        await change_log.append(connection, batch.run_id, settled.changes, now)
    return settled.settlement


async def settle_prepared(
    connection: Connection,
    run_id: str,
    pages: Collection[int],
    now: datetime,
    *,
    restored: bool = False,
) -> SettledPages:
    """Settle the prepared among the pages, which are locked, under `lock_corpus`; the caller
    appends the changes. What is `restored` comes from a version: nothing was seen of the page, so
    no check is counted, and that version comes back even if it differs only in what is ignored."""
    rows = await _prepared(connection, run_id, sorted(pages))
    if not rows:
        return SettledPages(Settlement({}))
    return await _settle_rows(connection, run_id, rows, now, restored=restored)


async def lock_corpus(connection: Connection) -> None:
    """Keep all others from changing the live texts until the transaction ends."""
    await clusters.hold_texts(connection)


def _leads(row: str) -> str:
    """SQL: where the links of a row lead, as a reader would notice: what stands behind a `?` or `#`
    is a token or a position as often as not, and some links are apart from the text."""
    return (
        "array(select distinct split_part(split_part(n.link, '#', 1), '?', 1)"  # noqa: S608
        f" from unnest({row}.links, {row}.rels) as n(link, rel)"
        f" where n.rel not like '{UNSEEN}%' order by 1)"
    )


async def _prepared(
    connection: Connection, run_id: str, pages: Sequence[int]
) -> list[asyncpg.Record]:
    return list(
        await connection.fetch(
            f"""
            select w.*, d.text_hash, d.extractor, d.rules, v.document_id as old_document,
                   v.seq as old_version, od.text_hash as old_hash, od.rules as old_rules,
                   d.revision <> d.revision_told as revised, h.code as accepted, h.looks,
                   d.id <> od.id and d.compared = od.compared
                       and d.rules is not distinct from od.rules
                       and d.extractor = od.extractor and not ps.links_unread
                       as differs_in_ignored,
                   (w.links, w.rels) is distinct from (l.links, l.rels) as relinked,
                   (w.links, w.rels) is distinct from (l.links, l.rels)
                       and {_leads("w")} is distinct from {_leads("l")} as leads_elsewhere
            from prepared w
            join run_pages rp on rp.run_id = $1 and rp.page_id = any($2::bigint[])
                and rp.page_id = w.page_id
            join documents d on d.id = w.document_id
            join page_state ps on ps.page_id = w.page_id
            left join versions v on v.page_id = w.page_id and v.valid_to is null
            left join documents od on od.id = v.document_id
            left join held_bodies h on h.page_id = w.page_id and h.document_id = w.document_id
            left join lateral (
                select coalesce(array_agg(target order by ordinal), '{{}}') as links,
                       coalesce(array_agg(rel order by ordinal), '{{}}') as rels
                from links where page_id = w.page_id
            ) l on true
            where w.page_id = any($2::bigint[]) and {run_queue.STAGE} = 'processed'
            order by w.page_id
            """,  # noqa: S608 (a constant of `run_queue`)
            run_id,
            list(pages),
        )
    )


async def _settle_rows(
    connection: Connection,
    run_id: str,
    rows: Sequence[asyncpg.Record],
    now: datetime,
    *,
    restored: bool,
) -> SettledPages:
    outcomes = {row["page_id"]: _outcome(row, restored) for row in rows}
    entering = [row for row in rows if restored or not row["differs_in_ignored"]]
    changed = [row for row in entering if row["document_id"] != row["old_document"]]
    opened = await _open_versions(connection, run_id, changed, now, restored=restored)
    await replace_links(connection, [row for row in rows if row["relinked"]])
    joined = await _enter_texts(connection, entering)
    await leave_texts(connection, [row["old_hash"] for row in changed if row["old_hash"]])
    await marks.unmark(
        connection, [row["page_id"] for row in changed if row["old_hash"] != row["text_hash"]]
    )
    if not restored:
        is_changed = {page: outcome != "unchanged" for page, outcome in outcomes.items()}
        await recheck_schedule.plan_processed(connection, run_id, is_changed, now)
    await _mark_settled(connection, rows, now, entering)
    ended = await run_queue.finish(
        connection, run_id, [(page, outcome, None) for page, outcome in outcomes.items()]
    )
    await quarantine.lift(connection, [row["page_id"] for row in rows])
    await connection.execute(
        "delete from prepared where page_id = any($1::bigint[])", [row["page_id"] for row in rows]
    )
    if len(entering) < len(rows):
        await _forget_unused(connection, [row["document_id"] for row in rows])
    given = sum(row["text_hash"] != row["old_hash"] for row in entering)
    settlement = Settlement(ended, exact=max(0, given - joined.fresh), near=joined.alike)
    for_feed = [row for row in entering if row["page_id"] in opened or row["revised"]]
    if revised := [row["document_id"] for row in for_feed if row["revised"]]:
        await connection.execute(
            "update documents set revision_told = revision where id = any($1::bigint[])", revised
        )
    return SettledPages(settlement, [_change(row, opened, restored=restored) for row in for_feed])


def _change(row: asyncpg.Record, opened: Mapping[int, int], *, restored: bool) -> NewChange:
    version = opened.get(row["page_id"], row["old_version"])
    kind, reason = _why_changed(row, version, restored=restored)
    evidence = {"taken_for": row["accepted"], "looks": row["looks"]} if row["accepted"] else {}
    return NewChange(
        kind=kind,
        page_id=row["page_id"],
        reason=reason,
        version=version,
        document_id=row["document_id"],
        text_hash=row["text_hash"],
        evidence=evidence,
    )


def _why_changed(row: asyncpg.Record, version: int, *, restored: bool) -> tuple[ChangeKind, str]:
    kind: ChangeKind = "added" if row["old_document"] is None else "updated"
    if restored and row["document_id"] != row["old_document"]:
        return "restored", "restored"
    if row["accepted"]:
        return kind, "accepted"
    if kind == "added":
        return kind, "new" if version == 1 else "returned"
    if row["document_id"] == row["old_document"]:
        return kind, "content"
    if row["rules"] != row["old_rules"]:
        return kind, "rules"
    return kind, "text" if row["text_hash"] != row["old_hash"] else "extractor"


async def _forget_unused(connection: Connection, documents: Sequence[int]) -> None:
    """Delete those of the documents (their pages are locked) that became no version: a page that
    counts its visitors brings one at every look."""
    await connection.execute(
        """
        delete from documents d where d.id = any($1::bigint[])
          and not exists (select from versions v where v.document_id = d.id)
          and not exists (select from prepared w where w.document_id = d.id)
          and not exists (select from held_bodies h where h.document_id = d.id)
        """,
        list(documents),
    )


def _outcome(row: asyncpg.Record, restored: bool) -> str:
    if row["old_document"] is None:
        return "added"
    if row["differs_in_ignored"] and not restored:
        return "unchanged"
    if row["document_id"] != row["old_document"] or row["leads_elsewhere"]:
        return "updated"
    return "unchanged"


async def _open_versions(
    connection: Connection,
    run_id: str,
    rows: Sequence[asyncpg.Record],
    now: datetime,
    *,
    restored: bool,
) -> dict[int, int]:
    """Page → the number of its new version."""
    pages = [row["page_id"] for row in rows]
    await close_versions(connection, pages, now, run_id=run_id, closed_as="updated")
    opened = await connection.fetch(
        """
        insert into versions (page_id, seq, document_id, valid_from, opened_by, opened_as)
        select o.page_id,
               1 + coalesce((select max(seq) from versions v where v.page_id = o.page_id), 0),
               o.document_id,
               greatest($3, (select max(valid_to) from versions v where v.page_id = o.page_id)),
               $4, o.opened_as
        from unnest($1::bigint[], $2::bigint[], $5::text[]) as o(page_id, document_id, opened_as)
        returning page_id, seq
        """,
        pages,
        [row["document_id"] for row in rows],
        now,
        run_id,
        ["restored" if restored else _outcome(row, restored) for row in rows],
    )
    return {row["page_id"]: row["seq"] for row in opened}


async def close_versions(
    connection: Connection,
    pages: Sequence[int],
    now: datetime,
    *,
    run_id: str | None,
    closed_as: Literal["updated", "removed"],
) -> None:
    """No version ends before it begins, and none begins before the one before it ended, also where
    a clock was wrong. Its links stay with it: the page's own are replaced or deleted next, and a
    crawl goes on along those of a page that is restored."""
    await connection.execute(
        """
        update versions v
        set valid_to = greatest(v.valid_from, $2), closed_by = $3, closed_as = $4,
            links = array(select target from links l where l.page_id = v.page_id order by ordinal),
            rels = array(select rel from links l where l.page_id = v.page_id order by ordinal)
        where v.page_id = any($1::bigint[]) and v.valid_to is null
        """,
        list(pages),
        now,
        run_id,
        closed_as,
    )


async def _enter_texts(connection: Connection, rows: Sequence[asyncpg.Record]) -> clusters.Joined:
    """Cluster every distinct text of the batch; those there already stay as they are."""
    texts = {row["text_hash"]: row for row in rows}
    return await clusters.add(
        connection,
        [
            clusters.TextSketch(
                text_hash=text,
                bands=tuple(row["bands"]),
                signature=row["signature"],
                version=row["sketch_version"],
            )
            for text, row in sorted(texts.items())
        ],
    )


async def leave_texts(connection: Connection, texts: Sequence[bytes]) -> None:
    """Take texts that no live page holds any more out of the clusters.

    The caller holds SETTLE and has closed the versions that held them.
    """
    rows = await connection.fetch(
        """
        select o.text_hash from unnest($1::bytea[]) as o(text_hash)
        where not exists (
            select from documents d join versions v on v.document_id = d.id
            where d.text_hash = o.text_hash and v.valid_to is null)
        """,
        sorted(set(texts)),
    )
    leaving = [row["text_hash"] for row in rows]
    if leaving:
        await clusters.remove(connection, leaving)
    await clusters.refresh(connection, set(texts).difference(leaving))


async def _mark_settled(
    connection: Connection,
    rows: Sequence[asyncpg.Record],
    now: datetime,
    entering: Sequence[asyncpg.Record],
) -> None:
    """`entering`: those of the rows whose text is live from now on; of the others the old one is,
    since it differs in nothing but what is ignored."""
    new = {row["page_id"] for row in entering}
    await connection.execute(
        f"""
        update page_state
        set settled_snapshot = o.snapshot, settled_extractor = o.extractor,
            links_unread = false, settled_rules = o.rules, settled_at = $4,
            read_digest = o.read_digest, read_snapshot = o.snapshot,
            held_snapshot = null,
            -- Seen when its body came; what is settled of an older one is no look.
            seen_at = case when o.snapshot = fetched_snapshot
                      then greatest(seen_at, fetched_at) else seen_at end,
            noindex_count = 0, noindex_at = null, noindex_run = null, noindex_since = null,
            undone_text = case when o.changed then null else undone_text end,
            undone_signature = case when o.changed then null else undone_signature end,
            tombstoned_at = null,
            lifecycle = case when held_snapshot is not null and gone_count = 0
                then {becomes(Evidence.ACCEPTED)} else {becomes(Evidence.SETTLED)} end
        from unnest($1::bigint[], $2::bytea[], $3::int[], $5::boolean[], $6::bytea[], $7::bytea[])
            as o(page_id, snapshot, extractor, changed, rules, read_digest)
        where page_state.page_id = o.page_id
        """,  # noqa: S608 (made from the lifecycle's table)
        *[[row[name] for row in rows] for name in ("page_id", "snapshot", "extractor")],
        now,
        [row["page_id"] in new and row["text_hash"] != row["old_hash"] for row in rows],
        [row["rules"] for row in rows],
        [row["read_digest"] for row in rows],
    )
    await held_bodies.forget(connection, [row["page_id"] for row in rows])


async def bury(
    connection: Connection,
    pages: Sequence[int],
    now: datetime,
    *,
    causes: Mapping[int, LeavingCause],
    why: Evidence = Evidence.REMOVED,
    run_id: str | None = None,
) -> list[NewChange]:
    """Remove pages from the live corpus; their documents and versions stay as history.

    The caller is in a transaction, and appends the returned changes at its end: one for each live
    document that left, or, for an erasure, for each page of which anybody may have a text.
    `run_id` is the run that does it, `causes` say why each page leaves.
    """
    # Page rows by id, then SETTLE: the lock order at the top of this file.
    await run_queue.lock_rows(connection, pages)
    await lock_corpus(connection)
    erased = why is Evidence.ERASED
    rows = await connection.fetch(_LEAVING, list(pages), run_id, erased)
    live = [row for row in rows if row["version"] is not None]
    await close_versions(connection, pages, now, run_id=run_id, closed_as="removed")
    # A page that left because it asks for it still leads a crawl on.
    await connection.execute(
        "delete from links l using page_state ps where l.page_id = ps.page_id "
        "and ps.page_id = any($1::bigint[]) and ($2 or ps.noindex_count = 0)",
        list(pages),
        erased,
    )
    await leave_texts(connection, [row["text_hash"] for row in live])
    await marks.unmark(connection, pages)
    await connection.execute(
        f"""
        update page_state
        set lifecycle = {becomes(why)}, settled_snapshot = null, fence = fence + 1,
            read_digest = null, read_snapshot = null,
            tombstoned_at = coalesce(tombstoned_at, $2)
        where page_id = any($1::bigint[])
        """,  # noqa: S608 (made from the lifecycle's table)
        list(pages),
        now,
    )
    return [_left(row, causes[row["page_id"]], erased=erased) for row in rows]


def _left(row: asyncpg.Record, cause: LeavingCause, *, erased: bool) -> NewChange:
    held_by = tuple(row["held_by"])
    if erased:
        return NewChange("erased", row["page_id"], cause.reason, held_by=held_by)
    leads = {"to": row["leads_to"]} if cause.reason == "moved" and row["leads_to"] else {}
    return NewChange(
        kind="removed",
        page_id=row["page_id"],
        reason=cause.reason,
        version=row["version"],
        document_id=row["document_id"],
        text_hash=row["text_hash"],
        evidence={**cause.evidence, **leads},
        held_by=held_by,
    )


# Pages that lose a live document. For an erasure ($3), also those that had one, as far as anybody
# can know: a reader may keep what it read before, even one that reads by a former source.
_LEAVING = """
    select ps.page_id, v.seq as version, v.document_id, d.text_hash, t.url as leads_to,
           array(
               select s.name from sources s where s.id in (
                   select source_id from source_pages sp where sp.page_id = ps.page_id
                   union select source_id from former_holds f
                   where f.page_id = ps.page_id and ($3 or f.released_by = $2))
               union select unnest(c.sources) from changes c
               where $3 and c.page_id = ps.page_id) as held_by
    from page_state ps
    left join versions v on v.page_id = ps.page_id and v.valid_to is null
    left join documents d on d.id = v.document_id
    left join pages t on t.id = ps.redirect_to
    where ps.page_id = any($1::bigint[])
      and (v.page_id is not null or $3 and (
          ps.lifecycle <> 'discovered'
          or exists (select from versions o where o.page_id = ps.page_id)
          or exists (select from changes c where c.page_id = ps.page_id)))
    order by ps.page_id
"""
