"""Documents are put and withdrawn through the command and the client: durable, in order, of any
size that is allowed, by the way of every other document."""

from __future__ import annotations

import asyncio
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from starter import AtlasClient, InvalidRequest
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin
from tests.starter.conftest import Atlas, atlas

__all__ = ["atlas"]

WIKI = "https://wiki.example.org/"


def page(words: str, title: str = "Mooring") -> str:
    return (
        f"<html lang=en><head><title>{title}</title></head><body><main><p>{words}</p></main></body>"
    )


async def test_a_document_is_put_found_replaced_and_withdrawn(
    atlas_env: AtlasEnv,
    origin: Origin,
    atlas: Atlas,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    origin.page("/a", page("Boats lie at the quay until the tide turns."))
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    added = await atlas("sources", "add", "wiki", WIKI, "--kind", "push", "--tag", "notes")
    assert added.code == 0, added.err
    file = tmp_path / "howto.md"
    file.write_text("# How to moor\n\nTie the bow line to the heron bollard first.\n")
    url = f"{WIKI}howto"
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(file.read_bytes())))
        put = await atlas("docs", "put", url, "--file", str(file), "-o", "json")
        assert put.code == 0, put.err
        assert put.json["pages"][0]["result"] == "added"
        again = await atlas("docs", "put", url, "--file", str(file))
        assert (again.code, "1 unchanged" in again.out) == (0, True), again
        found = await atlas("search", "heron bollard", "-o", "json")
        assert [each["url"] for each in found.json["results"]] == [url]
        shown = await atlas("docs", "show", url, "-o", "json")
        assert (shown.json["title"], shown.json["version"]) == ("How to moor", 1)
        assert [each["title"] for each in shown.json["outline"]] == ["How to moor"]

        await atlas("docs", "put", url, "--file", str(file), "--title", "Mooring, anew")
        shown = await atlas("docs", "show", url, "-o", "json")
        assert (shown.json["title"], shown.json["version"]) == ("Mooring, anew", 2)
        explained = await atlas("explain", url)
        assert "put" in explained.out and "wiki" in explained.out, explained.out
        history = await atlas("docs", "history", url, "-o", "json")
        assert len(history.json["versions"]) == 2

        for words, code, text in (
            ((origin.url("/a"), "--file", str(file)), 2, "fetched by source 'docs'"),
            (("https://nowhere.example/", "--file", str(file)), 2, "--kind push"),
            ((url, "--file", str(tmp_path / "none")), 2, "No such file"),
            ((url, "--file", str(file), "--content-type", "nonsense"), 2, "content_type"),
        ):
            refused = await atlas("docs", "put", *words)
            assert (refused.code, text in refused.err) == (code, True), refused
        assert (await atlas("sync", "wiki")).code == 2
        synced = await atlas("sync", "--all", "--wait", "-o", "json")
        assert synced.json["counts"]["seen"] == 1, "a push source is not collected"

        audited = await atlas("audit", "--wait", "-o", "json")
        assert (audited.code, audited.json["findings"]) == (0, 0), audited.out
        gone = await atlas("docs", "withdraw", url)
        assert (gone.code, "1 removed" in gone.out) == (0, True), gone
        assert (await atlas("docs", "show", url)).code == 1
        explained = await atlas("explain", url)
        assert "withdrawn" in explained.out, explained.out
        unknown = await atlas("docs", "withdraw", f"{WIKI}never")
        assert unknown.code == 1, unknown
        back = await atlas("docs", "restore", url)
        assert back.code == 0, back.err
        assert (await atlas("docs", "show", url, "-o", "json")).json["title"] == "Mooring, anew"
        # Both of two: too many within a day, unless one means it.
        await atlas("docs", "put", f"{WIKI}log", "--file", str(file))
        both = ("docs", "withdraw", url, f"{WIKI}log")
        held = await atlas(*both)
        assert (held.code, "0 removed" in held.out, "--yes" in held.err) == (1, True, True), held
        confirmed = await atlas(*both, "--yes")
        assert (confirmed.code, "2 removed" in confirmed.out) == (0, True), confirmed
        assert (await atlas("deletions", "list", "-o", "json")).json["deletions"] == []
        purged = await atlas("purge", url, "--reason", "test", "--yes", "--wait")
        assert purged.code == 0, purged.err
        kept_away = await atlas("docs", "put", url, "--file", "-")
        assert (kept_away.code, "erased" in kept_away.err) == (1, True), kept_away


async def test_bodies_of_every_size_in_their_order(
    atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond Temporal's 2 MiB, up to the largest that is allowed; many for one address at once."""
    most = 3 * 1024 * 1024
    monkeypatch.setenv("ATLAS_FETCH_MAX_BYTES", str(most))
    sentence = "The harbour master counts the boats at dusk and writes their names down. "
    url = f"{WIKI}log"
    async with AtlasClient.connect() as client:
        await client.sources.add("wiki", WIKI, kind="push")
        first = await client.put(url, "What was put before a worker was there to take it over.")
        async with atlas_env.worker():
            assert (await first.result()).counts.added == 1
            head = "Log of the harbour\n\n"
            text = (head + sentence * (most // len(sentence) + 1))[:most]
            run = await client.put(f"{url}/whole", text, content_type="text/plain")
            result = await run.result()
            assert result.counts.added == 1, result
            document = await client.document(f"{url}/whole")
            assert document.current.title == "Log of the harbour"
            assert len(document.current.text) > most * 0.99
            with pytest.raises(InvalidRequest, match="ATLAS_FETCH_MAX_BYTES"):
                await client.put(f"{url}/more", b"x" * (most + 1))

            runs = [
                await client.put(url, page(f"Entry {number} of the log says: {sentence}"))
                for number in range(5)
            ]
            results = await asyncio.gather(*(run.result() for run in runs))
            assert {each.outcome for each in results} == {"completed"}
            document = await client.document(url)
            assert "Entry 4" in document.current.text
            assert len(document.versions) == 6, "each of them, in turn"
            history = [(await client.document(url, version=n)).current.text for n in range(2, 7)]
            assert [f"Entry {number}" in text for number, text in enumerate(history)] == [True] * 5
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
