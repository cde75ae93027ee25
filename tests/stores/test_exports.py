"""Which documents an export chooses, and what it says of them."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from atlas.contracts.export_corpus import DocumentFilter
from atlas.domain.exported_document import ExportedDocument
from atlas.stores.postgres.exports import chosen_documents
from tests.stores.drive import Drive, snapshot_of

BASE = "https://example.org"
TIDES = "High water comes an hour later every day, and nobody here is surprised by that any more."
FERRY = "The ferry leaves at eight from the northern quay, unless the fog bell rings twice before."
WEB = {f"{BASE}/tides": TIDES, f"{BASE}/ferry": FERRY}


async def exported(
    pool: asyncpg.Pool, limit: int | None = None, **only: Any
) -> list[ExportedDocument]:
    async with pool.acquire() as connection:
        return [
            each
            async for each in chosen_documents.stream(connection, DocumentFilter(**only), limit)
        ]


async def urls(pool: asyncpg.Pool, **only: Any) -> list[str]:
    return [each.url.removeprefix(BASE) for each in await exported(pool, **only)]


@pytest.fixture
async def synced(drive: Drive) -> Drive:
    await drive.add("docs")
    await drive.add("others")
    await drive.run("docs", WEB)
    await drive.run("others", {f"{BASE}/tides": TIDES, "https://other.example/x": "Anchors. " * 9})
    return drive


async def test_a_document_says_all_that_is_known_of_it(synced: Drive) -> None:
    await synced.run("docs", {**WEB, f"{BASE}/tides": f"{TIDES} Except in August."})
    ferry, tides, _ = await exported(synced.pool)
    now = await synced.document(f"{BASE}/tides")
    assert (tides.url, tides.text, tides.markdown) == (now.url, now.text, now.markdown)
    assert tides.text.endswith("Except in August.")
    assert (tides.version, tides.text_hash, tides.changed_at) == (2, now.text_hash, now.valid_from)
    assert tides.sources == ("docs", "others")
    assert tides.first_seen < tides.changed_at
    assert tides.snapshot == snapshot_of(tides.text).hex()
    assert (tides.fetched_at, tides.last_seen) == (now.fetched_at, now.fetched_at)
    assert ferry.cluster == ferry.text_hash
    assert ferry.last_seen is not None and ferry.last_seen > ferry.changed_at


@pytest.mark.parametrize(
    ("only", "found"),
    [
        ({}, ["/ferry", "/tides", "https://other.example/x"]),
        ({"sources": ["others"]}, ["/tides", "https://other.example/x"]),
        ({"sources": ["docs", "others"], "host": "example.org"}, ["/ferry", "/tides"]),
        ({"host": "other.example"}, ["https://other.example/x"]),
        ({"prefix": f"{BASE}/f"}, ["/ferry"]),
        ({"langs": ["de"]}, []),
        ({"langs": ["de", "en"]}, ["/ferry", "/tides", "https://other.example/x"]),
    ],
)
async def test_filters(synced: Drive, only: dict[str, Any], found: list[str]) -> None:
    assert await urls(synced.pool, **only) == found


async def test_what_changed_since_and_before_a_moment(synced: Drive) -> None:
    before = synced.now + timedelta(minutes=30)
    await synced.run("docs", {**WEB, f"{BASE}/ferry": f"{FERRY} On Sundays it does not."})
    assert await urls(synced.pool, changed_since=before) == ["/ferry"]
    everything = await urls(synced.pool)
    assert await urls(synced.pool, changed_before=before) == [
        each for each in everything if each != "/ferry"
    ]


async def test_what_left_is_not_exported(synced: Drive) -> None:
    for _ in range(3):
        synced.now += timedelta(days=2)
        await synced.run("docs", {**WEB, f"{BASE}/ferry": 404})
    assert "/ferry" not in await urls(synced.pool)


async def test_marked_duplicates_are_left_out_and_counted(synced: Drive) -> None:
    await synced.pool.execute(
        "insert into duplicates (page_id, winner_page_id, kind, similarity, rule, run_id,"
        " decided_at, checked_at) select b.id, a.id, 'near', 0.9, 'shortest', 'r', now(), now()"
        " from pages a, pages b where a.url = $1 and b.url = $2",
        *(f"{BASE}/tides", f"{BASE}/ferry"),
    )
    assert "/ferry" not in await urls(synced.pool)
    found = await exported(synced.pool, include_duplicates=True)
    assert [each.duplicate_of for each in found] == [f"{BASE}/tides", None, None]
    await synced.pool.execute("update documents set lang = null where text = $1", TIDES)
    async with synced.pool.acquire() as connection:
        for only, counted in (
            (DocumentFilter(), (1, 0)),
            (DocumentFilter(include_duplicates=True), (0, 0)),
            (DocumentFilter(langs=["de"]), (0, 1)),
            (DocumentFilter(host="other.example"), (0, 0)),
        ):
            assert await chosen_documents.left_out(connection, only) == counted


async def test_a_stream_is_of_one_moment(synced: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen_documents, "_PREFETCHED", 1)
    still = await exported(synced.pool)
    async with (
        synced.pool.acquire() as connection,
        aclosing(chosen_documents.stream(connection, DocumentFilter())) as found,
    ):
        begun = [await anext(found)]
        await synced.run("docs", {**WEB, f"{BASE}/ferry": f"{FERRY} On Sundays it does not."})
        assert begun + [each async for each in found] == still
    assert await exported(synced.pool) != still


def test_a_filter_that_can_choose_nothing_is_refused() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="'changed_since' must be earlier than 'changed_before'"):
        DocumentFilter(changed_since=late, changed_before=early)
    with pytest.raises(ValueError, match="'prefix' begins with http://"):
        DocumentFilter(prefix="example.org/docs")
    with pytest.raises(ValueError, match="langs"):
        DocumentFilter(langs=["German"])
