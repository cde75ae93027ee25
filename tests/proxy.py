"""A proxy on loopback, to lose connections in the ways that networks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit


@dataclass(eq=False)
class Link:
    """One client's connection, and the one behind it."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    alive: asyncio.Event
    """Cleared, nothing goes through any more, and nobody is told."""

    def end(self) -> None:
        for writer in (self.near, self.far):
            writer.transport.abort()


@dataclass
class Proxy:
    """Forwards to PostgreSQL's socket, or to `host:port`."""

    upstream: str
    port: int = 0
    refuses: bool = False
    """Whether connections are closed as soon as they are made."""
    accepted: int = 0
    links: set[Link] = field(default_factory=set)
    on_sent: Callable[[Link, bytes], object] | None = None
    """Told what a client sent, before it is forwarded."""

    def vanish(self) -> int:
        """Let the connections there are vanish: neither side hears of the other again, and no end
        is told. Those made from now on work. How many there were."""
        for link in self.links:
            link.alive.clear()
        return len(self.links)

    def cut(self) -> None:
        """End the connections there are, in the middle of whatever they do."""
        for link in tuple(self.links):
            link.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refuses:
            writer.transport.abort()
            return
        host, _, port = self.upstream.rpartition(":")
        opened = (
            asyncio.open_unix_connection(self.upstream)
            if self.upstream.startswith("/")
            else asyncio.open_connection(host, int(port))
        )
        answers, onward = await opened
        link = Link(writer, onward, asyncio.Event())
        link.alive.set()
        self.links.add(link)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(link, reader, onward, sent=True))
                group.create_task(self._pump(link, answers, writer, sent=False))
        finally:
            self.links.discard(link)
            link.end()

    async def _pump(
        self,
        link: Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        sent: bool,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if sent and self.on_sent is not None:
                    self.on_sent(link, data)
                await link.alive.wait()
                writer.write(data)
                await writer.drain()
        await link.alive.wait()
        link.end()


@asynccontextmanager
async def proxied(upstream: str, port: int = 0) -> AsyncIterator[Proxy]:
    """A proxy for the time of the block."""
    proxy = Proxy(upstream)
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for link in tuple(proxy.links):
            link.alive.set()
            link.end()
        while proxy.links:
            await asyncio.sleep(0)


def socket_of(database_url: str) -> str:
    """The unix socket behind the address of a test's database."""
    given = dict(parse_qsl(urlsplit(database_url).query))
    return f"{given['host']}/.s.PGSQL.{given.get('port', '5432')}"


def through(port: int, database_url: str) -> str:
    """The address of the same database by TCP, through a proxy's port."""
    parts = urlsplit(database_url)
    given = dict(parse_qsl(parts.query))
    user = given.pop("user", None) or parts.username or "atlas"
    rest = {key: value for key, value in given.items() if key not in ("host", "port")}
    query = f"?{urlencode(rest)}" if rest else ""
    return f"postgresql://{user}@127.0.0.1:{port}{parts.path}{query}"
