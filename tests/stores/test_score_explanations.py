"""Explained scores: what the terms add makes up the score, and what is left out is counted."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from atlas.stores.postgres.index.search import Hit, LeftOut
from atlas.stores.search.port import SearchIndex
from tests.stores.corpus import EngineCorpus


@pytest.fixture
async def corpus(database: asyncpg.Pool, index: SearchIndex) -> AsyncIterator[EngineCorpus]:
    async with database.acquire() as connection, connection.transaction():
        made = EngineCorpus(connection, index)
        await made.put("http://a/fog", "Fog", "Fog signals are sounded in fog.")
        await made.put("http://a/oil", "Oil", "Oil for the lamps, in fog or rain. " * 30)
        await made.put("http://a/zh", "灯塔", "燈塔看守人 get_user_name", lang="zh")
        await made.put("http://a/rain", "Rain", "Rain gauges are read at noon.", source="weather")
        yield made


def adds_up(hit: Hit) -> bool:
    return sum(term.score for term in hit.terms) == pytest.approx(hit.score, rel=1e-4)


async def test_what_the_terms_add_makes_up_the_score(corpus: EngineCorpus) -> None:
    for query in ("fog signals", "Fogs fog lamp rain", "灯塔 塔", "灯", "getUserName", '"in fog"'):
        page = await corpus.search(query, explain=True)
        assert page.results, query
        for hit in page.results:
            assert hit.terms and adds_up(hit), query
            assert all(term.words for term in hit.terms)
            for term in hit.terms:
                assert term.weight * term.saturation == pytest.approx(term.score)
            scores = [term.score for term in hit.terms]
            assert scores == sorted(scores, reverse=True)
    plain = await corpus.search("fog signals")
    assert plain.left_out is None and plain.results[0].terms == ()


async def test_a_term_says_what_it_is(corpus: EngineCorpus) -> None:
    page = await corpus.search("fogs signalling fog", explain=True)
    best, other = page.results
    found = {(term.field, term.lexeme): term for term in best.terms}
    fog = found["body", "fog"]
    assert fog.words == ("fogs", "fog")
    # Twice in the text; the title counts twice as well.
    assert (fog.frequency, fog.parts, fog.length) == (4, 2, 8)
    assert found["body", "signal"].words == found["prefixes", "signa"].words == ("signalling",)
    assert found["body", "signal"].parts == 1
    assert fog.length_factor < 1 < other.terms[0].length_factor
    assert {term.lexeme for term in other.terms} == {"fog"}


async def test_what_is_left_out_is_counted(corpus: EngineCorpus) -> None:
    text = " ".join(f"word{number}" for number in range(150))
    for name in ("one", "two"):
        await corpus.put(f"http://copy/{name}", "Story", f"fog {text} {name}")
    gone = await corpus.put("http://a/gone", "Gone", "Fog that lifted.")
    await corpus.search("fog")  # builds the index, which still has it afterwards
    await corpus.drop(gone)
    page = await corpus.search("fog -signals", explain=True)
    assert page.left_out == LeftOut(parts=4, texts=4, excluded=0, not_shown=1, near_duplicates=1)
    assert len(page.results) == 2
    first = await corpus.search("fog", limit=1, explain=True)
    assert first.next is not None
    behind = await corpus.search("fog", explain=True, after=first.next)
    assert behind.results and all(map(adds_up, behind.results))
