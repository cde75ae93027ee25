"""What every command that starts a run has in common: say what was started, follow it to its end,
show the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starter.cli.output import emit, note, say

if TYPE_CHECKING:
    from atlas.contracts.jobs import Progress
    from starter.jobs import JobHandle


def stage_of(progress: Progress) -> str:
    """The stage alone."""
    return progress.stage


async def followed(
    run: JobHandle,
    *,
    wait: bool,
    output: str,
    show: Callable[[Any], None],
    fine: Callable[[Any], bool],
    describe: Callable[[Progress], str] = stage_of,
) -> int:
    """Say what was started; with `wait`, tell how it goes and show the result of its type.

    `describe` tells where it is in one line, empty when there is nothing to tell. The exit code: 0,
    unless the result was waited for and is not `fine`.
    """
    if run.joined:
        note(f"{run.workflow_id} is under way already; joined it")
    if run.ui_url:
        note(f"Web UI: {run.ui_url}")
    if not wait:
        _started(run, output)
        return 0
    result = await _result(run, describe)
    if output != "text":
        emit("result", {**result.model_dump(mode="json"), "ui_url": run.ui_url}, output)
    else:
        show(result)
    return 0 if fine(result) else 1


def _started(run: JobHandle, output: str) -> None:
    if output != "text":
        ids = {"workflow_id": run.workflow_id, "run_id": run.run_id, "ui_url": run.ui_url}
        emit("started", ids, output)
    else:
        say(f"started {run.workflow_id}, run {run.run_id}")


async def _result(run: JobHandle, describe: Callable[[Progress], str]) -> Any:
    watching = asyncio.create_task(_watch(run, describe))
    try:
        return await run.result(note)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(run: JobHandle, describe: Callable[[Progress], str]) -> None:
    told = ""
    async for progress in run:
        line = describe(progress)
        if line and line != told:
            told = line
            note(line)
