"""Stored bodies of pages with what is live of them, to try rules on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources.rules_of_pages import rules_of


@dataclass(frozen=True, slots=True)
class StoredBody:
    """The last body of a page, how it is to be read, and the text that is live."""

    url: str
    snapshot: str
    """SHA-256 of the body: its name in the blob store."""
    content_type: str | None
    charset: str | None
    given_title: str | None
    """The title that came with it."""
    fetched_at: datetime
    title: str | None
    """Of the live document; None: there is none."""
    text: str | None
    text_hash: str | None
    rules: bytes | None
    """Digest of the rules that the page has now; None: it has none."""


_BODY = f"""
    select p.url, encode(ps.fetched_snapshot, 'hex') as snapshot, ps.fetched_type as content_type,
           ps.fetched_charset as charset, ps.given_title, ps.fetched_at, d.title, d.text,
           encode(d.text_hash, 'hex') as text_hash, {rules_of("p.id")} as rules
    from pages p join page_state ps on ps.page_id = p.id
    left join versions v on v.page_id = p.id and v.valid_to is null
    left join documents d on d.id = v.document_id
"""  # noqa: S608 (constants)

# $1 a source, $2 digest of rules: its pages that these would be the rules of, and are not yet those
# of their text. An older source that has rules goes first.
_CONCERNED = """
    from source_pages sp join page_state ps on ps.page_id = sp.page_id
    where sp.source_id = (select id from sources where name = $1)
      and ps.fetched_snapshot is not null and ps.redirect_to is null
      and ps.lifecycle not in ('tombstoned', 'purged')
      and ps.settled_rules is distinct from $2::bytea
      and not exists (
          select from source_pages o join sources s on s.id = o.source_id
          where o.page_id = sp.page_id and s.extraction_rules is not null and s.id < sp.source_id)
"""


async def of_url(connection: Connection, url: str) -> StoredBody | None:
    """The last body of a canonical URL; None: none is stored."""
    row = await connection.fetchrow(
        f"{_BODY} where p.url = $1 and ps.fetched_snapshot is not null", url
    )
    return StoredBody(**row) if row else None


async def concerned(connection: Connection, source: str, digest: bytes | None) -> int:
    """How many pages of a source have a text that other rules made than those of the digest."""
    found: int = await connection.fetchval(f"select count(*) {_CONCERNED}", source, digest)
    return found


async def sample(
    connection: Connection, source: str, digest: bytes | None, limit: int
) -> list[StoredBody]:
    """Some of these pages, from all over the source: the same ones each time."""
    rows = await connection.fetch(
        f"""
        {_BODY} where p.id = any(array(
            select sp.page_id {_CONCERNED}
            order by hashint8(sp.page_id), sp.page_id limit $3))
        order by p.url
        """,
        source,
        digest,
        limit,
    )
    return [StoredBody(**row) for row in rows]
