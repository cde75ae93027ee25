"""A corpus of version 0.6, whose index is in PostgreSQL: it is searched until the engine has one,
and the old tables go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from atlas.domain.search.analysis import TITLE_WEIGHT, tokens
from atlas.stores.postgres import migrate
from atlas.stores.postgres.cleanup.run_classes import RetiredGenerations
from atlas.stores.postgres.index import old_index
from atlas.stores.postgres.index.engine_search import search_corpus
from atlas.stores.postgres.index.search import SearchPage, SearchRequest
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.search.port import MissingGeneration
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.stores.corpus import Corpus, analyse, built

LAST_OF_0_6 = 36
PAGES = {
    "http://a/fog": ("Fog", "How fog signals are sounded on the coast."),
    "http://a/oil": ("Oil", "Oil for the lamp, and what to do in fog or rain."),
    "http://a/rain": ("Rain", "Rain gauges are read at noon."),
    "http://a/zh": ("灯塔", "燈塔看守人每天晚上都要記錄天氣。"),
}


def tsvector(title: str, text: str) -> tuple[str, int]:
    """A text as 0.6 wrote it, and its length: the title counts as in the engines."""
    places: dict[str, list[int]] = {}
    said = [*list(tokens(title)) * TITLE_WEIGHT, *tokens(text)]
    for position, token in enumerate(said, start=1):
        for lexeme in token.lexemes:
            places.setdefault(lexeme, []).append(position)
    literal = " ".join(f"'{each}':{','.join(map(str, at))}" for each, at in places.items())
    return literal, len(said)


async def put(corpus: Corpus, url: str, title: str, text: str) -> bytes:
    """A live page as version 0.6 left it, in its index."""
    found = await corpus.page(url, title, text, lang="zh" if url.endswith("zh") else "en")
    await corpus.connection.execute(
        "insert into sketches (text_hash, version, bands, signature, representative) "
        "values ($1, 1, '{}', '', $1)",
        found,
    )
    tsv, length = tsvector(title, text)
    await corpus.connection.execute(
        "insert into index_entries (generation, text_hash, part, analyser, length, first, last, "
        "tsv) values (1, $1, 0, 2, $2, 0, $3, $4::text::tsvector)",
        *(found, length, len(text), tsv),
    )
    await corpus.connection.execute(
        "update generations set entries = entries + 1, tokens = tokens + $1", length
    )
    return found


@pytest.fixture
async def connection(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection]:
    """A corpus of 0.6 with some pages, migrated."""
    every = migrate.known()
    opened = await asyncpg.connect(empty_database_url)
    with monkeypatch.context() as older:
        older.setattr(migrate, "known", lambda: every[:LAST_OF_0_6])
        await migrate.migrate(opened)
    corpus = Corpus(opened)
    for url, (title, text) in PAGES.items():
        await put(corpus, url, title, text)
    await opened.execute("update change_feed set last = 1, trimmed = 1")
    assert await migrate.migrate(opened) == [each.name for each in every[LAST_OF_0_6:]]
    yield opened
    await opened.close()


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[TantivyIndex]:
    opened = TantivyIndex(tmp_path / "index")
    yield opened
    await opened.close()


def urls(page: SearchPage) -> list[str]:
    return [hit.url for hit in page.results]


SEARCHES = [
    ("fog signals", {}, ["http://a/fog", "http://a/oil"]),
    ("灯塔", {}, ["http://a/zh"]),
    ('"oil for the lamp"', {}, ["http://a/oil"]),
    ('"lamp for the oil"', {}, []),
    ("fog", {"lang": "zh"}, []),
    ("rain", {"source": "docs", "lang": "en", "limit": 1, "offset": 1}, ["http://a/oil"]),
    ("?!", {}, []),
]


async def test_the_old_index_serves_until_the_engine_has_one(
    connection: asyncpg.Connection, index: TantivyIndex, empty_database_url: str
) -> None:
    expected = {}
    for query, options, found in SEARCHES:
        page = await search_corpus(connection, index, SearchRequest(query, **options))  # type: ignore[arg-type]
        assert urls(page) == found, query
        expected[query] = [(hit.url, hit.snippet, hit.marks) for hit in page.results]
    assert await old_index.drop(connection) is False  # it serves
    await built(empty_database_url, index.folder)
    assert await index.serving() == 2  # after the old one's number
    for query, options, found in SEARCHES:
        page = await search_corpus(connection, index, SearchRequest(query, **options))  # type: ignore[arg-type]
        assert urls(page) == found, query
        assert [(hit.url, hit.snippet, hit.marks) for hit in page.results] == expected[query]
    cleaned = RetiredGenerations()
    [item] = await cleaned.select(connection, datetime.now(UTC), "", 10)
    assert (item.identity, item.size > 0) == ("the index in PostgreSQL", True)
    assert await cleaned.count(connection, datetime.now(UTC)) == 1
    assert await cleaned.remove(connection, [item], datetime.now(UTC)) == [item]
    assert await cleaned.remove(connection, [item], datetime.now(UTC)) == []
    assert await cleaned.select(connection, datetime.now(UTC), "", 10) == []
    gone = await connection.fetch("select relname from pg_class where relname ~ '^index_entries'")
    assert gone == []
    await migrate.verify(connection)
    assert (
        urls(await search_corpus(connection, index, SearchRequest("fog signals")))[0]
        == "http://a/fog"
    )


async def test_what_left_since_is_not_shown_and_what_came_is_not_found_yet(
    connection: asyncpg.Connection, index: TantivyIndex
) -> None:
    corpus = Corpus(connection)
    text = await connection.fetchval("select text_hash from documents where title = 'Fog'")
    await corpus.drop(text)
    await corpus.put("http://a/new", "New", "A fog that came with the update.", source="new")
    found = await search_corpus(connection, index, SearchRequest("fog"))
    assert (urls(found), found.total) == (["http://a/oil"], 1)


async def test_a_lost_engine_index_does_not_bring_the_old_one_back(
    connection: asyncpg.Connection, index: TantivyIndex, empty_database_url: str
) -> None:
    """Nobody has written to it for long."""
    await built(empty_database_url, index.folder)
    with pytest.raises(MissingGeneration):
        await search_corpus(
            connection, TantivyIndex(index.folder / "elsewhere"), SearchRequest("fog")
        )


async def test_a_build_that_is_under_way_does_not_serve(
    connection: asyncpg.Connection,
    index: TantivyIndex,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("atlas.stores.postgres.services.index_follower._COPIED", 1)
    apply, steps = index.apply, 0

    async def searched(generation: int, changes: object) -> None:
        nonlocal steps
        steps += 1
        assert (
            urls(await search_corpus(connection, index, SearchRequest("fog signals")))[0]
            == "http://a/fog"
        )
        await apply(generation, changes)  # type: ignore[arg-type]

    index.apply = searched  # type: ignore[method-assign, assignment]
    async with asyncpg.create_pool(empty_database_url, min_size=1, max_size=3) as pool:
        assert await IndexFollower(pool, index, analyse, "one").catch_up() == 1
    assert steps == len(PAGES)
    assert await old_index.serving(connection) is None


async def test_an_erasure_reaches_the_old_index(connection: asyncpg.Connection) -> None:
    text = await connection.fetchval("select text_hash from documents where title = 'Fog'")
    await old_index.forget_texts(connection, [text])
    left = await connection.fetch("select text_hash from index_entries")
    assert len(left) == len(PAGES) - 1 and text not in {row["text_hash"] for row in left}


async def test_a_new_corpus_never_has_the_old_tables(database: asyncpg.Pool) -> None:
    async with database.acquire() as new:
        assert await old_index.present(new) is False
        assert await old_index.serving(new) is None
        await old_index.forget_texts(new, [bytes(32)])
