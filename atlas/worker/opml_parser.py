"""Where an OPML file is parsed: in a child, under the limits of listings."""

from __future__ import annotations

from atlas.settings import Settings
from atlas.text.children.pool import ExtractorPool
from atlas.web.opml_parser import ListedFeed, parse_opml_job, read_opml


async def opml_parsed(settings: Settings, body: bytes) -> tuple[ListedFeed, ...]:
    """The feeds of a file. Raises PageError for one that is none, or beyond a limit; and
    MalformedAnswer for what no healthy child sends."""
    async with ExtractorPool(
        children=1,
        timeout=settings.extraction.extract_timeout,
        memory_limit=settings.extraction.extract_memory,
        preloaded=("atlas.web.opml_parser",),
    ) as pool:
        return await pool.run(parse_opml_job, body, read_opml)
