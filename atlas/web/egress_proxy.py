"""The proxy that pages are fetched through, where the operator names one: HTTP or SOCKS5.

It looks host names up and dials in Atlas's place, so what addresses it may reach is its own
policy's; what can be judged by the URL alone is judged before it is asked
(`AddressPolicy.check_unresolved`). Its own address may be private: the operator named it.

Pages over http are asked of an HTTP proxy as such, since many let a tunnel through to port 443
only; https goes through a tunnel (CONNECT). SOCKS5 tunnels both.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from socket import socket
from typing import Any, Literal

import aiohttp
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError
from python_socks import ProxyType
from python_socks.async_.asyncio import Proxy

from atlas.domain.errors import ErrorClass

PROXY_ERRORS = (
    *(ProxyError, ProxyConnectionError, ProxyTimeoutError),
    asyncio.IncompleteReadError,  # it ended the connection within its protocol
)
"""What a SOCKS proxy's connection may raise that is no error of aiohttp's."""

_UNAUTHENTICATED = 407
_LATER = (408, 429)
# RFC 1928, 6.
_FORBIDDEN, _HOST_REFUSED = 2, 5


@dataclass(frozen=True, slots=True)
class EgressProxy:
    """Where it listens, and what it asks for."""

    scheme: Literal["http", "socks5"]
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Its address, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def authorization(self) -> str | None:
        """The header `Proxy-Authorization` for an HTTP proxy."""
        if self.user is None or self.password is None:
            return None
        pair = f"{self.user}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def connector(self, **options: Any) -> aiohttp.TCPConnector:
        """What connects to it. Not under the address policy, which is for what pages name."""
        if self.scheme == "http":
            return aiohttp.TCPConnector(**options)
        return ProxyConnector(
            host=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            rdns=True,
            **options,
        )

    async def tunnel(self, host: str, port: int) -> socket:
        """A connection through it to a host, which it looks up. Raises an OSError or one of
        PROXY_ERRORS."""
        kind = ProxyType.HTTP if self.scheme == "http" else ProxyType.SOCKS5
        proxy = Proxy(kind, self.host, self.port, self.user, self.password, rdns=True)
        return await proxy.connect(host, port)

    def asked(self, scheme: str, agent: str | None) -> tuple[dict[str, Any], dict[str, str]]:
        """Options of aiohttp's request for a URL of `scheme`, and headers to add to it."""
        if self.scheme != "http":
            return {}, {}
        own = {"User-Agent": agent} if agent else {}
        login = {"Proxy-Authorization": self.authorization} if self.authorization else {}
        # The tunnel's request carries the login; where there is no tunnel, the page's does.
        tunnelled = scheme == "https"
        options = {"proxy": str(self), "proxy_headers": own | login if tunnelled else own}
        return options, {} if tunnelled else login

    def check_login(self, scheme: str, response: aiohttp.ClientResponse) -> None:
        """Raise for an answer that is not the host's: the proxy's, which refuses the login."""
        tunnelled = self.scheme != "http" or scheme == "https"
        if response.status == _UNAUTHENTICATED and not tunnelled:
            response.close()
            raise aiohttp.ClientHttpProxyError(response.request_info, (), status=response.status)


def failure_at_proxy(
    chain: tuple[BaseException, ...], proxy: EgressProxy
) -> tuple[ErrorClass, str, str] | None:
    """Class, code and words of a failure that is the proxy's own, or that it reports of the host;
    None: it is neither."""
    for link in chain:
        if isinstance(link, aiohttp.ClientHttpProxyError):
            return _answered(link.status, proxy)
        if isinstance(link, (ProxyError, asyncio.IncompleteReadError)):
            return _replied(link, proxy)
        if isinstance(link, (aiohttp.ClientProxyConnectionError, ProxyConnectionError)):
            return _unreachable(f"the proxy {proxy} could not be reached")
        if isinstance(link, aiohttp.ClientConnectorDNSError):
            return _unreachable(f"the proxy {proxy} has no address in DNS")
        if isinstance(link, ProxyTimeoutError):
            words = f"was not reached in time by the proxy {proxy}"
            return ErrorClass.TRANSIENT, "connect_timeout", words
    return None


def _unreachable(words: str) -> tuple[ErrorClass, str, str]:
    return ErrorClass.TRANSIENT, "proxy_unreachable", f"was not asked: {words}"


def _login(proxy: EgressProxy) -> tuple[ErrorClass, str, str]:
    words = (
        f"was not asked: the proxy {proxy} refuses the login; set the user in ATLAS_FETCH_PROXY "
        "and ATLAS_FETCH_PROXY_PASSWORD"
    )
    return ErrorClass.TRANSIENT, "proxy_login", words


def _refused(proxy: EgressProxy) -> tuple[ErrorClass, str, str]:
    words = f"is refused by the proxy {proxy}; ask whoever runs it, or exclude the page"
    return ErrorClass.BLOCKED, "proxy_refused", words


def _answered(status: int, proxy: EgressProxy) -> tuple[ErrorClass, str, str]:
    """By an HTTP proxy, to a CONNECT."""
    if status == _UNAUTHENTICATED:
        return _login(proxy)
    if 400 <= status < 500 and status not in _LATER:
        return _refused(proxy)
    words = f"could not be reached by the proxy {proxy}, which answered {status}"
    return ErrorClass.TRANSIENT, "connect_failed", words


def _replied(
    error: ProxyError | asyncio.IncompleteReadError, proxy: EgressProxy
) -> tuple[ErrorClass, str, str]:
    """By a SOCKS proxy."""
    if not isinstance(error, ProxyError) or error.error_code is None:
        if "authentication" in str(error):
            return _login(proxy)
        return _unreachable(f"the proxy {proxy} does not speak SOCKS5, or ended the connection")
    if error.error_code == _FORBIDDEN:
        return _refused(proxy)
    code = "connection_refused" if error.error_code == _HOST_REFUSED else "connect_failed"
    return ErrorClass.TRANSIENT, code, f"could not be reached by the proxy {proxy}"
