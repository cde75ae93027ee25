"""`export_corpus` on workers that are killed, and paused, cancelled and refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from atlas.contracts.export_corpus import ExportResult
from atlas.stores.blobs import open_blobs
from starter import AtlasClient, InvalidRequest
from tests.e2e.bulk_documents import fill
from tests.e2e.environments import kill, until
from tests.e2e.stack import AtlasEnv, Spawned
from tests.starter.conftest import Atlas, atlas
from tests.stores.exporting import contents

__all__ = ["atlas"]


async def until_written(env: AtlasEnv, parts: int) -> None:
    async def there() -> bool:
        return bool(await env.value("select count(*) from export_parts") >= parts)

    await until(there)


async def test_a_killed_export_is_continued_to_the_same_bytes(
    atlas_env: AtlasEnv, tmp_path: Path
) -> None:
    """And it is a run like others: it has a record, and can be paused."""
    await fill(atlas_env.pool, 1000)
    victim = atlas_env.spawn_worker()
    async with AtlasClient.connect() as client:
        options: dict[str, Any] = {"part_documents": 20, "compress": "zstd"}
        still = await client.start_export(str(tmp_path / "still"), **options)
        assert (await still.result()).documents == 1000
        run = await client.start_export(str(tmp_path / "killed"), **options)
        await until_written(atlas_env, 3)
        await kill(victim)
        assert 3 <= await atlas_env.value("select count(*) from export_parts") < 50
        await atlas_env.client.get_workflow_handle(run.workflow_id).signal("pause")
        async with atlas_env.worker():

            async def paused() -> bool:
                found = "select paused_since from runs where run_id = $1"
                return await atlas_env.value(found, run.run_id) is not None

            await until(paused)
            await run.resume()
            result = await run.result()
        recorded = await client.recorded_run(run.run_id)
    assert (result.outcome, result.documents, result.parts) == ("completed", 1000, 50)
    assert contents(tmp_path / "killed") == contents(tmp_path / "still")
    assert recorded.run.outcome == "completed"
    assert {"documents": 1000, "parts": 50}.items() <= recorded.run.summary.items()
    manifests = [json.loads((tmp_path / name / "manifest.json").read_text())
                 for name in ("killed", "still")]  # fmt: skip
    assert manifests[0]["parts"] == manifests[1]["parts"]
    assert await atlas_env.value("select count(*) from exports") == 0


async def test_the_command_starts_a_run_and_tells_how_it_ended(
    atlas_env: AtlasEnv, atlas: Atlas, tmp_path: Path
) -> None:
    await fill(atlas_env.pool, 20)
    to = tmp_path / "corpus.jsonl"
    async with atlas_env.worker():
        ran = await atlas("export", "--to", str(to), "--wait", "-o", "json")
        assert (ran.code, ran.json["documents"], ran.json["to"]) == (0, 20, str(to))
        assert to.read_text() == (await atlas("export")).out
        again = await atlas("export", "--to", str(to), "--wait")
        assert (again.code, "exists; name a new file" in again.err) == (1, True)
        other = await atlas("export", "--to", str(tmp_path / "x"), "--source", "nosuch")
        assert (other.code, "nosuch" in other.err) == (1, True)
        started = await atlas("export", "--to", str(tmp_path / "b"), "--source", "bulk")
        assert started.out.startswith("started export_corpus:")
        async with AtlasClient.connect() as client:
            run = await client.run(started.out.split()[1].rstrip(","))
            assert (await run.result()).model_dump()["outcome"] == "completed"
            with pytest.raises(InvalidRequest, match="'to' is an absolute path"):
                await client.start_export("corpus")
    for words, why in (
        (("--to", "x", "--limit", "3"), "limit: it is for standard output"),
        (("--wait",), "--wait: it goes with --to"),
        (("--part-documents", "3"), "--part-documents: it goes with --to"),
        (("--format", "markdown-folder"), "--format markdown-folder: it goes with --to"),
        (("--to", "x.jsonl.zst"), "'compress' 'none' does not make"),
    ):
        ran = await atlas("export", *words)
        assert (ran.code, why in ran.err) == (2, True), ran


def memory(process: Spawned) -> int:
    """Resident bytes of a worker, without its children."""
    return psutil.Process(process.pid).memory_info().rss


@pytest.mark.slow
async def test_a_killed_archive_is_continued_to_the_same_records(
    atlas_env: AtlasEnv, tmp_path: Path
) -> None:
    """They differ in their first record alone, which has the moment of the choice."""
    await fill(atlas_env.pool, 1000)
    async with open_blobs(str(atlas_env.blobs)) as blobs:
        for url in await atlas_env.pool.fetch("select url from pages"):
            await blobs.put(url["url"].encode())
    victim = atlas_env.spawn_worker()
    async with AtlasClient.connect() as client:
        options: dict[str, Any] = {"part_documents": 20, "format": "warc", "compress": "none"}
        still = await client.start_export(str(tmp_path / "still"), **options)
        assert (await still.result()).records == 2050
        run = await client.start_export(str(tmp_path / "killed"), **options)
        await until_written(atlas_env, 3)
        await kill(victim)
        assert await atlas_env.value("select count(*) from export_parts") < 50
        atlas_env.spawn_worker()
        assert (await run.result()).records == 2050
    parts = [contents(tmp_path / name) for name in ("still", "killed")]
    still_parts, killed_parts = (
        {name: body.split(b"WARC/1.1\r\n")[2:] for name, body in each.items()} for each in parts
    )
    assert killed_parts == still_parts
    assert sum(map(len, still_parts.values())) == 2000


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_hundred_thousand_documents_in_flat_memory_through_a_kill(
    atlas_env: AtlasEnv, tmp_path: Path
) -> None:
    """As JSON Lines and as Parquet. The worker's memory after the first tenth is compared with its
    greatest in the other nine."""
    await fill(atlas_env.pool, 100_000)
    # Nobody builds the search index meanwhile, whose memory is none of the export's.
    await atlas_env.pool.execute(
        "update search_index set holder = 'this test', held_until = now() + interval '1 day'"
    )
    victim, texts = atlas_env.spawn_worker(), 0
    for format in ("jsonl", "parquet"):
        still, killed = tmp_path / f"{format}-still", tmp_path / f"{format}-killed"
        options: dict[str, Any] = {"format": format, "part_documents": 1000}
        async with AtlasClient.connect() as client:
            run = await client.start_export(str(still), **options)
            await until_written(atlas_env, 10)
            early = most = memory(victim)
            waiting = asyncio.create_task(run.result())
            while not waiting.done():
                most = max(most, memory(victim))
                await asyncio.sleep(0.05)
            result: ExportResult = await waiting
            assert (result.documents, result.parts) == (100_000, 100)
            run = await client.start_export(str(killed), **options)
            await until_written(atlas_env, 40)
            await kill(victim)
            assert await atlas_env.value("select count(*) from export_parts") < 100
            victim = atlas_env.spawn_worker()
            assert (await run.result()).documents == 100_000
        texts = texts or result.bytes  # as JSON Lines; Parquet compresses the same
        print(f"{format}: {result.bytes} bytes; memory {early} after a tenth, {most} at most")
        assert most - early < texts / 10, (early, most, texts)
        assert contents(killed) == contents(still), format
