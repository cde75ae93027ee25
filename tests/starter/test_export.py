"""`atlas export`, and the same from Python."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime

import asyncpg
import pytest

from starter import AtlasClient, InvalidRequest, NotFound
from starter.cli.framework.output import plain
from tests.starter.conftest import Atlas
from tests.stores.corpus import Corpus

Texts = Callable[[], Awaitable[list[str]]]


@pytest.fixture
async def filled(corpus: str) -> None:
    connection = await asyncpg.connect(corpus)
    put = Corpus(connection).put
    await put("http://a/fog", "Fog", "How fog signals are sounded on the coast.")
    await put("http://a/what", "What", "Fog fog fog", lang=None)
    await put("http://b/wer", "Wer", "Niemand weiß es", lang="de", source="others")
    await connection.execute(
        "insert into page_state (page_id, lifecycle) select id, 'live' from pages"
    )
    await connection.close()


def told(out: str) -> list[str]:
    return [json.loads(line)["title"] for line in out.splitlines()]


@pytest.mark.usefixtures("filled")
async def test_documents_go_to_standard_output_and_nothing_else_does(atlas: Atlas) -> None:
    ran = await atlas("export")
    assert (ran.code, told(ran.out), ran.err) == (0, ["Fog", "What", "Wer"], "")
    async with AtlasClient.connect() as client:
        found = [each async for each in client.export()]
    assert [json.loads(line) for line in ran.out.splitlines()] == [plain(each) for each in found]
    assert found[0].text == "How fog signals are sounded on the coast."


@pytest.mark.usefixtures("filled")
async def test_filters_of_the_command(atlas: Atlas) -> None:
    for words, titles in (
        (("--source", "others"), ["Wer"]),
        (("--source", "others", "--source", "docs", "--limit", "2"), ["Fog", "What"]),
        (("--host", "b:8080", "--prefix", "http://b/"), []),
        (("--host", "http://b/"), ["Wer"]),
        (("--prefix", "http://a/w"), ["What"]),
        (("--changed-since", "2026-11-24T00:00Z"), ["Fog", "What", "Wer"]),
        (("--changed-before", "2026-11-24T00:00Z"), []),
    ):
        ran = await atlas("export", *words)
        assert (ran.code, told(ran.out)) == (0, titles), words
    ran = await atlas("export", "--lang", "de")
    assert told(ran.out) == ["Wer"]
    assert "1 of unknown language left out" in ran.err


@pytest.mark.usefixtures("filled")
async def test_chunks_are_streamed_as_well(atlas: Atlas) -> None:
    ran = await atlas("export", "--what", "chunks", "--limit", "2")
    async with AtlasClient.connect() as client:
        one = await client.chunks("http://a/fog")
        found = [each async for each in client.export_chunks(limit=2)]
        with pytest.raises(InvalidRequest, match="size: 5; use 200 to"):
            await anext(client.export_chunks(size=5))
    assert (ran.code, told(ran.out)) == (0, ["Fog", "What"])
    assert [json.loads(line) for line in ran.out.splitlines()] == [plain(each) for each in found]
    assert [found[0].id] == [each.id for each in one]


@pytest.mark.usefixtures("filled")
async def test_a_mistake_is_named_with_its_fix(atlas: Atlas) -> None:
    for words, code, said in (
        (("--source", "nosuch"), 1, "nosuch"),
        (("--lang", "German"), 2, "langs.0: 'German'"),
        (("--prefix", "a/b/c/d/e/f"), 2, "'prefix' begins with http://"),
        (("--limit", "-1"), 2, "limit: -1; use 0 or more"),
        (("--host", "?"), 2, "host: "),
        (("--changed-since", "soon"), 2, "--changed-since: 'soon' is no moment"),
        (("--chunk-size", "300"), 2, "it goes with --what chunks"),
        (("--what", "chunks", "--chunk-size", "3"), 2, "size: 3; use 200"),
        (("--changed-since", "1d", "--changed-before", "2d"), 2, "must be earlier"),
    ):
        ran = await atlas("export", *words)
        assert (ran.code, ran.out) == (code, ""), words
        assert said in ran.err
    async with AtlasClient.connect() as client:
        with pytest.raises(NotFound, match="nosuch"):
            await anext(client.export(sources=["nosuch"]))
        with pytest.raises(InvalidRequest, match="changed_since"):
            await anext(client.export(changed_since=datetime(2026, 1, 1)))
