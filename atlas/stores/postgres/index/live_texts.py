"""The live texts as the search index takes them, each with the pages that have it now; and, if the
index keeps them for some days, past ones with the pages that had them.

`past` is that number of days throughout. Versions are kept longer: `atlas.settings` sees to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from atlas.stores.postgres.connection import Connection
from atlas.stores.search.port import LIVE, UNKNOWN_LANGUAGE

_BYTES = 4 << 20
"""Of texts as stored, read at once; once read and analysed they are several times as much."""


@dataclass(frozen=True, slots=True)
class LiveTextFacts:
    """A text that some page has or had; `document` is one that has it, `size` its bytes as stored.
    It was live between `since` and `until`, seconds since the epoch, perhaps with gaps."""

    text_hash: bytes
    document: int
    size: int
    pages: list[int]
    sources: list[str]
    languages: list[str]
    hosts: list[str]
    since: int
    until: int


async def texts_of_pages(connection: Connection, pages: Sequence[int]) -> set[bytes]:
    """The hashes of the texts that pages have now."""
    rows = await connection.fetch(
        "select distinct d.text_hash from versions v join documents d on d.id = v.document_id "
        "where v.page_id = any($1::bigint[]) and v.valid_to is null",
        list(pages),
    )
    return {row["text_hash"] for row in rows}


async def next_texts(
    connection: Connection, after: bytes, limit: int, past: int = 0
) -> list[bytes]:
    """The hashes of the next texts behind one, in order."""
    rows = await connection.fetch(
        f"""
        select distinct d.text_hash from documents d
        where d.text_hash > $1
          and exists (select from versions v where v.document_id = d.id and {kept("v", 3)})
        order by d.text_hash limit $2
        """,  # noqa: S608 (constants)
        after,
        limit,
        past,
    )
    return [row["text_hash"] for row in rows]


def kept(version: str, days: int) -> str:
    """SQL: whether the index keeps a version: it is open, or ended within so many days, which a
    parameter says. By the database's clock, like every time that is stored."""
    return (
        f"({version}.valid_to is null or ${days}::int > 0 "
        f"and {version}.valid_to > now() - make_interval(days => ${days}::int))"
    )


async def facts(
    connection: Connection, texts: Iterable[bytes], past: int = 0
) -> list[LiveTextFacts]:
    """What the index needs to know of those texts that it keeps, in the order of hashes."""
    rows = await connection.fetch(_FACTS, sorted(texts), UNKNOWN_LANGUAGE, past, LIVE)
    found = []
    for row in rows:
        hosts = {urlsplit(url).hostname or "" for url in row["urls"]}
        values = {name: row[name] for name in _PLAIN}
        found.append(LiveTextFacts(hosts=sorted(hosts), **values))
    return found


async def kept_since(connection: Connection, past: int) -> int:
    """The second since the epoch before which past texts are kept no longer."""
    return int(
        await connection.fetchval(
            "select floor(extract(epoch from now() - make_interval(days => $1::int)))", past
        )
    )


def portions(texts: Sequence[LiveTextFacts]) -> Iterator[list[LiveTextFacts]]:
    """The texts in pieces of which each fits into memory with its passages."""
    piece: list[LiveTextFacts] = []
    taken = 0
    for text in texts:
        if piece and taken + text.size > _BYTES:
            yield piece
            piece, taken = [], 0
        piece.append(text)
        taken += text.size
    if piece:
        yield piece


async def contents(
    connection: Connection, texts: Sequence[LiveTextFacts]
) -> dict[bytes, tuple[str, str]]:
    """Title and text, by hash; a text that went meanwhile has none."""
    rows = await connection.fetch(
        "select text_hash, title, text from documents where id = any($1::bigint[])",
        [text.document for text in texts],
    )
    return {row["text_hash"]: (row["title"], row["text"]) for row in rows}


_PLAIN = ("text_hash", "document", "size", "pages", "sources", "languages", "since", "until")

# The document that search shows: that of the smallest URL. Passages are offsets in its text.
_FACTS = f"""
select d.text_hash,
       array_agg(distinct d.page_id order by d.page_id) as pages,
       array_agg(distinct coalesce(d.lang, $2)) as languages,
       array_agg(p.url) as urls,
       (array_agg(d.id order by v.valid_to is not null, p.url collate "C"))[1] as document,
       floor(extract(epoch from min(v.valid_from)))::bigint as since,
       case when bool_or(v.valid_to is null) then $4::bigint
            else ceil(extract(epoch from max(v.valid_to)))::bigint end as until,
       max(pg_column_size(d.text)) as size,
       array(select distinct s.name from source_pages sp join sources s on s.id = sp.source_id
              where sp.page_id = any(array_agg(d.page_id)) order by 1) as sources
  from documents d
  join versions v on v.document_id = d.id and {kept("v", 3)}
  join pages p on p.id = d.page_id
 where d.text_hash = any($1::bytea[])
 group by d.text_hash order by d.text_hash
"""  # noqa: S608 (constants)
