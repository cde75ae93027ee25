"""What the fetch tests stand on: a sink, slots that keep a record, a client for loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from atlas.domain.addresses.reach import Reach
from atlas.domain.fetch import FetchError, FetchRequest, FetchResult
from atlas.web.address_policy import AddressPolicy
from atlas.web.client import WebClient
from atlas.web.politeness import OpenSlots
from tests.origin import Origin
from tests.web.parsed import parse_robots_here

LOOPBACK = AddressPolicy(["127.0.0.0/8"])
ANYWHERE = Reach((), allow=["any"], ports=range(1, 65536))
"""Of a source that opens what its operator does: each origin of a test has a port of its own."""


class Body:
    """A sink that keeps the body and the size of its largest piece."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.largest = 0

    async def write(self, chunk: bytes) -> None:
        self.content += chunk
        self.largest = max(self.largest, len(chunk))


@dataclass
class Ticket:
    """One slot as it was used."""

    host: str
    url: str
    sent_at: list[float] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)

    def sent(self, monotonic_time: float) -> None:
        self.sent_at.append(monotonic_time)

    def answered(self, monotonic_time: float) -> None:
        self.answered_at.append(monotonic_time)


class RecordingSlots:
    """Hands out slots at once and remembers them; `open` are held right now."""

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []
        self.asked_for: list[tuple[str, float]] = []
        self.open = 0
        self.most_open = 0

    @asynccontextmanager
    async def slot(self, host: str, url: str) -> AsyncIterator[Ticket]:
        ticket = Ticket(host, url)
        self.tickets.append(ticket)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield ticket
        finally:
            self.open -= 1

    def at_least(self, host: str, delay: float) -> None:
        self.asked_for.append((host, delay))


@asynccontextmanager
async def web(**options: Any) -> AsyncIterator[tuple[WebClient, Origin]]:
    """A client that may dial loopback, and an origin to ask."""
    options.setdefault("policy", LOOPBACK)
    options.setdefault("parse_robots", parse_robots_here)
    async with Origin() as origin, WebClient(**options) as client:
        yield client, origin


async def get(client: WebClient, url: str, **limits: Any) -> tuple[FetchResult, bytes]:
    """Fetch `url`; the result and the body."""
    limits.setdefault("reach", ANYWHERE)
    body = Body()
    fetched = await client.fetch(FetchRequest(url, **limits), body, OpenSlots())
    assert fetched.content_length == len(body.content)
    return fetched, bytes(body.content)


async def refused(client: WebClient, url: str, **limits: Any) -> FetchError:
    """Fetch `url`, which must fail; the error."""
    limits.setdefault("reach", ANYWHERE)
    with pytest.raises(FetchError) as failure:
        await client.fetch(FetchRequest(url, **limits), Body(), OpenSlots())
    return failure.value
