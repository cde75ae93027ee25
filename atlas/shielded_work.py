"""Work that is done to its end although the task that waits for it is cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger("atlas.work")
_under_way: set[asyncio.Task[Any]] = set()
"""The loop itself keeps no task alive."""


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """The work's result. If this is cancelled, the work goes on by itself; should it then fail, the
    log says so in a line, since nobody is left to be told: a database that is away cancels many at
    once, and asyncio would print a traceback for each."""
    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    try:
        return await asyncio.shield(task)  # noqa: TID251 (this is how)
    except asyncio.CancelledError:
        task.add_done_callback(_told)
        raise


def _told(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        name = getattr(task.get_coro(), "__qualname__", task.get_name())
        log.warning("%s failed after it was cancelled: %s", name, error or type(error).__name__)
