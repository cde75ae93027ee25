"""Parsing in this process: for listings and robots.txt that mean no harm."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from typing import BinaryIO

from atlas.web.listing_parser import ListingJob, Parsed, parse_listing
from atlas.web.robots_parser import RobotsTxt, parse_job, read


@asynccontextmanager
async def parse_here(job: ListingJob, body: BinaryIO) -> AsyncIterator[Parsed]:
    """What a child would answer, to the whole file."""
    body.seek(0)
    yield Parsed(BytesIO(parse_listing(job, body.read())), job.limits)


async def parse_robots_here(url: str, body: bytes) -> RobotsTxt:
    """What a child would answer, as the worker reads it."""
    return robots_of(body, url)


def robots_of(text: str | bytes, url: str = "http://a.example/robots.txt") -> RobotsTxt:
    """A robots.txt as it is asked."""
    body = text.encode() if isinstance(text, str) else text
    return read(parse_job((url, body)))


class Trusting:
    """A watch that knows of no file that did harm."""

    @asynccontextmanager
    async def parsing(self, url: str, body: bytes) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        yield _nothing


async def _nothing() -> None:
    pass
