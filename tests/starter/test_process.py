"""`atlas process`, `atlas docs quarantined`, `atlas runs outcomes`, and the client's manifests."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from starter import AtlasClient
from starter.errors import InvalidRequest, NotFound
from tests.e2e.stack import AtlasEnv
from tests.starter.conftest import Atlas
from tests.stored import store

BASE = "https://stored.example"


async def keep(env: AtlasEnv) -> None:
    bodies = {f"{BASE}/{number}": b"Log %d of the harbour." % number for number in range(8)}
    await store(env.pool, env.blobs, {**bodies, f"{BASE}/empty": b" "})


async def test_documents_are_processed_listed_and_told_about(
    atlas: Atlas, atlas_env: AtlasEnv, tmp_path: Path
) -> None:
    await keep(atlas_env)
    file = tmp_path / "urls.txt"
    file.write_text(f'{BASE}/1\n\n{{"url": "{BASE}/2"}}\n{BASE}/nowhere\n')
    async with atlas_env.worker():
        one = await atlas("process", "--url", f"{BASE}/0", "--wait", "-o", "json")
        assert (one.code, one.json["counts"]["added"]) == (0, 1), one.err
        listed = await atlas("process", "--manifest", str(file), "--wait", "-o", "json")
        assert (listed.code, listed.json["selected"], listed.json["missing"]) == (0, 2, 1)
        outcomes = await atlas("runs", "outcomes", listed.json["run_id"])
        lines = [json.loads(line) for line in outcomes.out.splitlines()]
        assert [line["outcome"] for line in lines] == ["added", "added", "missing"]
        rest = await atlas("process", "--all", "--wait")
        assert rest.code == 0
        assert "8 seen" not in rest.out and "9 seen, 5 added" in rest.out
        run_id = rest.err.split("atlas runs outcomes ")[1].split("`")[0]
        for _ in range(2):
            again = await atlas("process", "--failed-of", run_id, "--wait")
            assert "1 failed" in again.out and "empty_body" in again.out
        unknown = await atlas("process", "--url", f"{BASE}/nowhere", "--wait")
        assert (unknown.code, "unknown_page" in unknown.out) == (1, True)
    poor = await atlas("docs", "quarantined", "-o", "json")
    [document] = poor.json["documents"]
    assert (document["url"], document["code"]) == (f"{BASE}/empty", "empty_body")
    assert (document["failures"], document["live"]) == (3, False)
    assert "empty_body" in (await atlas("docs", "quarantined")).out


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ([], "given: none"),
        (["--url", "https://a.example/", "--all"], "given: url, source"),
        (["--manifest", "/no/such/file"], "cannot be read"),
        (["--snapshot", "abc"], "snapshot: 'abc' refused"),
    ],
)
async def test_bad_usage_names_the_mend(
    atlas: Atlas, atlas_env: AtlasEnv, arguments: list[str], mend: str
) -> None:
    ran = await atlas("process", *arguments)
    assert ran.code == 2, ran
    assert mend in ran.err


async def test_a_manifest_of_any_iterable(atlas_env: AtlasEnv) -> None:
    async def names() -> AsyncIterator[str]:
        for number in range(3000):
            yield f"{BASE}/{number}"

    async with AtlasClient.connect() as atlas:
        streamed = await atlas.manifest(names())
        assert streamed == await atlas.manifest(f"{BASE}/{number}" for number in range(3000))
        with pytest.raises(InvalidRequest, match="neither a URL nor a page number"):
            await atlas.manifest(["", BASE])
        with pytest.raises(NotFound, match="no outcomes"):
            [line async for line in atlas.outcomes("nobody")]
    kept = await atlas_env.fetch("select kind, name, encode(hash, 'hex') as hash from artifacts")
    assert [tuple(row) for row in kept] == [("manifest", streamed, streamed)]
