"""The bounds of a document's chunks are kept with it, and a hit is shown by them."""

import pytest

from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.search import chunk_places
from atlas.domain.search.analysis import QueryTerm
from atlas.stores.postgres.index.page_scope import SearchScope
from atlas.stores.postgres.index.search import Hit
from atlas.stores.postgres.index.shown_hits import _pages, hits
from tests.stores.drive import Drive

URL = "https://example.org/a"
TEXT = "# Lamp\n\nIt is lit at dusk.\n\n## Oil\n\nOf whales, once."


async def shown(drive: Drive, word: str) -> Hit:
    async with drive.pool.acquire() as connection:
        row = await connection.fetchrow(
            "select text_hash, 0 as first, 1000 as last, 1.0 as score, 1 as members, "
            "'{}'::bytea[] as similar from documents"
        )
        (hit,) = await hits(connection, [row], {QueryTerm(word): 1.0}, SearchScope(None, None))
        return hit


async def test_a_hit_is_shown_without_cutting_its_page(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drive.add("docs")
    await drive.run("docs", {URL: TEXT})
    found = await drive.document(URL)
    lamp, oil = document_chunks(URL, found.text, found.markdown, found.outline)
    monkeypatch.setattr(chunk_places, "document_chunks", None)
    for word, chunk in (("dusk", lamp), ("whale", oil)):
        hit = await shown(drive, word)
        assert (hit.chunk_id, hit.section, hit.anchor) == (chunk.id, chunk.section, chunk.anchor)


async def test_a_page_that_was_prepared_before_is_cut(drive: Drive) -> None:
    await drive.add("docs")
    await drive.run("docs", {URL: TEXT})
    kept = await shown(drive, "whale")
    await drive.pool.execute("update documents set chunk_bounds = null")
    assert await shown(drive, "whale") == kept


async def test_a_text_that_differs_in_blanks_brings_its_own_bounds(drive: Drive) -> None:
    """Both have one text hash and so one row: places count characters of the text in it."""
    await drive.add("docs")
    await drive.run("docs", {URL: TEXT})
    await drive.run("docs", {URL: TEXT.replace("\n\n", "\n\n\n")})
    kept = await shown(drive, "whale")
    await drive.pool.execute("update documents set chunk_bounds = null")
    assert await shown(drive, "whale") == kept


async def test_of_a_long_text_only_the_chunks_are_read_that_are_looked_at(drive: Drive) -> None:
    """What a hit shows is that of the whole text, wherever in it the engine found something."""
    sections = [
        f"## Part {n}\n\nIt says marker{n} of Dr. Fog. {'On it goes. ' * 60}" for n in range(40)
    ]
    await drive.add("docs")
    await drive.run("docs", {URL: "\n\n".join(sections)})
    found = await drive.document(URL)
    text = bytes.fromhex(found.text_hash)
    places = [(n, found.text.index(f"marker{n} ")) for n in (0, 1, 20, 39)]
    parts = [(n, max(0, at - 3000), at + 3000) for n, at in places]
    async with drive.pool.acquire() as connection:
        rows = [
            {
                "text_hash": text,
                "first": first,
                "last": last,
                "score": 1.0,
                "members": 1,
                "similar": [],
                "number": number,
            }
            for number, first, last in parts
        ]
        everywhere = SearchScope(None, None)
        read = [(await _pages(connection, [row], everywhere, None))[text] for row in rows]
        assert all(
            len(each["text"]) < len(found.text) / 3 and not each["markdown"] for each in read
        )
        assert [bool(each["skipped"]) for each in read] == [False, False, True, True]

        async def all_hits() -> list[Hit]:
            made = [
                await hits(
                    connection, [row], {QueryTerm(f"marker{row['number']}"): 1.0}, everywhere
                )
                for row in rows
            ]
            return [hit for (hit,) in made]

        kept = await all_hits()
        assert [hit.section for hit in kept] == [(f"Part {n}",) for n, _ in places]
        assert all(f"marker{n}" in hit.snippet for (n, _), hit in zip(places, kept, strict=True))
        await connection.execute("update documents set chunk_bounds = null")
        assert await all_hits() == kept
