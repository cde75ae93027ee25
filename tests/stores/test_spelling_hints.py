"""Did you mean: a near word that a live document within the scope has, or none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from atlas.stores.postgres.index.engine_search import search_corpus, search_engine
from atlas.stores.postgres.index.search import SearchRequest
from atlas.stores.search.port import IndexOrigin
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.stores.corpus import EngineCorpus


@pytest.fixture
async def corpus(database: asyncpg.Pool, tmp_path: Path) -> AsyncIterator[EngineCorpus]:
    """Two sources that are in the index."""
    index = TantivyIndex(tmp_path / "index")
    async with database.acquire() as connection, connection.transaction():
        made = EngineCorpus(connection, index)
        await made.put("http://a/fog", "Fog", "Lanterns are lit when fog comes to the harbour.")
        await made.put("http://a/ru", "Маяк", "Маяк не горел семь часов.", lang="ru")
        await made.put("http://a/e", "Café", "The bakery is closed.", source="bakers")
        await made.search("fog")
        yield made
    await index.close()


async def hints(corpus: EngineCorpus, query: str, **options: str) -> dict[str, str]:
    page = await search_corpus(corpus.connection, corpus.index, SearchRequest(query, **options))  # type: ignore[arg-type]
    return {each.word: each.instead for each in page.instead}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lantrens", {"lantrens": "Lanterns"}),
        ("harbuor fog", {"harbuor": "harbour"}),
        ("harbour fogs lantern", {}),
        ("маячк", {"маячк": "Маяк"}),
        ("bakrey", {"bakrey": "bakery"}),
        ("xylophone", {}),
        ('"harbuor"', {}),
        ("fog -harbuor", {}),
        ("cafe", {}),
    ],
)
async def test_a_word_that_no_document_has(
    corpus: EngineCorpus, query: str, expected: dict[str, str]
) -> None:
    assert await hints(corpus, query) == expected


async def test_only_what_the_search_could_show_is_offered(corpus: EngineCorpus) -> None:
    assert await hints(corpus, "bakrey", source="bakers") == {"bakrey": "bakery"}
    assert await hints(corpus, "bakrey", source="docs") == {}
    assert await hints(corpus, "маячк", lang="ru") == {"маячк": "Маяк"}
    assert await hints(corpus, "маячк", lang="en") == {}


async def test_a_generation_that_is_named_is_not_asked_for_near_words(
    corpus: EngineCorpus, tmp_path: Path
) -> None:
    """As the gates of a rebuild name it, which may be before any serves."""
    index = TantivyIndex(tmp_path / "unserved")
    await index.begin(1, IndexOrigin("corpus", 3), 0)
    page = await search_engine(corpus.connection, index, SearchRequest("harbuor", generation=1))
    assert (page.results, page.instead) == ((), ())
    await index.close()


async def test_no_word_of_a_removed_text_is_offered(corpus: EngineCorpus) -> None:
    """The index may be behind, and its dictionaries keep words of what was removed."""
    await corpus.connection.execute("update versions set valid_to = now() where valid_to is null")
    assert await hints(corpus, "harbuor") == {}
