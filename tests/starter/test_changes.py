"""`atlas changes` and `AtlasClient.changes`: read, resume, follow, end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import aclosing
from typing import Any

import asyncpg
import pytest

from atlas.stores.postgres.changes import change_signal
from starter import AtlasClient, Blocking, CorpusChange, ExpiredCursor, InvalidRequest, NotFound
from tests.feed_copy import FeedCopy
from tests.feed_copy import corpus as live_pages
from tests.starter.conftest import Atlas
from tests.stores.drive import Drive, Web

BASE = "https://example.org"
WEB: Web = {f"{BASE}/{n}": f"Page {n} of the harbour, {'with words ' * n}" for n in range(4)}


@pytest.fixture
async def drive(corpus: str, database: asyncpg.Pool[asyncpg.Record]) -> Drive:
    made = Drive(database)
    await made.add("docs", deletion="prompt")
    await made.add("blog")
    await made.run("docs", WEB)
    return made


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


async def test_what_is_live_then_what_happens_and_on_from_a_cursor(
    drive: Drive, atlas: Atlas
) -> None:
    first = lines((await atlas("changes", "-o", "jsonl")).out)
    assert [(each["kind"], each["url"], each["reason"]) for each in first] == [
        ("added", url, "start") for url in WEB
    ]
    assert {tuple(each["sources"]) for each in first} == {("docs",)}
    # The whole feed is kept: from its beginning on it has the same pages, as they came.
    beginning = first[0]["cursor"].split("-")[0] + "-0-0"
    whole = lines((await atlas("changes", "--since", beginning, "-o", "jsonl")).out)
    assert [(each["number"], each["url"]) for each in whole] == list(enumerate(WEB, 1))
    await drive.run("docs", {**WEB, f"{BASE}/0": "Says something else", f"{BASE}/3": 410})
    since = ("--since", whole[-1]["cursor"])
    later = await atlas("changes", *since, "--with", "text", "-o", "jsonl")
    found = {each["url"]: each for each in lines(later.out)}
    assert found[f"{BASE}/0"]["text"] == "Says something else"
    assert (found[f"{BASE}/3"]["kind"], found[f"{BASE}/3"]["text"]) == ("removed", None)
    one = lines((await atlas("changes", *since, "--limit", "1", "-o", "jsonl")).out)
    rest = lines((await atlas("changes", "--since", one[0]["cursor"], "-o", "jsonl")).out)
    assert [each["number"] for each in (*one, *rest)] == [5, 6]
    # Killed while it read what was live, it goes on there.
    half = lines((await atlas("changes", "--since", first[1]["cursor"], "-o", "jsonl")).out)
    assert [each["url"] for each in half] == [f"{BASE}/2", *(each["url"] for each in half[1:])]
    copy = {each["page"]: each["text_hash"] for each in first[:2]}
    for each in half:
        copy[each["page"]] = each["text_hash"] if each["kind"] != "removed" else None
    assert set(copy.values()) - {None} == {
        each["text_hash"] for each in lines((await atlas("changes", "-o", "jsonl")).out)
    }


async def test_people_read_lines_and_are_told_how_to_go_on(drive: Drive, atlas: Atlas) -> None:
    ran = await atlas("changes")
    assert ran.code == 0
    cells = [line.split("\t") for line in ran.out.splitlines()]
    assert [(each[2], each[3], each[4], each[5]) for each in cells] == [
        ("added", url, "version 1", "start") for url in WEB
    ]
    cursor = ran.err.split("Go on with --since ")[1].strip()
    assert (await atlas("changes", "--since", cursor)).out == ""
    assert (await atlas("changes", "--since", "now", "-o", "jsonl")).out == ""
    shown = (await atlas("changes", "-o", "json")).json
    assert [each["url"] for each in shown["changes"]] == list(WEB)
    assert "Page 3 of the harbour" in (await atlas("changes", "--with", "markdown")).out
    cut = lines((await atlas("changes", "--with", "chunks", "-o", "jsonl")).out)
    one = json.loads((await atlas("docs", "chunks", next(iter(WEB)), "-o", "json")).out)["chunks"]
    assert cut[0]["chunks"] == one and cut[0]["text"] is None
    assert "Page 3 of the harbour" in (await atlas("changes", "--with", "chunks")).out


async def test_only_what_a_source_held(drive: Drive, atlas: Atlas) -> None:
    await drive.run("blog", {f"{BASE}/b": "A text of the blog about ferries and fog."})
    begin = lines((await atlas("changes", "--source", "blog", "-o", "jsonl")).out)
    assert [each["url"] for each in begin] == [f"{BASE}/b"]
    whole = ("--since", begin[0]["cursor"].split("-")[0] + "-0-0")
    ran = await atlas("changes", *whole, "--source", "blog")
    assert [line.split("\t")[3] for line in ran.out.splitlines()] == [f"{BASE}/b"]
    # Behind what was passed over, too.
    assert ran.err.split("--since ")[1].split("-")[1] == "5"


async def test_what_cannot_be_read_is_refused_with_the_fix(drive: Drive, atlas: Atlas) -> None:
    cursor = lines((await atlas("changes", "-o", "jsonl")).out)[0]["cursor"]
    corpus_id = cursor.split("-")[0]
    await drive.pool.execute("delete from changes where number <= 2")
    await drive.pool.execute("update change_feed set trimmed = 2")
    for arguments, code, says in (
        (("--since", "yesterday"), 2, "'yesterday' is no cursor"),
        (("--since", "00000000-1-0"), 2, "is of corpus 00000000"),
        (("--since", f"{corpus_id}-99-0"), 2, "restored from a backup"),
        (("--since", f"{corpus_id}-3-ffffffff"), 2, "names another change 3"),
        (("--since", f"{corpus_id}-1-0"), 2, "has expired: changes up to 2 are past"),
        (("--limit", "0"), 2, "limit: 0 refused"),
        (("--source", "nobody"), 1, "no source is named 'nobody'"),
        (("--follow", "-o", "json"), 2, "give jsonl"),
        (("--with", "pieces"), 2, "pieces"),
    ):
        ran = await atlas("changes", *arguments)
        assert (ran.code, ran.out) == (code, ""), (arguments, ran)
        assert says in ran.err, ran.err
    async with AtlasClient.connect() as client:
        with pytest.raises(ExpiredCursor, match="Begin with 'start'"):
            await anext(client.changes(f"{corpus_id}-1-0"))
        with pytest.raises(NotFound):
            await anext(client.changes(source="nobody"))
        with pytest.raises(InvalidRequest, match="content: 'html' refused"):
            client.changes(content="html")  # type: ignore[arg-type]


@pytest.mark.parametrize("listening", [True, False])
async def test_a_follower_gets_what_happens_and_keeps_no_connection(
    drive: Drive, listening: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Woken by PostgreSQL (it would look again only after an hour), or by looking."""
    monkeypatch.setattr(change_signal, "LISTENING", 3600.0)
    monkeypatch.setattr(change_signal, "LOOK", 0.05)
    if not listening:

        async def pooled(*_: object) -> None:
            return None

        monkeypatch.setattr(change_signal, "_listening", pooled)
    copy = FeedCopy()
    async with AtlasClient.connect() as client:
        stream = client.changes("now", follow=True, content="text")
        coming = asyncio.create_task(anext(stream))
        while stream.cursor == "now":  # else what happens first may be before it
            await asyncio.sleep(0.01)
        for n in range(3):
            await asyncio.sleep(0)
            await drive.run("docs", {**WEB, f"{BASE}/0": f"Says {n}"})
            change = await asyncio.wait_for(coming, 60)
            copy.apply([change])
            assert (change.kind, change.text) == ("updated", f"Says {n}")
            assert stream.cursor == change.cursor
            coming = asyncio.create_task(anext(stream))
        pool = await client._parts.pool()
        while pool.get_size() - pool.get_idle_size():
            await asyncio.sleep(0.01)  # a read under way ends; none is kept while it waits
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await stream.aclose()
    assert [change.number for change in copy.seen] == [5, 6, 7]


async def test_a_follower_outlives_the_loss_of_every_connection(drive: Drive) -> None:
    async with AtlasClient.connect() as client:
        stream = client.changes(follow=True)
        async with aclosing(stream):
            found = [await anext(stream) for _ in WEB]
            coming = asyncio.create_task(anext(stream))
            await asyncio.sleep(0)
            await drive.pool.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid() "
                "and application_name like 'atlas-client%'"
            )
            await drive.run("docs", {**WEB, f"{BASE}/1": "Says something else"})
            found.append(await asyncio.wait_for(coming, 60))
    assert found[-1].url == f"{BASE}/1"


def test_programs_without_a_loop_read_it_too(drive: Drive) -> None:
    with Blocking() as atlas:
        stream = atlas.each(lambda client: client.changes(content="markdown"))
        found: list[CorpusChange] = [change for change, _ in zip(stream, range(2), strict=False)]
        stream.close()  # type: ignore[attr-defined]
        rest = list(atlas.each(lambda client: client.changes(found[-1].cursor)))
    assert [each.url for each in (*found, *rest)][:4] == list(WEB)
    assert found[0].markdown == WEB[f"{BASE}/0"]


async def test_the_command_follows_until_ctrl_c(drive: Drive, corpus: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "starter.cli", "changes", "--follow", "-o", "jsonl",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "ATLAS_DATABASE_URL": corpus},
    )  # fmt: skip
    assert process.stdout is not None
    found = [json.loads(await process.stdout.readline()) for _ in WEB]
    await drive.run("docs", {**WEB, f"{BASE}/2": "Says something else"})
    found.append(json.loads(await process.stdout.readline()))
    assert [each["kind"] for each in found] == ["added"] * 4 + ["updated"]
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert (out, err.decode(), process.returncode) == (b"", "", 130)


async def test_a_slow_reader_holds_up_nobody_and_misses_nothing(drive: Drive) -> None:
    """Many changes between two of its reads, some of pages that it has not come to yet."""
    copy = FeedCopy()
    async with AtlasClient.connect() as client:
        stream = client.changes()
        copy.apply([await anext(stream)])
        for n in range(3):
            web = {f"{BASE}/{page}": f"Round {n} of page {page}" for page in range(n, n + 4)}
            await drive.run("docs", web, unlisted=WEB)
        copy.apply([change async for change in stream])
    async with drive.pool.acquire() as connection:
        assert copy.pages == await live_pages(connection)


async def test_the_pages_of_a_sync_are_listed_by_outcome(drive: Drive, atlas: Atlas) -> None:
    await drive.run("docs", {**WEB, f"{BASE}/0": "Says something else", f"{BASE}/3": 410})
    ran = await atlas("runs", "outcomes", "run-2")
    assert [(each["url"], each["outcome"], each["code"]) for each in lines(ran.out)] == [
        (f"{BASE}/0", "updated", None),
        (f"{BASE}/1", "unchanged", None),
        (f"{BASE}/2", "unchanged", None),
        (f"{BASE}/3", "removed", "http_410"),
    ]
    assert [line.split("\t")[2] for line in (await atlas(
        "runs", "outcomes", "docs", "-o", "text"
    )).out.splitlines()] == ["updated", "unchanged", "unchanged", "removed"]  # fmt: skip
    async with AtlasClient.connect() as client:
        assert [each["outcome"] async for each in client.outcomes("run-1")] == ["added"] * 4
