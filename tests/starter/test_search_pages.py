"""`atlas search` and the client: page by page, explained, and counted by facets."""

import re
from pathlib import Path

import asyncpg
import pytest

from starter.client import AtlasClient
from tests.starter.conftest import Atlas
from tests.stores.corpus import Corpus, built


@pytest.fixture
async def lights(corpus: str, home: Path) -> None:
    """Three pages about fog, on two hosts."""
    connection = await asyncpg.connect(corpus)
    put = Corpus(connection).put
    await put("http://a.example/fog", "Fog", "How fog signals are sounded on the coast.")
    await put("http://a.example/oil", "Oil", "Oil for the lamp in fog or rain.", lang=None)
    await put("http://b.example/who", "Wer", "Who looks for fog?", lang="de", source="others")
    await connection.close()
    await built(corpus, home / "index")


@pytest.mark.usefixtures("lights")
async def test_a_search_goes_on_behind_its_cursor(atlas: Atlas) -> None:
    first = await atlas("search", "fog", "--limit", "2")
    assert first.code == 0 and first.out.startswith("1. ")
    cursor = first.err.partition("--after ")[2].strip()
    second = await atlas("search", "fog", "--limit", "2", "--after", cursor)
    assert second.code == 0 and second.out.startswith("3. ")
    assert "--after" not in second.err
    whole = await atlas("search", "fog", "-o", "json")
    page = await atlas("search", "fog", "--limit", "2", "-o", "json")
    assert page.json["next"] == cursor and whole.json["next"] is None
    last = await atlas("search", "fog", "--after", cursor, "-o", "json")
    assert page.json["results"] + last.json["results"] == whole.json["results"]
    other = await atlas("search", "oil", "--after", cursor)
    assert other.code != 0 and "after: the cursor is of another search" in other.err
    async with AtlasClient.connect() as client:
        found = [hit.url async for hit in client.search_all("fog", page=1)]
    assert found == [hit["url"] for hit in whole.json["results"]]


@pytest.mark.usefixtures("lights")
async def test_a_search_explains_its_scores(atlas: Atlas) -> None:
    told = await atlas("search", "fogs signal", "--explain")
    assert told.code == 0
    assert "fogs as fog (body): frequency 3 in " in told.out
    assert "3 parts match; 3 texts looked up" in told.err
    said = (await atlas("search", "fogs signal", "--explain", "-o", "json")).json
    assert said["left_out"]["near_duplicates"] == 0
    for hit in said["results"]:
        assert sum(term["score"] for term in hit["terms"]) == pytest.approx(hit["score"], rel=1e-4)
    assert "fogs as" not in (await atlas("search", "fogs signal")).out


@pytest.mark.usefixtures("lights")
async def test_a_search_counts_what_matches(atlas: Atlas) -> None:
    told = await atlas("search", "fog", "--limit", "1", "--facets", "lang, host")
    assert told.code == 0
    assert re.search(r"lang\s+1  de\s+1  en\s+1  \(unknown\)\s+host\s+2  a.example", told.out)
    said = (await atlas("search", "fog", "--facets", "source", "-o", "json")).json
    values = [{"value": "docs", "documents": 2}, {"value": "others", "documents": 1}]
    assert said["facets"] == [{"name": "source", "values": values, "more": 0, "exact": True}]
    wrong = await atlas("search", "fog", "--facets", "colour")
    assert wrong.code != 0 and "facets: 'colour' is none; use source, lang, host, year" in wrong.err
