"""Erasing chosen pages: every row, text and body that they alone have.

Lock order as in `settlement/settle.py`: page rows by id, then SETTLE. A page that a run
holds is left for later while there is patience: what the run's request brings would be
written nowhere, and its body left in the store until a clean-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.domain.removal.lifecycle import Evidence
from atlas.domain.retention import FOR_EVER
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.changes.change_log import NewChange
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import blob_index
from atlas.stores.postgres.crawl.bodies.blob_index import referred
from atlas.stores.postgres.erasure import traces
from atlas.stores.postgres.index import old_index
from atlas.stores.postgres.settlement import settle

AT_ONCE = 50
"""Pages erased in one transaction, for which settling waits."""
LONGEST_ACTIVITY = timedelta(hours=2)
"""Whoever announced a body before has referred to it by now, or never will."""


@dataclass(frozen=True, slots=True)
class ErasedPart:
    """What one transaction erased."""

    pages: int = 0
    held: int = 0
    """Pages that a run holds, left for later."""


async def choose_urls(connection: Connection, run_id: str, urls: Sequence[str]) -> int:
    """Choose addresses, pages or not: they are kept away either way."""
    return _count(
        await connection.execute(
            _CHOOSE,
            run_id,
            list(urls),
        )
    )


async def choose_held(
    connection: Connection, run_id: str, source: str | None, host: str | None, after: int, most: int
) -> int | None:
    """Choose the next pages that a source holds, or that are on a host; the last of them."""
    if source is not None:
        query = (
            "select p.id, p.url from source_pages sp join sources s on s.id = sp.source_id "
            "join pages p on p.id = sp.page_id where s.name = $1 and p.id > $2 "
            "order by p.id limit $3"
        )
    else:
        query = (
            "select p.id, p.url from pages p "
            "where substring(p.url from '^[a-z]+://([^/?#]+)') = $1 and p.id > $2 "
            "order by p.id limit $3"
        )
    rows = await connection.fetch(query, source if source is not None else host, after, most)
    if rows:
        await choose_urls(connection, run_id, [row["url"] for row in rows])
    return rows[-1]["id"] if len(rows) == most else None


async def next_part(
    connection: Connection, run_id: str, now: datetime, *, patient: bool
) -> ErasedPart:
    """Erase the next chosen addresses that are kept away by now."""
    async with connection.transaction():
        chosen = await connection.fetch(
            "select url_hash, url from purge_pages where run_id = $1 and not erased "
            "order by url_hash limit $2 for update",
            run_id,
            AT_ONCE,
        )
        urls = [row["url"] for row in chosen]
        if not urls:
            return ErasedPart()
        pages = await connection.fetch(
            "select id, url from pages where url = any($1::text[])", urls
        )
        leading = await connection.fetch(
            "select page_id from page_state where redirect_to = any($1::bigint[])",
            [row["id"] for row in pages],
        )
        await run_queue.lock_rows(
            connection, {row["id"] for row in pages} | {row["page_id"] for row in leading}
        )
        held = set()
        if patient:
            claimed = await connection.fetch(
                "select page_id from page_state where page_id = any($1::bigint[]) "
                "and claim_run is not null and claim_lane <> $2",
                [row["id"] for row in pages],
                run_queue.WAITING,
            )
            held = {row["page_id"] for row in claimed}
        waiting = {row["url"] for row in pages if row["id"] in held}
        going = [url for url in urls if url not in waiting]
        ids = [row["id"] for row in pages if row["id"] not in held]
        await _remember_hashes(connection, run_id, ids)
        gone = await _erase_pages(connection, run_id, ids, now)
        await change_log.erase(connection, ids)
        await _erase_texts(connection, run_id)
        await _erase_from_exports(connection, run_id)
        await connection.execute(
            "update purge_pages set erased = true where run_id = $1 and url = any($2::text[])",
            run_id,
            going,
        )
        await change_log.append(connection, run_id, gone, now)
    return ErasedPart(len(going), len(waiting))


async def scrub_part(connection: Connection, run_id: str, after: str, most: int) -> str | None:
    """Take the next chosen addresses out of everything else that names them: single fetches, lists,
    messages. Returns where the next part begins; None: that was the last."""
    urls, following = await chosen(connection, run_id, after, most)
    if urls:
        async with connection.transaction():
            await connection.execute(
                "insert into purge_blobs (run_id, hash) select distinct $1, snapshot from fetches "
                "where snapshot is not null and (url = any($2::text[]) or final_url = any($2)) "
                "union select distinct $1, text_hash from changes "
                "where text_hash is not null and url = any($2) on conflict do nothing",
                run_id,
                urls,
            )
            await _erase_lists(connection, urls)
            # Of pages whose rows a clean-up deleted before, the feed may be all that is left.
            await change_log.erase_urls(connection, urls)
            await change_log.forget_texts(connection, run_id)
            await traces.scrub(connection, urls)
    return following


async def chosen(
    connection: Connection, run_id: str, after: str, most: int
) -> tuple[list[str], str | None]:
    """The next chosen addresses in the order of their hashes, and where the next part begins."""
    rows = await connection.fetch(
        "select url, encode(url_hash, 'hex') as digest from purge_pages "
        "where run_id = $1 and url_hash > $2 order by url_hash limit $3",
        run_id,
        bytes.fromhex(after),
        most,
    )
    following = rows[-1]["digest"] if len(rows) == most else None
    return [row["url"] for row in rows], following


async def _remember_hashes(connection: Connection, run_id: str, pages: Sequence[int]) -> None:
    """Bodies and texts of the pages: looked at once nothing of the pages refers to them."""
    await connection.execute(
        """
        insert into purge_blobs (run_id, hash) select distinct $1, o.hash from (
            select fetched_snapshot as hash from page_state where page_id = any($2::bigint[])
            union select settled_snapshot from page_state where page_id = any($2::bigint[])
            union select held_snapshot from page_state where page_id = any($2::bigint[])
            union select snapshot from documents where page_id = any($2::bigint[])
            union select text_hash from documents where page_id = any($2::bigint[])
            union select text_hash from changes where page_id = any($2::bigint[])
            union select snapshot from prepared where page_id = any($2::bigint[])
            union select snapshot from quarantine where page_id = any($2::bigint[])
            union select snapshot from held_bodies where page_id = any($2::bigint[])
            union select snapshot from fetches where page_id = any($2::bigint[])
            union select snapshot from run_deliveries where page_id = any($2::bigint[])
        ) o where o.hash is not null on conflict do nothing
        """,
        run_id,
        list(pages),
    )


async def _erase_pages(
    connection: Connection, run_id: str, pages: Sequence[int], now: datetime
) -> list[NewChange]:
    causes = dict.fromkeys(pages, settle.LeavingCause("purged"))
    gone = await settle.bury(connection, pages, now, causes=causes, why=Evidence.ERASED)
    # The records of runs keep their counts, without saying of what.
    await connection.execute(
        """
        insert into run_purged (run_id, url_hash, outcome)
        select rp.run_id, purge_hash(p.url), coalesce(rp.outcome, 'skipped')
        from run_pages rp join pages p on p.id = rp.page_id
        where rp.page_id = any($1::bigint[]) on conflict do nothing
        """,
        list(pages),
    )
    # The ledger keeps that something was asked for, as figures count it: no more.
    await connection.execute(
        """
        update fetches set page_id = null, url = '', final_url = null, snapshot = null,
               etag = null, last_modified = null, content_type = null, charset = null,
               truncated = null, given_title = null
        where page_id = any($1::bigint[])
        """,
        list(pages),
    )
    await connection.execute(
        "update page_state set redirect_to = null where redirect_to = any($1::bigint[])",
        list(pages),
    )
    for table in (
        "run_deliveries",
        "run_pages",
        "prepared",
        "quarantine",
        "links",
        "versions",
        "documents",
    ):
        await connection.execute(
            f"delete from {table} where page_id = any($1::bigint[])",  # noqa: S608 (constants)
            list(pages),
        )
    # Exports under way; of a part that has one of them already, the run notices that it is gone.
    await connection.execute(
        "delete from export_pages where run_id in (select run_id from exports) "
        "and page_id = any($1::bigint[])",
        list(pages),
    )
    # With everything that refers to the page's number: claims of runs find nothing to write to.
    await connection.execute("delete from pages where id = any($1::bigint[])", list(pages))
    return gone


async def _erase_lists(connection: Connection, urls: Sequence[str]) -> None:
    """Lines of the ledger that no page has, and addresses that a source lists one by one."""
    await connection.execute(
        """
        update fetches
        set page_id = case when url <> all($1::text[]) then page_id end,
            url = case when url <> all($1::text[]) then url else '' end,
               final_url = null, snapshot = null, etag = null, last_modified = null
        where url = any($1::text[]) or final_url = any($1::text[])
        """,
        list(urls),
    )
    await connection.execute(
        """
        update sources set urls = array(select u from unnest(urls) u where u <> all($1::text[]))
        where kind = 'urls' and urls && $1::text[] and not urls <@ $1::text[]
        """,
        list(urls),
    )


async def _erase_texts(connection: Connection, run_id: str) -> None:
    """What the old index in PostgreSQL still has of texts that no document has any more."""
    rows = await connection.fetch(
        """
        select b.hash from purge_blobs b
        where b.run_id = $1 and not b.gone
          and not exists (select from documents d where d.text_hash = b.hash)
        """,
        run_id,
    )
    await old_index.forget_texts(connection, [row["hash"] for row in rows])


async def _erase_from_exports(connection: Connection, run_id: str) -> None:
    """Hashes that exports under way keep of other pages' clusters: of texts that are erased."""
    await connection.execute(
        """
        update export_pages e set cluster = null from purge_blobs b
        where b.run_id = $1 and not b.gone and e.cluster = b.hash
          and not exists (select from documents d where d.text_hash = b.hash)
        """,
        run_id,
    )


async def empty_hosts(connection: Connection, hosts: Sequence[str]) -> list[str]:
    """Forget hosts on which no page is left; return which. Limits that a person set stay."""
    rows = await connection.fetch(
        """
        select h.host from unnest($1::text[]) as h(host) where not exists (
            select from pages p where substring(p.url from '^[a-z]+://([^/?#]+)') = h.host)
        """,
        list(hosts),
    )
    gone = [row["host"] for row in rows]
    await connection.execute("delete from hosts where host = any($1::text[])", gone)
    await connection.execute("delete from daily_host_stats where host = any($1::text[])", gone)
    await connection.execute(
        "delete from robots where substring(origin from '^[a-z]+://(.+)$') = any($1::text[])", gone
    )
    return gone


async def hosts_of(connection: Connection, run_id: str) -> list[str]:
    """Hosts of the chosen addresses."""
    rows = await connection.fetch(
        "select distinct substring(url from '^[a-z]+://([^/?#]+)') as host from purge_pages "
        "where run_id = $1",
        run_id,
    )
    return [row["host"] for row in rows if row["host"]]


async def delete_bodies(
    connection: Connection, run_id: str, delete: blob_index.Delete, now: datetime, most: int
) -> int:
    """Delete the next bodies that nothing refers to, bytes first; how many rows were looked at.

    Without the clean-up's grace, which covers a writer that has announced a body and not referred
    to it yet: here the body goes only if it was announced longer ago than any activity takes, or
    if no other run is under way (a single fetch makes sure of its body when it refers to it).
    Others are condemned, and go with the clean-up at the latest.
    """
    async with connection.transaction():
        rows = await connection.fetch(
            "select p.hash from purge_blobs p where p.run_id = $1 and not p.gone "
            "order by p.hash limit $2",
            run_id,
            most,
        )
        hashes = [row["hash"] for row in rows]
        await connection.fetch(
            "select hash from blobs where hash = any($1::bytea[]) order by hash for update", hashes
        )
        # A second statement, so that it sees what was committed before the rows were locked.
        free = await connection.fetch(
            f"""
            select b.hash, b.put_at <= $3 or not exists (
                select from runs r where r.ended_at is null and r.run_id <> $4) as safe
            from blobs b where b.hash = any($2::bytea[]) and not {referred("$1")}
            """,  # noqa: S608 (a constant of `blob_index`)
            FOR_EVER,
            hashes,
            now - LONGEST_ACTIVITY,
            run_id,
        )
        going = [row["hash"] for row in free if row["safe"]]
        waiting = {row["hash"] for row in free if not row["safe"]}
        for each in going:
            await delete(each.hex())
        await connection.execute("delete from blobs where hash = any($1::bytea[])", going)
        await connection.execute(
            "update purge_blobs set deleted = true where run_id = $1 and hash = any($2::bytea[])",
            run_id,
            going,
        )
        await connection.execute(
            "update blobs set condemned_at = $2 where hash = any($1::bytea[])", list(waiting), now
        )
        await connection.execute(
            "update purge_blobs set gone = true where run_id = $1 and hash = any($2::bytea[])",
            run_id,
            [each for each in hashes if each not in waiting],
        )
    return len(hashes) - len(waiting)


async def totals(connection: Connection, run_id: str) -> dict[str, int]:
    """What was chosen and deleted so far."""
    row = await connection.fetchrow(_TOTALS, run_id)
    assert row is not None
    return dict(row)


async def mentions(connection: Connection, run_id: str) -> dict[str, int]:
    """What names the chosen addresses and is not theirs, with how often."""
    row = await connection.fetchrow(
        """
        with mine as materialized (select array_agg(url) as urls from purge_pages where run_id = $1)
        select (select count(*) from links l, mine where l.target = any(mine.urls))
                   as "links of other pages",
               (select count(*) from sources s, mine
                where s.urls && mine.urls or s.prefix = any(mine.urls))
                   as "sources that declare one"
        """,
        run_id,
    )
    assert row is not None
    return {name: count for name, count in row.items() if count}


async def erase_again(connection: Connection, run_id: str) -> None:
    """Take everything chosen up once more."""
    await connection.execute("update purge_pages set erased = false where run_id = $1", run_id)


async def forget(connection: Connection, run_id: str) -> None:
    """Delete the list of what was chosen: it names the addresses. Bodies that wait are found by
    clean-ups."""
    await connection.execute("delete from purge_pages where run_id = $1", run_id)
    await connection.execute("delete from purge_blobs where run_id = $1", run_id)


async def note_body(connection: Connection, run_id: str, digest: str) -> None:
    """Have a body deleted with the others."""
    await connection.execute(
        "insert into purge_blobs (run_id, hash) values ($1, $2) on conflict do nothing",
        run_id,
        bytes.fromhex(digest),
    )


_CHOOSE = """
    insert into purge_pages (run_id, url_hash, url, page, document, shared)
    select $1, purge_hash(u.url), u.url, p.id is not null,
           exists (select from versions v where v.page_id = p.id and v.valid_to is null),
           (select count(*) from source_pages sp where sp.page_id = p.id) > 1
    from unnest($2::text[]) as u(url) left join pages p on p.url = u.url
    on conflict do nothing
"""
_TOTALS = """
    select count(*) as addresses, count(*) filter (where page) as pages,
           count(*) filter (where document) as documents, count(*) filter (where shared) as shared,
           (select count(*) from purge_blobs where run_id = $1 and deleted) as bodies,
           (select count(*) from purge_blobs where run_id = $1 and not gone) as bodies_waiting
    from purge_pages where run_id = $1
"""


def _count(tag: str) -> int:
    return int(tag.split()[-1])
