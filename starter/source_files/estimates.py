"""What the sources of a plan cost: the ledger says it of pages that were asked for before, listings
and a sample of the others. The requests for that are few, and as polite as a worker's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg

from atlas.domain.addresses.reach import reach_of
from atlas.domain.addresses.scope import scope_of
from atlas.domain.addresses.urls import origin_of
from atlas.domain.errors import SlotDeadline
from atlas.domain.fetch import FetchError, FetchRequest
from atlas.domain.sources import Leading, SourceSpec
from atlas.stores.postgres.reporting import page_costs
from atlas.stores.postgres.reporting.page_costs import PageLooks
from atlas.web.listings import Listing, read_listing
from atlas.web.robots import FRESH
from atlas.worker.listing_parser import parsing_alone
from atlas.worker.robots_parser import parsing_robots
from starter.errors import Undetected
from starter.source_detection import CountedSlots, look_with, web_client
from starter.source_files.costs import (
    Ask,
    PageSample,
    PlanCost,
    SourceCost,
    asked_again,
    by_host,
    changed_share,
    pace_of,
    sample_of,
    together,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from atlas.web.client import WebClient
    from atlas.web.listing_parser import Listed, Parse
    from starter.connection import Parts

FILES = 20
"""Files of a listing that are read for an estimate."""
ADDRESSES = 200_000
"""Addresses of a listing that are looked at one by one."""
ORIGINS = 10
"""Origins whose robots.txt is read for the estimate of a source."""
SAMPLE = 10
"""Pages of a source that are fetched for their size, unless the plan says otherwise."""
_AT_ONCE = 8
"""Sources that are looked at together; one host is asked as politely as ever."""
_PART = 5_000
"""Pages that one statement looks up."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """What was found out about the sources of a plan, by name."""

    costs: Mapping[str, SourceCost]
    problems: Mapping[str, str]
    """Why the addresses of new sources are refused."""
    total: PlanCost


async def estimate(
    parts: Parts,
    specs: Sequence[SourceSpec],
    new: Collection[str],
    *,
    look: bool,
    sample: int | None,
) -> Estimated:
    """What whole syncs of the sources take. `new`: those not declared yet, whose hosts are asked
    whether they answer; with no `sample` that is all. Without `look` no host is asked anything."""
    pool = await parts.pool()
    problems: dict[str, str] = {}
    found: dict[str, tuple[SourceCost, dict[str, float]]] = {}
    asked = 0
    turns = asyncio.Semaphore(_AT_ONCE)
    async with _asking(parts, look=look and bool(specs)) as asking:

        async def one(spec: SourceSpec) -> None:
            nonlocal asked
            source = _Source(pool, spec, asking, sample or 0)
            async with turns:
                try:
                    if spec.name in new:
                        await source.answer()
                    if sample is not None:
                        found[spec.name] = await source.cost()
                except Undetected as error:
                    problems[spec.name] = str(error)
                finally:
                    asked += source.slots.asked

        await asyncio.gather(*map(one, specs))
    costs = {name: cost for name, (cost, _) in sorted(found.items())}
    total = together(costs, [hosts for _, hosts in found.values()], asked)
    return Estimated(costs, problems, total)


@dataclass(frozen=True, slots=True)
class _Asking:
    web: WebClient
    parse: Parse


@asynccontextmanager
async def _asking(parts: Parts, *, look: bool) -> AsyncIterator[_Asking | None]:
    if not look:
        yield None
        return
    async with (
        parsing_robots() as parse_robots,
        parsing_alone(parts.settings) as parse,
        await web_client(parts, parse_robots) as web,
    ):
        yield _Asking(web, parse)


class _Unwatched:
    """A parse for an estimate quarantines nothing: its child is killed by the same limits."""

    @asynccontextmanager
    async def parsing(self, url: str, body: bytes) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        async def through() -> None:
            return

        yield through


class _Nowhere:
    """A sink that keeps nothing."""

    async def write(self, chunk: bytes) -> None:
        return


@dataclass(slots=True)
class _Pages:
    """The pages that a sync asks for, as far as they were looked at, and how many there are."""

    urls: list[str]
    number: float


class _Source:
    """The estimate of one source."""

    def __init__(
        self, pool: asyncpg.Pool, spec: SourceSpec, asking: _Asking | None, sample: int
    ) -> None:
        self._pool = pool
        self._spec = spec
        self._asking = asking
        self._sample = sample
        self._scope = scope_of(spec)
        self._rests_on: list[str] = []
        self._listing = Listing()
        self.slots = CountedSlots(pool, spec)

    async def answer(self) -> None:
        """Ask a new source's hosts whether they answer. Raises `Undetected`."""
        if self._asking is not None and self._spec.has_hosts:
            self.slots.asked += await look_with(self._asking.web, self._pool, self._spec)

    async def cost(self) -> tuple[SourceCost, dict[str, float]]:
        """What a sync takes, and the seconds at each host."""
        if not self._spec.has_hosts:
            return self._without_hosts(), {}
        pages = await self._pages()
        if pages is None:
            return self._unknown(), {}
        return await self._sum(pages)

    def _without_hosts(self) -> SourceCost:
        if self._spec.is_pushed:
            why = "its kind: documents are put there, and nothing is fetched"
            return SourceCost(0, 0, 0, None, timedelta(), False, (why,))
        why = "its kind: files are read by the workers, without a request to any host"
        return SourceCost(None, 0, 0, None, None, False, (why,))

    # -- which pages --

    async def _pages(self) -> _Pages | None:
        kind, limit = self._spec.kind, self._spec.max_pages
        if kind == "urls":
            urls = await self._within(self._spec.urls)
            self._rests_on.append("its list of URLs")
            found: _Pages | None = _Pages(urls[:ADDRESSES], len(urls))
        elif kind == "site" or self._asking is None:
            found = await self._held()
        else:
            found = await self._listed(self._asking)
        if found is not None and limit is not None and found.number > limit:
            found = _Pages(found.urls[:limit], limit)
            self._rests_on.append(f"max_pages {limit}")
        return found

    async def _held(self) -> _Pages | None:
        async with self._pool.acquire() as connection:
            held = await page_costs.held_urls(connection, self._spec.name, ADDRESSES)
        urls = await self._within(held)
        if not urls:
            return None
        self._rests_on.append(f"the {len(urls)} pages that it holds within its rules")
        return _Pages(urls, len(urls))

    async def _listed(self, asking: _Asking) -> _Pages | None:
        spec = replace(
            self._spec,
            listing_files=min(self._spec.listing_files, FILES),
            listing_addresses=min(self._spec.listing_addresses, ADDRESSES),
        )
        found: set[str] = set()

        async def take(part: Sequence[Listed]) -> None:
            found.update(await self._within([listed.url for listed in part]))

        listing = await read_listing(asking.web, asking.parse, spec, self.slots, _Unwatched(), take)
        self._listing = listing
        if not listing.pages and (listing.troubles or not listing.files):
            return None
        share = 1.0
        named = min(len(spec.urls) + listing.children, self._spec.listing_files)
        if spec.kind == "sitemap" and named > listing.files:
            # An index itself lists no pages: they are in the other files.
            leaves = max(listing.files - len(spec.urls), 1)
            share = (named - len(spec.urls)) / leaves
            self._listing.requests = round(listing.requests * named / listing.files)
            self._listing.wire_bytes = round(listing.wire_bytes * named / listing.files)
        read = f"{listing.files} of its {named} listing files" if share > 1 else "its listing"
        self._rests_on.append(f"{read}, read now")
        failed = [url for url, error in listing.troubles if error.code != "listing_too_long"]
        if failed:
            self._rests_on.append(f"{len(failed)} listing files that could not be read left out")
        return _Pages(sorted(found), min(len(found) * share, self._spec.listing_addresses))

    async def _within(self, urls: Sequence[str]) -> list[str]:
        """In a thread: a slow pattern must not hold up the event loop."""
        return await asyncio.to_thread(lambda: [url for url in urls if self._scope.allows(url)])

    def _unknown(self) -> SourceCost:
        limit = self._spec.max_pages
        if self._spec.kind == "site":
            self._rests_on.append("nothing: a crawl finds its pages by following links")
        elif self._asking is None:
            self._rests_on.append("nothing: its listing was not read (--offline)")
        else:
            why = self._listing.troubles[0][1].message if self._listing.troubles else "it is empty"
            self._rests_on.append(f"nothing: its listing could not be read ({why})"[:300])
        if limit is None or self._spec.kind != "site":
            return SourceCost(None, None, None, None, None, False, tuple(self._rests_on))
        self._rests_on.append(f"max_pages {limit} is a bound")
        seconds = timedelta(seconds=limit * max(self._spec.delay, self._slowest()))
        return SourceCost(limit, limit + 1, None, None, seconds, True, tuple(self._rests_on))

    def _slowest(self) -> float:
        return max(map(self.slots.crawl_delay, map(_host, self._spec.urls)))

    # -- what they take --

    async def _sum(self, pages: _Pages) -> tuple[SourceCost, dict[str, float]]:
        allowed = await self._allowed(pages.urls)
        looks = await self._looks(allowed)
        asks = self._again(looks, set(allowed))
        rest = [url for url in allowed if url not in looks]
        sample = await self._sampled(rest, asks)
        total = by_host([*asks, *(self._like(sample, url) for url in rest)])
        scale = pages.number / len(pages.urls) if pages.urls else 0.0
        robots = await self._robots([*allowed, *self._spec.urls])
        for host in {*robots, *total}:
            known = total.get(host, Ask(host, 0, 0, 0))
            total[host] = replace(
                known,
                requests=known.requests * scale + robots[host],
                bytes=known.bytes * scale,
            )
        first = _host(self._spec.urls[0])
        if self._listing.requests:
            known = total.get(first, Ask(first, 0, 0, 0))
            total[first] = replace(known, requests=known.requests + self._listing.requests)
        return self._cost(pages, total, len(rest) * scale, sample, scale * len(allowed))

    def _cost(
        self,
        pages: _Pages,
        total: Mapping[str, Ask],
        unseen: float,
        sample: PageSample | None,
        number: float,
    ) -> tuple[SourceCost, dict[str, float]]:
        seconds = {
            host: pace_of(self._spec, self.slots.crawl_delay(host)).seconds(
                ask.requests, ask.seconds
            )
            for host, ask in total.items()
        }
        size = sum(ask.bytes for ask in total.values()) + self._listing.wire_bytes
        known = not unseen or sample is not None
        off = unseen * sample.bytes_error if sample and unseen else 0.0
        cost = SourceCost(
            pages=round(number),
            requests=round(sum(ask.requests for ask in total.values())),
            bytes=round(size) if known else None,
            bytes_error=round(off / size, 3) if off and size else None,
            duration=timedelta(seconds=round(max(seconds.values(), default=0.0), 3)),
            at_most=False,
            rests_on=tuple(self._rests_on),
        )
        return cost, seconds

    async def _allowed(self, urls: Sequence[str]) -> list[str]:
        """Those that robots.txt lets be asked for, as far as it is read for an estimate."""
        if self._asking is None:
            return list(urls)
        allowed: list[str] = []
        origins: set[str] = set()
        leading, reach = Leading(self._spec), reach_of(self._spec)
        for url in urls:
            origin = origin_of(url)
            if len(origins) < ORIGINS:
                origins.add(origin)
            if origin in origins:
                request = FetchRequest(
                    url=url,
                    robots_ignored_at=self._spec.robots_ignored_at,
                    led_by=leading.to(url),
                    reach=reach,
                )
                if not await self._asking.web.permits(request, self.slots):
                    continue
            allowed.append(url)
        return allowed

    async def _looks(self, urls: Sequence[str]) -> dict[str, PageLooks]:
        looks: dict[str, PageLooks] = {}
        async with self._pool.acquire() as connection:
            for at in range(0, len(urls), _PART):
                found = await page_costs.looks_at(connection, urls[at : at + _PART])
                looks |= {each.url: each for each in found}
        return looks

    def _again(self, looks: Mapping[str, PageLooks], listed: Collection[str]) -> list[Ask]:
        if not looks:
            return []
        share = changed_share(looks.values())
        said = (
            "pages with a validator taken to be unchanged, as none was looked at twice"
            if share is None
            else f"{share:.0%} of conditional requests answered with a body"
        )
        self._rests_on.append(f"the ledger of {len(looks)} pages ({said})")
        return [
            asked_again(
                page,
                _host(url),
                share or 0.0,
                led=page.leads_to is not None and self._is_more(page.leads_to, listed),
            )
            for url, page in looks.items()
        ]

    def _is_more(self, url: str, listed: Collection[str]) -> bool:
        """Whether a redirect leads to a page that a sync asks for because of it."""
        return url not in listed and self._scope.allows(url)

    async def _sampled(self, urls: Sequence[str], known: Sequence[Ask]) -> PageSample | None:
        """What pages that were never asked for take; None: it is not known."""
        if not urls:
            return None
        number = min(self._sample, len(urls)) if self._asking is not None else 0
        if number and self._asking is not None:
            # Evenly over the listing, which lists what is alike together.
            chosen = [urls[at * len(urls) // number] for at in range(number)]
            asks = [await self._fetched(self._asking.web, url, set(urls)) for url in chosen]
            self._rests_on.append(f"{number} of {len(urls)} new pages, fetched now for their size")
            return sample_of(asks, len(urls))
        if known:
            self._rests_on.append(f"{len(urls)} new pages taken to be like those of the ledger")
            return sample_of(known, len(urls))
        self._rests_on.append("no page's size is known")
        return None

    async def _fetched(self, web: WebClient, url: str, listed: Collection[str]) -> Ask:
        host = _host(url)
        request = FetchRequest(
            url=url,
            robots_ignored_at=self._spec.robots_ignored_at,
            led_by=Leading(self._spec).to(url),
            reach=reach_of(self._spec),
        )
        before = self.slots.asked
        try:
            answer = await web.fetch(request, _Nowhere(), self.slots)
        except FetchError as error:
            return Ask(host, self.slots.asked - before, 0, error.elapsed)
        except SlotDeadline:  # the host is closed: it may not be when the sync comes
            return Ask(host, 1, 0, 0)
        moved = answer.final_url != url and self._is_more(answer.final_url, listed)
        times = 2 if moved else 1  # as the page it leads to, once more
        asked = self.slots.asked - before + (1 if moved else 0)
        return Ask(host, asked, answer.wire_bytes * times, answer.elapsed)

    def _like(self, sample: PageSample | None, url: str) -> Ask:
        host = _host(url)
        if sample is None:
            return Ask(host, 1, 0, 0)
        return Ask(host, sample.requests, sample.bytes, sample.seconds)

    async def _robots(self, urls: Iterable[str]) -> Counter[str]:
        """Requests for robots.txt at each host: of origins where it is not known."""
        ignored = self._spec.robots_ignored_at
        origins = {origin_of(url) for url in urls if _host(url) not in ignored}
        async with self._pool.acquire() as connection:
            known = await page_costs.robots_known(connection, origins, datetime.now(UTC) - FRESH)
        return Counter(map(_host, origins - known))


def _host(url: str) -> str:
    """`host_of` of a canonical URL, without parsing it: a listing may have 200,000."""
    return url.split("/", 3)[2]
