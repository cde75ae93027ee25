"""`atlas sync` and what can be asked after it: the shapes that stay, and the exit codes."""

import asyncio
import json
import os
import signal
import sys

import pytest

from atlas.contracts.sync_pipeline import SyncResult
from starter import AtlasClient
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import Atlas

PROSE = "The harbour wakes before the bakery does, and the ferry bell rings twice in fog. "
COUNTS = ("seen", "added", "updated", "unchanged", "failed", "skipped")


def serve(origin: Origin) -> None:
    """A start with two pages, one of which is gone."""
    origin.page("/docs/", f"<html lang=en><title>Start</title><p>{PROSE}<a href=a>A</a><a href=b>B")
    heading = "<h2>Old trees<a id=trees href='#trees'>¶</a></h2>"
    apples = f"<p>See <a href='#trees'>below</a>. {PROSE}{heading}<p>Orchard apples. {PROSE}"
    origin.page("/docs/a", f"<html lang=en><title>Apples\x1b</title>{apples}")


async def test_a_site_is_declared_synced_searched_and_listed(
    atlas: Atlas, atlas_env: AtlasEnv, origin: Origin
) -> None:
    serve(origin)
    await atlas("sources", "add", "docs", origin.url("/docs/"), "--delay", "0")
    async with atlas_env.worker():
        synced = await atlas("sync", "docs", "--wait", "-o", "json")
        assert synced.code == 0, synced.err
        result = synced.json
        assert set(result) == set(SyncResult.model_fields) | {"ui_url"}
        assert result["workflow_id"] == "sync_pipeline:docs"
        assert result["outcome"] == "completed_with_failures"
        expected = dict.fromkeys(COUNTS, 0) | {"seen": 3, "added": 2, "failed": 1}
        assert result["counts"] == expected
        (failure,) = result["failures"]
        assert failure["url"] == origin.url("/docs/b") and failure["error_class"] == "gone"

        fetched = await atlas("fetch", origin.url("/docs/a"), "-o", "json")
        assert fetched.code == 0
        assert (fetched.json["status_code"], fetched.json["modified"]) == (304, False)
        missed = await atlas("fetch", origin.url("/docs/b"), "-o", "json")
        assert missed.code == 1
        assert (missed.json["status_code"], missed.json["error_class"]) == (404, "gone")

        several = await atlas("sync", "--all", "--due", "--wait")
        assert several.code == 0
        assert several.out.startswith("sync_pipeline:ALL: completed")
        everything = await atlas("sync", "--all", "--wait", "-o", "json")
        pages = await atlas("runs", "outcomes", everything.json["run_id"])
        assert [
            (each["url"], each["outcome"], each["source"])
            for each in map(json.loads, pages.out.splitlines())
        ] == [
            (origin.url("/docs/"), "unchanged", "docs"),
            (origin.url("/docs/a"), "unchanged", "docs"),
            (origin.url("/docs/b"), "failed", "docs"),
        ]

        unknown = await atlas("sync", "dosc", "--wait", "-o", "json")
        assert (unknown.code, unknown.json["outcome"]) == (1, "unknown_source")
        assert "docs" in unknown.json["message"]
        told = await atlas("sync", "dosc")
        assert (told.code, told.out) == (1, "") and "docs" in told.err

        await atlas("sources", "pause", "docs")
        paused = await atlas("sync", "docs", "--wait", "-o", "json")
        assert (paused.code, paused.json["outcome"]) == (1, "source_paused")
        started = await atlas("sync", "docs")
        assert (started.code, started.out) == (1, "") and "sources resume" in started.err

    found = (await atlas("search", "orchard", "apples", "-o", "json")).json
    hit = found["results"][0]
    assert (hit["url"], hit["source"], hit["lang"]) == (origin.url("/docs/a"), "docs", "en")
    assert {"title", "snippet", "score"} <= set(hit) and hit["score"] > 0
    assert "Orchard apples" in hit["snippet"]
    refused = await atlas("search", "orchard", "--source", "other")
    assert (refused.code, "no source is named 'other'" in refused.err) == (1, True), refused.err
    shown = await atlas("search", "orchard")
    assert origin.url("/docs/a") in shown.out and "\x1b" not in shown.out

    place = origin.url("/docs/a#trees")
    assert (hit["section"], hit["anchor"], hit["section_url"]) == (["Old trees"], "trees", place)
    assert place in shown.out and "   Old trees\n" in shown.out
    cut = (await atlas("docs", "chunks", origin.url("/docs/a"), "-o", "jsonl")).out
    before, trees = map(json.loads, cut.splitlines())
    assert (before["section"], before["section_url"]) == ([], origin.url("/docs/a"))
    assert f"[below]({place})" in before["markdown"]
    assert (trees["section"], trees["section_url"]) == (["Old trees"], place)
    assert trees["markdown"].startswith("## Old trees\n\nOrchard apples.")
    told = await atlas("docs", "chunks", origin.url("/docs/a"), "--size", "200")
    assert told.code == 0 and f"1. (before any heading)\n   {origin.url('/docs/a')}\n" in told.out
    refused = await atlas("docs", "chunks", origin.url("/docs/a"), "--size", "10")
    assert refused.code == 2 and "size: 10; use 200 to 100000" in refused.err
    unknown = await atlas("docs", "chunks", origin.url("/docs/nowhere"))
    assert unknown.code == 1 and "no document for" in unknown.err

    lines = (await atlas("docs", "list", "-o", "jsonl")).out.splitlines()
    listed = [json.loads(line) for line in lines]
    assert [each["url"] for each in listed] == [origin.url("/docs/"), origin.url("/docs/a")]
    assert {"url", "title", "lang", "text_hash"} <= set(listed[0])
    assert len(listed[0]["text_hash"]) == 64

    document = (await atlas("docs", "show", origin.url("/docs/a#part"), "-o", "json")).json
    assert "Orchard apples" in document["text"] and document["sources"] == ["docs"]
    assert document["text_hash"] == listed[1]["text_hash"]
    assert [version["valid_to"] for version in document["versions"]] == [None]
    gone = await atlas("docs", "show", origin.url("/docs/b"))
    assert gone.code == 1 and "404" in gone.err

    recorded = (await atlas("runs", "-o", "json")).json["runs"]
    # The runs of all are recorded, too.
    assert [each["source"] for each in recorded] == ["docs", "", "docs", "", "docs"]
    run = (await atlas("runs", "show", result["run_id"][:13], "-o", "json")).json
    assert (run["counts"], run["trigger"]) == (expected, "cli")
    assert [each["url"] for each in run["failures"]] == [origin.url("/docs/b")]
    over = await atlas("runs", "cancel", result["run_id"])
    assert over.code == 1 and "not under way" in over.err

    removed = await atlas("sources", "remove", "docs", "--purge", "-o", "json")
    assert removed.json == {"name": "docs", "pages": 3, "purged": True}
    assert (await atlas("docs", "list", "-o", "jsonl")).out == ""


@pytest.mark.fault(17)
async def test_what_selects_nothing_is_no_success(
    atlas: Atlas, atlas_env: AtlasEnv, origin: Origin
) -> None:
    await atlas_env.add_source("gone", "urls", origin.url("/gone"), tags=("news",))
    async with atlas_env.worker():
        all_failed = await atlas("sync", "gone", "--wait", "-o", "json")
        assert (all_failed.code, all_failed.json["outcome"]) == (1, "all_failed")
        assert "no page could be taken over" in all_failed.json["message"]
        told = await atlas("sync", "gone", "--wait")
        assert told.code == 1 and "atlas sources edit gone" in told.err
        followed = await atlas("runs", "follow", "gone")
        assert followed.code == 1 and "all_failed" in followed.out
        again = await atlas("runs", "retry", "gone", "--wait", "-o", "json")
        assert again.code == 1

        origin.page("/well", PROSE)
        await atlas_env.add_source("well", "urls", origin.url("/well"), tags=("news",))
        both = await atlas("sync", "--tag", "news", "--wait")
        assert both.code == 0, both
        lines = both.out.splitlines()
        assert "gone: all_failed; 1 seen, 0 added" in lines[1] and "no page could" in lines[1]
        assert "well: completed; 1 seen, 1 added" in lines[2]
        rows = (await atlas("runs", "list", "--limit", "10")).out.splitlines()
        (row,) = [row for row in rows if "completed_with_failures" in row]
        assert row.split("\t")[-4:] == ["2", "1", "0", "1"], "the counts of its sources"
        await atlas_env.pool.execute("delete from sources where name = 'well'")

        for words in (
            ("sync", "--tag", "nwes"),
            ("start", "sync_pipeline", '{"tags": ["nwes"]}'),
            ("start", "collect_all_sources", '{"tags": ["nwes"]}'),
        ):
            started = await atlas(*words)  # nobody would see how such a run ends
            assert (started.code, started.out) == (1, ""), words
            assert "'nwes'; known tags: news" in started.err, started.err
            waited = await atlas(*words, "--wait", "-o", "json")
            assert (waited.code, waited.json["outcome"]) == (1, "nothing_selected"), waited
            assert "'nwes'; known tags: news" in waited.json["message"]
        pattern = await atlas("sync", "nosuch*", "--wait")
        assert (pattern.code, pattern.out) == (2, "") and "nosuch*" in pattern.err
        unknown = await atlas("start", "collect_from_source", '{"source": "gnoe"}')
        assert (unknown.code, unknown.out) == (1, "") and "'gnoe'; known: gone" in unknown.err
        batch = await atlas("process", "--source", "gone", "--wait", "-o", "json")
        assert (batch.code, batch.json["outcome"]) == (1, "nothing_selected")
        await atlas("sources", "pause", "gone")
        everything = await atlas("sync", "--all", "--wait")
        assert everything.code == 1 and "every source is paused (gone)" in everything.err
        hourly = await atlas("start", "hourly_collection", '{"trigger": "schedule"}', "--wait")
        assert hourly.code == 0, hourly


async def test_a_started_run_prints_how_to_find_it(
    atlas: Atlas, atlas_env: AtlasEnv, origin: Origin
) -> None:
    await atlas_env.add_source("docs", "site", origin.url("/docs/"))
    started = await atlas("sync", "docs", "-o", "json")
    assert started.code == 0
    assert set(started.json) == {"workflow_id", "run_id", "ui_url"}
    # The same again joins it; another request is told the difference.
    again = await atlas("sync", "docs", "-o", "json")
    assert again.json == started.json and "joined" in again.err
    other = await atlas("sync", "docs", "--due")
    assert other.code == 1
    assert "due: it has False, you asked for True" in other.err


async def test_waiting_tells_of_a_missing_worker_and_ctrl_c_leaves_the_run(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    serve(origin)
    await atlas_env.add_source("docs", "site", origin.url("/docs/"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "starter.cli", "sync", "docs", "--wait", "-o", "json"),
        env={**os.environ, **atlas_env.variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    said = ""
    while "No worker polls the task queue" not in said:
        said = (await process.stderr.readline()).decode()
        assert said, "the command ended"
    assert "atlas worker" in said
    process.send_signal(signal.SIGINT)
    rest = (await process.stderr.read()).decode()
    assert await process.wait() == 130
    assert await process.stdout.read() == b""
    assert "sync_pipeline:docs continues" in rest
    for verb in ("follow", "cancel"):
        assert f"`atlas runs {verb} sync_pipeline:docs`" in rest
    assert "Traceback" not in rest
    async with atlas_env.worker():
        result = await atlas_env.client.get_workflow_handle(
            "sync_pipeline:docs", result_type=SyncResult
        ).result()
    assert result.counts.added == 2


async def test_a_run_is_watched_paused_resumed_and_cancelled(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    serve(origin)
    await atlas_env.add_source("docs", "site", origin.url("/docs/"))
    async with AtlasClient.connect() as client:
        run = await client.sync("docs")
        await run.pause()  # before any worker saw it: it stops at its first batch
        async with atlas_env.worker():
            seen = run.__aiter__()
            progress = await anext(seen)
            while progress.stage != "paused" or not progress.counts.seen:
                progress = await anext(seen)
            assert progress.paused_since and progress.source == "docs"
            same = await client.run(run.run_id)
            await same.resume()
            progress = [each async for each in seen][-1]
            assert progress.stage == "completed_with_failures"
            assert (await run.result()).counts == progress.counts

            second = await client.sync("docs")
            await second.pause()
            while (await second.progress()).stage != "paused":  # begun, and so recorded
                await asyncio.sleep(0.05)
            await second.cancel()
            ended = await second.result()
            assert ended.outcome == "cancelled"
            assert ended.counts == (await client.recorded_run(second.run_id)).counts


async def test_a_run_that_was_terminated_has_a_result(atlas_env: AtlasEnv, origin: Origin) -> None:
    await atlas_env.add_source("docs", "site", origin.url("/docs/"))
    await atlas_env.add_source("more", "site", origin.url("/more/"))
    async with AtlasClient.connect() as client:
        run = await client.sync("more", "docs")
        assert run.workflow_id.startswith("sync_pipeline:docs+1-")
        assert (await client.run(run.workflow_id)).run_id == run.run_id
        await atlas_env.client.get_workflow_handle(run.workflow_id).terminate(reason="enough")
        ended = await run.result()
    assert (ended.outcome, ended.message) == ("failed", "enough")
