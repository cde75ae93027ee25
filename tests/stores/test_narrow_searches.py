"""Searches for a few of many texts: the engine knows what they ask for, so that few are looked up.

What narrows a search is counted, not timed: how often the engine is asked, and for how much.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from atlas.domain.chunking import sentences
from atlas.domain.search import analysis
from atlas.stores.postgres.index import shown_hits
from atlas.stores.search.port import PartMatches, TextScope
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.stores.corpus import NOW, EngineCorpus

MANY = 230
"""More than are looked at first."""


class CountedIndex(TantivyIndex):
    """Keeps what it was asked, and how many parts it named."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[tuple[TextScope, int]] = []

    async def search(self, *args: Any, **options: Any) -> PartMatches:
        found = await super().search(*args, **options)
        self.asked.append((args[1], len(found.best)))
        return found


@pytest.fixture
async def corpus(database: asyncpg.Pool, tmp_path: Path) -> AsyncIterator[EngineCorpus]:
    """Many short texts about fog, and long ones, which rank behind them."""
    index = CountedIndex(tmp_path / "index")
    async with database.acquire() as connection, connection.transaction():
        made = EngineCorpus(connection, index)
        for number in range(MANY):
            await made.page(f"http://many.example/{number}", "Log", f"Fog, number{number}.")
        long = "The keeper wrote down the weather of the day, and of the fog nothing. " * 3
        await made.page("http://few.example/docs/one", "Harbour", f"{long} one", source="few")
        await made.page("http://sub.few.example/two", "Hafen", f"{long} two", lang="de")
        await connection.execute(
            "update documents set published = $1 where title = 'Hafen'", NOW - timedelta(days=3)
        )
        yield made
    await index.close()


@pytest.mark.parametrize(
    ("query", "found", "named"),
    [
        ("fog site:few.example", ["docs/one", "two"], 2),
        ("fog site:FEW.example/docs", ["docs/one"], 2),
        ("fog site:few.example:80", [], 2),
        ("fog source:few source:none", ["docs/one"], 1),
        ("fog lang:de lang:fr", ["two"], 1),
        ("fog after:2026-11-20", ["two"], 1),
        ("fog after:2026-11-20 before:2026-11-21", [], 0),
        ("fog title:harbour", ["docs/one"], 1),
        ("fog keeper -log -number1", ["docs/one", "two"], 2),
    ],
)
async def test_the_engine_is_asked_once_for_what_is_shown(
    corpus: EngineCorpus, query: str, found: list[str], named: int
) -> None:
    page = await corpus.search(query)
    assert sorted(hit.url.split("example/")[1] for hit in page.results) == found
    assert page.exact and page.total == len(found)
    assert isinstance(corpus.index, CountedIndex)
    (first, *others) = corpus.index.asked
    assert first[1] == named
    # What must not occur is looked for among these texts, not among all that have it.
    assert all(scope.texts is not None and len(scope.texts) <= named for scope, _ in others)


async def test_what_must_not_occur_is_looked_for_where_the_window_ends(
    corpus: EngineCorpus,
) -> None:
    """All the best have it: the window grows until there are others."""
    page = await corpus.search("fog -log", limit=2)
    assert [hit.title for hit in page.results] == ["Hafen", "Harbour"] or [
        hit.title for hit in page.results
    ] == ["Harbour", "Hafen"]


async def test_what_must_not_occur_is_looked_for_in_the_other_parts_of_long_texts(
    corpus: EngineCorpus,
) -> None:
    said = "The fog came in. " + "Nothing of note happened on that day. " * 1_000
    long = await corpus.put("http://long.example/a", "Siren", f"{said} A siren sounded.")
    await corpus.put("http://long.example/b", "Silence", f"{said} Nobody spoke.")
    assert len((await corpus.search("fog site:long.example")).results) == 2
    assert isinstance(corpus.index, CountedIndex)
    corpus.index.asked.clear()
    page = await corpus.search("fog -spoke site:long.example")
    assert [hit.title for hit in page.results] == ["Siren"]
    (_, again) = corpus.index.asked
    assert again[0].texts is not None and long in again[0].texts and len(again[0].texts) == 2
    corpus.index.asked.clear()
    assert len((await corpus.search("fog -spoke site:few.example")).results) == 2
    assert len(corpus.index.asked) == 1, "a short text has one part"


async def test_what_is_published_or_moves_later_is_found_by_it(corpus: EngineCorpus) -> None:
    assert (await corpus.search("fog after:2026-11-23")).results == ()
    await corpus.connection.execute(
        "update documents set published = $1 where title = 'Harbour'", NOW
    )
    await corpus.page("http://new.example/", "New", "Rain.")
    corpus.built = False
    await corpus.index.switch(await corpus._emptied())
    page = await corpus.search("fog after:2026-11-23")
    assert [hit.title for hit in page.results] == ["Harbour"]


async def test_a_common_word_is_not_counted(corpus: EngineCorpus) -> None:
    page = await corpus.search("fog", collapse=False)
    assert len(page.results) == 10 and not page.exact
    assert isinstance(corpus.index, CountedIndex)
    assert corpus.index.asked[-1][1] == 200


async def test_a_host_that_is_none_finds_nothing(corpus: EngineCorpus) -> None:
    assert (await corpus.search("fog site:[::1")).results == ()


@pytest.mark.parametrize(
    ("query", "statements"),
    [("fog", 2), ("fog site:few.example", 2), ("fog title:hafen", 2), ("nowhere", 1)],
)
async def test_a_page_of_results_is_read_with_two_statements(
    corpus: EngineCorpus, query: str, statements: int
) -> None:
    """What is live, with its sketches, and the pages that are shown, with their texts."""
    await corpus.search("fog")  # builds the index
    said: list[str] = []
    with corpus.connection.query_logger(lambda record: said.append(record.query)):
        await corpus.search(query, limit=9)
    read = [each for each in said if "unnest($1::bytea[]" in each]
    assert len(read) == statements
    others = [each for each in said if each not in read and "SAVEPOINT" not in each.upper()]
    assert set(others) <= {"select corpus_id from corpus limit 1"}  # for the cursor


async def test_the_first_search_makes_no_pattern_that_was_prepared(corpus: EngineCorpus) -> None:
    patterns = (analysis.run_pattern, analysis.word_pattern, sentences._sentence_end)
    for pattern in patterns:
        pattern.cache_clear()
    shown_hits.prepare()
    made = [pattern.cache_info().misses for pattern in patterns]
    assert made == [1, 1, 1]
    await corpus.search("fog")
    assert [pattern.cache_info().misses for pattern in patterns] == made
