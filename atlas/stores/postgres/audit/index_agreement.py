"""Whether the search index of an engine and the corpus agree: every live text is in the generation
that serves, under its pages, and is found by a sentence of its own; and nothing else is in it.

Both change while they are compared, and the index is always a little behind. So whatever differs is
looked at again: the corpus first, then the index, once it has read all that had changed until then,
and the corpus once more. What has not changed in between, and differs still, is a finding.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from atlas.domain.audit_findings import AuditFinding
from atlas.domain.search.analysis import split
from atlas.domain.search.index_parts import lexeme_query
from atlas.stores.postgres.audit.live_documents import AuditedDocument
from atlas.stores.postgres.changes import changed_pages
from atlas.stores.postgres.index import index_lease, index_repairs
from atlas.stores.search.port import (
    MissingGeneration,
    QueryTooBroad,
    SearchIndex,
    SearchIndexError,
    TextScope,
)

_PATIENCE = 20.0
"""Seconds to wait for the index to have read what changed, and for its writer to repair."""
_LOOK = 0.05
_WORDS = 8
_CHARACTERS = 60
_NO_QUOTES = str.maketrans({'"': " ", "“": " ", "”": " "})
_FULL_PREFIXES = tuple(f"{number:02x}" for number in range(256))
"""The texts of a whole index, a few thousand of a million at a time."""


@dataclass(frozen=True, slots=True)
class _Disagreement:
    page: int
    url: str
    missing: frozenset[bytes]
    extra: frozenset[bytes]


@dataclass(eq=False)
class IndexAgreement:
    """Compares an index with the corpus, and asks its writer for repairs."""

    pool: asyncpg.Pool
    index: SearchIndex
    patience: float = _PATIENCE

    async def pages(self, pages: Sequence[int]) -> list[AuditFinding]:
        """What the index lacks of these pages, or has of them although it is not theirs."""
        if not await self._built():
            return []
        try:
            generation = await self._serving()
            suspects = [each.page for each in await self._compare(generation, pages)]
            if not suspects:
                return []
            last = await self._caught_up(generation)
            if last is None:
                return []
            differing = await self._compare(generation, suspects)
        except SearchIndexError as error:
            return [_unreadable(error)]
        moved = await self._changed_after([each.page for each in differing], last)
        return [
            finding
            for each in differing
            if each.page not in moved
            for finding in _findings(each, generation)
        ]

    async def ghosts(self, beginnings: Sequence[str] = _FULL_PREFIXES) -> list[AuditFinding]:
        """Texts that the index has and no page, of those whose hashes, in hex, begin so."""
        if not await self._built():
            return []
        try:
            generation = await self._serving()
            past = await self._past(generation)
            found: set[bytes] = set()
            for beginning in beginnings:
                held = set(await self.index.parts_of(generation, beginning))
                found |= held - await self._live(held, past)
            if not found:
                return []
            before = found - await self._live(found, past)
            last = await self._caught_up(generation)
            if last is None:
                return []
            still = {each for each in before if await self.index.parts_of(generation, each.hex())}
        except SearchIndexError as error:
            return [_unreadable(error)]
        still -= await self._live(still, past) | await self._said_after(still, last)
        return [
            AuditFinding(
                "index_ghost",
                each.hex(),
                f"the index holds a text that no page has: generation {generation}",
            )
            for each in sorted(still)
        ]

    async def finds(self, document: AuditedDocument) -> bool:
        """Whether the generation that serves finds a document by a sentence of its own; also true
        if it cannot be read, which `pages` and `ghosts` say."""
        try:
            return await self._finds(document)
        except SearchIndexError:
            return True

    async def _finds(self, document: AuditedDocument) -> bool:
        if not await self._built() or await self._found(document):
            return True
        last = await self._caught_up(await self._serving())
        if last is None or await self._found(document):
            return True
        return bool(await self._changed_after([document.page_id], last)) or not await self._live(
            {document.text_hash}
        )

    async def put_again(self, wanted: Iterable[bytes]) -> set[bytes]:
        """Have texts put in again, or taken out; those that the writer has dealt with in time."""
        texts = set(wanted)
        if not texts:
            return set()
        async with self.pool.acquire() as connection:
            await index_repairs.ask(connection, texts)
        left = texts
        until = asyncio.get_running_loop().time() + self.patience
        while left and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_LOOK)
            async with self.pool.acquire() as connection:
                left = await index_repairs.waiting(connection, left)
        return texts - left

    async def _found(self, document: AuditedDocument) -> bool:
        parts = list(split(document.text))
        start, end = parts[len(parts) // 2]
        query = lexeme_query(f'"{sentence_of(document.text[start:end])}"')
        if not query.phrases:
            return True
        try:
            scope = TextScope(texts=(document.text_hash,))
            return bool((await self.index.search(query, scope, 1)).total)
        except QueryTooBroad:
            return True

    async def _serving(self) -> int:
        serving = await self.index.serving()
        if serving is None:
            raise MissingGeneration("no search index is built; a worker builds it")
        return serving

    async def _built(self) -> bool:
        """Whether there ever was an index: before the first build nothing can be missing."""
        async with self.pool.acquire() as connection:
            return (await index_lease.progress(connection)).read_up_to is not None

    async def _compare(self, generation: int, pages: Sequence[int]) -> list[_Disagreement]:
        """The index is read first: what it has read by then was committed before, so that only
        what it has yet to read can be missing from it."""
        had = {page: await self.index.texts_of(generation, [page]) for page in pages}
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(_OF_PAGES, list(pages), await self._past(generation))
        wanted, allowed = defaultdict(set), defaultdict(set)
        for row in rows:
            allowed[row["page_id"]].add(row["text_hash"])
            if row["wanted"]:
                wanted[row["page_id"]].add(row["text_hash"])
        urls = {row["page_id"]: row["url"] for row in rows}
        return [
            _Disagreement(page, urls.get(page, f"page {page}"), missing, extra)
            for page, texts in had.items()
            if (missing := frozenset(wanted[page] - texts))
            | (extra := frozenset(texts - allowed[page]))
        ]

    async def _past(self, generation: int) -> int:
        """The days for which the generation keeps past texts."""
        stored = {each.number: each for each in await self.index.generations()}
        if generation not in stored:
            raise MissingGeneration(f"generation {generation} of the search index is gone")
        return stored[generation].origin.past

    async def _caught_up(self, generation: int) -> int | None:
        """The last change, once the index has read it; None: it has not in time, so that nobody
        can tell what it lacks from what it has yet to read."""
        async with self.pool.acquire() as connection:
            last = await changed_pages.last_change(connection)
        until = asyncio.get_running_loop().time() + self.patience
        while await self.index.cursor(generation) < last:
            if asyncio.get_running_loop().time() > until:
                return None
            await asyncio.sleep(_LOOK)
        return last

    async def _live(self, texts: Collection[bytes], past: int = 0) -> set[bytes]:
        if not texts:  # as with most beginnings of the hashes of a small corpus
            return set()
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(_LIVE_TEXTS, list(texts), past)
        return {row["text_hash"] for row in rows}

    async def _changed_after(self, pages: Sequence[int], last: int) -> set[int]:
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                "select distinct page_id from changes "
                "where number > $2 and page_id = any($1::bigint[])",
                list(pages),
                last,
            )
        return {row["page_id"] for row in rows}

    async def _said_after(self, texts: Collection[bytes], last: int) -> set[bytes]:
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                "select distinct text_hash from changes "
                "where number > $2 and text_hash = any($1::bytea[])",
                list(texts),
                last,
            )
        return {row["text_hash"] for row in rows}


def sentence_of(part: str) -> str:
    """Its first words, to be looked for as a phrase."""
    words = part.translate(_NO_QUOTES).split()
    return " ".join(words[:_WORDS])[:_CHARACTERS].rpartition(" ")[0] or "".join(words)[:_CHARACTERS]


def _findings(each: _Disagreement, generation: int) -> list[AuditFinding]:
    return [
        *(
            AuditFinding(
                "index_missing",
                text.hex(),
                f"a live document is missing from the index: {each.url}, generation {generation}",
            )
            for text in sorted(each.missing)
        ),
        *(
            AuditFinding(
                "index_ghost",
                text.hex(),
                f"the index holds a text as that of {each.url}, which has another: "
                f"generation {generation}",
            )
            for text in sorted(each.extra)
        ),
    ]


def _unreadable(error: SearchIndexError) -> AuditFinding:
    return AuditFinding("index", "index", f"the search index cannot be read: {error}"[:500])


# Past texts leave the index some time after the days for which they are kept.
_MAY_BE = """(v.valid_to is null or $2::int > 0
              and v.valid_to > now() - make_interval(days => $2::int + 1))"""
_OF_PAGES = f"""
select v.page_id, p.url, d.text_hash,
       bool_or(v.valid_to is null or $2::int > 0
               and v.valid_to > now() - make_interval(days => $2::int)) as wanted
  from versions v join documents d on d.id = v.document_id join pages p on p.id = v.page_id
 where v.page_id = any($1::bigint[]) and {_MAY_BE}
 group by v.page_id, p.url, d.text_hash
"""  # noqa: S608 (constants)
_LIVE_TEXTS = f"""
select o.text_hash from unnest($1::bytea[]) as o(text_hash)
 where exists (select from documents d join versions v on v.document_id = d.id
               where d.text_hash = o.text_hash and {_MAY_BE})
"""  # noqa: S608 (constants)
