"""Where robots.txt is parsed: in a child of its own, under limits.

Not in those that read documents and listings: these may all be busy for half a minute with hostile
ones, and no page is fetched before its robots.txt is known. Its libraries are few, so that the
child is there in a moment; so it may end after a minute without work, and an idle worker keeps no
memory for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from atlas.domain.errors import PageError
from atlas.domain.wire_fields import MalformedAnswer
from atlas.text.children.pool import ExtractorPool
from atlas.web.robots_parser import LONG, ParseRobots, RobotsTxt, parse_job, read, unusable

TIMEOUT = 30.0
"""Seconds of wall clock. A file of 500 KiB takes well under one, so this ends only a parser that
hangs; a machine that is merely overloaded must not close an origin."""

MEMORY = 256 * 1024 * 1024
"""Bytes that parsing may take on top of the loaded libraries: a bound for a parser that runs wild,
far above what 500 KiB need."""


@asynccontextmanager
async def parsing_robots() -> AsyncIterator[ParseRobots]:
    """A parser for this process; its child starts with the first file."""
    async with ExtractorPool(
        children=1, timeout=TIMEOUT, memory_limit=MEMORY, preloaded=("atlas.web.robots_parser",)
    ) as pool:
        yield partial(robots_parsed, pool)


async def robots_parsed(pool: ExtractorPool, url: str, body: bytes) -> RobotsTxt:
    """Parse a robots.txt in a child of `pool` (see `atlas.web.robots_parser.ParseRobots`)."""
    try:
        answer = await pool.run(parse_job, (url, body), bytes)
        return await asyncio.to_thread(read, answer) if len(answer) > LONG else read(answer)
    except MalformedAnswer as error:
        raise unusable(url, "robots_malformed", str(error)) from None
    except PageError as error:
        code = error.code.replace("extractor_", "robots_")
        raise unusable(url, code, error.message) from None
