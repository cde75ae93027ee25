"""A few lanes of one run at once, and their common end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from temporalio import workflow

Lane = asyncio.Task[bool]
"""True once there is no more for it."""


async def run_lanes(
    lanes: Sequence[Lane], stop: Callable[[Sequence[Lane]], Awaitable[None]]
) -> bool:
    """Wait for the lanes; whether each came to its end. Returns, or raises, with none under way:
    `stop` ends them when one failed, or the run was cancelled."""
    if not lanes:
        return True
    try:
        await workflow.wait(lanes, return_when=asyncio.FIRST_EXCEPTION)
    except GeneratorExit:  # the run is dropped from memory: nothing may be awaited any more
        raise
    except BaseException:
        await stop(lanes)
        raise
    await stop(lanes)
    return all(lane.result() for lane in lanes)


async def cancel_lanes(lanes: Sequence[Lane]) -> None:
    """Return with no lane under way."""
    for lane in lanes:
        lane.cancel()
    await workflow.wait(lanes)
