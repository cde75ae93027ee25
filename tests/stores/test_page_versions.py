"""The history of a page, and its texts of the past."""

from __future__ import annotations

from datetime import timedelta

import pytest

from atlas.domain.retention import Retention
from atlas.stores.postgres.cleanup.page_classes import of_pages
from atlas.stores.postgres.crawl.pages import documents, page_versions
from atlas.stores.postgres.crawl.pages.documents import CurrentDocument, UnknownDocument
from atlas.stores.postgres.crawl.pages.page_versions import PageHistory
from tests.stores.drive import Drive
from tests.stores.restorer import Restorer

URL = "https://example.org/a"
REST = {f"https://example.org/{number}": f"Page {number} of the log." for number in range(30)}
FIRST, SECOND = "The keeper lit the lamp at dusk.", "The keeper lit the lamp at dusk, twice."


async def history_of(drive: Drive) -> PageHistory:
    async with drive.pool.acquire() as connection:
        return await page_versions.history(connection, URL)


@pytest.fixture
async def lived(drive: Drive) -> Drive:
    """A page that was added (run-1), changed (run-2), left (run-3), came back by itself (run-4),
    changed (run-5) and was restored."""
    await drive.add("docs", deletion="prompt")
    for answer in (FIRST, SECOND, 410, SECOND, "Nobody lit the lamp."):
        await drive.run("docs", {**REST, URL: answer})
    await Restorer(drive).run(urls=[URL])
    return drive


WAYS = [
    (5, "restored", None),
    (4, "updated", "updated"),
    (3, "added", "updated"),
    (2, "updated", "removed"),
    (1, "added", "updated"),
]


async def test_each_version_says_why_it_came_and_went(lived: Drive) -> None:
    found = await history_of(lived)
    assert [(each.version, each.why, each.ended) for each in found.versions] == WAYS
    runs = [(each.run_id, each.ended_by) for each in found.versions]
    assert runs == [
        ("restore-1", None), ("run-5", "restore-1"), ("run-4", "run-5"), ("run-2", "run-3"),
        ("run-1", "run-2"),
    ]  # fmt: skip
    assert (found.lifecycle, found.left, found.held, found.expired) == ("live", None, False, 0)
    assert found.versions[-1].bytes == len(FIRST)
    # Before causes were recorded, they follow from the times; who did it is not known.
    await lived.pool.execute(
        "update versions set opened_by = null, opened_as = null, closed_by = null, closed_as = null"
    )
    older = await history_of(lived)
    assert [(each.why, each.ended) for each in older.versions[1:]] == [way[1:] for way in WAYS[1:]]
    assert {each.run_id for each in older.versions} == {None}


async def test_what_a_page_said_then(lived: Drive) -> None:
    versions = {each.version: each for each in (await history_of(lived)).versions}

    async def then(moment: timedelta) -> CurrentDocument:
        async with lived.pool.acquire() as connection:
            return await documents.at(connection, URL, versions[1].valid_from + moment)

    async with lived.pool.acquire() as connection:
        second = await documents.numbered(connection, URL, 2)
        live = await documents.current(connection, URL)
    assert (second.text, second.version, second.fetched_at) == (SECOND, 2, None)
    assert second.valid_to == versions[2].valid_to
    assert (live.version, live.valid_to) == (5, None)
    assert (await then(timedelta(0))).version == 1
    assert (await then(timedelta(hours=1))).version == 2
    with pytest.raises(UnknownDocument, match=r"had no text at .*; versions 1 to 5 are kept"):
        await then(timedelta(hours=2))
    with pytest.raises(UnknownDocument, match="had no text"):
        await then(-timedelta(hours=1))
    async with lived.pool.acquire() as connection:
        with pytest.raises(UnknownDocument, match="has no version 9; versions 1 to 5 are kept"):
            await documents.numbered(connection, URL, 9)


async def test_which_versions_are_compared(lived: Drive) -> None:
    found = await history_of(lived)
    assert found.compared(None, None) == (4, 5)
    assert found.compared(None, 3) == (1, 3)  # version 2 says the same
    assert found.compared(2, None) == (2, 5)
    assert found.compared(None, 1) is None


async def test_versions_past_their_retention_are_counted(lived: Drive) -> None:
    lived.now += timedelta(days=400)
    kind = of_pages(Retention(versions=365, newest_versions=2))["versions"]
    async with lived.pool.acquire() as connection, connection.transaction():
        items = await kind.select(connection, lived.now, "", 100)
        await kind.remove(connection, items, lived.now)
    found = await history_of(lived)
    assert ([each.version for each in found.versions], found.expired) == ([5, 4], 3)


async def test_a_page_that_is_not_known(drive: Drive) -> None:
    with pytest.raises(UnknownDocument, match="no document for"):
        await history_of(drive)
