"""Where listings are parsed: in extraction children, under their limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.wire_fields import MalformedAnswer
from atlas.settings import Settings
from atlas.text.children.pool import ExtractorPool
from atlas.web.listing_parser import ListingJob, Parse, Parsed, parse_listing

PRELOADED = ("atlas.text.prepare", "atlas.web.listing_parser")
"""What the children of a worker have imported: all that costs CPU for a document or a listing."""


@asynccontextmanager
async def parsed(pool: ExtractorPool, job: ListingJob, body: BinaryIO) -> AsyncIterator[Parsed]:
    """Parse a listing in a child of `pool` (see `atlas.web.listing_parser.Parse`)."""
    with TemporaryFile() as answer:
        try:
            await pool.run_on_file(parse_listing, job, body, answer)
            await asyncio.to_thread(answer.seek, 0)
            yield await asyncio.to_thread(Parsed, answer, job.limits)
        except MalformedAnswer as error:
            raise _failure(job, "listing_malformed", str(error)) from None
        except PageError as error:
            child = error.code.startswith("extractor_")
            if not child and error.code != "too_deep":
                raise
            code = error.code.replace("extractor_", "listing_")
            raise _failure(job, code, error.message) from None


def _failure(job: ListingJob, code: str, why: str) -> PageError:
    return PageError(ErrorClass.INVALID, code, f"{job.url} could not be parsed: {why}")


@asynccontextmanager
async def parsing_alone(settings: Settings) -> AsyncIterator[Parse]:
    """A child for a process that is no worker, and only parses listings."""
    async with ExtractorPool(
        children=1,
        timeout=settings.extraction.extract_timeout,
        memory_limit=settings.extraction.extract_memory,
        preloaded=PRELOADED[1:],
    ) as pool:
        yield partial(parsed, pool)
