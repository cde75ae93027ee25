"""Work that outlives the cancellation of who waits for it."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from atlas.shielded_work import to_its_end


@pytest.mark.parametrize("fails", [False, True])
async def test_work_goes_on_when_who_waits_is_cancelled_and_a_failure_is_one_line(
    caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    begun, go_on, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        over.set()
        if fails:
            raise ConnectionRefusedError("nobody listens")

    caplog.set_level(logging.WARNING)
    waiting = asyncio.create_task(to_its_end(work()))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gc.collect()
    go_on.set()
    await over.wait()
    await asyncio.sleep(0)  # its callbacks
    gc.collect()  # what asyncio says of an error that nobody took, it says now
    said = [(each.name, each.getMessage(), each.exc_info) for each in caplog.records]
    expected = ("atlas.work", f"{work.__qualname__} failed after it was cancelled: nobody listens")
    assert said == ([(*expected, None)] if fails else [])


async def test_a_failure_is_told_to_who_still_waits(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await to_its_end(work())
    gc.collect()
    assert not caplog.records
