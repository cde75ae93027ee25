"""The one way to the web: polite, guarded, bounded fetches over httpx.

A fetch is a walk of hops. Each hop is checked against robots.txt, waits for a slot of its host,
is dialled under the address policy and carries the headers of its own origin only. The body of
the last hop, and of no other, goes to the sink piece by piece.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from types import TracebackType
from typing import Protocol, Self

import httpx
from opentelemetry.trace import Span, Tracer

from atlas.domain.addresses.urls import host_of, origin_of
from atlas.domain.errors import ErrorClass, PageError, SlotDeadline
from atlas.domain.fetch import FetchRequest, FetchResult, RobotsMode
from atlas.web import response_head
from atlas.web.address_policy import AddressPolicy, AddressRefused
from atlas.web.credentials import Credentials
from atlas.web.decoding import ACCEPT_ENCODING, Decoding
from atlas.web.egress_proxy import EgressProxy
from atlas.web.failures import NETWORK_ERRORS, address_refused, failure_of
from atlas.web.politeness import Slot, Slots
from atlas.web.redirects import Journey
from atlas.web.referrers import Leaders
from atlas.web.robots import Clock, RobotsCache, RobotsPolicy
from atlas.web.robots_parser import ParseRobots, unparsed
from atlas.web.tracing import request_span, tracer
from atlas.web.transport import RequestHop, make_client

_CONNECT_TIMEOUT = 10.0  # seconds for all addresses of a name together
_CONTACT = re.compile(r"[\x21-\x27\x2a-\x7e]+")  # one word, no parentheses


class Sink(Protocol):
    """Takes the decoded body of a fetch; nothing of a redirect or a failed status.

    A fetch that fails may have written a part: throw that away.
    """

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes; what it raises ends the fetch unchanged."""


def user_agent(contact: str | None = None) -> str:
    """`Atlas/<version> (+contact)`; `contact` is a URL or an address for site owners.

    Raises ValueError for a contact that a header cannot hold.
    """
    product = f"Atlas/{version('atlas-corpus')}"
    if not contact:
        return product
    if not _CONTACT.fullmatch(contact):
        raise ValueError(
            f"contact {contact!r} cannot stand in a header; "
            "use a URL or a mail address in plain ASCII without spaces or parentheses"
        )
    return f"{product} (+{contact})"


class WebClient:
    """Fetches pages. One instance per worker, used as an async context manager.

    `clock` dates robots.txt records and Retry-After; `robots_cache` shares the records between
    workers (without one they are kept in this client's memory only), `robots_retry` is the pause
    before a robots.txt that could not be had is asked for again. `parse_robots` reads what came,
    in a child: without one, only origins that have no robots.txt are fetched from. `proxy` looks
    names up and dials in its place.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        contact: str | None = None,
        credentials: Credentials | None = None,
        parse_robots: ParseRobots = unparsed,
        robots_cache: RobotsCache | None = None,
        robots_retry: timedelta = timedelta(seconds=30),
        clock: Clock = lambda: datetime.now(UTC),
        tracing: Tracer | None = None,
        proxy: EgressProxy | None = None,
    ) -> None:
        self._policy = policy
        self._proxy = proxy
        self._agent = user_agent(contact)
        self._credentials = credentials or Credentials()
        self._clock = clock
        self._tracer = tracing or tracer()
        self._leaders = Leaders(policy, proxied=proxy is not None)
        self._robots = RobotsPolicy(self.fetch, parse_robots, robots_cache, clock, robots_retry)

    @property
    def credential_origins(self) -> frozenset[str]:
        """The origins that credentials are known for."""
        return self._credentials.origins

    async def __aenter__(self) -> Self:
        self._http = make_client(self._policy, self._proxy)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def fetch(self, request: FetchRequest, sink: Sink, slots: Slots) -> FetchResult:
        """GET a page, following redirects; the decoded body goes to `sink`.

        Raises FetchError with what the ledger needs. Never retries; cancellation passes through.
        """
        journey = Journey(request)
        try:
            while True:
                journey.refuse_port()
                await self._permit(journey, slots)
                if fetched := await self._hop(journey, sink, slots):
                    return fetched
        except PageError as error:
            raise journey.failed(error) from error

    @property
    def agent(self) -> str:
        """What it calls itself."""
        return self._agent

    async def led_publicly(self, url: str, led_by: tuple[str, ...]) -> bool:
        """Whether the host of a page, or what led to it, is in the public internet."""
        return self._leaders.was_public(url) or await self._leaders.any_public(led_by)

    def credential_headers(self, origin: str) -> dict[str, str]:
        """The headers that the operator gave for an origin."""
        return self._credentials.for_origin(origin)

    async def permits(self, request: FetchRequest, slots: Slots) -> bool:
        """Whether no rule of robots.txt forbids to ask for the page. The file is read first where
        it is not known; one that cannot be had now forbids nothing here."""
        try:
            await self._permit(Journey(request), slots)
        except PageError as error:
            return error.code != "robots_disallowed"
        except SlotDeadline:  # the host is closed for a while
            return True
        return True

    async def _permit(self, journey: Journey, slots: Slots) -> None:
        """Ask robots.txt where the journey is, unless the request says not to at that host."""
        host = host_of(journey.url)
        request = journey.request
        if request.robots is RobotsMode.IGNORE or host in request.robots_ignored_at:
            journey.robots_ignored = True
            return
        rules = await self._robots.permit(journey.url, slots, journey.led_by, journey.reach)
        journey.crawl_delay = rules.crawl_delay
        if rules.crawl_delay:
            slots.at_least(host, rules.crawl_delay)

    async def _hop(self, journey: Journey, sink: Sink, slots: Slots) -> FetchResult | None:
        async with slots.slot(host_of(journey.url), journey.url) as slot:
            with (
                journey.timed(),
                request_span(self._tracer, journey.url, len(journey.redirects)) as span,
            ):
                words = f"the fetch took longer than {journey.request.total_timeout:g} s"
                async with _limit(journey.remaining, "total_timeout", words):
                    return await self._ask(journey, sink, slot, span)

    async def _ask(
        self, journey: Journey, sink: Sink, slot: Slot, span: Span
    ) -> FetchResult | None:
        led_publicly = await self.led_publicly(journey.url, journey.led_by)
        hop = RequestHop(journey.url, slot, journey.reach, led_publicly, self._proxy)
        await self._policy.own.look()
        if self._proxy:
            self._judge(hop)
        async with self._answer(journey, hop) as response:
            slot.answered(time.monotonic())
            self._leaders.remember(hop.url, hop.peer)
            journey.status = response.status_code
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code in response_head.REDIRECTS:
                journey.follow(hop.location)
                return None
            response_head.refuse_status(response, self._clock())
            if response.status_code == 304:
                return journey.not_modified(response.headers)
            await self._read(response, journey, sink, hop)
            return journey.modified(response.headers)

    def _judge(self, hop: RequestHop) -> None:
        """Refuse what the URL alone shows, before the proxy is asked."""
        try:
            self._policy.check_unresolved(hop.purpose, led_publicly=hop.led_publicly)
        except AddressRefused as refused:
            raise address_refused(refused, host_of(hop.url)) from None

    @asynccontextmanager
    async def _answer(self, journey: Journey, hop: RequestHop) -> AsyncIterator[httpx.Response]:
        limits = journey.request
        try:
            request = self._http.build_request(
                "GET",
                journey.url,
                headers=self._headers(journey),
                timeout=httpx.Timeout(limits.idle_timeout, connect=_CONNECT_TIMEOUT),
                extensions={"hop": hop},
            )
            words = f"no complete headers came within {limits.header_timeout:g} s"
            async with _limit(limits.header_timeout, "header_timeout", words):
                response = await self._http.send(request, stream=True)
        except NETWORK_ERRORS as error:
            raise failure_of(error, hop, host_of(hop.url)) from error
        try:
            yield response
        finally:
            await response.aclose()

    def _headers(self, journey: Journey) -> dict[str, str]:
        return {
            "user-agent": self._agent,
            "accept": journey.request.accept,
            "accept-encoding": ACCEPT_ENCODING,
            **self._credentials_of(journey),
            **journey.conditions(),
        }

    def _credentials_of(self, journey: Journey) -> dict[str, str]:
        origin, authorized = origin_of(journey.url), journey.request.authorized
        if authorized is not None and origin not in authorized:
            return {}
        return self._credentials.for_origin(origin)

    async def _read(
        self, response: httpx.Response, journey: Journey, sink: Sink, hop: RequestHop
    ) -> None:
        journey.refuse_declared(response.headers.get("content-length"))
        decoding = Decoding(response.headers.get("content-encoding", ""))
        async for raw in _raw_body(response, hop):
            journey.count_wire(len(raw))
            for piece in decoding.feed(raw):
                journey.count_decoded(len(piece))
                await sink.write(piece)
        decoding.finish()


async def _raw_body(response: httpx.Response, hop: RequestHop) -> AsyncIterator[bytes]:
    stream = response.aiter_raw()
    while True:
        # Only the reading is translated: an OSError of the sink is not the network's.
        try:
            raw = await anext(stream, None)
        except NETWORK_ERRORS as error:
            raise failure_of(error, hop, host_of(hop.url)) from error
        if raw is None:
            return
        yield raw


@asynccontextmanager
async def _limit(seconds: float, code: str, words: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise PageError(ErrorClass.TRANSIENT, code, words) from error
