"""The parent's side of the zygote and its children: sockets, requests, answers."""

import asyncio
import contextlib
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Self

from atlas.domain.child_environment import allowed
from atlas.domain.wire_fields import MAX_ANSWER, check
from atlas.text.children.wire_format import Answer, is_value, read_answer
from atlas.text.children.zygote import ANSWER, FRAME, REQUEST

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from atlas.text.children.zygote import main
main(int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), json.loads(sys.argv[5]))
"""
# One thread per library: fork copies only the thread that forks, and children are the parallelism.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_PART = 1 << 20  # bytes that go between a file and a child at once
_PATIENCE = 60.0  # seconds for the zygote to answer; the first answer waits for its imports


class Files(NamedTuple):
    """Where the body of a job is read from, and where the value of its answer goes."""

    body: BinaryIO
    answer: BinaryIO

    def rewind(self) -> None:
        """Make ready for an attempt."""
        self.body.seek(0)
        self.answer.seek(0)
        self.answer.truncate()


class ZygoteLost(Exception):
    """The process that forks children is gone; whatever ran in them was not to blame."""


@dataclass(slots=True)
class ExtractionChild:
    """One forked process and the socket to it."""

    pid: int
    channel: socket.socket
    zygote: "Zygote"
    jobs: int = 0

    async def ask(self, payload: bytes, files: Files | None = None) -> Answer:
        """Send a pickled job, wait for the answer; with `files` a value goes to the file, unread.
        EOFError or ConnectionError: it died; MalformedAnswer: it is not to be trusted any more."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.channel, FRAME.pack(len(payload)) + payload)
        await _send_body(self.channel, files.body if files else io.BytesIO())
        size = FRAME.unpack(await _receive(self.channel, FRAME.size))[0]
        check(size, size <= MAX_ANSWER, "more than an answer may take")
        if files is None:
            return read_answer(await _receive(self.channel, size))
        kind = await _receive(self.channel, min(size, 1))
        if is_value(kind):
            await _receive_into(self.channel, size - 1, files.answer)
            return Answer()
        check(size, size <= _PART, "more than a failure may take")
        return read_answer(kind + await _receive(self.channel, size - 1))

    def ended(self) -> bool:
        """Whether an idle child is gone: its socket is readable, and only with its end."""
        try:
            return self.channel.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class Zygote:
    """Handle of the forking process. Requests take turns: each has exactly one answer."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._turn = asyncio.Lock()
        self._exchanges: set[asyncio.Task[object]] = set()
        self.alive = True

    @classmethod
    def start(cls, seconds: float, memory: int, preloaded: Sequence[str]) -> Self:
        """Start the process; it answers once the modules `preloaded` are imported."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        limits = (str(theirs.fileno()), str(seconds), str(memory))
        arguments = (json.dumps(sys.path), *limits, json.dumps(list(preloaded)))
        with theirs:
            process = subprocess.Popen(  # noqa: S603  our own interpreter and code
                (sys.executable, "-c", _START, *arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                # A hostile document may take a child over: it finds no credentials there.
                env=allowed(os.environ) | _ONE_THREAD,
                start_new_session=True,  # a signal to the worker's group is for the worker
            )
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """Process id, for tests and logs."""
        return self._process.pid

    async def fork(self) -> ExtractionChild:
        """A fresh child. Raises ZygoteLost."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        exchange = self._begin(b"S", 0, theirs)
        try:
            pid, _ = await asyncio.shield(exchange)  # noqa: TID251 (remembered)
        except asyncio.CancelledError:
            ours.close()
            self._remember(asyncio.create_task(self._disown(exchange)))
            raise
        except ZygoteLost:
            ours.close()
            raise
        return ExtractionChild(pid, ours, self)

    async def end(self, pid: int) -> tuple[int, int]:
        """Kill and reap a child: its wait status and memory growth in bytes. Raises ZygoteLost."""
        return await asyncio.shield(self._begin(b"E", pid, None))  # noqa: TID251 (remembered)

    async def stop(self) -> None:
        """End the process and with it all its children; back when it is gone."""
        async with self._turn:
            self.alive = False
            self._control.close()
        await asyncio.to_thread(self._process.wait)

    def _begin(
        self, kind: bytes, pid: int, passed: socket.socket | None
    ) -> "asyncio.Task[tuple[int, int]]":
        """An exchange as its own task: cancelling who waits must not leave an answer unread."""
        task = asyncio.create_task(self._exchange(kind, pid, passed))
        self._remember(task)
        return task

    def _remember(self, task: "asyncio.Task[object] | asyncio.Task[tuple[int, int]]") -> None:
        self._exchanges.add(task)
        task.add_done_callback(self._settled)

    def _settled(self, task: "asyncio.Task[object]") -> None:
        self._exchanges.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: who waited may be gone

    async def _exchange(
        self, kind: bytes, pid: int, passed: socket.socket | None
    ) -> tuple[int, int]:
        async with self._turn:
            try:
                return await self._talk(kind, pid, passed)
            except (OSError, EOFError) as error:
                self._lose()
                raise ZygoteLost from error
            finally:
                if passed is not None:
                    passed.close()

    async def _talk(self, kind: bytes, pid: int, passed: socket.socket | None) -> tuple[int, int]:
        if not self.alive:
            raise EOFError
        fds = [] if passed is None else [passed.fileno()]
        socket.send_fds(self._control, [REQUEST.pack(kind, pid)], fds)
        async with asyncio.timeout(_PATIENCE):
            first, second = ANSWER.unpack(await _receive(self._control, ANSWER.size))
        return int(first), int(second)

    async def _disown(self, exchange: "asyncio.Task[tuple[int, int]]") -> None:
        """Reap a child that nobody waits for any more."""
        with contextlib.suppress(ZygoteLost):
            pid, _ = await exchange
            await self._exchange(b"E", pid, None)

    def _lose(self) -> None:
        if self.alive:
            self.alive = False
            self._control.close()
            self._process.kill()
            self._process.wait()  # killed: immediate


async def _send_body(channel: socket.socket, body: BinaryIO) -> None:
    """What is left of the file, in parts: it may be larger than this process should grow."""
    loop = asyncio.get_running_loop()
    start = body.tell()
    size = body.seek(0, io.SEEK_END) - start
    body.seek(start)
    await loop.sock_sendall(channel, FRAME.pack(size))
    while size:
        part = await asyncio.to_thread(body.read, min(size, _PART))
        await loop.sock_sendall(channel, part)
        size -= len(part)


async def _receive_into(channel: socket.socket, size: int, file: BinaryIO) -> None:
    while size:
        part = await _receive(channel, min(size, _PART))
        await asyncio.to_thread(file.write, part)
        size -= len(part)


async def _receive(channel: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes. Raises EOFError when the other side is gone."""
    loop = asyncio.get_running_loop()
    received = bytearray()
    while len(received) < size:
        part = await loop.sock_recv(channel, min(size - len(received), 1 << 20))
        if not part:
            raise EOFError
        received += part
    return bytes(received)
