"""The index in PostgreSQL that version 0.6 and before kept: it answers searches until the first
generation of the engine has read everything, and is then deleted.

Nobody writes to it any more. It says nothing of what came since the update, and what is shown is
looked up among the live documents, so that it shows nothing that went. A corpus that began with a
later version never had it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from atlas.domain.search import ranking
from atlas.domain.search.analysis import QueryTerm, query_phrases, query_terms
from atlas.domain.search.index_parts import lexeme_query
from atlas.domain.search.ranking import CountedTerm
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.page_scope import SearchScope
from atlas.stores.postgres.index.search import SearchPage, one_snapshot
from atlas.stores.postgres.index.shown_hits import hits
from atlas.stores.postgres.sources.sources import held_by


@dataclass(frozen=True, slots=True)
class OldIndex:
    """Its active generation: the analyser that made it, its entries (parts) and their tokens."""

    id: int
    analyser: int
    entries: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Which results are wanted, in order of score."""

    limit: int
    offset: int
    collapse: bool


async def present(connection: Connection) -> bool:
    """Whether there is one still."""
    found = await connection.fetchval("select to_regclass('index_entries') is not null")
    return bool(found)


async def serving(connection: Connection) -> OldIndex | None:
    """The old index, if it is there, and no generation of an engine ever served."""
    if not await present(connection):
        return None
    row = await connection.fetchrow(
        "select id, analyser, entries, tokens from generations where state = 'active' "
        "and not exists (select from index_generations where active_since is not null)"
    )
    return None if row is None else OldIndex(**row)


async def search_old(
    connection: Connection, query: str, scope: SearchScope, cut: Cut
) -> SearchPage | None:
    """Search it; None: it does not serve any more."""
    terms = query_terms(query)
    async with one_snapshot(connection):
        index = await serving(connection)
        if index is None:
            return None
        if not terms or not index.entries:
            return SearchPage((), 0, exact=True)
        # The planner does not know that a scan takes every tsvector out of its TOAST.
        await connection.execute("set local enable_seqscan = off")
        counted = await _count_terms(connection, index, terms)
        # A narrow scope thins out what the budget promises.
        budget = ranking.BUDGET if scope.everything else 10 * ranking.BUDGET
        chosen = ranking.candidates(counted, query_phrases(query), index.entries, budget)
        weights = {each.term: ranking.weight(each, index.entries) for each in counted}
        rows = await _score(connection, index, chosen.tsquery, weights, scope, cut)
        found = [row for row in rows if row["text_hash"] is not None]
        quoted = lexeme_query(query).quoted
        results = await hits(connection, found, weights, scope, quoted=quoted)
        unknown = 0
        if scope.lang is not None:
            statement = _of(index, _UNKNOWN)
            unknown = await connection.fetchval(statement, chosen.tsquery, scope.source)
    return SearchPage(tuple(results), rows[0]["total"], chosen.exact, unknown)


async def size_if_done(connection: Connection) -> int | None:
    """Its bytes on disk, if it is there and serves no more."""
    if not await present(connection) or await serving(connection) is not None:
        return None
    return int(await connection.fetchval(_SIZE))


async def drop(connection: Connection) -> bool:
    """Delete it, if it serves no more. A search that has chosen it is waited for, a moment; if it
    is not over then, the next clean-up tries again."""
    try:
        async with connection.transaction():
            await connection.execute("set local lock_timeout = '5s'")
            if await size_if_done(connection) is None:
                return False
            # Partitions are deleted as files: no batches are needed, however many rows there are.
            await connection.execute("drop table index_entries, generations")
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def forget_texts(connection: Connection, texts: Sequence[bytes]) -> None:
    """Delete what it has of texts, in every generation."""
    if texts and await present(connection):
        await connection.execute(
            "delete from index_entries where text_hash = any($1::bytea[])", list(texts)
        )


async def _count_terms(
    connection: Connection, index: OldIndex, terms: Sequence[QueryTerm]
) -> list[CountedTerm]:
    """In how many entries each term occurs; of too many terms, the rarest."""
    rows = await connection.fetch(_of(index, _COUNT), [term.tsquery for term in terms])
    return ranking.terms_that_count(
        [CountedTerm(term, row["df"]) for term, row in zip(terms, rows, strict=True)]
    )


async def _score(
    connection: Connection,
    index: OldIndex,
    candidates: str,
    weights: Mapping[QueryTerm, float],
    scope: SearchScope,
    cut: Cut,
) -> list[asyncpg.Record]:
    """The best clusters, each by its best text and that text's best part. Every row has the `total`
    of clusters; a single row without `text_hash` says there is none in this cut."""
    statement = _SCORE if scope.everything else _SCORE.replace("/* scope */", _SCOPE)
    return await connection.fetch(
        _of(index, statement),
        candidates,
        [term.tsquery for term in weights],
        list(weights.values()),
        _THRESHOLDS,
        max(index.tokens / index.entries, 1.0),
        cut.collapse,
        ranking.K1,
        ranking.B,
        cut.limit,
        cut.offset,
        *([] if scope.everything else [scope.source, scope.lang]),
    )


def _of(index: OldIndex, statement: str) -> str:
    """Name the partition itself: with a condition on the generation, the planner would rather
    read the whole of it by the primary key than look up terms."""
    return statement.replace("/* entries */", f"index_entries_{index.id:d}")


_THRESHOLDS = ranking.thresholds()

_SIZE = """
select coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint
  from pg_inherits where inhparent = 'index_entries'::regclass
"""

_COUNT = """
select (select count(*) from /* entries */ e where e.tsv @@ t.query) as df
  from unnest($1::text[]::tsquery[]) with ordinality as t(query, place) order by t.place
"""

_UNKNOWN = f"""
select count(distinct d.page_id)
  from (select distinct e.text_hash from /* entries */ e where e.tsv @@ $1::tsquery offset 0) c
 cross join lateral (
       select d.id, d.page_id from documents d
        where d.text_hash = c.text_hash and d.lang is null offset 0) d
  join versions v on v.document_id = d.id and v.valid_to is null
 where {held_by(2, "d.page_id")}
"""  # noqa: S608 (constants)

# Texts that went since have entries still, and no sketch: they are neither counted nor shown.
_SCOPE = f"""
       and exists (
           select from documents d join versions v on v.document_id = d.id and v.valid_to is null
            where d.text_hash = e.text_hash and ($12::text is null or d.lang = $12)
              and {held_by(11, "d.page_id")})
"""

# setweight takes each tsvector out of its TOAST once, and OFFSET 0 keeps that step apart: without,
# every term would do it again. Rounded, so that equal texts tie whatever the order of the sum.
_SCORE = """
with candidate as (
    select e.text_hash, e.part, e.length, e.first, e.last, setweight(e.tsv, 'D') as tsv
      from /* entries */ e join sketches live on live.text_hash = e.text_hash
     where e.tsv @@ $1::tsquery /* scope */
    offset 0),
scored as (
    select c.text_hash, c.part, c.first, c.last, round(sum(
           t.weight * tf.n * ($7::float8 + 1)
           / (tf.n + $7::float8 * (1 - $8::float8 + $8::float8 * c.length / $5::float8))
           )::numeric, 6)::float8 as score
      from candidate c
     cross join unnest($2::text[]::tsquery[], $3::float8[]) as t(query, weight)
     cross join lateral (
           select width_bucket(ts_rank('{1,1,1,1}', c.tsv, t.query), $4::real[]) as n
           offset 0) as tf
     group by 1, 2, 3, 4),
best as (
    select distinct on (text_hash) * from scored order by text_hash, score desc, part),
clustered as (
    select b.*, case when $6::boolean then coalesce(s.representative, b.text_hash)
                     else b.text_hash end as cluster
      from best b left join sketches s on s.text_hash = b.text_hash),
ranked as (
    select *, count(*) over (partition by cluster) as members,
           row_number() over (partition by cluster order by score desc, text_hash) as place
      from clustered),
page as (
    select * from ranked where place = 1 order by score desc, text_hash limit $9 offset $10)
select p.text_hash, p.first, p.last, p.score, p.members, all_of_them.total,
       array(select r.text_hash from ranked r
              where r.cluster = p.cluster and r.place between 2 and 6 order by r.place) as similar
  from (select count(*) as total from ranked where place = 1) as all_of_them
  left join page p on true
 order by p.score desc, p.text_hash
"""
