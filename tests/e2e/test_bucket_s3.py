"""A prefix in a bucket of S3 is a source like any other, against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from atlas.contracts.sync_pipeline import SyncResult
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.starter.conftest import Atlas, atlas
from tests.stores.blobs.conftest import bucket, objects, put_objects, s3_environment, seaweed
from tests.stores.blobs.seaweed import SECRET_KEY
from tests.text.files.test_docx import made
from tests.text.files.test_pdf import pdf

__all__ = ["atlas", "bucket", "objects", "s3_environment", "seaweed"]

PAGE = b"<html lang=en><title>Locks</title><p>The lock opens twice a day, at high water.</p>"


def berth(number: int, words: str = "is kept for the pilot boat") -> bytes:
    return f"# Berth {number}\n\nBerth number {number} {words}, always.\n".encode()


async def live(env: AtlasEnv) -> set[str]:
    rows = await env.pool.fetch(
        "select url from pages join versions v on v.page_id = pages.id where v.valid_to is null"
    )
    return {row["url"] for row in rows}


@pytest.mark.slow  # tests/stores/buckets reads a prefix, test_bucket.py keeps a folder in step
async def test_a_prefix_is_kept_in_step(
    atlas_env: AtlasEnv, atlas: Atlas, objects: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "s3://atlas/berths/"
    odd = "berths/deep/q?a=1&b#c 100%+日本 'ü'.md"
    await put_objects(
        objects,
        {f"berths/{number}.md": berth(number) for number in range(20)}
        | {
            odd: b"# Odd\n\nIts name has every character that an address may not have.\n",
            "berths/page.html": PAGE,
            "berths/tides.pdf": pdf(["High water comes an hour later every day."], "Tides"),
            "berths/mooring.docx": made(),
            "berths/notes.txt": b"The harbour master is out until the tide has turned again.\n",
            "berths/large.txt": b"It is longer than a body may be.\n" * 2000,
            "berths/picture.png": b"\x89PNG\r\n\x1a\n",
        },
    )
    monkeypatch.setenv("ATLAS_BUCKET_ROOTS", url)
    monkeypatch.setenv("ATLAS_FETCH_MAX_BYTES", "50000")
    refused = await atlas("sources", "add", "all", "s3://atlas/", "--kind", "bucket")
    assert (refused.code, "ATLAS_BUCKET_ROOTS" in refused.err) == (2, True), refused
    added = await atlas("sources", "add", "berths", url, "--kind", "bucket", "--deletion", "prompt")
    assert added.code == 0, added.err
    async with atlas_env.worker():
        first = await atlas_env.sync("berths")
        assert (first.outcome, first.complete) == ("completed_with_failures", True)
        assert (first.counts.added, first.counts.failed) == (25, 1)
        assert [(each.url, each.code) for each in first.failures] == [
            (f"{url}large.txt", "body_too_large")
        ]
        media = await atlas_env.fetch("select media, count(*) as n from documents group by 1")
        assert {row["media"]: row["n"] for row in media} == {
            "text": 22, "html": 1, "pdf": 1, "docx": 1,
        }  # fmt: skip
        shown = await atlas("docs", "list", "--limit", "100", "-o", "json")
        named = next(each for each in shown.json["documents"] if each["title"] == "Odd")["url"]
        assert (await atlas("docs", "show", named)).code == 0
        found = await atlas("search", '"high water"', "-o", "json")
        assert {each["url"].removeprefix(url) for each in found.json["results"]} == {
            "page.html", "tides.pdf",
        }  # fmt: skip

        again = await atlas_env.sync("berths")
        assert (again.counts.unchanged, again.bytes) == (25, 0), "no object is read again"
        await put_objects(
            objects, {"berths/3.md": berth(3, "is closed"), "berths/20.md": berth(20)}
        )
        changed = await atlas_env.sync("berths")
        assert (changed.counts.added, changed.counts.updated) == (1, 1)

        for number in range(8):
            await objects.delete_object(Bucket="atlas", Key=f"berths/{number}.md")
        held = await atlas_env.sync("berths")
        assert (held.outcome, held.removed, len(await live(atlas_env))) == ("held", 0, 26)
        await put_objects(objects, {f"berths/{number}.md": berth(number) for number in range(1, 8)})
        one = await atlas_env.sync("berths")
        assert (one.removed, f"{url}0.md" in await live(atlas_env)) == (1, False)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.slow
async def test_a_bucket_that_cannot_be_read_costs_no_document(
    atlas_env: AtlasEnv, atlas: Atlas, objects: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong is named with its fix; no secret is kept anywhere."""
    url = "s3://atlas/minutes/"
    await put_objects(objects, {f"minutes/{number}.md": berth(number) for number in range(1_010)})
    monkeypatch.setenv("ATLAS_BUCKET_ROOTS", f"{url},s3://nowhere/")
    rules = ("--kind", "bucket", "--deletion", "prompt", "--parallel", "16")
    assert (await atlas("sources", "add", "minutes", url, *rules)).code == 0
    assert (await atlas("sources", "add", "nowhere", "s3://nowhere/x/", *rules)).code == 0

    @asynccontextmanager
    async def worker(**variables: str) -> AsyncIterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            async with atlas_env.worker():
                yield

    runs: list[SyncResult] = []

    async def failed(name: str, *said: str) -> None:
        result = await atlas_env.sync(name)
        runs.append(result)
        assert (result.outcome, result.removed) == ("listing_failed", 0), result
        shown = await atlas("runs", "show", result.run_id)
        for each in said:
            assert each in shown.out, (each, shown.out)
        assert len(await live(atlas_env)) == 1_010

    async with worker():
        first = await atlas_env.sync("minutes")
        assert (first.outcome, first.counts.added, first.complete) == ("completed", 1_010, True)
        await failed("nowhere", "NoSuchBucket", "Create the bucket, or correct the source's URL")
    async with worker(ATLAS_S3_ACCESS_KEY="atlas-test", ATLAS_S3_SECRET_KEY="s3-wrong-secret"):
        await failed("minutes", "SignatureDoesNotMatch", "Correct ATLAS_S3_SECRET_KEY")
    async with worker(ATLAS_S3_ACCESS_KEY="somebody", ATLAS_S3_SECRET_KEY="s3-wrong-secret"):
        await failed("minutes", "InvalidAccessKeyId", "Correct ATLAS_S3_ACCESS_KEY")
    async with worker(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=""):
        await failed("minutes", "Set ATLAS_S3_ACCESS_KEY and ATLAS_S3_SECRET_KEY")
    away = {"ATLAS_S3_ENDPOINT": "http://127.0.0.1:9", "ATLAS_S3_ACCESS_KEY": "atlas-test"}
    async with worker(**away, ATLAS_S3_SECRET_KEY="s3-wrong-secret"):
        await failed("minutes", "Check that its endpoint (ATLAS_S3_ENDPOINT")
    async with worker(**away | {"ATLAS_S3_ENDPOINT": "http://no host"}, ATLAS_S3_SECRET_KEY="x"):
        await failed("minutes", "Correct the endpoint (ATLAS_S3_ENDPOINT")
    async with worker():
        again = await atlas_env.sync("minutes")
        assert (again.counts.unchanged, again.bytes, again.removed) == (1_010, 0, 0)
    for run in runs:
        history = atlas_env.client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
        text = str(await history.fetch_history())
        assert "s3-wrong-secret" not in text and SECRET_KEY not in text
    kept = await atlas_env.fetch(
        "select f::text as row from fetches f union select r::text from runs r"
    )
    assert not any("wrong-secret" in each["row"] or SECRET_KEY in each["row"] for each in kept)
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
