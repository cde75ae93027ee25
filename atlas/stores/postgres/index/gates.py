"""The gates of a new generation: what must hold before searches may read it.

The corpus changes meanwhile. So a text on which generation and corpus disagree is looked at again
once the generation has read what was committed until then; only what stays is a difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import asyncpg

from atlas.contracts.rebuild_index import (
    MAX_LOSSES_LISTED,
    MAX_LOST_LISTED,
    Gate,
    GenerationChecked,
    Loss,
)
from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.domain.search.sample_queries import overlap_enough, sample_queries
from atlas.stores.postgres.changes import changed_pages
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index import generations, live_texts
from atlas.stores.postgres.index.engine_search import search_engine
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.search.port import SearchIndex, StoredGeneration

SAMPLED_DOCUMENTS = 25
FIRST_RESULTS = 10
"""Results of a query that the new generation must find again."""
LOOKED_THROUGH = 30
"""Results of the new generation among which they are looked for: another analyser may order
them otherwise, and that is no loss."""
UNREADABLE_SHARE = 0.01
"""Texts that the analyser may fail on."""
_ROUNDS = 5
"""Times that a difference is looked at before it is believed."""
_TEXTS_AT_ONCE = 5_000
_NAMED = 5
_LOOK = 0.1
_SECONDS = 3600.0
_QUERY_SHOWN = 200  # characters
_URL_SHOWN = 200  # characters: 20 losses of 10 URLs stay far below a payload's limit


class GenerationGone(Exception):
    """The generation was dropped while its gates were tried."""


async def check(
    pool: asyncpg.Pool,
    index: SearchIndex,
    generation: int,
    *,
    queries: Sequence[str],
    min_overlap: float,
) -> GenerationChecked:
    """Try every gate of a generation against the live texts and the generation that serves.

    Without queries, those of a sample of the corpus are asked.
    """
    checker = _Checker(pool, index, generation)
    try:
        await checker.until_current()
        held = await checker.held()
        new, old = await checker.stored(generation), await checker.stored(await index.serving())
        gates = [held.gate(), held.counted(new), await checker.analysed(held.texts)]
        gates.append(_sized(new, old, held.texts))
        asked = list(queries) or await checker.sample()
        losses: list[Loss] = []
        if min_overlap > 0:
            losses = [loss async for loss in checker.losses(asked, min_overlap)]
    except GenerationGone as gone:
        return GenerationChecked(gates=[_gate("texts", False, str(gone))])
    gates.append(_queried(asked, losses, min_overlap))
    return GenerationChecked(
        gates=gates,
        losses=losses[:MAX_LOSSES_LISTED],
        texts=held.texts,
        entries=new.parts,
        tokens=new.tokens,
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """What a generation was found to hold, compared with the live texts."""

    texts: int
    parts: int
    missing: list[str]
    extra: list[str]
    still: bool
    """Whether nothing was written to it meanwhile."""

    def gate(self) -> Gate:
        """The generation has the distinct live texts, all of them and nothing else."""
        detail = f"{self.texts} distinct texts"
        for which, found in (("missing", self.missing), ("extra", self.extra)):
            if found:
                detail += f"; {len(found)} {which}: {', '.join(found[:_NAMED])}"
        return _gate("texts", not self.missing and not self.extra, detail)

    def counted(self, stored: StoredGeneration) -> Gate:
        """The figures that BM25 takes are those of what can be read."""
        detail = f"{stored.parts} entries, {stored.tokens} tokens"
        wrong = self.still and stored.parts != self.parts
        if wrong:
            detail += f"; {self.parts} can be read"
        return _gate("counts", not wrong, detail)


@dataclass(frozen=True, slots=True)
class _Checker:
    pool: asyncpg.Pool
    index: SearchIndex
    number: int

    async def until_current(self) -> None:
        """Wait until the generation has read everything that was committed until now."""
        async with self.pool.acquire() as connection:
            last = await changed_pages.last_change(connection)
        while True:
            async with self.pool.acquire() as connection:
                found = (await generations.known(connection)).get(self.number)
            if found is None or found.state == "retired":
                raise GenerationGone(f"generation {self.number} was dropped meanwhile")
            if await self.index.cursor(self.number) >= last:
                return
            await asyncio.sleep(_LOOK)

    async def stored(self, number: int | None) -> StoredGeneration:
        found = {each.number: each for each in await self.index.generations()}
        if number not in found:
            raise GenerationGone(f"generation {number} cannot be read")
        return found[number]

    async def held(self) -> _Held:
        """Compare the generation with the live texts, a share at a time."""
        before = await self.index.cursor(self.number)
        texts = parts = 0
        missing: list[str] = []
        extra: list[str] = []
        async with self.pool.acquire() as connection:
            shares = list(_beginnings(await live_texts.count(connection)))
        for beginning in shares:
            there = await self.index.parts_of(self.number, beginning)
            texts += len(there)
            parts += sum(there.values())
            async with self.pool.acquire() as connection:
                live = await live_texts.beginning(connection, beginning)
            different = await self._that_stays(live ^ there.keys())
            for text, is_live in different.items():
                (missing if is_live else extra).append(await self._named(text))
        still = before == await self.index.cursor(self.number)
        return _Held(texts, parts, missing, extra, still)

    async def _that_stays(self, different: set[bytes]) -> dict[bytes, bool]:
        """Of texts on which both disagreed, those on which they still do, and whether each is
        live."""
        found = dict.fromkeys(different, False)
        for _ in range(_ROUNDS):
            if not found:
                break
            await self.until_current()
            async with self.pool.acquire() as connection:
                live = {text.text_hash for text in await live_texts.facts(connection, found)}
            found = {
                text: text in live
                for text in found
                if bool(await self.index.parts_of(self.number, text.hex())) != (text in live)
            }
        return found

    async def _named(self, text: bytes) -> str:
        async with self.pool.acquire() as connection:
            url = await connection.fetchval(
                "select min(p.url) from documents d join pages p on p.id = d.page_id "
                "where d.text_hash = $1",
                text,
            )
        return str(url or text.hex()[:16])

    async def analysed(self, texts: int) -> Gate:
        """Nearly every text was read by this program's analyser."""
        async with self.pool.acquire() as connection:
            found = (await generations.known(connection)).get(self.number)
        if found is None:
            raise GenerationGone(f"generation {self.number} was dropped meanwhile")
        detail = f"by analyser {found.analyser}"
        if found.unreadable:
            detail += f"; {found.unreadable} could not be read, and are found by their titles only"
        few = found.unreadable <= UNREADABLE_SHARE * texts
        return _gate("analysed", found.analyser == ANALYSER_VERSION and few, detail)

    async def sample(self) -> list[str]:
        """Queries of documents spread evenly over the hashes of the live texts: always the same
        ones of the same corpus."""
        step = (1 << 32) // SAMPLED_DOCUMENTS
        points = [(step * number).to_bytes(4, "big") for number in range(SAMPLED_DOCUMENTS)]
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(_SAMPLE, points, timeout=_SECONDS)
        queries = [query for row in rows for query in sample_queries(row["title"], row["text"])]
        return list(dict.fromkeys(queries))

    async def losses(self, queries: Sequence[str], min_overlap: float) -> AsyncIterator[Loss]:
        """Queries that do not find again what they find now."""
        for query in queries:
            async with self.pool.acquire() as connection:
                before = await self._urls(connection, None, query, FIRST_RESULTS)
                after = set(await self._urls(connection, self.number, query, LOOKED_THROUGH))
            lost = [url for url in before if url not in after]
            if not overlap_enough(len(before), len(lost), min_overlap):
                yield Loss(
                    query=query[:_QUERY_SHOWN],
                    found=len(before),
                    lost=[url[:_URL_SHOWN] for url in lost[:MAX_LOST_LISTED]],
                )

    async def _urls(
        self, connection: Connection, generation: int | None, query: str, limit: int
    ) -> list[str]:
        page = await search_engine(
            connection,
            self.index,
            SearchRequest(query, limit=limit, collapse=False, generation=generation),
        )
        return [hit.url for hit in page.results]


def _beginnings(texts: int) -> Iterator[str]:
    """The first letters of hashes, in hex, so that a few thousand texts begin with each."""
    digits = 0
    while texts > _TEXTS_AT_ONCE * 16**digits:
        digits += 1
    if not digits:
        yield ""
        return
    for number in range(16**digits):
        yield f"{number:0{digits}x}"


def _sized(new: StoredGeneration, old: StoredGeneration, texts: int) -> Gate:
    """The texts are about as long in this generation as in the one that serves."""
    ratio = new.tokens / old.tokens if old.tokens and texts else 1.0
    tolerance = 1.1 if new.origin.analyser == old.origin.analyser else 2.0
    detail = f"{ratio:.2f} of the tokens that generation {old.number} has"
    return _gate("size", 1 / tolerance <= ratio <= tolerance, detail)


def _queried(asked: Sequence[str], losses: Sequence[Loss], min_overlap: float) -> Gate:
    if min_overlap == 0:
        return _gate("queries", True, "not compared: min_overlap is 0")
    found = len(asked) - len(losses)
    detail = f"{found} of {len(asked)} queries find {min_overlap:.0%} of what they found"
    return _gate("queries", not losses, detail)


def _gate(name: str, passed: bool, detail: str) -> Gate:
    return Gate(name=name, passed=passed, detail=detail)


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
