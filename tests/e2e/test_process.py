"""`process_document`: from a stored body to the corpus, without a request to the web."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from atlas.contracts.processing import ProcessResult
from atlas.stores.postgres.search import search
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin


def page(words: str) -> str:
    return f"<html><title>{words}</title><main><p>{words} rings in the fog.</p></main></html>"


async def process(env: AtlasEnv, **request: Any) -> ProcessResult:
    """As a plain `temporal workflow execute` does."""
    answer = await env.client.execute_workflow(
        "process_document", request, id=f"p-{uuid.uuid4().hex}", task_queue="atlas"
    )
    return ProcessResult.model_validate(answer)


async def fetch(env: AtlasEnv, url: str) -> dict[str, Any]:
    answer: dict[str, Any] = await env.client.execute_workflow(
        "fetch_url", {"url": url}, id=f"f-{uuid.uuid4().hex}", task_queue="atlas"
    )
    return answer


async def found(env: AtlasEnv, words: str) -> list[str]:
    async with env.pool.acquire() as connection:
        return [hit.url for hit in (await search(connection, words)).results]


async def forget_settled(env: AtlasEnv) -> None:
    """As if another extractor version had settled every page."""
    await env.pool.execute("update page_state set settled_extractor = 0")


async def test_what_was_fetched_alone_is_found_after_it_was_processed(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    url = origin.url("/bell")
    origin.page("/bell", page("Ferrybell"))
    async with atlas_env.worker():
        fetched = await fetch(atlas_env, url)
        assert await found(atlas_env, "ferrybell") == []
        result = await process(atlas_env, url=f"{url}#fragment")
        again = await process(atlas_env, snapshot=fetched["content_hash"])
    assert result.outcome == "completed"
    [document] = result.documents
    assert (document.url, document.result, document.version) == (url, "added", 1)
    assert document.snapshot == fetched["content_hash"]
    assert document.title == "Ferrybell"
    assert await found(atlas_env, "ferrybell") == [url]
    assert [each.result for each in again.documents] == ["unchanged"]
    assert len(origin.requests("/bell")) == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)
    await assert_workflows_healthy(atlas_env.client)
