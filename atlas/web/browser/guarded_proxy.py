"""The way of a browser to the web: a proxy on loopback, one for each page that is rendered.

A browser dials whatever a page names. This one is started so that it can reach nothing but this
proxy, which looks names up itself, dials only addresses that the policy allows, judged at that
moment, and counts every byte. What the browser asks for itself (updates, services of its maker) it
does not get: a host is connected to only after the page was seen to ask for it. What is inside a
tunnel (https, WebSockets) cannot be seen here, and need not: where the tunnel leads was judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

from atlas.domain.addresses.local_names import is_local_name
from atlas.domain.addresses.reach import Place, Reach, place_of
from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.web.address_policy import AddressPolicy, AddressRefused, Purpose, is_public
from atlas.web.egress_proxy import PROXY_ERRORS, EgressProxy

if TYPE_CHECKING:
    from types import TracebackType

_HEAD = 64 * 1024
"""Bytes that the head of a request may have: cookies are in it."""
_PART = 64 * 1024
_CONNECT = 10.0
"""Seconds for one address to answer."""
_PATIENCE = 30.0
"""Seconds for a request's head to come, and for all addresses of a name together."""
_LOOK, _LOOKS = 0.05, 40
"""Seconds between looks whether the page asks for what is dialled, and how many there are."""
_KEPT = 20
"""Refusals that are kept, to say what was refused."""
_OF_ONE_HOP = frozenset((b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive"))


@dataclass(frozen=True)
class ProxiedPage:
    """For which page a proxy is: its URL, what its source opens, and whether something public led
    there."""

    url: str
    reach: Reach
    led_publicly: bool = False


class _Refused(Exception):
    """A request that gets no connection; the words are for the log of the rendering."""


@dataclass(eq=False)
class GuardedProxy:
    """Listens on a port of its own while it is entered. `most_bytes` both ways together; beyond,
    every connection ends."""

    page: ProxiedPage
    policy: AddressPolicy
    most_bytes: int
    most_connections: int
    egress: EgressProxy | None = None
    port: int = 0
    transferred: int = 0
    connections: int = 0
    exceeded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when more is transferred, or more connections are wanted, than may be."""
    refused: list[str] = field(default_factory=list)
    """What was asked for and refused, with the reasons: the first ones."""
    _announced: set[Place] = field(default_factory=set)
    _public: bool = False
    """Whether anything public was connected to: then whatever is asked for may be its wish."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        await self._end()

    def announce(self, url: str) -> None:
        """The page asks for this URL."""
        with contextlib.suppress(InvalidUrl):
            scheme, colon, rest = url.partition(":")
            if scheme in ("ws", "wss", "http", "https"):
                plain = scheme.replace("ws", "http")
                self._announced.add(place_of(canonicalize(f"{plain}{colon}{rest}")))

    async def _is_announced(self, url: str) -> bool:
        """Of a WebSocket one hears at the same time as it is dialled."""
        for _ in range(_LOOKS):
            if place_of(url) in self._announced:
                return True
            await asyncio.sleep(_LOOK)
        return False

    async def _end(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self._count(0)
            await self._answer(reader, writer)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the connection ends, which is all that the browser needs to know
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        method, target, version = head.split(b"\r\n", 1)[0].split(b" ")
        tunnel = method == b"CONNECT"
        try:
            url = _url_of(target, tunnel=tunnel)
            if not await self._is_announced(url):
                return
            async with asyncio.timeout(_PATIENCE):
                host = await self._connect(url, tunnel=tunnel)
        except (_Refused, TimeoutError, OSError, *PROXY_ERRORS) as error:
            await self._deny(writer, target, error)
            return
        theirs, ours = host
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                self._count(len(head))
                ours.write(self._forwarded(method, target, version, head))
                writer.write(await self._first_answer(theirs))
            await self._join((reader, ours), (theirs, writer))
        finally:
            ours.close()

    async def _deny(self, writer: asyncio.StreamWriter, target: bytes, error: Exception) -> None:
        if len(self.refused) < _KEPT:
            self.refused.append(f"{target[:200].decode('latin-1')}: {error}"[:400])
        status = b"403 Forbidden" if isinstance(error, _Refused) else b"502 Bad Gateway"
        writer.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        await writer.drain()

    def _forwarded(self, method: bytes, target: bytes, version: bytes, head: bytes) -> bytes:
        """The request as its host gets it. One for each connection: a second one might be for
        another host, which has not been judged."""
        kept = _closing(head)[1:]
        if self.egress is not None and self.egress.scheme == "http":
            if self.egress.authorization:
                kept.append(b"proxy-authorization: " + self.egress.authorization.encode())
        else:
            target = b"/" + target.split(b"/", 3)[3]
        return b"\r\n".join((b" ".join((method, target, version)), *kept)) + b"\r\n\r\n"

    async def _first_answer(self, reader: asyncio.StreamReader) -> bytes:
        """The head of the host's answer, after which the browser is not to ask for more."""
        heads = b""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self._count(len(head))
            if not head.split(b"\r\n", 1)[0].partition(b" ")[2].startswith(b"1"):
                return heads + b"\r\n".join(_closing(head)) + b"\r\n\r\n"
            heads += head  # informational: another one follows (RFC 9110, 15.2)

    async def _connect(
        self, url: str, *, tunnel: bool
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not self.page.reach.opens_port(url):
            raise _Refused(f"port {place_of(url)[1]} is not open")
        await self.policy.own.look()
        try:
            if self.egress is not None:
                return await self._through(self.egress, url, tunnel=tunnel)
            return await self._dial(url)
        except AddressRefused as refused:
            raise _Refused(str(refused)) from None

    def _led_publicly(self, url: str) -> bool:
        """The page's own host is judged as the page was; anything else may be the wish of
        whatever was loaded from the public web."""
        own = place_of(url) == place_of(self.page.url)
        return self.page.led_publicly or (self._public and not own)

    async def _dial(self, url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name, port = place_of(url)
        found = await asyncio.get_running_loop().getaddrinfo(
            name.strip("[]"), port, type=socket.SOCK_STREAM
        )
        last: OSError | None = None
        for family, kind, protocol, _, address in found:
            # Asked about the address that is dialled next, not about the name.
            ip = str(address[0])
            self.policy.check(
                ip,
                port,
                led_publicly=self._led_publicly(url),
                purpose=Purpose(url, self.page.reach),
            )
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            try:
                async with asyncio.timeout(_CONNECT):
                    await asyncio.get_running_loop().sock_connect(sock, address)
            except (OSError, TimeoutError) as error:
                sock.close()
                last = OSError(f"{ip} could not be reached: {error}")
                continue
            self._public = self._public or is_public(ip)
            return await asyncio.open_connection(sock=sock)
        raise last or OSError("the name has no address")

    async def _through(
        self, egress: EgressProxy, url: str, *, tunnel: bool
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name, port = place_of(url)
        purpose = Purpose(url, self.page.reach)
        self.policy.check_unresolved(purpose, led_publicly=self._led_publicly(url))
        self._public = self._public or _looks_public(name)
        if egress.scheme == "http" and not tunnel:
            return await asyncio.open_connection(egress.host, egress.port)
        return await asyncio.open_connection(sock=await egress.tunnel(name.strip("[]"), port))

    async def _join(
        self,
        out: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        back: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        sending = asyncio.create_task(self._pass_on(*out))
        try:
            # What the host has to say decides: a browser that has sent everything waits for it.
            await self._pass_on(*back)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(_PART):
            self._count(len(part))
            writer.write(part)
            await writer.drain()
        with contextlib.suppress(OSError, NotImplementedError):
            writer.write_eof()

    def _count(self, size: int) -> None:
        self.transferred += size
        if self.transferred > self.most_bytes or self.connections > self.most_connections:
            self.exceeded.set()
            raise OSError("over the limit")  # and the connection ends


def _closing(head: bytes) -> list[bytes]:
    """The lines of a head, so that its connection ends with this exchange."""
    first, *lines = head[:-4].split(b"\r\n")
    kept = [each for each in lines if each.partition(b":")[0].strip().lower() not in _OF_ONE_HOP]
    return [first, *kept, b"connection: close"]


def _url_of(target: bytes, *, tunnel: bool) -> str:
    """The canonical URL of what is asked for, without its path."""
    text = target.decode("ascii")
    if tunnel:
        # Which scheme is inside is not known, and means nothing but the port where none is named.
        scheme = "http" if text.endswith(":80") else "https"
        text = f"{scheme}://{text}"
    elif not text.startswith("http://") or text.count("/") < 3:
        raise _Refused("only http and tunnels")
    else:
        text = "/".join(text.split("/", 3)[:3])
    try:
        return canonicalize(text)
    except InvalidUrl as error:
        raise _Refused(str(error)) from None


def _looks_public(name: str) -> bool:
    try:
        return is_public(ip_address(name.strip("[]")))
    except ValueError:
        return not is_local_name(name)
