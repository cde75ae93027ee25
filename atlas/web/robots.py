"""robots.txt: fetched once per origin and day, obeyed before each request (RFC 9309)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

from atlas.domain.addresses.reach import Reach
from atlas.domain.addresses.urls import origin_of
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetch import MIB, FetchError, FetchRequest, RobotsMode, RobotsRecord
from atlas.web.politeness import Slots
from atlas.web.robots_answer import PARSE_LIMIT
from atlas.web.robots_parser import LONG, NO_RULES, ParseRobots, RobotsTxt

FRESH = timedelta(hours=24)  # RFC 9309, 2.4
_MAX_REDIRECTS = 5  # RFC 9309, 2.3.1.2
_TIMEOUT = 30.0  # seconds
_KNOWN_ORIGINS = 1024  # parsed files kept in memory
_KNOWN_SIZE = 1_500_000  # states of their rules together: hostile files take tens of MB, not GB

Clock = Callable[[], datetime]


class RobotsCache(Protocol):
    """Keeps records across workers; times in them come from the client's clock."""

    async def get(self, origin: str) -> RobotsRecord | None:
        """The record last put for `origin`, however old."""

    async def put(self, origin: str, record: RobotsRecord) -> None:
        """Keep `record` in place of an older one."""


class Fetch(Protocol):
    """`WebClient.fetch`, as far as this module needs it."""

    def __call__(self, request: FetchRequest, sink: "_Head", slots: Slots) -> Awaitable[object]: ...


class RobotsRules:
    """What one answer means: 2xx its rules, 3xx and 4xx all allowed, 5xx or none: nothing.

    429 counts as "no answer": a server that asks for less gets less. `trouble` is why a file that
    came could not be parsed: nothing is allowed then either.
    """

    def __init__(
        self,
        status: int,
        text: RobotsTxt,
        failure: str = "",
        trouble: PageError | None = None,
    ) -> None:
        self.failure = failure or f"answered {status}"
        self.reachable = not _refuses(status)
        self.trouble = trouble
        self.text = text
        self.crawl_delay = text.crawl_delay


@dataclass(frozen=True)
class _Known:
    rules: RobotsRules
    until: datetime


class RobotsPolicy:
    """Rules by origin. One fetch per origin is under way at a time; the others wait for it.

    A failed fetch is repeated after `retry_after` at the earliest; until then the last good
    rules hold, however old they are (RFC 9309, 2.4), and with none the origin is closed.
    """

    def __init__(
        self,
        fetch: Fetch,
        parse: ParseRobots,
        cache: RobotsCache | None,
        clock: Clock = lambda: datetime.now(UTC),
        retry_after: timedelta = timedelta(seconds=30),
    ) -> None:
        self._fetch = fetch
        self._parse = parse
        self._cache = cache
        self._clock = clock
        self._retry_after = retry_after
        self._known: dict[str, _Known] = {}
        self._size = 0
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def permit(
        self,
        url: str,
        slots: Slots,
        led_by: tuple[str, ...] = (),
        reach: Reach | None = None,
    ) -> RobotsRules:
        """The rules of `url`'s origin, if they allow it. `led_by`, `reach`: as in `FetchRequest`.

        Raises PageError: robots_disallowed (blocked), robots_unreachable (transient), and those of
        `ParseRobots` for a file that cannot be parsed.
        """
        known = await self._known_of(url, slots, led_by, reach)
        rules = known.rules
        if not rules.reachable:
            raise PageError(
                ErrorClass.TRANSIENT,
                "robots_unreachable",
                f"{origin_of(url)}/robots.txt: {rules.failure}; no page is fetched without it",
                retry_after=max(0.0, (known.until - self._clock()).total_seconds()),
            )
        if rules.trouble:
            raise PageError(
                rules.trouble.error_class,
                rules.trouble.code,
                f"{rules.trouble.message}; no page is fetched without it",
            )
        if line := await _line_against(rules.text, url):
            raise PageError(
                ErrorClass.BLOCKED,
                "robots_disallowed",
                f"robots.txt of {origin_of(url)} forbids it: {line[:200]}",
            )
        return rules

    async def _known_of(
        self, url: str, slots: Slots, led_by: tuple[str, ...], reach: Reach | None
    ) -> _Known:
        origin = origin_of(url)
        lock = self._locks.setdefault(origin, asyncio.Lock())
        async with lock:
            known = self._known.get(origin)
            if known is None or known.until <= self._clock():
                known = await self._renew(origin, slots, led_by, reach)
                self._remember(origin, known)
            return known

    async def _renew(
        self, origin: str, slots: Slots, led_by: tuple[str, ...], reach: Reach | None
    ) -> _Known:
        cached = await self._cache.get(origin) if self._cache else None
        if cached and self._until(cached) > self._clock():
            return await self._knowledge(origin, cached, cached)
        record, failure = await self._load(origin, slots, led_by, reach)
        if _failed(record) and cached and not _failed(cached):
            return await self._knowledge(origin, cached, record)
        if self._cache:
            await self._cache.put(origin, record)
        return await self._knowledge(origin, record, record, failure)

    async def _load(
        self, origin: str, slots: Slots, led_by: tuple[str, ...], reach: Reach | None
    ) -> tuple[RobotsRecord, str]:
        # Its credentials go with it, whoever asks for a page: one record serves them all, and
        # nobody is shown the file.
        request = FetchRequest(
            url=f"{origin}/robots.txt",
            accept="text/plain,*/*;q=0.5",
            robots=RobotsMode.IGNORE,
            max_bytes=16 * MIB,  # the head below stops long before
            max_redirects=_MAX_REDIRECTS,
            header_timeout=_TIMEOUT,
            total_timeout=_TIMEOUT,
            led_by=led_by,
            reach=reach,
        )
        head = _Head()
        status, failure = 200, ""
        try:
            await self._fetch(request, head, slots)
        except _Full:
            pass
        except FetchError as error:
            head.body.clear()
            status, failure = _status_after(error), error.message
        return RobotsRecord(status, bytes(head.body), self._clock()), failure

    async def _knowledge(
        self, origin: str, record: RobotsRecord, latest: RobotsRecord, failure: str = ""
    ) -> _Known:
        """What `record` says, until the file is to be asked for again after the `latest` look."""
        until = self._until(latest)
        try:
            text = await self._text(origin, record)
        except PageError as error:
            # Parsed again soon, and not for each page: its child may have died by accident.
            until = min(until, self._clock() + self._retry_after)
            return _Known(RobotsRules(record.status, NO_RULES, trouble=error), until)
        return _Known(RobotsRules(record.status, text, failure), until)

    async def _text(self, origin: str, record: RobotsRecord) -> RobotsTxt:
        if not record.body:
            return NO_RULES
        return await self._parse(f"{origin}/robots.txt", record.body)

    def _until(self, record: RobotsRecord) -> datetime:
        return record.fetched_at + (self._retry_after if _failed(record) else FRESH)

    def _remember(self, origin: str, known: _Known) -> None:
        old = self._known.pop(origin, None)
        self._size += known.rules.text.size - (old.rules.text.size if old else 0)
        self._known[origin] = known
        while len(self._known) > 1 and (
            len(self._known) > _KNOWN_ORIGINS or self._size > _KNOWN_SIZE
        ):
            oldest = self._known.pop(next(iter(self._known)))
            self._size -= oldest.rules.text.size


async def _line_against(text: RobotsTxt, url: str) -> str:
    if text.size > LONG:
        return await asyncio.to_thread(text.line_against, url)
    return text.line_against(url)


class _Full(Exception):
    """Enough of the file was read."""


class _Head:
    """A sink that keeps the first PARSE_LIMIT bytes and then ends the fetch."""

    def __init__(self) -> None:
        self.body = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.body += chunk[: PARSE_LIMIT - len(self.body)]
        if len(self.body) >= PARSE_LIMIT:
            raise _Full


def _failed(record: RobotsRecord) -> bool:
    return _refuses(record.status)


def _refuses(status: int) -> bool:
    return status == 429 or not 200 <= status < 500


def _status_after(error: FetchError) -> int:
    lasting = ("address_refused", "proxy_refused", "invalid_url")
    if error.code in lasting and not error.redirects:
        raise error  # the true cause, and a lasting one: no page of this origin can be fetched
    strayed = error.code in ("redirect_insecure", "port_refused", "proxy_refused")
    if error.status is None or 200 <= error.status < 300 or strayed:
        return 0  # no answer, or one whose body cannot be read, or not where it is to be trusted
    return error.status
