"""A real HTTP server on loopback that does as it is told, raw enough to misbehave.

    async with Origin() as origin:
        origin.page("/a", "<p>hello</p>")
        ...fetch origin.url("/a")...
        assert [seen.path for seen in origin.requests()] == ["/robots.txt", "/a"]

Content may change at any time: call `page` again, or `script` several replies in a row. Several
origins may run at once, each on its own port. `/robots.txt` is 404 until set (or routed).
"""

import asyncio
import inspect
import math
import mimetypes
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from tests.origin.replies import REASONS, Handler, Reply, Seen, bomb


class Origin:
    """One site. Exact paths (query included, then without) come before prefixes, longest first."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.log: list[Seen] = []
        self._host = host
        self._port = port
        self.tls = tls
        """With it the site speaks HTTPS only; what is loaded into it counts for new connections."""
        self._exact: dict[str, Handler] = {}
        self._prefixes: dict[str, Handler] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._arrival = asyncio.Condition()
        self._before_hold: float = math.inf
        self._released = asyncio.Event()

    # -- where it is, and what it saw --

    @property
    def base(self) -> str:
        """`http://host:port` (or https), without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self._host}:{self._port}"

    @property
    def host(self) -> str:
        """`host:port`."""
        return f"{self._host}:{self._port}"

    def url(self, path: str = "/") -> str:
        """The absolute URL of `path`."""
        return self.base + path

    def requests(self, path: str | None = None) -> list[Seen]:
        """Requests so far, in order of arrival; only those for `path`, with or without query."""
        return [seen for seen in self.log if path in (None, seen.path, seen.target)]

    def gaps(self) -> list[float]:
        """Seconds between each two requests in a row."""
        times = [seen.at for seen in self.log]
        return [after - before for before, after in pairwise(times)]

    async def arrived(self, path: str | None = None, count: int = 1) -> list[Seen]:
        """Wait until `count` requests (for `path`) have arrived."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.requests(path)) >= count)
        return self.requests(path)

    def hold_after(self, count: int) -> asyncio.Event:
        """Let every request after the first `count` wait until the event is set: what asks for
        more pages cannot end before that, however late the test gets its turn."""
        self._before_hold = count
        return self._released

    # -- what it serves --

    def route(self, prefix: str, handler: Handler) -> None:
        """Answer every path that starts with `prefix` by calling `handler` (sync or async)."""
        self._prefixes[prefix] = handler
        self._prefixes = dict(sorted(self._prefixes.items(), key=lambda item: -len(item[0])))

    def reply(self, path: str, reply: Reply) -> None:
        """Answer `path` always with `reply`."""
        self._exact[path] = lambda seen: reply

    def script(self, path: str, *replies: Reply) -> None:
        """Answer `path` with each reply once, in order, and with the last one from then on."""
        queue = list(replies)
        self._exact[path] = lambda seen: queue.pop(0) if len(queue) > 1 else queue[0]

    def remove(self, path: str) -> None:
        """Forget `path`: 404 from now on."""
        self._exact.pop(path, None)

    def page(self, path: str, body: bytes | str = "", **fields: Any) -> None:
        """A page with an ETag of its body; `fields` are those of Reply."""
        self.reply(path, Reply(body, **fields))

    def status(self, path: str, status: int, **headers: str) -> None:
        """A bare status; `retry_after="5"` becomes a Retry-After header."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        self.reply(path, Reply(f"<p>status {status}", status, named))

    def redirect(self, path: str, location: str, status: int = 302) -> None:
        """A redirect; two of them pointing at each other make a loop."""
        self.reply(path, Reply(status=status, headers={"Location": location}))

    def robots(self, text: str | bytes, status: int = 200) -> None:
        """robots.txt."""
        self.reply("/robots.txt", Reply(text, status, content_type="text/plain"))

    def fail_first(self, path: str, times: int, body: str = "", status: int = 500) -> None:
        """`status` for the first `times` requests, then the page."""
        self.script(path, *[Reply(status=status)] * times, Reply(body))

    def bomb(self, path: str, encoding: str, size: int) -> None:
        """`size` zero bytes behind `encoding` (gzip, deflate, br, zstd)."""
        self.reply(path, Reply(bomb(encoding, size), headers={"Content-Encoding": encoding}))

    def serve_directory(self, folder: Path, prefix: str = "/") -> None:
        """The files below `folder`, as a static server would: index.html, ETag by time and size."""
        root = folder.resolve()
        self.route(prefix, lambda seen: _file(root, prefix, seen))

    # -- how it runs --

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, backlog=512, ssl=self.tls
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.disconnect()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def disconnect(self) -> None:
        """End the connections that clients keep open for their next request."""
        for task in tuple(self._connections):
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = await reader.readuntil(b"\r\n")
        at = time.monotonic()
        method, target, _ = line.decode("latin-1").split(" ")
        seen = Seen(method, target, at, dict([pair async for pair in _headers(reader)]))
        async with self._arrival:
            self.log.append(seen)
            self._arrival.notify_all()
        if len(self.log) > self._before_hold:
            await self._released.wait()
        reply = self._handler(seen)(seen)
        if inspect.isawaitable(reply):
            reply = await reply
        return await _send(reply, seen, writer)

    def _handler(self, seen: Seen) -> Handler:
        handler = self._exact.get(seen.target) or self._exact.get(seen.path)
        if handler:
            return handler
        matching = (
            handler for prefix, handler in self._prefixes.items() if seen.target.startswith(prefix)
        )
        return next(matching, lambda seen: Reply("<p>no such page", 404))


async def _headers(reader: asyncio.StreamReader) -> Any:
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.decode("latin-1").partition(":")
        yield name.lower(), value.strip()


async def _send(reply: Reply, seen: Seen, writer: asyncio.StreamWriter) -> bool:
    if reply.hang_up:
        return False
    if reply.silent:
        await asyncio.Event().wait()  # until the server closes
    if reply.gate:
        await reply.gate.wait()
    if reply.header_delay:
        await asyncio.sleep(reply.header_delay)
    if reply.raw is not None:
        await _write(reply.raw, reply.drip, writer)
        return False
    unchanged = reply.status == 200 and reply.unchanged_for(seen)
    body = b"" if unchanged else reply.payload()
    writer.write(_head(reply, 304 if unchanged else reply.status, len(body)))
    await _send_body(reply, b"" if seen.method == "HEAD" else body, writer)
    return reply.declared_length is None


def _head(reply: Reply, status: int, length: int) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
    lines += (f"{name}: {value}" for name, value in _head_fields(reply, status, length))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _head_fields(reply: Reply, status: int, length: int) -> Iterator[tuple[str, str]]:
    given: Mapping[str, str] = {name.lower(): value for name, value in reply.headers.items()}
    tag = reply.tag()
    if tag and "etag" not in given:
        yield "ETag", tag
    if status != 304 and reply.content_type and "content-type" not in given:
        yield "Content-Type", reply.content_type
    if reply.encoding:
        yield "Content-Encoding", reply.encoding
    if reply.chunked:
        yield "Transfer-Encoding", "chunked"
    elif status != 304 and "content-length" not in given:
        yield "Content-Length", str(reply.declared_length or length)
    yield from reply.headers.items()


async def _send_body(reply: Reply, body: bytes, writer: asyncio.StreamWriter) -> None:
    if reply.chunked:
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        body = chunk + b"0\r\n\r\n"
    await _write(body, reply.drip, writer)


async def _write(data: bytes, drip: float | None, writer: asyncio.StreamWriter) -> None:
    if drip is None:
        writer.write(data)
        await writer.drain()
        return
    for position in range(len(data)):
        writer.write(data[position : position + 1])
        await writer.drain()
        await asyncio.sleep(drip)


def _file(root: Path, prefix: str, seen: Seen) -> Reply:
    path = (root / unquote(seen.path.removeprefix(prefix)).lstrip("/")).resolve()
    if not path.is_relative_to(root):
        return Reply("<p>outside", 403)
    if path.is_dir():
        if not seen.path.endswith("/"):
            return Reply(status=301, headers={"Location": seen.path + "/"})
        path /= "index.html"
    if not path.is_file():
        return Reply("<p>no such file", 404)
    facts = path.stat()
    kind, encoding = mimetypes.guess_type(path.name)
    headers = {"ETag": f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'}
    if encoding:
        kind = "application/gzip"
    return Reply(
        path.read_bytes(), headers=headers, content_type=kind or "application/octet-stream"
    )
