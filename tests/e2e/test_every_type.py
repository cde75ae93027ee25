"""Each public workflow type, with its smallest sensible input, started in each way there is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from atlas.contracts.catalogue import WORKFLOWS, WorkflowType
from starter import AtlasClient
from tests.contracts.test_temporal_cli import Cli
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

PUBLIC = {
    "fetch_url",
    "process_document",
    "collect_from_source",
    "collect_all_sources",
    "batch_process",
    "deduplicate_documents",
    "audit_corpus",
    "purge_documents",
    "push_documents",
    "export_corpus",
    "rebuild_index",
    "sync_pipeline",
    "health_check",
    "hourly_collection",
    "daily_cleanup",
    "weekly_report",
    "decide_deletions",
    "restore_documents",
}
GOOD = {"completed", "ok", "degraded", "no_data", "nothing_held"}
"""A report on a corpus of a minute's age says that it has no data; a check may find that no
schedule was applied; no removals are held."""
NOTES = "https://notes.example.org/"
PAGE = "<html lang=en><title>Quay</title><p>Boats lie at the quay until the tide turns.</p></html>"


@pytest.fixture
async def synced(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A corpus of one page, and a worker; gives the page's URL.

    The worker has one connection to PostgreSQL, which is enough: nothing holds one while it waits
    for another, or the few that workers have would not do.
    """
    monkeypatch.setenv("ATLAS_WORKER_CONNECTIONS", "1")
    origin.page("/a", PAGE)
    await atlas_env.add_source("docs", "urls", origin.url("/a"))
    await atlas_env.add_source("notes", "push", NOTES, delay=1.0, parallel=1)
    async with atlas_env.worker(), AtlasClient.connect() as client:
        await atlas_env.sync("docs")
        await (await client.put(NOTES, PAGE)).result()
        yield origin.url("/a")


def input_of(kind: WorkflowType, url: str, folder: Path) -> dict[str, Any]:
    """The example of the catalogue, on the URL and in the folder of this test."""
    example = json.dumps(kind.example).replace("https://example.org/", url)
    found: dict[str, Any] = json.loads(example.replace("/var/lib/atlas", str(folder)))
    return {"withdraw": [NOTES]} if kind.name == "push_documents" else found


def without_nulls(value: Any) -> Any:
    """What was printed, without what the CLI prints as null: an empty list, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def ended_well(kind: WorkflowType, result: dict[str, Any]) -> None:
    kind.result.model_validate(without_nulls(result))
    assert set(result) == set(kind.result.model_fields)
    said = result.get("outcome", result.get("status"))
    if kind.name == "fetch_url":
        assert result["success"] is True, result
    else:
        assert said in GOOD, (kind.name, result)


def test_these_types_are_the_public_ones() -> None:
    assert set(WORKFLOWS) == PUBLIC


async def test_each_by_the_plain_temporal_cli(
    atlas_env: AtlasEnv, synced: str, tmp_path: Path
) -> None:
    """Without any input, where nothing must be said."""
    cli = Cli(atlas_env)
    for kind in WORKFLOWS.values():
        given = input_of(kind, synced, tmp_path)
        options = ("--input", json.dumps(given)) if given else ()
        said = await cli.execute(kind.name, *options, "--workflow-id", f"plain-{kind.name}")
        assert said.code == 0, (kind.name, said)
        ended_well(kind, said.result)


@pytest.mark.slow  # by the methods for each type: tests/starter
async def test_each_by_the_client(atlas_env: AtlasEnv, synced: str, tmp_path: Path) -> None:
    async with AtlasClient.connect() as client:
        for kind in WORKFLOWS.values():
            run = await client.start(kind.name, **input_of(kind, synced, tmp_path))
            ended_well(kind, (await run.result()).model_dump(mode="json"))


async def test_the_same_request_twice_is_one_run(
    atlas_env: AtlasEnv, origin: Origin, tmp_path: Path
) -> None:
    """Without a worker nothing ends, so the second finds the first under way."""
    async with AtlasClient.connect() as client:
        await atlas_env.add_source("docs", "urls", origin.url("/a"))
        async with atlas_env.worker():
            pass  # the first worker writes the corpus into the namespace
        for kind in WORKFLOWS.values():
            first = await client.start(kind.name, **input_of(kind, origin.url("/a"), tmp_path))
            second = await client.start(kind.name, **input_of(kind, origin.url("/a"), tmp_path))
            assert second.joined, kind.name
            assert second.run_id == first.run_id
