"""The codec server: the real `temporal` binary and a browser's page read encrypted runs by it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payloads

from atlas.temporal.codec import EncryptingCodec
from atlas.temporal.codec_server import serve
from atlas.temporal.connection import data_converter
from atlas.temporal.keyring import Keyring
from tests.contracts.test_temporal_cli import Cli
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_encrypted_runs import strings
from tests.origin import Origin
from tests.temporal.test_codec import NEW, OLD

UI = "http://localhost:8233"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@asynccontextmanager
async def serving(keys: str = OLD) -> AsyncIterator[str]:
    port, stop = free_port(), asyncio.Event()
    task = asyncio.create_task(serve(Keyring.parse(keys), [UI], port=port, stop=stop))
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.01)
        writer.close()
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await task


async def sealed(text: str, keys: str = OLD) -> dict[str, object]:
    """What the Web UI would send of one payload."""
    codec = EncryptingCodec(Keyring.parse(keys))
    payloads = await codec.encode(await data_converter().encode([text]))
    return MessageToDict(Payloads(payloads=payloads))


async def test_the_temporal_cli_starts_and_reads_encrypted_runs(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_ENCRYPTION_KEYS", OLD)
    origin.page("/quay", "<p>Boats lie at the quay.</p>")
    cli, url = Cli(atlas_env), origin.url("/quay")
    start = ("workflow", "execute", "--task-queue", "atlas", "--type", "fetch_url")
    async with atlas_env.worker(), serving() as endpoint:
        done = await cli(
            *start, "--workflow-id", "w", "--input", json.dumps({"url": url}),
            "--codec-endpoint", endpoint, "-o", "json",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert done.result["url"] == url
        show = ("workflow", "show", "--workflow-id", "w", "-o", "json")
        decrypted = await cli(*show, "--codec-endpoint", endpoint)
        assert any(url in value for value in strings(json.loads(decrypted.out)))
    as_kept = await cli(*show)
    assert not any(url in value for value in strings(json.loads(as_kept.out)))


async def test_a_page_of_the_web_ui_may_read_and_no_other() -> None:
    async with serving() as endpoint, aiohttp.ClientSession() as browser:
        body = await sealed("hello")
        for origin, allowed in ((UI, UI), ("http://evil.example", None)):
            asked = {"Origin": origin, "X-Namespace": "default"}
            async with browser.options(f"{endpoint}/decode", headers=asked) as preflight:
                assert preflight.status == 204
                assert preflight.headers.get("Access-Control-Allow-Origin") == allowed
            async with browser.post(f"{endpoint}/decode", json=body, headers=asked) as answer:
                assert answer.headers.get("Access-Control-Allow-Origin") == allowed
                [payload] = (await answer.json())["payloads"]
                assert payload["data"] == "ImhlbGxvIg=="
        rebound = {"Host": "evil.example", "Origin": UI}
        async with browser.post(f"{endpoint}/decode", json=body, headers=rebound) as refused:
            assert refused.status == 403


async def test_what_cannot_be_decrypted_is_refused_in_words() -> None:
    async with serving() as endpoint, aiohttp.ClientSession() as browser:
        body = await sealed("hello", NEW)
        async with browser.post(f"{endpoint}/decode", json=body, headers={"Origin": UI}) as answer:
            assert answer.status == 400 and "'new'" in await answer.text()
            assert answer.headers["Access-Control-Allow-Origin"] == UI
        async with browser.post(f"{endpoint}/decode", data=b"\xff") as answer:
            assert answer.status == 400
        async with browser.get(f"{endpoint}/decode") as answer:
            assert answer.status == 405
        async with browser.post(f"{endpoint}/encode", json=await _plain()) as answer:
            [payload] = (await answer.json())["payloads"]
            assert payload["metadata"]["encryption-key-id"] == "b2xk"


async def _plain() -> dict[str, object]:
    return MessageToDict(Payloads(payloads=await data_converter().encode(["hello"])))


async def test_the_command_serves_until_it_is_told_to_end(
    atlas_env: AtlasEnv,
) -> None:
    port = free_port()
    command = (sys.executable, "-m", "starter.cli", "codec", "--port", str(port), "--origin", UI)
    for keys, code in ((OLD, 0), ("", 2)):
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**atlas_env.variables, "ATLAS_ENCRYPTION_KEYS": keys},
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        said = (await process.stderr.readline()).decode()
        if keys:
            assert f"http://127.0.0.1:{port}" in said
            assert (
                b"http://127.0.0.1:8233, http://localhost:8233" in await process.stderr.readline()
            )
            process.send_signal(signal.SIGTERM)
        else:
            assert "set ATLAS_ENCRYPTION_KEYS" in said
        assert await asyncio.wait_for(process.wait(), 300) == code
