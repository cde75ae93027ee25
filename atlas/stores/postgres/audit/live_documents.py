"""A live document with what it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.extraction.extraction_rules import ExtractionRules, read_rules
from atlas.stores.postgres.changes import change_log
from atlas.stores.postgres.changes.change_log import NewChange
from atlas.stores.postgres.cleanup import blob_audit
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies.blob_index import referred


@dataclass(frozen=True, slots=True)
class AuditedDocument:
    """A live document as stored, and how the body it was made from is to be read."""

    id: int
    page_id: int
    url: str
    title: str
    text: str
    text_hash: bytes
    extractor: int
    snapshot: bytes
    told: bool
    """Whether it is known what the server said of that body."""
    content_type: str | None
    charset: str | None
    given_title: str | None
    """The title that came with that body."""
    rules: ExtractionRules
    """Those by which the text was made, whatever its source declares now."""


async def read(connection: Connection, page_id: int) -> AuditedDocument | None:
    """The live document of a page; None: it has none."""
    row = await connection.fetchrow(
        """
        select d.id, d.page_id, p.url, d.title, d.text, d.text_hash, d.extractor, d.snapshot,
               er.rules::text as rules,
               ps.fetched_snapshot = d.snapshot or f.url is not null as told,
               case when ps.fetched_snapshot = d.snapshot then ps.fetched_type
                    else f.content_type end as content_type,
               case when ps.fetched_snapshot = d.snapshot then ps.fetched_charset
                    else f.charset end as charset,
               case when ps.fetched_snapshot = d.snapshot then ps.given_title
                    else f.given_title end as given_title
        from versions v join documents d on d.id = v.document_id
        join pages p on p.id = d.page_id join page_state ps on ps.page_id = d.page_id
        left join extraction_rules er on er.digest = d.rules
        left join lateral (
            select f.url, f.content_type, f.charset, f.given_title from fetches f
            where f.page_id = d.page_id and f.snapshot = d.snapshot
            order by f.fetched_at desc limit 1) f on true
        where v.page_id = $1 and v.valid_to is null
        """,
        page_id,
    )
    if row is None:
        return None
    rules = read_rules(row["rules"])
    return AuditedDocument(**{**row, "told": bool(row["told"]), "rules": rules})


async def restore_text(
    connection: Connection, document: AuditedDocument, title: str, text: str, now: datetime
) -> bool:
    """Write the text of a document again, as its body gives it; false: it is there no more."""
    async with connection.transaction():
        await run_queue.lock_rows(connection, [document.page_id])
        done = await connection.execute(
            "update documents set title = $3, text = $4 where id = $1 and text_hash = $2",
            document.id,
            document.text_hash,
            title,
            text,
        )
        version = await connection.fetchval(
            "select seq from versions where document_id = $1 and valid_to is null", document.id
        )
        if version is not None:  # whoever has read it has read the damaged text
            again = NewChange(
                kind="updated",
                page_id=document.page_id,
                reason="repaired",
                version=version,
                document_id=document.id,
                text_hash=document.text_hash,
            )
            await change_log.append(connection, None, [again], now)
    return bool(done == "UPDATE 1")


async def referred_bodies(
    connection: Connection, hashes: Sequence[object], ledger_from: datetime
) -> dict[str, str]:
    """Digest → a page it is of (or ''), of the bodies that something refers to."""
    rows = await connection.fetch(
        f"""
        select b.hash, coalesce(
            (select p.url from page_state ps join pages p on p.id = ps.page_id
             where ps.fetched_snapshot = b.hash order by p.id limit 1),
            (select p.url from documents d join pages p on p.id = d.page_id
             where d.snapshot = b.hash order by p.id limit 1), '') as url
        from blobs b where b.hash = any($2::bytea[]) and {referred("$1")}
        """,  # noqa: S608 (a constant of `blob_index`)
        ledger_from,
        list(hashes),
    )
    return {row["hash"].hex(): row["url"] for row in rows}


fetch_again = blob_audit.fetch_again
