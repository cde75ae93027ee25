"""httpx over aiohttp's transport, with the address policy at the moment of dialling.

One subclass, for two reasons: URLs are parsed by `domain/addresses/urls.py` alone (both libraries
would rewrite a request's escapes and read a Location in their own way: a second parser is a second
opinion), and each request tells its `RequestHop` when it was really sent, which addresses were
refused and where the answer redirects to.
"""

import socket
import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream
from yarl import URL

from atlas.domain.addresses.reach import Reach
from atlas.web.address_policy import AddressPolicy, AddressRefused, Purpose
from atlas.web.egress_proxy import EgressProxy
from atlas.web.politeness import Slot
from atlas.web.tls import client_tls

_HOP: ContextVar["RequestHop"] = ContextVar("atlas_hop")
_KEEPALIVE = 15.0  # seconds an idle connection is kept
_MAX_HEADER_LINE = 32 * 1024  # bytes; security policies outgrow the usual 8 KiB
_MAX_HEADERS = 128


@dataclass
class RequestHop:
    """One request on its way: where to, and what became of its dialling."""

    url: str
    slot: Slot
    reach: Reach
    led_publicly: bool = False
    """Whether something at a public address led here."""
    proxy: EgressProxy | None = None
    """What is asked in place of the host."""
    refused: list[AddressRefused] = field(default_factory=list)
    dialled: int = 0
    peer: str | None = None
    """The address of the host that was connected to; None through a proxy."""
    location: str | None = None
    """Where the answer redirects to, as sent. httpx does not get to see it: it would parse it,
    follow or not, and fail at what it understands differently."""

    @property
    def purpose(self) -> Purpose:
        """What it is dialled for."""
        return Purpose(self.url, self.reach)


class HopTransport(AiohttpTransport):
    """Sends requests that carry their RequestHop as `extensions["hop"]`."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and answer as soon as the headers are in. Raises aiohttp's own errors."""
        hop: RequestHop = request.extensions["hop"]
        timeout = request.extensions["timeout"]
        url = URL(hop.url, encoded=True)
        headers = [pair for pair in request.headers.items() if pair[0] != "host"]
        through: dict[str, Any] = {}
        if hop.proxy:
            through, added = hop.proxy.asked(url.scheme, request.headers.get("user-agent"))
            headers += added.items()
        token = _HOP.set(hop)
        try:
            response = await self._session().request(
                request.method,
                url,
                headers=headers,
                allow_redirects=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(
                    sock_connect=timeout["connect"], sock_read=timeout["read"]
                ),
                trace_request_ctx=hop,
                **through,
            )
        finally:
            _HOP.reset(token)
        if hop.proxy:
            hop.proxy.check_login(url.scheme, response)
        hop.location = _location(response.raw_headers)
        return httpx.Response(
            response.status,
            headers=[pair for pair in response.raw_headers if pair[0].lower() != b"location"],
            stream=AiohttpResponseStream(response),
            request=request,
        )

    def _session(self) -> aiohttp.ClientSession:
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        return self.client


def make_client(policy: AddressPolicy, proxy: EgressProxy | None = None) -> httpx.AsyncClient:
    """An httpx client for pages, which dials under `policy`, or has `proxy` dial; its requests
    carry a RequestHop."""
    tls = client_tls()

    def session() -> aiohttp.ClientSession:
        session = isolated_session(
            _connector(policy, proxy, tls),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            max_line_size=_MAX_HEADER_LINE,
            max_field_size=_MAX_HEADER_LINE,
            max_headers=_MAX_HEADERS,
            trace_configs=[_sent_trace()],
        )
        # aiohttp asks again at once after a lost connection: two requests in one slot. There is no
        # public switch; a test counts the requests that arrive.
        session._retry_connection = False
        return session

    client = isolated_client(HopTransport(verify=tls, client=session))
    client.headers.clear()  # every header that leaves is chosen in client.py
    return client


def _connector(
    policy: AddressPolicy, proxy: EgressProxy | None, tls: ssl.SSLContext
) -> aiohttp.TCPConnector:
    # No limit: slots and the caller bound what is under way.
    options = {"limit": 0, "keepalive_timeout": _KEEPALIVE, "ssl": tls}
    if proxy:
        return proxy.connector(**options)
    return _Connector(policy, socket_factory=lambda addr_info: _dial(policy, addr_info), **options)


def isolated_client(transport: AiohttpTransport, **options: Any) -> httpx.AsyncClient:
    """An httpx client that follows nothing and takes nothing from the environment."""
    # httpx keeps a cookie jar of its own, beside aiohttp's: this one takes none from any domain.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    return httpx.AsyncClient(
        transport=transport, cookies=no_cookies, trust_env=False, follow_redirects=False, **options
    )


def isolated_session(connector: aiohttp.TCPConnector, **options: Any) -> aiohttp.ClientSession:
    """What carries such a client: no cookies, and no proxy or .netrc of the environment."""
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, **options
    )


class _Connector(aiohttp.TCPConnector):
    """Checks a connection once more when it is used again: it was dialled for another page, which
    may have been led there by somebody else."""

    def __init__(self, policy: AddressPolicy, **options: Any) -> None:
        super().__init__(**options)
        self._policy = policy

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """A connection, new or kept, to an address that this hop may have."""
        connection = await super().connect(req, traces, timeout)
        hop = _HOP.get()
        peer = connection.transport and connection.transport.get_extra_info("peername")
        if peer:
            try:
                self._policy.check(
                    peer[0], peer[1], led_publicly=hop.led_publicly, purpose=hop.purpose
                )
            except AddressRefused as refused:
                hop.refused.append(refused)
                connection.release()
                raise
            hop.peer = str(peer[0])
        return connection


def _dial(policy: AddressPolicy, addr_info: tuple[Any, ...]) -> socket.socket:
    # aiohappyeyeballs dials in tasks of its own; they inherit the context, so the hop is known.
    hop = _HOP.get()
    try:
        sock = policy.socket_factory(addr_info, led_publicly=hop.led_publicly, purpose=hop.purpose)
    except AddressRefused as refused:
        hop.refused.append(refused)
        raise
    hop.dialled += 1
    return sock


def _location(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    sent = dict.fromkeys(value for name, value in headers if name.lower() == b"location")
    whole = b", ".join(sent)
    try:
        return whole.decode() or None
    except UnicodeDecodeError:
        return whole.decode("latin-1")


def _sent_trace() -> aiohttp.TraceConfig:
    async def headers_sent(session: object, context: SimpleNamespace, params: object) -> None:
        hop: RequestHop = context.trace_request_ctx
        hop.slot.sent(time.monotonic())

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(headers_sent)
    return trace
