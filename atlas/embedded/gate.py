"""A door in front of a server that lets everybody in: it relays connections of those who may come.

    python gate.py DOOR… [-- COMMAND ARGS…]

A DOOR is a JSON object: `listen` is `host:port`, or `fd:N` for a listening socket that was passed
on; `target` is `host:port` of the server. With `certificates`, a folder, it speaks TLS and admits
only clients whose certificate its authority signed; what such a client negotiates by ALPN may lead
elsewhere (`alpn`: `{"http/1.1": "host:port"}`). With `password`, a file, it asks for HTTP's Basic
login, user `atlas`. Without either it only narrows who can reach the server: whoever shares the
network of `listen`.

With a command it is that program's parent: it passes SIGTERM on and ends with its exit code.
It imports the standard library only and is a program of its own, like launch.py.
"""

import asyncio
import base64
import binascii
import contextlib
import hmac
import json
import os
import signal
import socket
import ssl
import sys
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field
from pathlib import Path

USER = "atlas"
# Files of a folder of certificates.
AUTHORITY, SERVER, SERVER_KEY = "ca.pem", "server.pem", "server.key"
CLIENT, CLIENT_KEY = "client.pem", "client.key"

_PART = 1 << 16
_HEAD_BYTES = 1 << 16
_PATIENCE = 30.0  # seconds in which a stranger must have said who it is
_BACKLOG = 256
_LOOK = 0.05  # seconds between two looks whether the server has started
_REFUSED = (
    b"HTTP/1.1 401 Unauthorized\r\n"
    b'WWW-Authenticate: Basic realm="Temporal Web UI of Atlas", charset="UTF-8"\r\n'
    b"Content-Type: text/plain\r\nContent-Length: 55\r\nConnection: close\r\n\r\n"
    b"This page needs a login: user atlas and its password.\r\n"
)


@dataclass(frozen=True)
class Door:
    """Where to listen, where to lead, and whom to let in."""

    listen: str
    target: str
    certificates: str | None = None
    password: str | None = None
    alpn: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """As one argument of a command line."""
        return json.dumps(self.__dict__)

    def context(self) -> ssl.SSLContext | None:
        """TLS that asks every client for a certificate of our own authority."""
        if self.certificates is None:
            return None
        folder = Path(self.certificates)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / AUTHORITY)
        context.load_cert_chain(folder / SERVER, folder / SERVER_KEY)
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["h2", *self.alpn])
        return context

    def socket(self) -> socket.socket:
        """The listening socket."""
        kind, _, number = self.listen.partition(":")
        if kind == "fd":
            return socket.socket(fileno=int(number))
        return listening(kind, int(number))


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`, by name or address. Raises OSError."""
    found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


class Gatekeeper:
    """Serves one door."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._login = None
        if door.password is not None:
            password = Path(door.password).read_text(encoding="utf-8").strip()
            self._login = f"{USER}:{password}".encode()

    async def open(self) -> asyncio.Server:
        """Begin to listen."""
        return await asyncio.start_server(
            self._admit,
            sock=self._door.socket(),
            ssl=self._door.context(),
            ssl_handshake_timeout=None if self._door.certificates is None else _PATIENCE,
            limit=_HEAD_BYTES,
        )

    async def _admit(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            first = b"" if self._login is None else await self._introduced(reader, writer)
            if first is not None:
                await self._lead(first, reader, writer)
        writer.transport.abort()

    async def _introduced(self, reader: StreamReader, writer: StreamWriter) -> bytes | None:
        """The head of the first request if it has the login. A connection belongs to one client:
        what follows on it needs no other look."""
        try:
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None
        if hmac.compare_digest(_login_of(head), self._login or b""):
            return head
        writer.write(_REFUSED)
        await writer.drain()
        writer.close()
        async with asyncio.timeout(_PATIENCE):
            await writer.wait_closed()
        return None

    async def _lead(self, first: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        secure = writer.get_extra_info("ssl_object")
        spoken = secure.selected_alpn_protocol() if secure is not None else None
        host, _, port = self._door.alpn.get(spoken or "", self._door.target).rpartition(":")
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        try:
            inner_writer.write(first)
            ways = (_pump(reader, inner_writer), _pump(inner_reader, writer))
            tasks = [asyncio.ensure_future(way) for way in ways]
            # Once the server has nothing more to say, there is nothing to wait for.
            await asyncio.wait([tasks[1]])
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            with contextlib.suppress(OSError):
                await writer.drain()
                writer.close()
                async with asyncio.timeout(_PATIENCE):
                    await writer.wait_closed()
        finally:
            inner_writer.transport.abort()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(_PART):
            writer.write(part)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
        elif reader.at_eof():  # TLS cannot say so: the end of the other way ends this one
            writer.close()


def _login_of(head: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        kind, _, code = value.strip().partition(b" ")
        if name.strip().lower() == b"authorization" and kind.lower() == b"basic":
            with contextlib.suppress(binascii.Error):
                return base64.b64decode(code.strip(), validate=True)
    return b""


async def serve(doors: list[Door], command: list[str]) -> int:
    """Serve the doors: for ever, or until the command ends; its exit code."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # strangers' failed handshakes
    loop.add_signal_handler(signal.SIGINT, lambda: None if command else stopped.set())
    if not command:
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        servers = [await Gatekeeper(door).open() for door in doors]
        await stopped.wait()
        for server in servers:
            server.close()
        return 0
    # Should we be killed, the kernel ends it.
    tied = ("--parent", str(os.getpid()), "--death-signal", str(int(signal.SIGTERM)))
    launcher = str(Path(__file__).with_name("launch.py"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", launcher, *tied, "--", *command),
        stdin=asyncio.subprocess.DEVNULL,
    )

    def pass_on() -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()

    loop.add_signal_handler(signal.SIGTERM, pass_on)
    # Its sockets listen already: who connects while the server starts again waits in their queue,
    # as for a server that is slow, instead of being turned away by a door that leads nowhere.
    for place in {place for door in doors for place in (door.target, *door.alpn.values())}:
        await _until_listening(place, process)
    servers = [await Gatekeeper(door).open() for door in doors]
    code = await process.wait()
    for server in servers:
        server.close()
    return code


async def _until_listening(place: str, process: asyncio.subprocess.Process) -> None:
    """Wait until the server accepts connections at `place`, or has ended."""
    host, _, port = place.rpartition(":")
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(_LOOK)
        else:
            writer.close()
            return


def main(arguments: list[str]) -> int:
    """Run as the module's docstring says."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    doors = [Door(**json.loads(text)) for text in arguments[:split]]
    code = asyncio.run(serve(doors, arguments[split + 1 :]))
    if code < 0:  # so that whoever waits for us sees the same end
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
