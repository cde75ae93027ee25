"""Scoring the index: how often terms occur, and BM25 of the texts worth scoring, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from atlas.domain.search import ranking
from atlas.domain.search.analysis import QueryTerm
from atlas.domain.search.ranking import CountedTerm
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index.entries import Generation
from atlas.stores.postgres.index.page_scope import EVERY_PAGE, PageScope
from atlas.stores.postgres.sources.sources import held_by

FEW_ENTRIES = 1_000
"""Up to this size of the index, reading it once is faster than looking up term by term."""

COUNTED_ENTRIES = 50_000
"""Up to this size of the index every term is counted; beyond, common ones are estimated."""


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Which texts may be found: those with a live page in this source, of this language."""

    source: str | None
    lang: str | None
    pages: PageScope = EVERY_PAGE

    @property
    def everything(self) -> bool:
        """Whether it leaves nothing out."""
        return self.source is None and self.lang is None


@dataclass(frozen=True, slots=True)
class Cut:
    """Which results are wanted, in order of score."""

    limit: int
    offset: int
    collapse: bool


async def use_the_index(connection: Connection) -> None:
    """Keep the planner from sequential scans until the end of the transaction.

    It does not know that a scan takes every tsvector out of its TOAST: it thought 240 documents
    faster to read than to look up, and 36 terms took 150 ms.
    """
    await connection.execute("set local enable_seqscan = off")


async def count_terms(
    connection: Connection,
    generation: Generation,
    terms: Sequence[QueryTerm],
    counted_entries: int = COUNTED_ENTRIES,
) -> list[CountedTerm]:
    """In how many index entries each term occurs; of too many terms, the rarest.

    Exact while the index is small. Beyond `counted_entries` the common ones come from the sample
    that PostgreSQL's own ANALYZE keeps, so that no query reads a posting list of millions; the
    rare ones are still counted.
    """
    known: dict[str, int] = {}
    if generation.entries > counted_entries:
        known = await _estimates(connection, generation, terms)
    unknown = [term for term in terms if term.prefix or term.lexeme not in known]
    statement = count_statement(generation)
    rows = await connection.fetch(statement, [term.tsquery for term in unknown])
    counts = [CountedTerm(term, row["df"]) for term, row in zip(unknown, rows, strict=True)]
    counts += [CountedTerm(t, known[t.lexeme]) for t in terms if t not in set(unknown)]
    return ranking.terms_that_count(counts)


async def _estimates(
    connection: Connection, generation: Generation, terms: Sequence[QueryTerm]
) -> dict[str, int]:
    rows = await connection.fetch(
        _ESTIMATE, f"index_entries_{generation.id}", [term.lexeme for term in terms]
    )
    return {row["lexeme"]: round(row["share"] * generation.entries) for row in rows}


async def score(
    connection: Connection,
    generation: Generation,
    candidates: str,
    weights: Mapping[QueryTerm, float],
    scope: SearchScope,
    cut: Cut,
) -> list[asyncpg.Record]:
    """The best clusters, each by its best text and that text's best part.

    Every row has the `total` of clusters; a single row without `text_hash` says there is none
    in this cut.
    """
    return await connection.fetch(
        score_statement(generation, scope),
        candidates,
        [term.tsquery for term in weights],
        list(weights.values()),
        _THRESHOLDS,
        max(generation.tokens / generation.entries, 1.0),
        cut.collapse,
        ranking.K1,
        ranking.B,
        cut.limit,
        cut.offset,
        *([] if scope.everything else [scope.source, scope.lang]),
    )


async def count_unknown(
    connection: Connection, generation: Generation, candidates: str, source: str | None
) -> int:
    """Live pages among the candidates whose language is unknown: what a search for one
    language leaves out, though it may be theirs."""
    statement = _of(generation, _UNKNOWN)
    return int(await connection.fetchval(statement, candidates, source))


def count_statement(generation: Generation) -> str:
    """The statement that counts terms in a generation."""
    few = generation.entries <= FEW_ENTRIES
    return _of(generation, _COUNT_FEW if few else _COUNT)


def score_statement(generation: Generation, scope: SearchScope) -> str:
    """The statement that scores, collapses and cuts. Only a narrower scope pays for its test."""
    statement = _SCORE if scope.everything else _SCORE.replace("/* scope */", _SCOPE)
    return _of(generation, statement)


def _of(generation: Generation, statement: str) -> str:
    """Name the partition itself: with a condition on the generation, the planner would rather
    read the whole of it by the primary key than look up terms."""
    return statement.replace("/* entries */", f"index_entries_{generation.id:d}")


_THRESHOLDS = ranking.thresholds()

# By the index, term by term; or, where there is little to read, all terms in one pass.
_COUNT = """
select (select count(*) from /* entries */ e where e.tsv @@ t.query) as df
  from unnest($1::text[]::tsquery[]) with ordinality as t(query, place) order by t.place
"""

_COUNT_FEW = """
select count(e.tsv) as df
  from unnest($1::text[]::tsquery[]) with ordinality as t(query, place)
  left join (select setweight(tsv, 'D') as tsv from /* entries */ offset 0) e on e.tsv @@ t.query
 group by t.place order by t.place
"""

_ESTIMATE = """
select c.lexeme, c.share
  from pg_stats s
 cross join lateral unnest(
       s.most_common_elems::text::text[], s.most_common_elem_freqs::real[]) as c(lexeme, share)
 where s.schemaname = current_schema() and s.tablename = $1 and s.attname = 'tsv'
   and c.lexeme = any($2::text[])
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
      from /* entries */ e
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
