"""A door in front of a server that lets everybody in: it relays connections of those who may come.

    python -I -m atlas.embedded.gate DOOR… [-- COMMAND ARGS…]

A DOOR is a JSON object: `listen` is `host:port`, or `fd:N` for a listening socket that was passed
on; `target` is `host:port` of the server. With `certificates`, a folder, it speaks TLS and admits
only clients whose certificate its authority signed; what such a client negotiates by ALPN may lead
elsewhere (`alpn`: `{"http/1.1": "host:port"}`). With `password`, a file, it asks for HTTP's Basic
login, user `atlas`. Without either it only narrows who can reach the server: whoever shares the
network of `listen`.

With a command it is that program's parent: it passes SIGTERM on and ends with its exit code.
It runs for as long as the stack does, so it imports little, even of the standard library: asyncio
alone would double its memory.
"""

import binascii
import hmac
import json
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Generator, Mapping, Sequence

from atlas.embedded.socket_tasks import (
    READ,
    WRITE,
    SocketWait,
    Task,
    Turns,
    accepted,
    connected,
)

USER = "atlas"
# Files of a folder of certificates.
AUTHORITY, SERVER, SERVER_KEY = "ca.pem", "server.pem", "server.key"
CLIENT, CLIENT_KEY = "client.pem", "client.key"

_PART = 1 << 16
_HEAD_BYTES = 1 << 16
_PATIENCE = 30.0  # seconds in which a stranger must have said who it is
_BACKLOG = 256
_LOOK = 0.05  # seconds between two looks whether the server has started
_CROWDED = 1.0  # seconds to wait when no further connection can be accepted
_REFUSED = (
    b"HTTP/1.1 401 Unauthorized\r\n"
    b'WWW-Authenticate: Basic realm="Temporal Web UI of Atlas", charset="UTF-8"\r\n'
    b"Content-Type: text/plain\r\nContent-Length: 55\r\nConnection: close\r\n\r\n"
    b"This page needs a login: user atlas and its password.\r\n"
)


class Door:
    """Where to listen, where to lead, and whom to let in."""

    def __init__(
        self,
        listen: str,
        target: str,
        certificates: str | None = None,
        password: str | None = None,
        alpn: Mapping[str, str] | None = None,
    ) -> None:
        self.listen = listen
        self.target = target
        self.certificates = certificates
        self.password = password
        self.alpn = dict(alpn or {})

    def to_json(self) -> str:
        """As one argument of a command line."""
        return json.dumps(self.__dict__)

    def context(self) -> ssl.SSLContext | None:
        """TLS that asks every client for a certificate of our own authority."""
        if self.certificates is None:
            return None
        folder, asks = self.certificates, ssl.Purpose.CLIENT_AUTH
        context = ssl.create_default_context(asks, cafile=f"{folder}/{AUTHORITY}")
        context.load_cert_chain(f"{folder}/{SERVER}", f"{folder}/{SERVER_KEY}")
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["h2", *self.alpn])
        return context

    def login(self) -> bytes | None:
        """What a client must say, if there is a password."""
        if self.password is None:
            return None
        with open(self.password, encoding="utf-8") as file:  # noqa: PTH123  (pathlib is large)
            return f"{USER}:{file.read().strip()}".encode()

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

    def __init__(self, door: Door, turns: Turns) -> None:
        self._door = door
        self._turns = turns
        self._login = door.login()
        self._context = door.context()
        self._listener = door.socket()
        self._listener.setblocking(False)
        self._listener.set_inheritable(False)  # the server behind it has nothing to do with it

    def admit(self) -> Task:
        """Accept connections, for ever."""
        while True:
            try:
                client = yield from accepted(self._listener)
            except OSError:  # no descriptor is left, say: those who wait stay in the queue
                yield SocketWait(seconds=_CROWDED)
                continue
            self._turns.add(self._receive(client))

    def _receive(self, client: socket.socket) -> Task:
        server = None
        try:
            if self._context is not None:
                client = self._context.wrap_socket(
                    client, server_side=True, do_handshake_on_connect=False
                )
                yield from _shake_hands(client)
            first = b"" if self._login is None else (yield from self._introduced(client))
            if first is not None:
                server = yield from connected(self._target(client))
                yield from _relay(client, server, first)
        except Exception:  # whatever a stranger does, the gate stays for the others
            return
        finally:
            client.close()
            if server is not None:
                server.close()

    def _target(self, client: socket.socket) -> str:
        spoken = client.selected_alpn_protocol() if isinstance(client, ssl.SSLSocket) else None
        return self._door.alpn.get(spoken or "", self._door.target)

    def _introduced(self, client: socket.socket) -> Generator[SocketWait, None, bytes | None]:
        """The head of the first request if it has the login. A connection belongs to one client:
        what follows on it needs no other look."""
        until, said = time.monotonic() + _PATIENCE, b""
        while b"\r\n\r\n" not in said:
            try:
                part = client.recv(_HEAD_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                if time.monotonic() > until:
                    return None
                yield SocketWait({client: READ}, until - time.monotonic())
                continue
            said += part
            if not part or len(said) > _HEAD_BYTES:
                return None
        if hmac.compare_digest(_login_of(said.partition(b"\r\n\r\n")[0]), self._login or b""):
            return said
        client.send(_REFUSED)  # the first bytes on a connection always find room
        client.shutdown(socket.SHUT_WR)
        return None


class Way:
    """One direction of a relay: what one end says, until the other has it all."""

    def __init__(self, source: socket.socket, sink: socket.socket, first: bytes = b"") -> None:
        self._source, self._sink = source, sink
        self._rest = first
        self._heard_all = False
        self.ended = False

    def move(self, waits: dict[socket.socket, int]) -> bool:
        """Move what can be moved now; whether there was something. What stands in the way is added
        to `waits`: TLS may have to write in order to read, and the other way round."""
        if self.ended:
            return False
        moved = False
        if not self._rest and not self._heard_all:
            try:
                self._rest = self._source.recv(_PART)
            except (BlockingIOError, ssl.SSLWantReadError):
                _wait(waits, self._source, READ)
            except ssl.SSLWantWriteError:
                _wait(waits, self._source, WRITE)
            else:
                moved, self._heard_all = True, not self._rest
        if self._rest:
            try:
                sent = self._sink.send(self._rest)
            except (BlockingIOError, ssl.SSLWantWriteError):
                _wait(waits, self._sink, WRITE)
            except ssl.SSLWantReadError:
                _wait(waits, self._sink, READ)
            else:
                moved, self._rest = True, self._rest[sent:]
        if self._heard_all and not self._rest:
            self._end()
        return moved

    def _end(self) -> None:
        self.ended = True
        if not isinstance(self._sink, ssl.SSLSocket):
            self._sink.shutdown(socket.SHUT_WR)
            return
        try:
            self._sink.unwrap()
        except ssl.SSLWantReadError:
            return  # our farewell is sent; nobody needs the answer


def _wait(waits: dict[socket.socket, int], end: socket.socket, event: int) -> None:
    waits[end] = waits.get(end, 0) | event


def _relay(client: socket.socket, server: socket.socket, first: bytes) -> Task:
    """Until the server has nothing more to say: then there is nothing to wait for."""
    up, down = Way(client, server, first), Way(server, client)
    while not down.ended:
        waits: dict[socket.socket, int] = {}
        moved = [way.move(waits) for way in (up, down)]
        if not down.ended:
            # After a part it is the turn of others: one client must not hold up the rest. TLS may
            # have bytes that it took from its socket already, so reading is tried before waiting.
            yield SocketWait() if any(moved) else SocketWait(waits)


def _shake_hands(client: ssl.SSLSocket) -> Task:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            client.do_handshake()
            return
        except ssl.SSLWantReadError:
            yield SocketWait({client: READ}, until - time.monotonic())
        except ssl.SSLWantWriteError:
            yield SocketWait({client: WRITE}, until - time.monotonic())
    raise TimeoutError


def _login_of(head: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        kind, _, code = value.strip().partition(b" ")
        if name.strip().lower() == b"authorization" and kind.lower() == b"basic":
            try:
                return binascii.a2b_base64(code.strip(), strict_mode=True)
            except binascii.Error:
                continue
    return b""


class Server:
    """The program behind the doors."""

    def __init__(self, command: Sequence[str]) -> None:
        # Should we be killed, the kernel ends it.
        tied = ("--parent", str(os.getpid()), "--death-signal", str(int(signal.SIGTERM)))
        launcher = f"{__file__.removesuffix('gate.py')}launch.py"
        argv = [sys.executable, "-I", "-S", launcher, *tied, "--", *command]
        nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        self._pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=[nothing])
        self.code: int | None = None

    def look(self) -> None:
        """See whether it has ended."""
        if self.code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None

    def end(self) -> None:
        """Ask it to end."""
        if self.code is None:  # not reaped: the pid is still its own
            os.kill(self._pid, signal.SIGTERM)


class OpenGate:
    """All doors, and the program behind them if it is ours to start."""

    def __init__(self, doors: Sequence[Door], command: Sequence[str]) -> None:
        self.turns = Turns()
        self._keepers = [Gatekeeper(door, self.turns) for door in doors]
        self._places = {place for door in doors for place in (door.target, *door.alpn.values())}
        self._server = Server(command) if command else None
        self._stopped = False

    def serve(self) -> int:
        """For ever, or until the command ends; its exit code."""
        self._obey_signals()
        if self._server is None:
            self.open()
            while not self._stopped:
                self.turns.round()
            return 0
        self.turns.add(self._open_later(self._server))
        while self._server.code is None:
            self.turns.round()
        return self._server.code

    def open(self) -> None:
        """Let people in."""
        for keeper in self._keepers:
            self.turns.add(keeper.admit())

    def _open_later(self, server: Server) -> Task:
        """Its sockets listen already: who connects while the server starts again waits in their
        queue, as for a server that is slow, instead of being turned away by a door that leads
        nowhere."""
        for place in self._places:
            while server.code is None:
                try:
                    (yield from connected(place)).close()
                    break
                except OSError:
                    yield SocketWait(seconds=_LOOK)
        self.open()

    def _obey_signals(self) -> None:
        # A signal that arrives between two rounds must end the wait of the next one.
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        self.turns.add(self._after_signals(ours, theirs))
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.signal(signal.SIGINT, lambda *_: None if self._server else self._stop())
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _after_signals(self, ours: socket.socket, theirs: socket.socket) -> Task:
        with ours, theirs:
            while True:
                if self._server is not None:
                    self._server.look()  # also before the first wait: it may have ended already
                yield SocketWait({ours: READ})
                ours.recv(_PART)

    def _stop(self) -> None:
        if self._server is None:
            self._stopped = True
        else:
            self._server.end()


def gate_command(doors: Sequence[Door], command: Sequence[str] = ()) -> list[str]:
    """What to run for these doors: imported, since compiling a program at each start would cost it
    a megabyte for good; and without site-packages, whose hooks are not for it."""
    root = __file__.removesuffix("/atlas/embedded/gate.py")
    program = "import sys; sys.path.append(sys.argv.pop(1)); from atlas.embedded import gate"
    started = [sys.executable, "-I", "-S", "-c", f"{program}; gate.run()", root]
    return [*started, *(door.to_json() for door in doors), *(["--", *command] if command else [])]


def run() -> None:
    """The program."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run as the module's docstring says."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    doors = [Door(**json.loads(text)) for text in arguments[:split]]
    code = OpenGate(doors, arguments[split + 1 :]).serve()
    if code < 0:  # so that whoever waits for us sees the same end
        if -code not in (signal.SIGKILL, signal.SIGSTOP):  # which nobody can handle
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    run()
