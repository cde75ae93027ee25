"""Shares server connections among clients, a transaction at a time, as PgBouncer does with
`pool_mode = transaction`; what it refuses, this refuses. For tests: one user, one database, trust.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

# https://www.pgbouncer.org/config.html#ignore_startup_parameters
_KNOWN = {
    "user",
    "database",
    "application_name",
    "client_encoding",
    "datestyle",
    "timezone",
    "standard_conforming_strings",
}
_PROTOCOL, _SSL, _CANCEL = 196608, 80877103, 80877102


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind = await reader.readexactly(1)
    (size,) = struct.unpack("!I", await reader.readexactly(4))
    return kind, await reader.readexactly(size - 4)


@dataclass
class _Server:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass
class Pooler:
    """At most `size` server connections, the one used longest ago first, so that transactions of
    one client meet different ones."""

    socket: str
    size: int
    port: int = 0
    refused: list[str] = field(default_factory=list)
    """Startup parameters that were refused."""
    most: int = 0
    """Clients at once, at most."""
    _greeting: bytes = b""
    _clients: set[asyncio.Task[None] | None] = field(default_factory=set)
    _opened: list[_Server] = field(default_factory=list)
    _idle: asyncio.Queue[_Server] = field(default_factory=asyncio.Queue)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(asyncio.current_task())
        self.most = max(self.most, len(self._clients))
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            parameters = await self._startup(reader, writer)
            if parameters is not None and not self._refuses(parameters, writer):
                await self._fill(parameters)
                key = _message(b"K", secrets.token_bytes(8))
                ready = _message(b"Z", b"I")
                writer.write(_message(b"R", bytes(4)) + self._greeting + key + ready)
                await self._transactions(reader, writer)
        self._clients.discard(asyncio.current_task())
        writer.close()

    async def _startup(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, str] | None:
        while True:
            (size,) = struct.unpack("!I", await reader.readexactly(4))
            body = await reader.readexactly(size - 4)
            (code,) = struct.unpack("!I", body[:4])
            if code == _SSL:
                writer.write(b"N")
            elif code == _PROTOCOL:
                words = body[4:].rstrip(b"\0").decode().split("\0")
                return dict(zip(words[::2], words[1::2], strict=True))
            else:
                return None

    def _refuses(self, parameters: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        strange = [name for name in parameters if name.lower() not in _KNOWN]
        self.refused += strange
        for name in strange[:1]:
            said = f"unsupported startup parameter: {name}"
            fields = b"SFATAL\0VFATAL\0C08P01\0M" + said.encode() + b"\0\0"
            writer.write(_message(b"E", fields))
        return bool(strange)

    async def _fill(self, parameters: dict[str, str]) -> None:
        while len(self._opened) < self.size:
            opened = _Server(*await asyncio.open_unix_connection(self.socket))
            self._opened.append(opened)
            words = {"user": parameters["user"], "database": parameters["database"]}
            said = b"".join(f"{key}\0{value}\0".encode() for key, value in words.items()) + b"\0"
            body = struct.pack("!I", _PROTOCOL) + said
            opened.writer.write(struct.pack("!I", len(body) + 4) + body)
            greeting = b""
            while (got := await _read(opened.reader))[0] != b"Z":
                assert got[0] != b"E", got
                if got[0] == b"S":
                    greeting += _message(*got)
            self._greeting = greeting
            self._idle.put_nowait(opened)

    async def _transactions(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while (first := await _read(reader))[0] != b"X":
            server = await self._idle.get()
            server.writer.write(_message(*first))
            onward = asyncio.create_task(_forward(reader, server.writer))
            try:
                while (got := await _read(server.reader)) != (b"Z", b"I"):
                    writer.write(_message(*got))
            finally:
                onward.cancel()
                await asyncio.wait([onward])
                if not server.reader.at_eof():
                    self._idle.put_nowait(server)
            writer.write(_message(b"Z", b"I"))


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until cancelled, between two messages. A client that goes meanwhile takes its server
    connection along."""
    with suppress(asyncio.IncompleteReadError, OSError):
        while (got := await _read(reader))[0] != b"X":
            writer.write(_message(*got))
    writer.transport.abort()


@asynccontextmanager
async def pooled(socket: str, size: int = 3) -> AsyncIterator[Pooler]:
    """A pooler for the time of the block."""
    pooler = Pooler(socket, size)
    server = await asyncio.start_server(pooler._serve, "127.0.0.1", 0)
    pooler.port = server.sockets[0].getsockname()[1]
    try:
        yield pooler
    finally:
        server.close()
        for opened in pooler._opened:
            opened.writer.transport.abort()
        for task in tuple(pooler._clients):
            assert task is not None
            task.cancel()
            await asyncio.wait([task])
        await asyncio.sleep(0)
