"""How findings are repaired: under the locks that every writer takes, and only where the check
still finds them then.

Lock order as in `settlement/settle.py`: page rows by id, then SETTLE.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from atlas.domain.audit_findings import Repair
from atlas.stores.postgres.audit.checks import CorpusCheck, found
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.changes.change_log import NewChange
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.near_duplicates import marks
from atlas.stores.postgres.settlement import settle

Apply = Callable[[Connection, list[str], datetime], Awaitable[object]]
"""Repairs what has these keys, in the caller's transaction, its locks taken."""


async def repaired(
    connection: Connection, check: CorpusCheck, keys: Sequence[str], now: datetime
) -> set[str]:
    """Repair what a check found, if it still does; return the keys that it finds no more."""
    apply = _APPLY.get(check.repair)
    if apply is None or not keys:
        return set()
    async with connection.transaction():
        await _lock(connection, check, keys)
        still = {each.key for each in await found(connection, check, ids_of(check, keys))}
        if still:
            await apply(connection, sorted(still & set(keys)), now)
        left = {each.key for each in await found(connection, check, ids_of(check, keys))}
    return set(keys) - left


def ids_of(check: CorpusCheck, keys: Sequence[str]) -> list[object]:
    """What a check takes, of the keys that it gave."""
    match check.scope:
        case "pages" if check.repair != "note_blob":
            return [int(key) for key in keys]
        case "texts":
            return [bytes.fromhex(key) for key in keys]
    return list(keys)


async def _lock(connection: Connection, check: CorpusCheck, keys: Sequence[str]) -> None:
    if check.scope == "pages":
        await run_queue.lock_rows(connection, [int(key) for key in keys])
    if check.repair == "release_lease":  # so that no run takes it between the look and the release
        await connection.fetch(
            "select from sources where name = any($1::text[]) order by id for update", list(keys)
        )
    if check.repair in (
        "close_version",
        "remove_mark",
        "tell_changes",
    ):
        await settle.lock_corpus(connection)


async def _close_versions(connection: Connection, keys: list[str], now: datetime) -> None:
    pages = [int(key) for key in keys]
    texts = await connection.fetch(
        "select v.page_id, v.seq, v.document_id, d.text_hash "
        "from versions v join documents d on d.id = v.document_id "
        "where v.page_id = any($1::bigint[]) and v.valid_to is null",
        pages,
    )
    await settle.close_versions(connection, pages, now, run_id=None, closed_as="removed")
    await settle.leave_texts(connection, [row["text_hash"] for row in texts])
    await marks.unmark(connection, pages)
    removed = [
        NewChange(
            kind="removed",
            page_id=row["page_id"],
            reason="repaired",
            version=row["seq"],
            document_id=row["document_id"],
            text_hash=row["text_hash"],
        )
        for row in texts
    ]
    await change_log.append(connection, None, removed, now)


async def _remove_marks(connection: Connection, keys: list[str], now: datetime) -> None:
    await marks.unmark(connection, [int(key) for key in keys])


async def _remove_prepared(connection: Connection, keys: list[str], now: datetime) -> None:
    await connection.execute(
        "delete from prepared where page_id = any($1::bigint[])", [int(key) for key in keys]
    )


async def _release_claims(connection: Connection, keys: list[str], now: datetime) -> None:
    await run_queue.release_where(
        connection, "page_id = any($1::bigint[])", [int(key) for key in keys]
    )


async def _release_leases(connection: Connection, keys: list[str], now: datetime) -> None:
    await connection.execute(
        "update sources set lease_run = null, lease_workflow = null, lease_since = null "
        "where name = any($1::text[])",
        keys,
    )


async def _end_pages(connection: Connection, keys: list[str], now: datetime) -> None:
    await connection.execute(
        "update run_pages set stage = 'done', outcome = 'skipped', error_class = null, "
        "error_code = 'run_ended', marks = 0 where run_id = any($1::text[]) and outcome is null",
        keys,
    )


async def _remove_leftovers(connection: Connection, keys: list[str], now: datetime) -> None:
    for table in ("listing_entries", "duplicate_findings", "purge_pages", "exports"):
        await connection.execute(
            f"delete from {table} where run_id = any($1::text[])",  # noqa: S608 (constants)
            keys,
        )


async def _make_state(connection: Connection, keys: list[str], now: datetime) -> None:
    await connection.execute(
        "insert into page_state (page_id, next_due) "
        "select id, $2 from unnest($1::bigint[]) as o(id) on conflict do nothing",
        [int(key) for key in keys],
        now,
    )


async def _tell_changes(connection: Connection, keys: list[str], now: datetime) -> None:
    rows = await connection.fetch(_LAST_CHANGES, [int(key) for key in keys])
    missing = [
        NewChange(
            kind="removed" if row["gone"] else "updated" if row["known"] else "added",
            page_id=row["page_id"],
            reason="repaired",
            version=row["version"],
            document_id=row["document_id"],
            text_hash=row["text_hash"],
            evidence={"left": row["sources"]} if row["sources"] else {},
            held_by=tuple(row["sources"]) if row["gone"] else (),
        )
        for row in rows
    ]
    await change_log.append(connection, None, missing, now)


# What is live of a page; of one that is not live, what its last change says.
_LAST_CHANGES = """
    select o.page_id, v.page_id is null as gone, c.kind not in ('removed', 'erased') as known,
           coalesce(v.seq, c.version) as version,
           coalesce(v.document_id, c.document_id) as document_id,
           case when v.page_id is null then c.text_hash else d.text_hash end as text_hash,
           array(select unnest(c.sources) except
                 select s.name from source_pages sp join sources s on s.id = sp.source_id
                 where sp.page_id = o.page_id) as sources
    from unnest($1::bigint[]) as o(page_id)
    left join versions v on v.page_id = o.page_id and v.valid_to is null
    left join documents d on d.id = v.document_id
    left join lateral (
        select kind, version, document_id, text_hash, sources from changes c
        where c.page_id = o.page_id order by number desc limit 1) c on true
    where v.page_id is not null or c.kind is not null
    order by o.page_id
"""

_APPLY: dict[Repair, Apply] = {
    "close_version": _close_versions,
    "remove_mark": _remove_marks,
    "remove_prepared": _remove_prepared,
    "release_claim": _release_claims,
    "release_lease": _release_leases,
    "end_pages": _end_pages,
    "remove_leftovers": _remove_leftovers,
    "make_state": _make_state,
    "tell_changes": _tell_changes,
}
"""Repairs that are one transaction. `process` is a run of its own, and `note_blob` asks the blob
store: the audit's activities see to these."""
