"""Duplicates: which pages an applied run has marked, and what a run under way has found.

Marks change only under SETTLE, as the live texts do: a mark always names two live pages and the
texts they had when it was made.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime

from atlas.domain.similarity.duplicates import DuplicateGroup, LivePage
from atlas.domain.similarity.likeness import ComparedText
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.near_duplicates.clusters import hold_texts
from atlas.stores.postgres.near_duplicates.sketched_texts import compared


@dataclass(frozen=True, slots=True)
class ClusterPart:
    """The clusters whose representatives lie in (`after`, `last`]: their pages in scope."""

    after: bytes
    last: bytes
    pages: list[LivePage]
    clusters: dict[bytes, bytes]
    """Text → representative of its cluster."""
    texts: dict[bytes, ComparedText]
    """The texts as they are compared; without those that wait to be sketched again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What `record` writes down: the groups of a part, by which run and rule."""

    run_id: str
    rule: str
    part: ClusterPart
    groups: Sequence[DuplicateGroup]


@dataclass(frozen=True, slots=True)
class Finding:
    """One group as it is reported."""

    kind: str
    url: str
    pages: int
    texts: int
    members: list[dict[str, object]]


async def scope(connection: Connection, sources: Sequence[str]) -> tuple[int, int]:
    """How many distinct texts and live pages there are to compare."""
    row = await connection.fetchrow(
        f"select count(distinct d.text_hash) as texts, count(*) as pages from {LIVE} "  # noqa: S608 (constants)
        f"where {in_scope(1)}",
        list(sources),
    )
    assert row is not None
    return row["texts"], row["pages"]


async def read_part(
    connection: Connection, after: bytes, *, chunk: int, sources: Sequence[str]
) -> ClusterPart | None:
    """The next whole clusters, of about `chunk` texts; None: there are no more. Call it in a
    transaction of one snapshot."""
    last = await connection.fetchval(LAST_OF_CLUSTERS, after, chunk)
    if last is None:
        return None
    rows = await connection.fetch(_PAGES, after, last, list(sources))
    clusters = {row["text_hash"]: row["cluster"] for row in rows}
    return ClusterPart(
        after=after,
        last=last,
        pages=[
            LivePage(row["id"], row["url"], row["text_hash"], row["created_at"], row["canonical"])
            for row in rows
        ],
        clusters=clusters,
        texts=await compared(connection, clusters),
    )


async def note(connection: Connection, decision: Decision) -> None:
    """Note the groups of a part for the report. A repeated note replaces the one before."""
    async with connection.transaction():
        await _note(connection, decision)


async def apply(connection: Connection, decision: Decision, now: datetime) -> None:
    """Note the groups, and replace the marks of the part's pages by theirs; idempotent.

    Pages that left the live corpus, or changed their text, since the part was read are left alone.
    """
    async with connection.transaction():
        await hold_texts(connection)
        await _note(connection, decision)
        same = await _unchanged(connection, decision.part.pages)
        marks = [
            (mark.page.page_id, group.winner.page_id, mark.kind, mark.similarity)
            for group in decision.groups
            for mark in group.marks
            if {mark.page.page_id, group.winner.page_id} <= same
        ]
        marked = {page for page, *_ in marks}
        await _take_off(connection, decision, sorted(same - marked), sorted(marked))
        if marks:
            columns = [list(column) for column in zip(*marks, strict=True)]
            await connection.execute(_MARK, *columns, decision.rule, decision.run_id, now)


async def _note(connection: Connection, decision: Decision) -> None:
    part = decision.part
    await connection.execute(
        "delete from duplicate_findings where run_id = $1 and cluster > $2 and cluster <= $3"
        " and kind <> 'unmarked'",
        *(decision.run_id, part.after, part.last),
    )
    await connection.executemany(
        "insert into duplicate_findings (run_id, kind, page_id, cluster, url, pages, texts,"
        " members) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict (run_id, kind, page_id) do nothing",
        [_finding_row(decision, group) for group in decision.groups],
    )


def _finding_row(decision: Decision, group: DuplicateGroup) -> tuple[object, ...]:
    members = [
        {"url": mark.page.url, "kind": mark.kind, "similarity": mark.similarity}
        for mark in group.marks
    ]
    winner = group.winner
    cluster = decision.part.clusters[winner.text]
    counted = (1 + len(members), group.texts, json.dumps(members))
    return (decision.run_id, group.kind, winner.page_id, cluster, winner.url, *counted)


async def _unchanged(connection: Connection, pages: Sequence[LivePage]) -> set[int]:
    rows = await connection.fetch(
        "select v.page_id from unnest($1::bigint[], $2::bytea[]) as o(page_id, text_hash)"
        " join versions v on v.page_id = o.page_id and v.valid_to is null"
        " join documents d on d.id = v.document_id and d.text_hash = o.text_hash",
        [page.page_id for page in pages],
        [page.text for page in pages],
    )
    return {row["page_id"] for row in rows}


async def _take_off(
    connection: Connection, decision: Decision, free: Sequence[int], marked: Sequence[int]
) -> None:
    """Take off the marks of pages that are no duplicates, and those that name a page as kept which
    is marked itself now."""
    await connection.execute(
        "with off as (delete from duplicates where page_id = any($2::bigint[])"
        " or winner_page_id = any($3::bigint[]) and not page_id = any($3::bigint[])"
        " returning page_id)"
        " insert into duplicate_findings (run_id, kind, page_id, cluster, url)"
        " select $1, 'unmarked', off.page_id, '', '' from off on conflict do nothing",
        *(decision.run_id, free, marked),
    )


async def unmark(connection: Connection, pages: Sequence[int]) -> None:
    """Take off the marks of pages that leave the live corpus or change their text, and those that
    name them as kept. The caller holds SETTLE."""
    await connection.execute(
        "delete from duplicates where page_id = any($1::bigint[])"
        " or winner_page_id = any($1::bigint[])",
        list(pages),
    )


async def take_off_rest(connection: Connection, run_id: str, sources: Sequence[str]) -> None:
    """Take off marks of pages in scope that the run never came across: their clusters moved past
    it. Marks that were looked at since the run began stay."""
    async with connection.transaction():
        await hold_texts(connection)
        await connection.execute(_TAKE_OFF_REST, run_id, list(sources))


async def counted(connection: Connection, run_id: str) -> dict[str, int]:
    """What the run found, and which marks it changed; aggregated from the rows."""
    row = await connection.fetchrow(_COUNTED, run_id)
    assert row is not None
    return {name: int(number) for name, number in row.items()}


async def findings(
    connection: Connection, run_id: str, *, limit: int | None = None
) -> AsyncGenerator[Finding]:
    """The groups, the largest first, then by the winner's URL; streamed."""
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(_FINDINGS, run_id, limit, prefetch=200):
            yield Finding(**{**row, "members": json.loads(row["members"])})


async def forget(connection: Connection, run_id: str) -> None:
    """Drop what a run noted."""
    await connection.execute("delete from duplicate_findings where run_id = $1", run_id)


LIVE = (
    "versions v join documents d on d.id = v.document_id and v.valid_to is null"
    " join pages p on p.id = v.page_id"
)


def in_scope(number: int, page: str = "p.id") -> str:
    """Whether one of the sources in a parameter holds the page, or there is none in it."""
    return (
        f"(${number}::text[] = '{{}}' or exists (select from source_pages sp"
        f" join sources s on s.id = sp.source_id"
        f" where sp.page_id = {page} and s.name = any(${number})))"
    )


LAST_OF_CLUSTERS = """
select max(representative)
  from (select representative from sketches where representative > $1
         order by representative limit $2) s
"""

_PAGES = f"""
select k.representative as cluster, p.id, p.url, d.text_hash, p.created_at, d.canonical
  from sketches k
  join documents d on d.text_hash = k.text_hash
  join versions v on v.document_id = d.id and v.valid_to is null
  join pages p on p.id = v.page_id
 where k.representative > $1 and k.representative <= $2 and {in_scope(3)}
"""  # noqa: S608 (constants)

_MARK = """
insert into duplicates as x (page_id, winner_page_id, kind, similarity, rule, run_id, decided_at,
                             checked_at)
select m.*, $5, $6, $7, $7
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::real[])
       as m(page_id, winner_page_id, kind, similarity)
on conflict (page_id) do update
   set winner_page_id = excluded.winner_page_id, kind = excluded.kind,
       similarity = excluded.similarity, rule = excluded.rule, checked_at = excluded.checked_at,
       run_id = case when (x.winner_page_id, x.kind, x.similarity)
                        is distinct from (excluded.winner_page_id, excluded.kind,
                                          excluded.similarity)
                     then excluded.run_id else x.run_id end,
       decided_at = case when (x.winner_page_id, x.kind, x.similarity)
                            is distinct from (excluded.winner_page_id, excluded.kind,
                                              excluded.similarity)
                         then excluded.decided_at else x.decided_at end
"""

_TAKE_OFF_REST = f"""
with off as (
    delete from duplicates x using runs r
     where r.run_id = $1 and x.checked_at < r.started_at and {in_scope(2, "x.page_id")}
    returning x.page_id)
insert into duplicate_findings (run_id, kind, page_id, cluster, url)
select $1, 'unmarked', off.page_id, '', '' from off on conflict do nothing
"""  # noqa: S608 (constants)

_COUNTED = """
select count(*) filter (where kind = 'exact') as exact_groups,
       count(*) filter (where kind = 'near') as near_groups,
       coalesce(sum(pages - 1) filter (where kind <> 'unmarked'), 0) as duplicates,
       count(*) filter (where kind = 'unmarked') as unmarked,
       (select count(*) from duplicates where run_id = $1) as marked
  from duplicate_findings where run_id = $1
"""

_FINDINGS = """
select kind, url, pages, texts, members from duplicate_findings
 where run_id = $1 and kind <> 'unmarked'
 order by pages desc, url collate "C" limit $2
"""
