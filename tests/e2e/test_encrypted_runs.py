"""Whole runs with encryption on: nothing that Temporal keeps can be read, and all of it works."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Replayer

from atlas.contracts import catalogue
from atlas.contracts.fetch_url import FetchUrlResult
from atlas.contracts.names import QUEUE
from atlas.temporal.connection import data_converter
from atlas.temporal.keyring import Keyring
from atlas.worker.registry import WORKFLOWS
from starter.client import AtlasClient
from starter.errors import DifferentRequest, Refused
from starter.runs.handles import JobHandle, Started, handle_of
from tests.e2e.environments import until
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.temporal.test_codec import NEW, OLD
from workflows.guards import OneInput


@pytest.fixture
def encrypting(atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch) -> AtlasEnv:
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", OLD)
    atlas_env.variables["ATLAS_ENCRYPTION_KEYS"] = OLD
    return atlas_env


async def kept_by_temporal(env: AtlasEnv) -> AsyncIterator[str]:
    """Everything of every run that the server would show, base64 undone, one value at a time."""
    async for execution in env.client.list_workflows():
        handle = env.client.get_workflow_handle(execution.id, run_id=execution.run_id)
        described = await handle.describe()
        for text in (
            (await handle.fetch_history()).to_json(),
            MessageToJson(described.raw_description),
            MessageToJson(execution.raw_info),
        ):
            for value in strings(json.loads(text)):
                yield value


def strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, and what it is the base64 of."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield str(name)
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    else:
        yield str(value)
        with suppress(ValueError):
            yield base64.b64decode(str(value), validate=True).decode("latin-1")


def site(origin: Origin) -> None:
    links = "".join(f'<a href="/secretpath/{n}">n</a>' for n in range(3))
    origin.page("/secretpath/", f"<h1>Start</h1><p>Where it begins.</p>{links}")
    for number in range(3):
        origin.page(f"/secretpath/{number}", f"<h1>Page {number}</h1><p>Text {number}.</p>")
    origin.status("/secretpath/2", 500)


async def test_no_url_can_be_read_in_anything_that_temporal_keeps(
    encrypting: AtlasEnv, origin: Origin
) -> None:
    site(origin)
    url = origin.url("/secretpath/")
    await encrypting.add_source("docs", "site", url, prefix=url)
    await encrypting.add_source("list", "urls", url)
    sealing = await _client(encrypting, OLD)
    async with encrypting.worker(), AtlasClient.connect() as atlas:
        run = await atlas.sync("docs")
        result = await run.result()
        assert (result.counts.added, result.counts.failed) == (3, 1)
        assert result.failures[0].url == origin.url("/secretpath/2")
        await (await atlas.sync(all=True)).result()
        assert (await atlas.fetch_url(url)).success
        assert not (await atlas.fetch_url(origin.url("/secretpath/2"))).success
        with pytest.raises(WorkflowFailureError) as failed:
            await sealing.execute_workflow(
                "fetch_url", {"url": url, "roburts": url}, id="failing", task_queue=QUEUE
            )
        assert url in str(failed.value.cause)
    seen = [value async for value in kept_by_temporal(encrypting)]
    assert "binary/encrypted" in seen and "sync_pipeline:docs" in seen
    # Not within a longer number: the fractions of a second have nine digits.
    for word in ("secretpath", re.escape(origin.host), r"127\.0\.0\.1", rf"\b{origin._port}\b"):
        readable = [value for value in seen if re.search(word, value)]
        assert not readable, readable[:3]
    await _replays(encrypting, sealing)


async def _client(env: AtlasEnv, keys: str) -> Client:
    converter = data_converter(Keyring.parse(keys))
    return await Client.connect(env.address, namespace=env.namespace, data_converter=converter)


async def _replays(env: AtlasEnv, client: Client) -> None:
    """Histories written with the old key replay once it comes second."""
    replayer = Replayer(
        workflows=list(WORKFLOWS),
        interceptors=[OneInput()],
        data_converter=data_converter(Keyring.parse(f"{NEW},{OLD}")),
    )
    histories = client.list_workflows().map_histories()
    results = await replayer.replay_workflows(histories, raise_on_replay_failure=True)
    assert not results.replay_failures


async def test_a_plain_client_is_served_and_told_of(
    encrypting: AtlasEnv, origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    origin.page("/p", "<p>Plain.</p>")
    async with encrypting.worker():
        handle = await encrypting.client.start_workflow(
            "fetch_url", {"url": origin.url("/p")}, id="plain", task_queue=QUEUE
        )
        with pytest.raises(Exception, match=r"'old'.*ATLAS_ENCRYPTION_KEYS"):
            await handle.result()
        sealing = await _client(encrypting, OLD)
        assert (await sealing.get_workflow_handle("plain").result())["status_code"] == 200
    told = [
        record.getMessage() for record in caplog.records if record.name == "atlas.temporal.codec"
    ]
    assert any(line.startswith("plain: accepted a payload that was not") for line in told)
    assert not any(origin.host in line for line in told)


@pytest.mark.slow
async def test_a_client_without_the_key_is_told_which_is_missing(
    encrypting: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.page("/p", "<p>Sealed.</p>")
    async with encrypting.worker():
        async with AtlasClient.connect() as atlas:
            await atlas.fetch_url(origin.url("/p"))
        monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", NEW)
        async with AtlasClient.connect() as atlas:
            run = await atlas.start_fetch(origin.url("/p"))
            waiting = asyncio.create_task(run.result())
            # The worker has the old key only: the run waits, and both logs say why.
            await until(lambda: _failed_task(encrypting, run.workflow_id))
            waiting.cancel()
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", f"{OLD},{NEW}")
    async with encrypting.worker(), AtlasClient.connect() as atlas:
        again = await atlas.start_fetch(origin.url("/p"))
        assert again.joined
        assert (await again.result()).success, "the run went on once its key was there"
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", NEW)
    async with AtlasClient.connect() as atlas, atlas._parts.temporal() as client:
        handle = handle_of(client, run.workflow_id, run.run_id, FetchUrlResult)
        ended = JobHandle(
            atlas._parts,
            catalogue.WORKFLOWS["fetch_url"],
            Started(client, handle, run.run_id, joined=True),
        )
        with pytest.raises(Refused, match=r"'old', which is not among ours .new."):
            await ended.result()


async def _failed_task(env: AtlasEnv, workflow_id: str) -> bool:
    history = await env.client.get_workflow_handle(workflow_id).fetch_history()
    return any(event.HasField("workflow_task_failed_event_attributes") for event in history.events)


async def test_requests_are_compared_although_encrypted(
    encrypting: AtlasEnv, origin: Origin
) -> None:
    url = origin.url("/p")
    sealing = await _client(encrypting, OLD)
    async with AtlasClient.connect() as atlas:
        first = await atlas.start_fetch(url)
        assert (await atlas.start_fetch(url)).joined
        with pytest.raises(DifferentRequest, match="force"):
            await atlas.start_fetch(url, force=True)
    await sealing.get_workflow_handle(first.workflow_id).terminate()
