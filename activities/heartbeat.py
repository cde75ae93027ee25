"""Heartbeats: they prove that an attempt is alive, and say how many pages of its batch it is done
with. That is for people who look (`temporal workflow describe`): nothing reads it back, the record
of progress is in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

INTERVAL = 3.0
"""Seconds. The heartbeat timeout is 10 (`workflows/options.py`): two beats may be late before an
attempt counts as lost."""


@dataclass
class _Shown:
    """What the heartbeats of one attempt carry."""

    counts: dict[str, int] = field(default_factory=dict)


_SHOWN: ContextVar[_Shown | None] = ContextVar("shown", default=None)
"""Of the attempt that this task belongs to. Tasks that it starts share it."""


def count_pages(done: Literal["fetched", "processed", "rendered"], of: int) -> Callable[[], None]:
    """Show how many of so many pages the attempt is done with; call what is returned for each."""
    shown = _SHOWN.get() or _Shown()  # an activity that is called without a worker shows nothing
    shown.counts = {done: 0, "of": of}

    def count() -> None:
        shown.counts[done] += 1

    return count


class Heartbeats(Interceptor):
    """Makes every activity of a worker heartbeat until it ends; an activity hears of its
    cancellation by the answer to a heartbeat."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        shown = _Shown()
        attempt = _SHOWN.set(shown)
        task = asyncio.create_task(_beat(shown))
        try:
            return await super().execute_activity(input)
        finally:
            _SHOWN.reset(attempt)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _beat(shown: _Shown) -> None:
    while True:
        activity.heartbeat(*([dict(shown.counts)] if shown.counts else []))
        await asyncio.sleep(INTERVAL)
