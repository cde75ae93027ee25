"""With PostgreSQL or Temporal down, a command says which, where it looked, and what to do."""

from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.e2e.stack import AtlasEnv
from tests.starter.conftest import Atlas

READING = [
    ("search", "x"),
    ("docs", "list", "-o", "jsonl"),
    ("docs", "show", "https://example.org/"),
    ("runs",),
    ("sources", "list"),
    ("sources", "add", "docs", "https://example.org/"),
    ("sync", "docs"),
    ("sync", "docs", "--wait"),
    ("fetch", "https://example.org/"),
    ("schedules",),
    ("schedules", "apply"),
    ("migrate",),
]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
async def test_postgresql_down(
    arguments: tuple[str, ...], atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    url = f"postgresql://reader:hunter2@127.0.0.1:{port}/corpus"  # pragma: allowlist secret
    monkeypatch.setenv("ATLAS_DATABASE_URL", url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
    ran = await atlas(*arguments)
    assert (ran.code, ran.out) == (3, "")
    assert "PostgreSQL" in ran.err and f"127.0.0.1:{port}" in ran.err
    assert "atlas up -d" in ran.err and "ATLAS_DATABASE_URL" in ran.err
    assert "hunter2" not in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize("arguments", READING[:-1], ids=" ".join)
async def test_no_stack_at_all(
    arguments: tuple[str, ...], atlas: Atlas, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    ran = await atlas(*arguments)
    assert (ran.code, ran.out) == (3, "")
    assert "no address is known" in ran.err and "atlas up -d" in ran.err


@pytest.mark.parametrize(
    "arguments", [("sync", "--all", "--wait"), ("fetch", "https://a.example/")]
)
async def test_temporal_down(
    arguments: tuple[str, ...], atlas: Atlas, corpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
    ran = await atlas(*arguments)
    assert (ran.code, ran.out) == (3, "")
    assert f"Temporal does not answer at 127.0.0.1:{port}" in ran.err
    assert "TEMPORAL_ADDRESS" in ran.err
    assert "Error(" not in ran.err


async def test_searching_needs_no_temporal(atlas: Atlas, corpus: str) -> None:
    ran = await atlas("search", "x", "-o", "json")
    nothing = {"results": [], "total": 0, "exact": True, "unknown_language": 0, "as_of": None,
               "instead": [], "next": None, "left_out": None, "facets": []}  # fmt: skip
    assert (ran.code, ran.json) == (0, nothing)


async def test_a_database_without_the_schema_is_told_and_migrated(
    atlas: Atlas, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_DATABASE_URL", empty_database_url)
    refused = await atlas("search", "x")
    assert refused.code == 1 and "atlas migrate" in refused.err
    applied = (await atlas("migrate", "-o", "json")).json["applied"]
    assert applied and applied[0].startswith("0001_")
    assert (await atlas("migrate", "-o", "json")).json == {"applied": []}
    assert (await atlas("search", "x")).code == 0


async def test_a_namespace_that_does_not_exist_is_named(
    atlas: Atlas, atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await atlas_env.add_source("docs", "urls", "https://example.org/")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "no-such-namespace")
    ran = await atlas("sync", "--all")
    assert ran.code == 1
    assert "no-such-namespace" in ran.err and atlas_env.address in ran.err


async def test_the_temporal_of_another_corpus_is_refused(
    atlas: Atlas, atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    async with atlas_env.worker():  # its start puts the corpus id into the namespace
        pass
    await atlas_env.add_source("docs", "urls", "https://example.org/")
    await atlas_env.pool.execute("update corpus set corpus_id = gen_random_uuid()")
    ran = await atlas("sync", "--all")
    assert ran.code == 1
    assert "belongs to another Atlas" in ran.err and atlas_env.address in ran.err
