"""One Atlas per test, with a calendar and a resolver of the test's own."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest

from atlas.domain.politeness import adaptive_delay
from atlas.web import transport
from tests.e2e.conftest import atlas_env, origin
from tests.origin import Origin
from tests.outage.calendar import calendar

__all__ = ["atlas_env", "calendar", "origin"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], str]]:
    """What names lead to, for this process; others are resolved by the machine."""
    found: dict[str, Callable[[], str]] = {}
    resolve = socket.getaddrinfo

    def look(host: Any, *rest: Any, **named: Any) -> Any:
        return resolve(found[host]() if host in found else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look)
    # aiohttp keeps addresses for ten seconds of real time, in which a fast machine finishes a day.
    fresh = partial(transport._Connector, use_dns_cache=False)
    monkeypatch.setattr(transport, "_Connector", fresh)
    return found


@pytest.fixture
async def origins() -> AsyncIterator[Callable[[], Awaitable[Origin]]]:
    """As many origins as the test asks for."""
    async with AsyncExitStack() as opened:
        yield lambda: opened.enter_async_context(Origin())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that fails is asked again in a second, given up after five, and hardly slower than
    before: pauses are of real time, unlike the calendar's days."""
    monkeypatch.setenv("ATLAS_HOST_PAUSE", "1")
    monkeypatch.setenv("ATLAS_FETCH_PATIENCE", "5")
    monkeypatch.setattr(adaptive_delay, "_FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(adaptive_delay, "LONGEST", 0.05)
