"""Facets: the live documents that match within the scope, counted by what they are."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from atlas.stores.postgres.index import facets
from atlas.stores.postgres.index.search import SearchPage
from atlas.stores.search.port import SearchIndex
from tests.stores.corpus import NOW, EngineCorpus

ALL = ("source", "lang", "host", "year")


@pytest.fixture
async def corpus(database: asyncpg.Pool, index: SearchIndex) -> AsyncIterator[EngineCorpus]:
    async with database.acquire() as connection, connection.transaction():
        made = EngineCorpus(connection, index)
        await made.put("http://a.example/1", "Fog", "Fog signals on the coast.")
        await made.put("http://a.example:8080/2", "Oil", "Oil and fog.", lang="de")
        await made.put("https://b.example/3?q=/", "Rain", "Rain, fog and hail.", lang=None)
        await made.put("http://b.example/4", "Hail", "Hail only.", source="weather")
        same = "Fog signals on the coast."  # the same text as that of the first
        await made.put("http://c.example/5", "Fog", same, source="weather")
        await connection.execute("update documents set published = $1 where lang = 'en'", NOW)
        page = await connection.fetchval("select id from pages where url like '%/1'")
        await made.hold("weather", page)
        yield made


def counts(page: SearchPage) -> dict[str, dict[str | None, int]]:
    return {each.name: {v.value: v.documents for v in each.values} for each in page.facets}


async def test_documents_that_match_are_counted(corpus: EngineCorpus) -> None:
    page = await corpus.search("fog", limit=1, facets=ALL)
    assert len(page.results) == 1
    assert counts(page) == {
        "source": {"docs": 3, "weather": 2},
        "lang": {"en": 2, "de": 1, None: 1},
        "host": {"a.example": 1, "a.example:8080": 1, "b.example": 1, "c.example": 1},
        "year": {str(NOW.year): 2, None: 2},
    }
    assert all(each.exact and not each.more for each in page.facets)
    assert [each.name for each in page.facets] == list(ALL)
    # What is asked for twice is counted once; what is not, not at all.
    assert counts(await corpus.search("fog", facets=("year", "year"))).keys() == {"year"}
    assert (await corpus.search("fog")).facets == ()


@pytest.mark.parametrize(
    ("query", "options", "hosts"),
    [
        ("fog", {"source": "weather"}, {"a.example": 1, "c.example": 1}),
        ("fog", {"lang": "de"}, {"a.example:8080": 1}),
        ("fog site:b.example", {}, {"b.example": 1}),
        ("fog -oil -signals", {}, {"b.example": 1}),
        ("fog title:rain", {}, {"b.example": 1}),
        ("title:fog", {}, {"a.example": 1, "c.example": 1}),
        ("fog after:2026", {}, {"a.example": 1, "c.example": 1}),
        ("zeppelin", {}, {}),
        ("…", {}, {}),
    ],
)
async def test_they_are_those_within_the_scope(
    corpus: EngineCorpus, query: str, options: dict[str, str], hosts: dict[str, int]
) -> None:
    page = await corpus.search(query, facets=("host",), **options)
    assert counts(page) == {"host": hosts}


async def test_near_duplicates_count_and_what_went_does_not(corpus: EngineCorpus) -> None:
    text = " ".join(f"word{number}" for number in range(150))
    for name in ("one", "two", "three"):
        gone = await corpus.put(f"http://copy.example/{name}", "Story", f"fog {text} {name}")
    await corpus.search("fog")  # builds the index, which still has what goes now
    await corpus.drop(gone)
    page = await corpus.search("word7", facets=("host",))
    assert len(page.results) == 1 and counts(page) == {"host": {"copy.example": 2}}


async def test_of_too_many_only_the_best_are_counted(
    corpus: EngineCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas.stores.postgres.index.engine_search.COUNTED", 2)
    monkeypatch.setattr(facets, "_VALUES", 1)
    page = await corpus.search("fog signals", facets=("host",))
    (facet,) = page.facets
    # Two texts, of which the first stands on two hosts.
    assert (len(facet.values), facet.more, facet.exact) == (1, 2, False)
    assert page.exact and len(page.results) == 3


async def test_what_is_no_facet_is_refused(corpus: EngineCorpus) -> None:
    with pytest.raises(ValueError, match="'author' is none; use source, lang"):
        await corpus.search("fog", facets=("source", "author"))
    now = await corpus.connection.fetchval("select now()")
    with pytest.raises(ValueError, match="leave out facets or as_of"):
        await corpus.search("fog", facets=("source",), as_of=now)
