"""Exports to a bucket, whose workers are killed, and archives in a bucket that are taken over."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard
from warcio.archiveiterator import ArchiveIterator

from starter import AtlasClient
from starter.runs.handles import JobHandle
from tests.e2e.bulk_documents import fill
from tests.e2e.environments import kill, until
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.starter.conftest import Atlas, atlas
from tests.stores.blobs.conftest import bucket, objects, put_objects, s3_environment, seaweed

__all__ = ["atlas", "bucket", "objects", "s3_environment", "seaweed"]

pytestmark = pytest.mark.slow
_DOCUMENTS = 600
_FORMATS: dict[str, dict[str, Any]] = {
    "jsonl": {"compress": "zstd"},
    "chunks": {"what": "chunks", "chunk_size": 300},
    "parquet": {"format": "parquet"},
    "markdown-folder": {"format": "markdown-folder"},
    "warc": {"format": "warc", "compress": "none"},
}


async def below(objects: Any, prefix: str) -> dict[str, bytes]:
    """What an export wrote, by name; without the manifest, which has to be there."""
    found = {}
    pages = objects.get_paginator("list_objects_v2")
    async for page in pages.paginate(Bucket="atlas", Prefix=f"{prefix}/"):
        for each in page.get("Contents", ()):
            answer = await objects.get_object(Bucket="atlas", Key=each["Key"])
            async with answer["Body"] as stream:
                found[each["Key"].removeprefix(f"{prefix}/")] = await stream.read()
    manifest = json.loads(found.pop("manifest.json"))
    assert ".atlas-export" not in found
    assert {part["name"] for part in manifest["parts"]} <= set(found)
    return found


async def uploads(objects: Any) -> list[str]:
    found = await objects.list_multipart_uploads(Bucket="atlas")
    return [each["Key"] for each in found.get("Uploads", ())]


def urls(name: str, files: dict[str, bytes]) -> list[str]:
    """The addresses that an export names, as the readers of its format find them."""
    found: list[str] = []
    for file, body in sorted(files.items()):
        if name == "parquet":
            found += pq.read_table(io.BytesIO(body)).column("url").to_pylist()
        elif name == "warc":
            found += [
                record.rec_headers.get_header("WARC-Target-URI")
                for record in ArchiveIterator(io.BytesIO(body))
                if record.rec_type in ("response", "revisit")
            ]
        elif name == "markdown-folder":
            found += [line.split(b'"')[1].decode() for line in body.splitlines()
                      if file.endswith(".md") and line.startswith(b"url:")]  # fmt: skip
        else:
            if name == "jsonl":
                reader = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True)
                body = reader.read()
            found += [json.loads(line)["url"] for line in body.splitlines()]
    return found


@pytest.mark.timeout(1800)
async def test_a_killed_export_to_a_bucket_is_continued_to_the_same_bytes(
    atlas_env: AtlasEnv, objects: Any
) -> None:
    await fill(atlas_env.pool, _DOCUMENTS)
    pages = [row["url"] for row in await atlas_env.pool.fetch("select url from pages order by id")]
    from atlas.stores.blobs import open_blobs

    async with open_blobs(str(atlas_env.blobs)) as blobs:
        for url in pages:
            await blobs.put(url.encode())
    victim = atlas_env.spawn_worker()
    async with AtlasClient.connect() as client:
        for name, options in _FORMATS.items():
            options = {"part_documents": 15, **options}
            still = await client.start_export(f"s3://atlas/still/{name}", **options)
            assert (await still.result()).documents == _DOCUMENTS
            run: JobHandle[Any] = await client.start_export(f"s3://atlas/killed/{name}", **options)

            async def under_way(run: JobHandle[Any] = run) -> bool:
                written = "select count(*) from export_parts where run_id = $1"
                return bool(await atlas_env.value(written, run.run_id) >= 3)

            await until(under_way)
            await kill(victim)
            assert await atlas_env.value("select count(*) from export_parts") < 40, name
            victim = atlas_env.spawn_worker()
            assert (await run.result()).documents == _DOCUMENTS
            files = [await below(objects, f"{way}/{name}") for way in ("still", "killed")]
            assert sorted(set(urls(name, files[1]))) == sorted(pages), name
            if name == "warc":  # the first record has the moment of the choice
                records = [{part: body.split(b"WARC/1.1\r\n")[2:] for part, body in each.items()}
                           for each in files]  # fmt: skip
                assert records[0] == records[1]
            else:
                assert files[0] == files[1], name
    assert await uploads(objects) == []


@pytest.mark.timeout(1800)
async def test_a_worker_killed_in_the_middle_of_an_upload_leaves_none(
    atlas_env: AtlasEnv, objects: Any
) -> None:
    await fill(atlas_env.pool, 9_000, words=300)
    victim = atlas_env.spawn_worker()
    async with AtlasClient.connect() as client:
        still = await client.start_export("s3://atlas/large-still")
        assert (await still.result()).bytes > 2 * 64 * 2**20
        run = await client.start_export("s3://atlas/large-killed")

        async def sending() -> bool:
            return bool(await uploads(objects))

        await until(sending)
        await kill(victim)
        assert await uploads(objects) == ["large-killed/part-00000.jsonl"]
        atlas_env.spawn_worker()
        assert (await run.result()).documents == 9_000
    assert await below(objects, "large-killed") == await below(objects, "large-still")
    assert await uploads(objects) == []


@pytest.mark.timeout(1800)
async def test_archives_in_a_bucket_are_taken_over_however_often_the_command_is_killed(
    atlas_env: AtlasEnv, atlas: Atlas, objects: Any, tmp_path: Path
) -> None:
    named = {}
    for number in range(6):
        file = io.BytesIO()
        for page in range(200):
            words = f"Buoy {page} of chart {number} has a bell, and gull {number * page} on it. "
            body = f"<html lang=en><title>Buoy</title><p>{words * 4}</p>".encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
            lines = ["WARC/1.1", "WARC-Type: response", "WARC-Date: 2026-11-01T12:00:00Z",
                     f"WARC-Target-URI: https://old.example.org/{number}/{page}",
                     "Content-Type: application/http; msgtype=response",
                     f"Content-Length: {len(head + body)}", "", ""]  # fmt: skip
            file.write(gzip.compress("\r\n".join(lines).encode() + head + body + b"\r\n\r\n"))
        named[f"crawls/{number}/crawl ü {number}.warc.gz"] = file.getvalue()
    await put_objects(objects, named | {"crawls/readme.txt": b"no archive"})
    added = await atlas("sources", "add", "old", "https://old.example.org/", "--kind", "push")
    assert added.code == 0, added.err
    command = (
        sys.executable,
        "-m",
        "starter.cli",
        "import",
        "s3://atlas/crawls/",
        "--source",
        "old",
    )
    documents = "select count(*) from versions where valid_to is null"
    atlas_env.spawn_worker()
    for most in (1, 400, 800):
        with (tmp_path / "import.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command, env={**os.environ, **atlas_env.variables}, stdout=log, stderr=log
            )

        async def so_many(most: int = most, process: Process = process) -> bool:
            assert process.returncode is None, (tmp_path / "import.log").read_text()
            return bool(await atlas_env.value(documents) >= most)

        await until(so_many)
        process.kill()
        await process.wait()
    ran = await atlas("import", "s3://atlas/crawls/", "--source", "old", "-o", "json")
    assert (ran.code, ran.json["archives"], ran.json["problems"]) == (0, 6, []), ran
    assert ran.json["added"] + ran.json["unchanged"] + ran.json["superseded"] == 1_200
    assert ran.json["unchanged"] >= 800
    assert await atlas_env.value(documents) == 1_200
    assert await atlas_env.value("select count(*) from versions") == 1_200, "each once"
    for archive, said in (
        ("s3://atlas/crawls/0/crawl ü 0.warc.gz", "200 documents; 0 added"),
        ("s3://atlas/crawls/none.warc.gz", "has no object 'crawls/none.warc.gz'"),
        ("s3://atlas/nothing/", "no file whose name ends with .warc or .warc.gz"),
        ("s3://nowhere/x/", "Create the bucket, or correct the address"),
    ):
        ran = await atlas("import", archive, "--source", "old")
        assert said in ran.out + ran.err, ran
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
