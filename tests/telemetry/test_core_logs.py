"""Log lines of the Temporal SDK's core, which is written in Rust, look like all other lines."""

import asyncio
import io
import json
import logging
from pathlib import Path

from temporalio.client import Client

from atlas.embedded.temporal import find_temporal
from atlas.logs import JsonLines
from atlas.telemetry.runtime import worker_runtime
from tests.conftest import FleetingServer, free_port, halt, launch, until_ready


async def test_what_the_core_says_is_one_json_line_each(tmp_path: Path) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    core = logging.getLogger("temporalio.core")
    core.addHandler(handler)
    server = FleetingServer(tmp_path, find_temporal(), free_port(), free_port(), free_port())
    server.prepare()
    process = launch(server, tmp_path / "temporal.log")
    try:
        await until_ready(server, process)
        client = await Client.connect(server.address, runtime=worker_runtime.__wrapped__())
        process.kill()
        asking = asyncio.create_task(client.count_workflows())
        while "\n" not in stream.getvalue():  # it warns that the call is tried again and again
            await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    finally:
        halt(server, process)
        core.removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {line["logger"] for line in lines} == {"temporalio.core"}
    assert {line["level"] for line in lines} <= {"warning", "error"}
    assert all(line["target"].startswith("temporalio") and line["message"] for line in lines)
