"""A look at the addresses of a source before it is declared, asking its hosts as politely as a
worker would: whether they answer, and what kind of source a URL is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from atlas.domain.addresses.reach import reach_of
from atlas.domain.addresses.urls import origin_of
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import FetchError
from atlas.domain.sources import SourceSpec
from atlas.locations import address_policy
from atlas.stores.postgres.hosts import status
from atlas.stores.postgres.hosts.rate_limiter import HeldSlot, HostSlots
from atlas.stores.postgres.hosts.robots_cache import StoredRobots
from atlas.web.client_factory import page_client
from atlas.web.credentials import CredentialsError
from atlas.web.listings import read_document
from atlas.web.source_detection import Detected, ListingDocument, detect
from atlas.worker.listing_parser import parsing_alone
from atlas.worker.robots_parser import parsing_robots
from starter.connection import Parts
from starter.errors import InvalidRequest, Undetected
from starter.forbidden_addresses import FORCE

if TYPE_CHECKING:
    from atlas.web.client import WebClient
    from atlas.web.robots_parser import ParseRobots

_LOOKS = 3
"""Hosts of a source that are asked when it is declared."""
_GLIMPSE = 64 * 1024
"""Bytes of an answer that are enough to know that there is one; a larger one is fine, too."""


class CountedSlots(HostSlots):
    """Slots at the source's own pace, which count the requests."""

    def __init__(self, pool: asyncpg.Pool, spec: SourceSpec) -> None:
        super().__init__(pool, delay=spec.delay, parallel=spec.parallel)
        self.asked = 0

    @asynccontextmanager
    async def slot(self, host: str, url: str) -> AsyncIterator[HeldSlot]:
        async with super().slot(host, url) as held:
            self.asked += 1
            yield held


class _Visit(CountedSlots):
    """Slots that note hosts never asked before: nothing is kept of an address that is refused."""

    def __init__(self, pool: asyncpg.Pool, spec: SourceSpec) -> None:
        super().__init__(pool, spec)
        self.new: set[str] = set()

    @asynccontextmanager
    async def slot(self, host: str, url: str) -> AsyncIterator[HeldSlot]:
        if not await status.known(self.pool, host):
            self.new.add(host)
        async with super().slot(host, url) as held:
            yield held


async def detected(parts: Parts, spec: SourceSpec, *, force: bool = False) -> Detected:
    """What the source's first URL is. Raises `Undetected` when it does not answer, or answers that
    there is no such page (404, 410), unless `force`: then it is taken for a site. So is a server
    that answers with another error, since that may pass.
    """
    pool, start = await parts.pool(), spec.urls[0]
    slots, reach = _Visit(pool, spec), reach_of(spec)

    async with parsing_robots() as parse_robots, await web_client(parts, parse_robots) as web:

        async def get(url: str) -> ListingDocument | None:
            try:
                led_by = () if url == start else (start,)
                return await read_document(web, url, slots, led_by, reach, spec.robots_ignored_at)
            except PageError as error:
                if url == start and not force and _no_address(error):
                    raise _undetected(url, error) from None
                raise

        try:
            async with parsing_alone(parts.settings) as parse:
                return await detect(start, get, parse, parse_robots)
        except Undetected:
            await status.forget(pool, slots.new)
            raise


async def look_at(parts: Parts, spec: SourceSpec) -> None:
    """Ask for the first URL at each of a source's first hosts, whose kind was given. Raises
    `Undetected` when one does not answer, or answers that it is gone; of a list of pages, only
    when its host does not answer, because any page may be gone. Nothing of it is kept then."""
    pool = await parts.pool()
    async with parsing_robots() as parse_robots, await web_client(parts, parse_robots) as web:
        await look_with(web, pool, spec)


async def look_with(web: WebClient, pool: asyncpg.Pool, spec: SourceSpec) -> int:
    """The same with a client that is open, for many sources; returns how many requests that were.
    Raises `Undetected`."""
    slots, reach = _Visit(pool, spec), reach_of(spec)
    first = {origin_of(url): url for url in reversed(spec.urls)}
    for url in sorted(first.values(), key=spec.urls.index)[:_LOOKS]:
        try:
            ignored_at = spec.robots_ignored_at
            await read_document(web, url, slots, (), reach, ignored_at, max_bytes=_GLIMPSE)
        except PageError as error:
            if _no_address(error, page=spec.kind == "urls"):
                await status.forget(pool, slots.new)
                raise _undetected(url, error) from None
    return slots.asked


async def fetched_page(
    parts: Parts, url: str, spec: SourceSpec | None, led_by: tuple[str, ...]
) -> ListingDocument:
    """One page, fetched as a run of its source would, and kept nowhere. Raises PageError."""
    pool = await parts.pool()
    delay, parallel = (spec.delay, spec.parallel) if spec else (1.0, 1)
    slots = HostSlots(pool, delay=delay, parallel=parallel)
    async with parsing_robots() as parse_robots, await web_client(parts, parse_robots) as web:
        reach, ignored_at = (reach_of(spec), spec.robots_ignored_at) if spec else (None, ())
        return await read_document(web, url, slots, led_by, reach, ignored_at)


def _no_address(error: PageError, *, page: bool = False) -> bool:
    """Whether the address is wrong or its server gone, rather than in trouble. Of a mere `page`
    only the server counts."""
    if not isinstance(error, FetchError) or error.code == "robots_disallowed":
        return False
    return error.status is None or (error.error_class is ErrorClass.GONE and not page)


def _undetected(url: str, error: PageError) -> Undetected:
    return Undetected(
        f"url: {url} could not be read ({error.code}: {error.message}), so it is not declared. "
        f"Check the address; {FORCE}"
    )


async def web_client(parts: Parts, parse_robots: ParseRobots) -> WebClient:
    """A client that asks as politely as a worker. Raises `InvalidRequest` for credentials that
    cannot be read."""
    policy, pool = address_policy(parts.settings), await parts.pool()
    try:
        return page_client(parts.settings, policy, parse_robots, StoredRobots(pool))
    except (CredentialsError, ValueError) as error:
        raise InvalidRequest(str(error)) from None
