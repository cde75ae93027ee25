"""The search index in an OpenSearch, for those who outgrow one machine.

An index for each generation, `<name>-3`, and the alias `<name>` on the one that serves. The client
is ours: a dozen requests, while the official one depends on gRPC.

What differs from a folder of tantivy's (docs/decisions/0026): scores are those of one shard, if an
operator gives the index several; a writer takes the generation over from another instead of being
refused, and that other is refused from then on; and a step is made visible by one refresh, which
covers one shard at a time. A step that was cut off may be seen in part until it is repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from atlas.domain.search.analysis import QueryTerm
from atlas.domain.search.index_parts import LexemeQuery, field_of
from atlas.domain.search.ranking import MAX_TERMS, CountedTerm, terms_that_count
from atlas.domain.search.score_explanation import ScoredTerm, read_explanation
from atlas.stores.search.opensearch_documents import bulks, index_definition
from atlas.stores.search.opensearch_query import (
    IN_ORDER,
    Body,
    any_of,
    near_terms,
    part_match,
    search_request,
    weighed,
)
from atlas.stores.search.port import (
    EngineUnavailable,
    IndexInUse,
    IndexOrigin,
    MissingGeneration,
    PartMatch,
    PartMatches,
    QueryTooBroad,
    SearchIndexError,
    StoredGeneration,
    TextChanges,
    TextScope,
)

_SECONDS = 60.0
"""For one request: a refresh after many changes takes seconds."""
_TIES = 50
"""Parts beyond the wanted ones: in a corpus of 100,000 texts 36 at most tied with the last."""
_TEXTS = 60_000
"""Texts found by their pages at once; OpenSearch counts 65,535 at most."""
_MERGES = 10
"""Attempts to merge what was removed away, each a second later than the one before."""


@dataclass(eq=False)
class OpenSearchIndex:
    """Generations in one OpenSearch. `url` may hold user and password: they are in no message."""

    url: str
    name: str = "atlas"
    shards: int = 1
    replicas: int = 0
    _client: httpx.AsyncClient = field(init=False)
    _steps: dict[int, tuple[int, int]] = field(default_factory=dict, init=False)
    """Sequence number and term of the state that this process wrote last, by generation."""

    def __post_init__(self) -> None:
        url = httpx.URL(self.url)
        auth = (url.username, url.password) if url.username else None
        self._where = str(url.copy_with(username=None, password=None))
        self._client = httpx.AsyncClient(
            base_url=self._where, auth=auth, timeout=_SECONDS, trust_env=False
        )

    async def generations(self) -> list[StoredGeneration]:
        """See `SearchIndex`."""
        rows = await self._ask(
            "GET",
            f"/_cat/indices/{self.name}-*?format=json&bytes=b&h=index,docs.count,store.size",
        )
        numbers = {str(row["index"]).removeprefix(f"{self.name}-"): row for row in rows}
        found = []
        for number in sorted(int(each) for each in numbers if each.isdecimal()):
            try:
                state, _ = await self._state(number)
            except MissingGeneration:
                continue  # being made
            row = numbers[str(number)]
            parts = int(row["docs.count"] or 1) - 1
            origin = IndexOrigin.read(state)
            size = int(row["store.size"] or 0)
            texts, tokens = await self._texts_and_tokens(number)
            cursor = state["cursor"]
            found.append(StoredGeneration(number, origin, cursor, texts, parts, tokens, size))
        return found

    async def begin(self, generation: int, origin: IndexOrigin, cursor: int) -> None:
        """See `SearchIndex`."""
        try:
            state, _ = await self._state(generation)
            if IndexOrigin.read(state) == origin:
                return
        except MissingGeneration:
            pass
        await self._remove(generation)
        definition = index_definition(self.shards, self.replicas)
        await self._ask("PUT", f"/{self._index(generation)}", definition)
        state = {**asdict(origin), "cursor": cursor}
        # Written last: an index without a state is none yet.
        await self._ask(
            "PUT", f"/{self._index(generation)}/_doc/state?refresh=true", {"state": state}
        )

    async def cursor(self, generation: int) -> int:
        """See `SearchIndex`."""
        state, _ = await self._state(generation)
        return int(state["cursor"])

    async def apply(self, generation: int, changes: TextChanges) -> None:
        """See `SearchIndex`."""
        state, step = await self._state(generation)
        if self._steps.setdefault(generation, step) != step:
            del self._steps[generation]
            raise IndexInUse(f"another process writes to generation {generation} in {self._where}")
        index = self._index(generation)
        if changes.remove:
            # What a step that was cut off put in must be visible, or it would not be removed.
            await self._ask("POST", f"/{index}/_refresh")
            gone = {"query": {"terms": {"text": [text.hex() for text in changes.remove]}}}
            await self._ask("POST", f"/{index}/_delete_by_query?conflicts=proceed", gone)
        for lines in bulks(changes.put):
            await self._bulk(index, lines)
        await self._put_state(generation, {**state, "cursor": changes.cursor}, step)
        await self._ask("POST", f"/{index}/_refresh")

    async def release(self, generation: int) -> None:
        """See `SearchIndex`."""
        self._steps.pop(generation, None)

    async def serving(self) -> int | None:
        """See `SearchIndex`."""
        try:
            found = await self._ask("GET", f"/_alias/{self.name}")
        except MissingGeneration:
            return None
        (index,) = found
        return int(str(index).removeprefix(f"{self.name}-"))

    async def switch(self, generation: int) -> None:
        """See `SearchIndex`."""
        await self._state(generation)  # there, and readable
        index = self._index(generation)
        remove = {"index": f"{self.name}-*", "alias": self.name, "must_exist": False}
        add = {"index": index, "alias": self.name}
        await self._ask("POST", "/_aliases", {"actions": [{"remove": remove}, {"add": add}]})

    async def drop(self, generation: int) -> None:
        """See `SearchIndex`."""
        if await self.serving() == generation:
            raise ValueError(f"generation {generation} serves searches; switch to another first")
        await self._remove(generation)

    async def texts_of(self, generation: int, pages: Sequence[int]) -> set[bytes]:
        """See `SearchIndex`."""
        index = self._index(generation)
        await self._ask("POST", f"/{index}/_refresh")  # a step that was cut off counts, too
        asked = {
            "size": 0,
            "query": {"terms": {"page": list(pages)}},
            "aggs": {"texts": {"terms": {"field": "text", "size": _TEXTS}}},
        }
        found = await self._ask("POST", f"/{index}/_search", asked)
        return {bytes.fromhex(each["key"]) for each in found["aggregations"]["texts"]["buckets"]}

    async def texts_until(self, generation: int, before: int, limit: int) -> set[bytes]:
        """See `SearchIndex`."""
        asked = {
            "size": limit,
            "query": {"range": {"until": {"lt": before}}},
            "_source": ["text"],
        }
        found = await self._ask("POST", f"/{self._index(generation)}/_search", asked)
        return {bytes.fromhex(hit["_source"]["text"]) for hit in found["hits"]["hits"]}

    async def parts_of(self, generation: int, beginning: str) -> dict[bytes, int]:
        """See `SearchIndex`."""
        found = await self._ask(
            "POST",
            f"/{self._index(generation)}/_search",
            {
                "size": 0,
                "query": {"prefix": {"text": {"value": beginning}}},
                "aggs": {"texts": {"terms": {"field": "text", "size": _TEXTS}}},
            },
        )
        buckets = found["aggregations"]["texts"]["buckets"]
        return {bytes.fromhex(each["key"]): each["doc_count"] for each in buckets}

    async def search(
        self,
        query: LexemeQuery,
        scope: TextScope,
        limit: int,
        *,
        generation: int | None = None,
    ) -> PartMatches:
        """See `SearchIndex`."""
        index = self.name if generation is None else self._index(generation)
        if not query.terms:
            return PartMatches((), 0)
        counting = self._counted(index, query.terms)
        if len(query.terms) > MAX_TERMS:
            counted = await counting
            asked = search_request([each.term for each in counted], query, scope)
            best, total = await self._best(index, asked, limit)
        else:  # all of them count, and need not be known first
            asked = search_request(query.terms, query, scope)
            counted, (best, total) = await asyncio.gather(counting, self._best(index, asked, limit))
        return PartMatches(best, total, counted)

    async def _best(self, index: str, asked: Body, limit: int) -> tuple[tuple[PartMatch, ...], int]:
        """The answer to `search_request`: the best parts, and how many match.

        Lucene would compare the hashes of many parts that are not among the best in the end. So it
        is asked for a few more parts, without an order of those that tie, and for this order only
        where the last of them still tie with the last that is wanted.
        """
        path = f"/{index}/_search"
        found = (await self._ask("POST", path, {**asked, "size": limit + _TIES}))["hits"]
        best = _ordered(found)
        if len(best) == limit + _TIES and best[-1].score == best[limit - 1].score:
            best = _ordered(
                (await self._ask("POST", path, {**asked, "size": limit, **IN_ORDER}))["hits"]
            )
        return best[:limit], found["total"]["value"]

    async def explain(
        self,
        terms: Sequence[QueryTerm],
        matches: Sequence[PartMatch],
        *,
        generation: int | None = None,
    ) -> list[list[tuple[QueryTerm, ScoredTerm]]]:
        """See `SearchIndex`."""
        index = self.name if generation is None else self._index(generation)
        found: dict[tuple[bytes, int], list[tuple[QueryTerm, ScoredTerm]]] = {
            (match.text_hash, match.start): [] for match in matches
        }
        parts = [
            {"bool": {"filter": [{"term": {"text": text.hex()}}, {"term": {"start": start}}]}}
            for text, start in found
        ]
        for term in terms if parts else ():
            asked = {
                "size": len(parts),
                "explain": True,
                "query": {"bool": {"must": [weighed(term)], "filter": [any_of(parts)]}},
                "_source": ["text", "start"],
            }
            for hit in (await self._ask("POST", f"/{index}/_search", asked))["hits"]["hits"]:
                part = bytes.fromhex(hit["_source"]["text"]), hit["_source"]["start"]
                found[part].append((term, read_explanation(term, hit["_explanation"])))
        return list(found.values())

    async def texts_near(self, lexeme: str, scope: TextScope, limit: int) -> list[bytes]:
        """See `SearchIndex`."""
        asked = search_request((), LexemeQuery(()), scope)
        asked["query"]["bool"]["must"] = near_terms(lexeme)
        counted, (best, _) = await asyncio.gather(
            self._counted(self.name, (QueryTerm(lexeme),)), self._best(self.name, asked, limit)
        )
        known = any(each.frequency for each in counted)
        return [] if known else [match.text_hash for match in best]

    async def expunge(self, generation: int, texts: Collection[bytes]) -> bool:
        """See `SearchIndex`. Segments with anything removed are written anew without it; what a
        copy of the shard may still ask for is kept by OpenSearch until it has it, so that it may
        take another merge, some seconds later."""
        index = self._index(generation)
        every = {"index.merge.policy.expunge_deletes_allowed": 0}
        await self._ask("PUT", f"/{index}/_settings", every)
        for attempt in range(_MERGES):
            await asyncio.sleep(attempt)
            await self._ask("POST", f"/{index}/_flush?force=true&wait_if_ongoing=true")
            await self._ask("POST", f"/{index}/_forcemerge?only_expunge_deletes=true")
            await self._ask("POST", f"/{index}/_refresh")
            if not await self._held(index, texts):
                return True
        return False

    async def traces(self, texts: Collection[bytes]) -> set[bytes]:
        """See `SearchIndex`."""
        found: set[bytes] = set()
        for each in await self.generations():
            found |= await self._held(self._index(each.number), texts)
        return found

    async def _held(self, index: str, texts: Collection[bytes]) -> set[bytes]:
        """The texts whose hashes any segment's dictionary has: it counts removed ones, too."""
        found = set()
        for text in texts:
            asked = {"doc": {"text": text.hex()}, "fields": ["text"], "term_statistics": True}
            said = (await self._ask("POST", f"/{index}/_termvectors", asked))["term_vectors"]
            terms = said.get("text", {}).get("terms", {})
            if terms.get(text.hex(), {}).get("doc_freq"):
                found.add(text)
        return found

    async def close(self) -> None:
        """See `SearchIndex`."""
        await self._client.aclose()

    def _index(self, generation: int) -> str:
        return f"{self.name}-{generation:d}"

    async def _texts_and_tokens(self, generation: int) -> tuple[int, int]:
        # Only the first part of a text names pages.
        figures = {
            "tokens": {"sum": {"field": "length"}},
            "texts": {"filter": {"exists": {"field": "page"}}},
        }
        asked = {"size": 0, "aggs": figures}
        found = await self._ask("POST", f"/{self._index(generation)}/_search", asked)
        counted = found["aggregations"]
        return counted["texts"]["doc_count"], int(counted["tokens"]["value"] or 0)

    async def _state(self, generation: int) -> tuple[Body, tuple[int, int]]:
        """What a generation says of itself, as last written, and the number of that writing."""
        found = await self._ask("GET", f"/{self._index(generation)}/_doc/state")
        return found["_source"]["state"], (found["_seq_no"], found["_primary_term"])

    async def _put_state(self, generation: int, state: Body, step: tuple[int, int]) -> None:
        """Write the state, unless another writer has done so meanwhile."""
        unless = f"if_seq_no={step[0]}&if_primary_term={step[1]}"
        written = await self._ask(
            "PUT", f"/{self._index(generation)}/_doc/state?{unless}", {"state": state}
        )
        self._steps[generation] = (written["_seq_no"], written["_primary_term"])

    async def _remove(self, generation: int) -> None:
        self._steps.pop(generation, None)
        await self._ask("DELETE", f"/{self._index(generation)}?ignore_unavailable=true")

    async def _bulk(self, index: str, lines: Sequence[str]) -> None:
        answer = await self._ask("POST", f"/{index}/_bulk", "\n".join(lines) + "\n")
        if answer["errors"]:
            failed = [
                item["index"]["error"] for item in answer["items"] if "error" in item["index"]
            ]
            raise EngineUnavailable(f"{self._where} refused documents: {_reason(failed[0])}")

    async def _counted(self, index: str, terms: Sequence[QueryTerm]) -> tuple[CountedTerm, ...]:
        """The terms that count, and in how many parts each is."""
        if not terms:
            return ()
        said: dict[str, list[str]] = {}
        for name, lexeme in map(field_of, terms):
            said.setdefault(name, []).append(lexeme)
        # It counts the terms of a document that is not there, too.
        asked = {
            "doc": {name: " ".join(lexemes) for name, lexemes in said.items()},
            "term_statistics": True,
            "field_statistics": False,
            "positions": False,
            "offsets": False,
        }
        vectors = (await self._ask("POST", f"/{index}/_termvectors", asked))["term_vectors"]
        counted = []
        for term in terms:
            name, lexeme = field_of(term)
            found = vectors.get(name, {}).get("terms", {}).get(lexeme, {})
            counted.append(CountedTerm(term, found.get("doc_freq", 0)))
        return tuple(terms_that_count(counted))

    async def _ask(self, method: str, path: str, body: Body | str | None = None) -> Any:
        content = body if isinstance(body, str) or body is None else json.dumps(body)
        kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
        try:
            answer = await self._client.request(
                method, path, content=content, headers={"Content-Type": kind}
            )
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise EngineUnavailable(
                f"OpenSearch at {self._where} does not answer ({type(error).__name__}); start it, "
                "or correct its address"
            ) from error
        if answer.is_success:
            return said
        raise self._named(answer.status_code, said)

    def _named(self, status: int, said: Mapping[str, Any]) -> SearchIndexError:
        reason = _reason(said.get("error", said))
        if status == 404:
            return MissingGeneration(
                f"the search index is not in {self._where} ({reason}); a worker builds it, or "
                "`atlas index follow`"
            )
        if status == 409:
            return IndexInUse(f"another process writes to the search index in {self._where}")
        if "too_many" in json.dumps(said):
            return QueryTooBroad()
        return EngineUnavailable(f"OpenSearch at {self._where} answers {status}: {reason}")


def _ordered(found: Body) -> tuple[PartMatch, ...]:
    matches = map(part_match, found["hits"])
    return tuple(sorted(matches, key=lambda match: (-match.score, match.text_hash, match.start)))


def _reason(error: Any) -> str:
    if isinstance(error, Mapping):
        causes = error.get("root_cause") or [error]
        return str(causes[0].get("reason") or causes[0].get("type") or error)[:300]
    return str(error)[:300]
