"""Heartbeats: they prove that an attempt is alive, no more; progress is in PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

INTERVAL = 3.0
"""Seconds. The heartbeat timeout is 10 (`workflows/options.py`): two beats may be late before an
attempt counts as lost."""


class Heartbeats(Interceptor):
    """Makes every activity of a worker heartbeat until it ends; an activity hears of its
    cancellation by the answer to a heartbeat."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        task = asyncio.create_task(_beat())
        try:
            return await super().execute_activity(input)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(INTERVAL)
