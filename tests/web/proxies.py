"""Real egress proxies on loopback: an HTTP one that forwards and tunnels, and a SOCKS5 one. Both
write down what they were asked for, and look names up in a table of their own."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from atlas.web.egress_proxy import EgressProxy

Serve = Callable[["ProxyServer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Scheme = Literal["http", "socks5"]

USER, PASSWORD = "atlas", "hunter2"


@dataclass
class ProxyServer:
    """What a proxy of a test knows, does and saw."""

    scheme: Scheme
    names: dict[str, str] = field(default_factory=dict)
    """Its DNS: names that are none of these do not exist."""
    forbidden: set[str] = field(default_factory=set)
    """Hosts that its operator refuses."""
    login: bool = False
    """Whether it asks for USER and PASSWORD."""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    """`host:port` of each, in order; of an HTTP proxy `GET url` and `CONNECT host:port`."""
    heads: list[bytes] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    server: asyncio.Server | None = None
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    def at(self, user: str | None = None, password: str | None = None) -> EgressProxy:
        """As a client names it."""
        return EgressProxy(self.scheme, "127.0.0.1", self.port, user, password)

    async def reach(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect where it was asked to; None where that does not work."""
        with suppress(OSError):
            return await asyncio.open_connection(self.names.get(host, host), port)
        return None

    def knows(self, host: str) -> bool:
        try:
            ip_address(host)
        except ValueError:
            return host in self.names
        return True

    async def stop(self) -> None:
        """Die, with all connections."""
        assert self.server is not None
        self.server.close()
        for writer in tuple(self.connections):
            writer.transport.abort()
        await self.server.wait_closed()


@asynccontextmanager
async def a_proxy(scheme: Scheme, **options: object) -> AsyncIterator[ProxyServer]:
    """Serve one."""
    proxy = ProxyServer(scheme, **options)  # type: ignore[arg-type]
    serve = _http if scheme == "http" else _socks5

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy.connections.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await serve(proxy, reader, writer)
        finally:
            proxy.connections.discard(writer)
            writer.close()

    proxy.server = await asyncio.start_server(connected, "127.0.0.1", 0)
    proxy.port = proxy.server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        await proxy.stop()


async def _http(
    proxy: ProxyServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        proxy.heads.append(head)
        method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        proxy.asked.append(f"{method} {target}")
        tunnel = method == "CONNECT"
        parts = urlsplit(f"//{target}" if tunnel else target)
        host, port = parts.hostname or "", parts.port or 80
        status = _refusal(proxy, head, host)
        far = None if status else await proxy.reach(host, port)
        if far is None:
            answer = f"HTTP/1.1 {status or '502 Bad Gateway'}\r\nContent-Length: 0\r\n\r\n"
            writer.write(answer.encode())
            await writer.drain()
            continue
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _pump(reader, writer, *far)
            return
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        lines = head.split(b"\r\n")[1:]
        passed = [line for line in lines if not line.lower().startswith(b"proxy-")]
        far[1].write(b"\r\n".join([f"{method} {path} HTTP/1.1".encode(), *passed]))
        await _answered(far[0], writer)
        far[1].close()


async def _answered(far: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
    """Pass one answer on, whose length its head says."""
    head = await far.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    near.write(head + await far.readexactly(int(lengths[0].split(b":")[1])))
    await near.drain()


def _refusal(proxy: ProxyServer, head: bytes, host: str) -> str:
    if proxy.login:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode())
        if b"proxy-authorization: basic " + login.lower() not in head.lower():
            return "407 Proxy Authentication Required"
        proxy.logins.append(USER)
    if host in proxy.forbidden:
        return "403 Forbidden"
    return "" if proxy.knows(host) else "502 Bad Gateway"


_HEAD = struct.Struct("!BBB")


async def _socks5(
    proxy: ProxyServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    version, count = await reader.readexactly(2)
    assert version == 5
    methods = await reader.readexactly(count)
    if proxy.login:
        if 2 not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(b"\x05\x02")
        _, length = await reader.readexactly(2)
        user = (await reader.readexactly(length)).decode()
        [length] = await reader.readexactly(1)
        password = (await reader.readexactly(length)).decode()
        right = (user, password) == (USER, PASSWORD)
        writer.write(b"\x01\x00" if right else b"\x01\x01")
        if not right:
            return
        proxy.logins.append(user)
    else:
        writer.write(b"\x05\x00")
    _, command, _, kind = await reader.readexactly(4)
    assert command == 1
    if kind == 3:
        [length] = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode()
    else:
        host = str(ip_address(await reader.readexactly(4 if kind == 1 else 16)))
    [port] = struct.unpack("!H", await reader.readexactly(2))
    proxy.asked.append(f"{host}:{port}")
    reply, far = 0, None
    if host in proxy.forbidden:
        reply = 2
    elif not proxy.knows(host):
        reply = 4
    else:
        far = await proxy.reach(host, port)
        reply = 0 if far else 5
    writer.write(_HEAD.pack(5, reply, 0) + b"\x01\x00\x00\x00\x00\x00\x00")
    if far:
        await _pump(reader, writer, *far)


async def _pump(
    near: asyncio.StreamReader,
    near_writer: asyncio.StreamWriter,
    far: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    await asyncio.gather(copy(near, far_writer), copy(far, near_writer))
