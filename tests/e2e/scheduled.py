"""Firing schedules in a test, and receiving the alerts that come of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, ScheduleDescription

from atlas.contracts.catalogue import WORKFLOWS
from atlas.health import database


async def until(holds: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for a condition and return what it holds; pytest's timeout ends a wait in vain."""
    while not (found := await holds()):
        await asyncio.sleep(0.05)
    return found


async def described(client: Client, schedule_id: str) -> ScheduleDescription:
    return await client.get_schedule_handle(schedule_id).describe()


async def fired(client: Client, schedule_id: str) -> Any:
    """Trigger a schedule and return the result of the run that it started."""
    before = (await described(client, schedule_id)).info.num_actions
    await client.get_schedule_handle(schedule_id).trigger()

    async def started() -> ScheduleActionExecutionStartWorkflow | None:
        info = (await described(client, schedule_id)).info
        if info.num_actions == before:
            return None
        action = info.recent_actions[-1].action
        assert isinstance(action, ScheduleActionExecutionStartWorkflow)
        return action

    run = await until(started)
    handle = client.get_workflow_handle(
        run.workflow_id, result_type=WORKFLOWS[schedule_id.partition(":")[0]].result
    )
    result = await handle.result()
    # The next fire gets the result only once the schedule has noticed that the run ended.
    await until(lambda: _at_rest(client, schedule_id))
    return result


async def _at_rest(client: Client, schedule_id: str) -> bool:
    return not (await described(client, schedule_id)).info.running_actions


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part is called slow because this machine is busy at the moment."""
    monkeypatch.setattr(database, "SLOW_SECONDS", 300.0)


@dataclass
class Receiver:
    """A webhook: what arrived, and how it answers."""

    url: str = ""
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def told(self) -> list[tuple[str, str, str]]:
        """Part, before and after of everything that was taken so far."""
        return [
            (each["part"], each["before"], each["after"])
            for body in self.bodies
            for each in body["atlas"]["transitions"]
        ]

    async def take(self, request: web.Request) -> web.Response:
        if self.status == 200:
            self.bodies.append(await request.json())
            self.keys.append(request.headers["Idempotency-Key"])
        return web.Response(status=self.status)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    received = Receiver()
    app = web.Application()
    app.router.add_post("/hook/{token}", received.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    received.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook/s3cret-token"
    try:
        yield received
    finally:
        await runner.cleanup()
