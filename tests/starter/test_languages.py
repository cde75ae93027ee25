"""A filter by language says how much it left out because nobody knows its language."""

import json
import re
from pathlib import Path

import asyncpg
import pytest

from starter.client import AtlasClient
from tests.starter.conftest import Atlas
from tests.stores.corpus import Corpus, built

pytestmark = pytest.mark.fault(10)


@pytest.fixture
async def known(corpus: str, home: Path) -> None:
    """An English page about fog, and two of unknown language."""
    connection = await asyncpg.connect(corpus)
    put = Corpus(connection).put
    await put("http://a/fog", "Fog", "How fog signals are sounded on the coast.")
    await put("http://a/what", "What", "Fog fog fog", lang=None)
    await put("http://a/who", "Who", "Nobody knows", lang=None, source="others")
    await connection.execute(
        "insert into page_state (page_id, lifecycle) select id, 'live' from pages"
    )
    await connection.close()
    await built(corpus, home / "index")


@pytest.mark.usefixtures("known")
async def test_search_counts_what_it_left_out(atlas: Atlas) -> None:
    ran = await atlas("search", "fog", "--lang", "en")
    assert ran.code == 0
    assert "1 found" in ran.err
    assert "1 more match has an unknown language" in ran.err
    for form in ("json", "jsonl"):
        printed = await atlas("search", "fog", "--lang", "en", "-o", form)
        assert len(re.findall(r'"url": ?"http://a/', printed.out)) == 1
    assert (await atlas("search", "fog", "--lang", "en", "-o", "json")).json[
        "unknown_language"
    ] == 1
    everything = await atlas("search", "fog", "-o", "json")
    assert (everything.json["total"], everything.json["unknown_language"]) == (2, 0)
    async with AtlasClient.connect() as client:
        assert (await client.search("fog", lang="de")).unknown_language == 1


@pytest.mark.usefixtures("known")
async def test_a_list_counts_what_it_left_out(atlas: Atlas) -> None:
    for form in ("text", "json", "jsonl"):
        ran = await atlas("docs", "list", "--lang", "en", "-o", form)
        assert (ran.code, ran.out.count("http://a/")) == (0, 1)
        assert "2 documents have an unknown language; left out" in ran.err
    narrower = await atlas("docs", "list", "--lang", "en", "--source", "others")
    assert "1 document has an unknown language" in narrower.err
    assert "unknown language" not in (await atlas("docs", "list")).err


@pytest.mark.usefixtures("known")
@pytest.mark.fault(8)
async def test_what_a_text_lacks_is_shown(atlas: Atlas, corpus: str) -> None:
    connection = await asyncpg.connect(corpus)
    await connection.execute("update documents set truncated = 'pages 4 to 5' where title = 'Fog'")
    await connection.close()
    assert "pages 4 to 5" in (await atlas("docs", "show", "http://a/fog")).out
    shown = [await atlas("docs", "show", f"http://a/{it}", "-o", "json") for it in ("fog", "who")]
    assert [ran.json["truncated"] for ran in shown] == ["pages 4 to 5", None]
    for command in (("docs", "list"), ("search", "fog who")):
        assert "pages 4 to 5" in (await atlas(*command)).out
        lines = (await atlas(*command, "-o", "jsonl")).out.splitlines()
        found = {each["url"]: each["truncated"] for each in map(json.loads, lines)}
        assert found["http://a/fog"] == "pages 4 to 5"
        assert all(lacks is None for url, lacks in found.items() if url != "http://a/fog")
    async with AtlasClient.connect() as client:
        assert (await client.search("signals")).results[0].truncated == "pages 4 to 5"
