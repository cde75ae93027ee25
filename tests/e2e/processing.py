"""One Atlas for all tests of a file that process stored bodies, and what they do with it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from atlas.contracts.processing import ProcessResult
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.worker import registry
from tests.e2e.environments import Servers, servers
from tests.e2e.stack import AtlasEnv, result_of
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.stored import store
from tests.text.children import poison

__all__ = ["env", "servers", "url"]

TEXT = b"A ferry bell rings twice in the fog, and the harbour wakes."
EMPTY = b" \n "
POISON = b"POISON"


def poison_crashes(patch: pytest.MonkeyPatch) -> None:
    """Let the body POISON crash its child, in earnest."""
    sound = registry._prepare_new

    async def prepare(pool: Any, job: PrepareJob) -> Prepared | None:
        if job.body == POISON:
            return await pool.run(poison.crash, None, lambda _: None)
        return await sound(pool, job)

    patch.setattr(registry, "_prepare_new", prepare)


@pytest.fixture(scope="module")
async def env(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AtlasEnv]:
    async with servers.atlas(tmp_path_factory.mktemp("process")) as env:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in env.variables.items():
                patch.setenv(name, value)
            poison_crashes(patch)
            async with env.worker():
                yield env
        await assert_invariants(env.pool, env.blobs)
        await assert_workflows_healthy(env.client)


@pytest.fixture
def url() -> str:
    return f"https://{uuid.uuid4().hex}.example/a"


async def keep(env: AtlasEnv, url: str, body: bytes = TEXT) -> None:
    await store(env.pool, env.blobs, {url: body})


async def process(env: AtlasEnv, **request: Any) -> ProcessResult:
    """As a plain `temporal workflow execute` does."""
    handle = await env.client.start_workflow(
        "process_document", request, id=f"p-{uuid.uuid4().hex}", task_queue="atlas"
    )
    return ProcessResult.model_validate(await result_of(handle))


async def refusal(env: AtlasEnv, workflow: str, *inputs: object) -> str:
    """Why a run fails that is given these inputs."""
    with pytest.raises(WorkflowFailureError) as caught:
        await env.client.execute_workflow(
            workflow, args=inputs, id=f"r-{uuid.uuid4().hex}", task_queue="atlas"
        )
    return str(caught.value.cause)


async def fetch(env: AtlasEnv, url: str) -> dict[str, Any]:
    answer: dict[str, Any] = await env.client.execute_workflow(
        "fetch_url", {"url": url}, id=f"f-{uuid.uuid4().hex}", task_queue="atlas"
    )
    return answer


def page(words: str) -> str:
    return f"<html><title>{words}</title><main><p>{words} rings in the fog.</p></main></html>"


async def found(env: AtlasEnv, words: str) -> list[str]:
    return [hit.url for hit in (await env.search(words)).results]


async def state(env: AtlasEnv, url: str, column: str) -> Any:
    query = f"select ps.{column} from page_state ps join pages p on p.id = page_id where url = $1"
    return await env.value(query, url)


async def versions(env: AtlasEnv, url: str) -> int:
    query = "select count(*) from versions v join pages p on p.id = v.page_id where url = $1"
    return int(await env.value(query, url))


async def set_lifecycle(env: AtlasEnv, url: str, lifecycle: str) -> None:
    await env.pool.execute(
        "update page_state set lifecycle = $2 from pages p where p.id = page_id and url = $1",
        url,
        lifecycle,
    )
