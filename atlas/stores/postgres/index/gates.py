"""The gates of a new generation: what must hold before searches may read it.

Everything is compared in one snapshot, so that a sync under way cannot make a difference.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import asyncpg

from atlas.contracts.rebuild_index import (
    MAX_LOSSES_LISTED,
    MAX_LOST_LISTED,
    Gate,
    GenerationChecked,
    Loss,
)
from atlas.domain.search.analysis import query_terms
from atlas.domain.search.sample_queries import overlap_enough, sample_queries
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.bm25 import Cut, SearchScope, use_the_index
from atlas.stores.postgres.index.entries import Generation, active_generation
from atlas.stores.postgres.index.search import search_generation

SAMPLED_DOCUMENTS = 25
FIRST_RESULTS = 10
"""Results of a query that the new generation must find again."""
LOOKED_THROUGH = 30
"""Results of the new generation among which they are looked for: another analyser may order
them otherwise, and that is no loss."""
UNREADABLE_SHARE = 0.01
"""Texts that the analyser may fail on, or that an older worker wrote meanwhile."""
_NAMED = 5
_SECONDS = 3600.0
_QUERY_SHOWN = 200  # characters
_URL_SHOWN = 200  # characters: 20 losses of 10 URLs stay far below a payload's limit

_EVERYTHING = SearchScope(None, None)


async def make_ready(connection: Connection, generation: int) -> None:
    """Merge what the text index has pending and take the statistics that searches use."""
    partition = f"index_entries_{generation:d}"
    await connection.execute(f"vacuum (analyze) {partition}", timeout=_SECONDS)


async def check(
    connection: Connection,
    generation: int,
    *,
    queries: Sequence[str],
    min_overlap: float,
) -> GenerationChecked:
    """Try every gate of a generation against the live texts and the active generation.

    Without queries, those of a sample of the corpus are asked.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        new, old = await _generation(connection, generation), await active_generation(connection)
        figures = await connection.fetchrow(_FIGURES, generation, timeout=_SECONDS)
        assert figures is not None
        gates = [
            await _all_texts(connection, generation, figures["texts"]),
            _counted(new, figures),
            await _analysed(connection, new, figures["texts"]),
            await _sized(connection, new, old),
        ]
        losses: list[Loss] = []
        await use_the_index(connection)
        asked = list(queries) or await _sample(connection)
        if min_overlap > 0:
            losses = [loss async for loss in _losses(connection, old, new, asked, min_overlap)]
        gates.append(_queried(asked, losses, min_overlap))
    return GenerationChecked(gates=gates, losses=losses[:MAX_LOSSES_LISTED], **figures)


async def _generation(connection: Connection, generation: int) -> Generation:
    row = await connection.fetchrow(
        "select id, analyser, entries, tokens from generations where id = $1", generation
    )
    assert row is not None, f"generation {generation} is gone"
    return Generation(**row)


async def _all_texts(connection: Connection, generation: int, texts: int) -> Gate:
    """The generation has the distinct live texts, all of them and nothing else."""
    rows = await connection.fetch(_DIFFERENCE, generation, _NAMED, timeout=_SECONDS)
    counts = {row["which"]: row["total"] for row in rows}
    detail = f"{texts} distinct texts"
    for which in ("missing", "extra"):
        named = ", ".join(_named(row) for row in rows if row["which"] == which)
        if which in counts:
            detail += f"; {counts[which]} {which}: {named}"
    return _gate("texts", not rows, detail)


def _named(row: asyncpg.Record) -> str:
    return str(row["url"] or row["text_hash"].hex()[:16])


def _counted(new: Generation, figures: asyncpg.Record) -> Gate:
    """The figures that BM25 takes from the generation's row are those of its entries."""
    kept, counted = (new.entries, new.tokens), (figures["entries"], figures["tokens"])
    detail = f"{counted[0]} entries, {counted[1]} tokens"
    if kept != counted:
        detail += f"; its record says {kept[0]} and {kept[1]}"
    return _gate("counts", kept == counted, detail)


async def _analysed(connection: Connection, new: Generation, texts: int) -> Gate:
    """Nearly every text was read by the generation's own analyser."""
    rows = await connection.fetch(_OTHERWISE, new.id, new.analyser, _NAMED, timeout=_SECONDS)
    other = rows[0]["total"] if rows else 0
    detail = f"by analyser {new.analyser}"
    if other:
        detail += f"; {other} keep the entries of an older one: "
        detail += ", ".join(_named(row) for row in rows)
    return _gate("analysed", other <= UNREADABLE_SHARE * texts, detail)


async def _sized(connection: Connection, new: Generation, old: Generation) -> Gate:
    """The texts that both generations have are about as long in the one as in the other."""
    row = await connection.fetchrow(_SIZES, new.id, old.id, timeout=_SECONDS)
    assert row is not None
    ratio = row["new_tokens"] / row["old_tokens"] if row["old_tokens"] else 1.0
    tolerance = 1.1 if new.analyser == old.analyser else 2.0
    detail = f"{ratio:.2f} of the tokens that generation {old.id} has for the same texts"
    return _gate("size", 1 / tolerance <= ratio <= tolerance, detail)


async def _sample(connection: Connection) -> list[str]:
    """Queries of documents spread evenly over the hashes of the live texts: always the same
    ones of the same corpus."""
    step = (1 << 32) // SAMPLED_DOCUMENTS
    points = [(step * number).to_bytes(4, "big") for number in range(SAMPLED_DOCUMENTS)]
    rows = await connection.fetch(_SAMPLE, points, timeout=_SECONDS)
    queries = [query for row in rows for query in sample_queries(row["title"], row["text"])]
    return list(dict.fromkeys(queries))


async def _losses(
    connection: Connection,
    old: Generation,
    new: Generation,
    queries: Sequence[str],
    min_overlap: float,
) -> AsyncIterator[Loss]:
    for query in queries:
        before = await _urls(connection, old, query, FIRST_RESULTS)
        after = set(await _urls(connection, new, query, LOOKED_THROUGH))
        lost = [url for url in before if url not in after]
        if not overlap_enough(len(before), len(lost), min_overlap):
            yield Loss(
                query=query[:_QUERY_SHOWN],
                found=len(before),
                lost=[url[:_URL_SHOWN] for url in lost[:MAX_LOST_LISTED]],
            )


async def _urls(
    connection: Connection, generation: Generation, query: str, limit: int
) -> list[str]:
    terms = query_terms(query)
    if not terms:
        return []
    cut = Cut(limit, 0, collapse=False)
    page = await search_generation(connection, generation, query, terms, _EVERYTHING, cut)
    return [hit.url for hit in page.results]


def _queried(asked: Sequence[str], losses: Sequence[Loss], min_overlap: float) -> Gate:
    if min_overlap == 0:
        return _gate("queries", True, "not compared: min_overlap is 0")
    found = len(asked) - len(losses)
    detail = f"{found} of {len(asked)} queries find {min_overlap:.0%} of what they found"
    return _gate("queries", not losses, detail)


def _gate(name: str, passed: bool, detail: str) -> Gate:
    return Gate(name=name, passed=passed, detail=detail)


_FIGURES = """
select count(distinct text_hash) as texts, count(*) as entries,
       coalesce(sum(length), 0)::bigint as tokens
  from index_entries where generation = $1
"""

_DIFFERENCE = """
with live as (
    select distinct d.text_hash from documents d
      join versions v on v.document_id = d.id and v.valid_to is null),
held as (select distinct text_hash from index_entries where generation = $1),
different as (
    select 'missing' as which, text_hash from (select * from live except select * from held) m
    union all
    select 'extra', text_hash from (select * from held except select * from live) e),
named as (
    select *, count(*) over (partition by which) as total,
           row_number() over (partition by which order by text_hash) as place
      from different)
select n.which, n.text_hash, n.total,
       (select min(p.url) from documents d join pages p on p.id = d.page_id
         where d.text_hash = n.text_hash) as url
  from named n where n.place <= $2 order by n.which, n.place
"""

_OTHERWISE = """
select e.text_hash, count(*) over () as total,
       (select min(p.url) from documents d join pages p on p.id = d.page_id
         where d.text_hash = e.text_hash) as url
  from index_entries e
 where e.generation = $1 and e.analyser <> $2 and e.part = 0
 order by e.text_hash limit $3
"""

_SIZES = """
select coalesce(sum(n.tokens), 0)::bigint as new_tokens,
       coalesce(sum(o.tokens), 0)::bigint as old_tokens
  from (select text_hash, sum(length) as tokens from index_entries where generation = $1
         group by 1) n
  join (select text_hash, sum(length) as tokens from index_entries where generation = $2
         group by 1) o using (text_hash)
"""

_SAMPLE = """
select distinct on (shown.text_hash) shown.title, shown.text
  from unnest($1::bytea[]) as point(at)
 cross join lateral (
       select d.text_hash, d.title, left(d.text, 100000) as text
         from documents d
         join versions v on v.document_id = d.id and v.valid_to is null
        where d.text_hash >= point.at
        order by d.text_hash, d.id limit 1) as shown
 order by shown.text_hash
"""
