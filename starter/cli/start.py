"""`atlas start`: a workflow of any type, by its name."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from starter.cli.output import Format, emit, note, pairs, say

if TYPE_CHECKING:
    from starter.jobs import JobHandle

_GOOD = ("completed", "completed_with_failures", "no_data", "ok")


async def start(
    workflow: Annotated[str, Parameter(help="One of the twelve types; `atlas schema` shows them")],
    request: Annotated[
        str, Parameter(help="Its input as JSON, @FILE, or - for standard input; {} by default")
    ] = "{}",
    /,
    *,
    workflow_id: Annotated[
        str | None, Parameter(name="--id", help="A workflow id of your own")
    ] = None,
    wait: Annotated[
        bool, Parameter(show_default=False, help="Wait for the end, show progress and the result")
    ] = False,
    output: Format = "text",
) -> int:
    """Start a workflow, or join the run that was asked for the same.

    Exit code 0 when it is done, failed documents included; 1 when it failed; with --wait only.
    """
    from starter.client import AtlasClient
    from starter.jobs import kind_named

    fields = _fields(request)
    kind_named(workflow)  # refused before anything is connected to
    async with AtlasClient.connect() as atlas:
        fields.setdefault("trigger", "cli")
        run = await atlas.start(workflow, workflow_id=workflow_id, **_known(workflow, fields))
        if run.joined:
            note(f"{run.workflow_id} is under way already; joined it")
        if run.ui_url:
            note(f"Web UI: {run.ui_url}")
        return await _waited(run, output) if wait else _started(run, output)


def _known(workflow: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Without the trigger that we added, where the type has none."""
    from atlas.contracts.catalogue import WORKFLOWS

    if "trigger" in WORKFLOWS[workflow].request.model_fields:
        return fields
    return {name: value for name, value in fields.items() if (name, value) != ("trigger", "cli")}


def _fields(request: str) -> dict[str, Any]:
    from starter.errors import InvalidRequest

    try:
        if request == "-":
            request = sys.stdin.read()
        elif request.startswith("@"):
            request = Path(request[1:]).read_text(encoding="utf-8")
        fields = json.loads(request)
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            f"request: {request[:100]!r} cannot be read as JSON: {error}; "
            'give an object such as \'{"sources": ["docs"]}\', or @FILE'
        ) from None
    if not isinstance(fields, dict):
        raise InvalidRequest(f"request: {request[:100]!r} is no JSON object")
    return fields


def _started(run: JobHandle, output: str) -> int:
    if output == "json":
        emit({"workflow_id": run.workflow_id, "run_id": run.run_id, "ui_url": run.ui_url})
    else:
        say(f"started {run.workflow_id}, run {run.run_id}")
    return 0


async def _waited(run: JobHandle, output: str) -> int:
    watching = asyncio.create_task(_watch(run))
    try:
        result = (await run.result(note)).model_dump(mode="json")
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    if output == "json":
        emit({**result, "ui_url": run.ui_url})
    else:
        pairs(result)
    ended = result.get("outcome", result.get("status", "completed"))
    return 0 if ended in _GOOD else 1


async def _watch(run: JobHandle) -> None:
    told = ""
    async for progress in run:
        of = "" if progress.total is None else f" of {progress.total}"
        line = f"{progress.stage}: {progress.done}{of} {progress.of}"
        if line != told:
            told = line
            note(line)
