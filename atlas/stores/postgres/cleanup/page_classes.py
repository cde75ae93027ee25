"""What of pages expires: old versions, documents and prepared work that nothing refers to, the
contents of tombstoned pages, and the rows of pages purged long ago.

Every removal locks its pages first and leaves out those that a run holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from atlas.domain.removal.lifecycle import Evidence
from atlas.domain.retention import Retention, days
from atlas.stores.postgres.cleanup.candidates import Expiring, lock_free_pages
from atlas.stores.postgres.cleanup.engine import CleanupClass
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.lifecycle_sql import becomes

_AFTER_NUMBER = "coalesce(nullif($2, '')::bigint, 0)"


async def _versions(connection: Connection, keys: list[str], *_: datetime) -> set[str]:
    """Closed versions but the newest few of each page, with the documents nothing else needs."""
    pairs = [tuple(int(part) for part in key.split(":")) for key in keys]
    free = set(await lock_free_pages(connection, [page for page, _ in pairs]))
    rows = await connection.fetch(
        """
        delete from versions v using unnest($1::bigint[], $2::int[]) as o(page_id, seq)
        where v.page_id = o.page_id and v.seq = o.seq and v.valid_to is not null
        returning v.page_id, v.seq, v.document_id
        """,
        [page for page, _ in pairs if page in free],
        [seq for page, seq in pairs if page in free],
    )
    await _delete_documents(connection, [row["document_id"] for row in rows])
    return {f"{row['page_id']}:{row['seq']}" for row in rows}


async def _delete_documents(connection: Connection, documents: Sequence[int]) -> set[str]:
    """Delete those of the documents (their pages are locked) that nothing refers to."""
    rows = await connection.fetch(
        """
        delete from documents d where d.id = any($1::bigint[])
          and not exists (select from versions v where v.document_id = d.id)
          and not exists (select from prepared w where w.document_id = d.id)
          and not exists (select from held_bodies h where h.document_id = d.id)
        returning d.id::text
        """,
        sorted(set(documents)),
    )
    return {row["id"] for row in rows}


async def _documents(connection: Connection, keys: list[str], *_: datetime) -> set[str]:
    """Documents that were processed and never settled: their run ended in between."""
    rows = await connection.fetch(
        "select id, page_id from documents where id = any($1::bigint[])", list(map(int, keys))
    )
    free = set(await lock_free_pages(connection, [row["page_id"] for row in rows]))
    return await _delete_documents(connection, [r["id"] for r in rows if r["page_id"] in free])


async def _prepared(connection: Connection, keys: list[str], *_: datetime) -> set[str]:
    """Work prepared for settling whose page no run holds any more."""
    free = await lock_free_pages(connection, map(int, keys))
    rows = await connection.fetch(
        "delete from prepared where page_id = any($1::bigint[]) returning page_id::text", free
    )
    return {row["page_id"] for row in rows}


async def _tombstones(
    connection: Connection, keys: list[str], now: datetime, _: datetime
) -> set[str]:
    """Pages that left the corpus long ago: their texts and history go, the page's row stays."""
    pages = await lock_free_pages(connection, map(int, keys))
    # A page that came back since it was selected is no candidate any more.
    rows = await connection.fetch(
        f"""
        update page_state
        set lifecycle = {becomes(Evidence.EXPIRED)}, purged_at = $2,
            fence = fence + 1, redirect_to = null,
            fetched_snapshot = null, fetched_type = null, fetched_charset = null,
            etag = null, last_modified = null, given_title = null,
            settled_snapshot = null, held_snapshot = null, settled_extractor = null,
            links_unread = false, settled_rules = null, read_digest = null, read_snapshot = null
        where page_id = any($1::bigint[]) and lifecycle = 'tombstoned' and not exists (
            select from versions v where v.page_id = page_state.page_id and v.valid_to is null)
        returning page_id
        """,  # noqa: S608 (made from the lifecycle's table)
        pages,
        now,
    )
    gone = [row["page_id"] for row in rows]
    for table in ("held_bodies", "prepared", "quarantine", "links", "versions", "documents"):
        await connection.execute(
            f"delete from {table} where page_id = any($1::bigint[])",  # noqa: S608 (constants)
            gone,
        )
    return {str(page) for page in gone}


async def _pages(connection: Connection, keys: list[str], *_: datetime) -> set[str]:
    """Rows of purged pages that no source lists and no run's record names."""
    free = await lock_free_pages(connection, map(int, keys))
    rows = await connection.fetch(
        f"select ps.page_id from page_state ps "  # noqa: S608 (a constant of this module)
        f"where ps.page_id = any($1::bigint[]) and {_FORGOTTEN}",
        free,
    )
    gone = [row["page_id"] for row in rows]
    await connection.execute(
        "update page_state set redirect_to = null "
        "where redirect_to = any($1::bigint[]) and lifecycle = 'purged'",
        gone,
    )
    await connection.execute("delete from pages where id = any($1::bigint[])", gone)
    return {str(page) for page in gone}


_VERSIONS = """
    select v.page_id || ':' || v.seq as key, p.url || ' version ' || v.seq as identity,
           0::bigint as size
    from versions v join pages p on p.id = v.page_id join page_state ps on ps.page_id = v.page_id
    where v.valid_to <= $1 and ps.claim_run is null
      and (v.page_id, v.seq) > (coalesce(nullif(split_part($2, ':', 1), '')::bigint, 0),
                                coalesce(nullif(split_part($2, ':', 2), '')::int, 0))
      and v.seq <= (select max(m.seq) from versions m where m.page_id = v.page_id) - $3::int
"""
_DOCUMENTS = f"""
    select d.id::text as key, p.url || ' document ' || d.id as identity, 0::bigint as size
    from documents d join pages p on p.id = d.page_id join page_state ps on ps.page_id = d.page_id
    where d.created_at <= $1 and d.id > {_AFTER_NUMBER} and ps.claim_run is null
      and not exists (select from versions v where v.document_id = d.id)
      and not exists (select from prepared w where w.document_id = d.id)
      and not exists (select from held_bodies h where h.document_id = d.id)
"""  # noqa: S608 (constants of this module)
_PREPARED = f"""
    select w.page_id::text as key, p.url as identity, 0::bigint as size
    from prepared w join pages p on p.id = w.page_id join page_state ps on ps.page_id = w.page_id
    where ps.claim_run is null and w.page_id > {_AFTER_NUMBER} and $1::timestamptz is not null
"""  # noqa: S608 (constants of this module)
_TOMBSTONES = f"""
    select ps.page_id::text as key, p.url as identity, 0::bigint as size
    from page_state ps join pages p on p.id = ps.page_id
    where ps.lifecycle = 'tombstoned' and ps.claim_run is null and ps.page_id > {_AFTER_NUMBER}
      and coalesce(ps.tombstoned_at, ps.fetched_at, p.created_at) <= $1
"""  # noqa: S608 (constants of this module)
_FORGOTTEN = """
    ps.lifecycle = 'purged' and ps.claim_run is null
    and not exists (select from source_pages sp where sp.page_id = ps.page_id)
    and not exists (select from run_pages rp where rp.page_id = ps.page_id)
    and not exists (select from page_state r
                    where r.redirect_to = ps.page_id and r.lifecycle <> 'purged')
"""
_PAGES = f"""
    select ps.page_id::text as key, p.url as identity, 0::bigint as size
    from page_state ps join pages p on p.id = ps.page_id
    where {_FORGOTTEN} and ps.page_id > {_AFTER_NUMBER}
      and coalesce(ps.purged_at, ps.tombstoned_at, ps.fetched_at, p.created_at) <= $1
"""  # noqa: S608 (constants of this module)


def of_pages(keep: Retention) -> dict[str, CleanupClass]:
    """Class → how it is worked through."""
    newest = (keep.newest_versions,)
    return {
        "versions": Expiring(_VERSIONS, "v.page_id, v.seq", _versions, days(keep.versions), newest),
        "documents": Expiring(_DOCUMENTS, "d.id", _documents, keep.grace),
        "prepared": Expiring(_PREPARED, "w.page_id", _prepared, timedelta(0)),
        "tombstones": Expiring(_TOMBSTONES, "ps.page_id", _tombstones, days(keep.tombstones)),
        "pages": Expiring(_PAGES, "ps.page_id", _pages, days(keep.pages)),
    }
