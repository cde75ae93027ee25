"""The live texts as the search index takes them, each with the pages that have it now; and, if the
index keeps them for some days (`search_index.past_days`), past ones with the pages that had them.

Versions are kept longer than that: the settings see to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from atlas.stores.postgres.connection import Connection
from atlas.stores.search.port import LIVE, UNKNOWN_LANGUAGE

_BYTES = 4 << 20
"""Of texts as stored, read at once; once read and analysed they are several times as much."""

_COUNT_SECONDS = 1800.0


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


KEPT = """(v.valid_to is null or (select past_days from search_index) > 0
    and v.valid_to > now() - make_interval(days => (select past_days from search_index)))"""
"""SQL: whether the index keeps the version `v`: it is open, or has not ended too long ago. By the
database's clock, like every time that is stored."""


async def texts_of_pages(connection: Connection, pages: Sequence[int]) -> set[bytes]:
    """The hashes of the texts that pages have now."""
    rows = await connection.fetch(
        "select distinct d.text_hash from versions v join documents d on d.id = v.document_id "
        "where v.page_id = any($1::bigint[]) and v.valid_to is null",
        list(pages),
    )
    return {row["text_hash"] for row in rows}


async def next_texts(connection: Connection, after: bytes, limit: int) -> list[bytes]:
    """The hashes of the next texts behind one, in order."""
    rows = await connection.fetch(
        f"""
        select distinct d.text_hash from documents d
        where d.text_hash > $1
          and exists (select from versions v where v.document_id = d.id and {KEPT})
        order by d.text_hash limit $2
        """,  # noqa: S608 (a constant)
        after,
        limit,
    )
    return [row["text_hash"] for row in rows]


async def count(connection: Connection) -> int:
    """How many distinct texts the index keeps."""
    found = await connection.fetchval(
        "select count(distinct d.text_hash) from documents d "  # noqa: S608 (a constant)
        f"join versions v on v.document_id = d.id and {KEPT}",
        timeout=_COUNT_SECONDS,
    )
    return int(found)


async def beginning(connection: Connection, digits: str) -> set[bytes]:
    """The hashes of the texts that the index keeps and that begin so, in hex."""
    first, last = f"{digits:0<64}", f"{digits:f<64}"
    rows = await connection.fetch(
        "select distinct d.text_hash from documents d "  # noqa: S608 (a constant)
        f"join versions v on v.document_id = d.id and {KEPT} "
        "where d.text_hash between $1 and $2",
        bytes.fromhex(first),
        bytes.fromhex(last),
        timeout=_COUNT_SECONDS,
    )
    return {row["text_hash"] for row in rows}


async def facts(connection: Connection, texts: Iterable[bytes]) -> list[LiveTextFacts]:
    """What the index needs to know of those texts that it keeps, in the order of hashes."""
    rows = await connection.fetch(_FACTS, sorted(texts), UNKNOWN_LANGUAGE, LIVE)
    found = []
    for row in rows:
        hosts = {urlsplit(url).hostname or "" for url in row["urls"]}
        values = {name: row[name] for name in _PLAIN}
        found.append(LiveTextFacts(hosts=sorted(hosts), **values))
    return found


async def kept_since(connection: Connection) -> int | None:
    """The second since the epoch before which past texts are kept no longer; None: none are."""
    found: int | None = await connection.fetchval(
        "select floor(extract(epoch from now() - make_interval(days => past_days)))::bigint "
        "from search_index where past_days > 0"
    )
    return found


def portions(texts: Sequence[LiveTextFacts]) -> Iterator[list[LiveTextFacts]]:
    """The texts in pieces of which each fits into memory with its parts."""
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

# The document that search shows: that of the smallest URL. Parts are offsets in its text.
_FACTS = f"""
select d.text_hash,
       array_agg(distinct d.page_id order by d.page_id) as pages,
       array_agg(distinct coalesce(d.lang, $2)) as languages,
       array_agg(p.url) as urls,
       (array_agg(d.id order by v.valid_to is not null, p.url collate "C"))[1] as document,
       floor(extract(epoch from min(v.valid_from)))::bigint as since,
       case when bool_or(v.valid_to is null) then $3::bigint
            else ceil(extract(epoch from max(v.valid_to)))::bigint end as until,
       max(pg_column_size(d.text)) as size,
       array(select distinct s.name from source_pages sp join sources s on s.id = sp.source_id
              where sp.page_id = any(array_agg(d.page_id)) order by 1) as sources
  from documents d
  join versions v on v.document_id = d.id and {KEPT}
  join pages p on p.id = d.page_id
 where d.text_hash = any($1::bytea[])
 group by d.text_hash order by d.text_hash
"""  # noqa: S608 (a constant)
