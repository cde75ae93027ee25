"""Searching what was live at a moment of the past."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atlas.domain.search.index_parts import index_parts
from atlas.stores.postgres.index.engine_search import search_corpus, search_engine
from atlas.stores.postgres.index.past_search import NotKept
from atlas.stores.postgres.index.search import SearchPage, SearchRequest
from atlas.stores.postgres.services.index_follower import IndexFollower
from atlas.stores.postgres.settlement import removal
from atlas.stores.postgres.sources import sources
from atlas.stores.search.port import IndexedText, MissingGeneration, TextChanges
from atlas.stores.search.tantivy_engine import TantivyIndex
from tests.invariants import assert_index_agrees
from tests.stores.corpus import analyse
from tests.stores.drive import Drive, Web

BASE = "https://example.org"
ONE, TWO, THREE = f"{BASE}/1", f"{BASE}/2", f"{BASE}/3"
FIRST: Web = {
    ONE: "The harbour has a lantern that burns all night for the ferries.",
    TWO: "Another text altogether, about tides, moons and the height of the harbour.",
}
SECOND: Web = {
    ONE: "The harbour has no light any more; ferries run by day.",
    TWO: 410,
    THREE: "A school was built on the harbour.",
}
_DAYS = 30


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[TantivyIndex]:
    opened = TantivyIndex(tmp_path / "index")
    yield opened
    await opened.close()


@pytest.fixture
def follower(drive: Drive, index: TantivyIndex) -> IndexFollower:
    return IndexFollower(drive.pool, index, analyse, "one", past=_DAYS)


class Past:
    """A corpus with a past: `first` and `second` are moments when what is named so was live."""

    def __init__(self, drive: Drive, index: TantivyIndex, follower: IndexFollower) -> None:
        self.drive, self.index, self.follower = drive, index, follower
        # By the database's clock, which says what is kept: neither in the future nor too old.
        self.drive.now = datetime.now(UTC) - timedelta(days=3)

    async def run(self, source: str, web: Web) -> datetime:
        """A sync; a moment after which its result was live."""
        await self.drive.run(source, web)
        moment = self.drive.now + timedelta(minutes=1)
        self.drive.now += timedelta(hours=1)
        return moment

    async def search(self, query: str = "harbour", **options: object) -> SearchPage:
        async with self.drive.pool.acquire() as connection:
            return await search_engine(
                connection, self.index, SearchRequest(query, collapse=False, **options)
            )

    async def urls(self, query: str = "harbour", **options: object) -> set[str]:
        return {hit.url for hit in (await self.search(query, **options)).results}


@pytest.fixture
async def past(drive: Drive, index: TantivyIndex, follower: IndexFollower) -> Past:
    past = Past(drive, index, follower)
    await drive.add("docs", deletion="prompt")
    await drive.add("also", deletion="prompt")
    return past


async def test_what_was_live_then_is_found_in_the_words_of_then(past: Past) -> None:
    before = past.drive.now - timedelta(minutes=1)
    first = await past.run("docs", FIRST)
    await past.follower.catch_up()
    second = await past.run("docs", SECOND)
    await past.follower.catch_up()
    assert await past.urls() == await past.urls(as_of=second) == {ONE, THREE}
    assert await past.urls(as_of=first) == {ONE, TWO}
    assert await past.urls(as_of=before) == set()
    assert await past.urls("lantern") == await past.urls("lantern", as_of=second) == set()
    then = await past.search("lantern night", as_of=first)
    assert [hit.url for hit in then.results] == [ONE] and then.as_of == first
    assert "lantern" in then.results[0].snippet
    assert await past.urls('"no light"', as_of=first) == set()
    # A text that comes back was live twice, and not in between.
    third = await past.run("docs", {**SECOND, ONE: FIRST[ONE]})
    await past.follower.catch_up()
    assert await past.urls("lantern") == await past.urls("lantern", as_of=third) == {ONE}
    assert await past.urls("lantern", as_of=first) == {ONE}
    assert await past.urls("lantern", as_of=second) == set()
    await assert_index_agrees(past.drive.pool, past.index)
    # Built anew from what PostgreSQL keeps, the index says the same.
    await past.follower.stop()
    other = TantivyIndex(past.index.folder.parent / "other")
    await past.drive.pool.execute("update search_index set read_up_to = null, generation = null")
    await IndexFollower(past.drive.pool, other, analyse, "two", past=_DAYS).catch_up()
    past.index = other
    assert await past.urls(as_of=first) == {ONE, TWO}
    assert await past.urls("lantern", as_of=second) == set()
    await assert_index_agrees(past.drive.pool, other)
    await other.close()


async def test_scopes_are_those_of_then(past: Past) -> None:
    first = await past.run("docs", FIRST)
    await past.run("also", {TWO: FIRST[TWO]})
    both = past.drive.now - timedelta(minutes=30)
    await past.run("also", {TWO: 410})
    await past.run("docs", SECOND)
    await past.follower.catch_up()
    assert await past.urls(source="also", as_of=first) == set()
    assert await past.urls(source="docs", as_of=first) == {ONE, TWO}
    assert await past.urls(source="also", as_of=both) == {TWO}
    (hit,) = (await past.search("tides", as_of=both)).results
    assert set(hit.sources) == {"also", "docs"}
    lang = (await past.search("tides", as_of=both)).results[0].lang
    assert await past.urls("tides", lang=lang, as_of=both) == {TWO}
    assert await past.urls("tides", lang="xx", as_of=both) == set()


async def test_of_operators_those_about_words_hold_for_the_past_and_others_are_refused(
    past: Past,
) -> None:
    first = await past.run("docs", FIRST)
    await past.run("docs", SECOND)
    await past.follower.catch_up()
    assert await past.urls("harbour -lantern", as_of=first) == {TWO}
    for query in ("site:example.org", "source:docs", "lang:en", "title:log", "after:2025"):
        with pytest.raises(ValueError, match="Leave them out of a search of the past"):
            await past.urls(f"harbour {query}", as_of=first)


async def test_outside_the_kept_time_it_is_refused_with_the_fix(past: Past, tmp_path: Path) -> None:
    first = await past.run("docs", FIRST)
    await past.follower.catch_up()
    with pytest.raises(NotKept, match=r"is before .* keeps past texts for 30 days"):
        await past.urls(as_of=first - timedelta(days=_DAYS))
    with pytest.raises(NotKept, match="has not come yet"):
        await past.urls(as_of=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(MissingGeneration):
        async with past.drive.pool.acquire() as connection:
            nothing = TantivyIndex(tmp_path / "nothing")
            await search_corpus(connection, nothing, SearchRequest("harbour", as_of=first))
    # A worker with another setting builds the index anew.
    await past.follower.stop()
    await IndexFollower(past.drive.pool, past.index, analyse, "two", past=0).catch_up()
    with pytest.raises(NotKept, match="set ATLAS_SEARCH_PAST_DAYS"):
        await past.urls(as_of=first)
    assert await past.urls() == {ONE, TWO}


async def test_past_texts_leave_the_index_when_their_time_is_over(past: Past) -> None:
    await past.run("docs", FIRST)
    await past.run("docs", SECOND)
    await past.follower.catch_up()
    assert (await past.index.generations())[0].parts == 4
    # A month later: ended that long ago in PostgreSQL, and as it was put into the index.
    ended = datetime.now(UTC) - timedelta(days=_DAYS, minutes=1)
    rows = await past.drive.pool.fetch(
        "update versions v set valid_from = $1::timestamptz - interval '1 hour', "
        "valid_to = $1 "
        "from documents d where d.id = v.document_id and v.valid_to is not null "
        "returning d.text_hash, d.page_id, d.text",
        ended,
    )
    until = math.ceil(ended.timestamp())
    old = [
        IndexedText(
            row["text_hash"], index_parts("", row["text"]), [row["page_id"]], ["docs"], ["en"],
            ["example.org"], until - 3600, until,
        )
        for row in rows
    ]  # fmt: skip
    await past.index.apply(1, TextChanges(old, [], await past.index.cursor(1)))
    await past.follower.catch_up()
    assert (await past.index.generations())[0].parts == 4  # an hour may pass until it looks
    past.follower._expired_at -= 3601
    await past.follower.catch_up()
    assert (await past.index.generations())[0].parts == 2
    assert await past.urls() == {ONE, THREE}
    await assert_index_agrees(past.drive.pool, past.index)


async def test_an_erased_page_has_no_past(past: Past) -> None:
    first = await past.run("docs", FIRST)
    await past.run("docs", SECOND)
    await past.follower.catch_up()
    async with past.drive.pool.acquire() as connection:
        source = await sources.get(connection, "docs")
        await removal.remove_source(connection, source, purge=True, now=past.drive.now)
    await past.follower.catch_up()
    assert await past.urls(as_of=first) == set()
    assert (await past.index.generations())[0].parts == 0
    await assert_index_agrees(past.drive.pool, past.index)
