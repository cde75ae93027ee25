"""The DevTools protocol over a socket of the browser's own: `--remote-debugging-pipe`.

There is no port that others could connect to, and no library between: messages are JSON objects,
each ended by a zero byte. https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

Parameters: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Parameters, str | None], None]
"""Takes what an event says and the session that it came from."""

_PART = 1 << 18
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError)
"""What a message can do that no browser in its right mind sends: a page may have taken it over."""
_LONG = 1 << 19
"""Characters of a message from which on reading it would hold up the event loop."""


class BrowserLost(Exception):
    """The browser ended, or does not speak the protocol any more."""


class DevToolsError(Exception):
    """The browser refused a command."""


class DevTools:
    """One connection: commands with their answers, and events. `most` bytes a message may have."""

    def __init__(self, channel: socket.socket, most: int) -> None:
        channel.setblocking(False)
        self._channel = channel
        self._most = most
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Parameters]] = {}
        self._handlers: dict[str, Handler] = {}
        self._ended: Callable[[], None] = lambda: None
        self._reader = asyncio.create_task(self._read())
        self._turn = asyncio.Lock()
        self._sent: set[asyncio.Task[None]] = set()

    def on(self, event: str, handler: Handler) -> None:
        """Call `handler` for each event of that name."""
        self._handlers[event] = handler

    def on_end(self, handler: Callable[[], None]) -> None:
        """Call `handler` when the browser is lost."""
        self._ended = handler

    async def ask(
        self, method: str, parameters: Parameters | None = None, session: str | None = None
    ) -> Parameters:
        """Send a command and wait for its answer. Raises DevToolsError and BrowserLost."""
        self._number += 1
        number = self._number
        answer: asyncio.Future[Parameters] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        message = {"id": number, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = session
        try:
            await self._send(message)
            return await answer
        finally:
            self._waiting.pop(number, None)

    def tell(
        self, method: str, parameters: Parameters | None = None, session: str | None = None
    ) -> None:
        """Send a command; what comes of it is of no interest."""
        task = asyncio.create_task(self._told(method, parameters, session))
        self._sent.add(task)
        task.add_done_callback(self._sent.discard)

    async def _told(self, method: str, parameters: Parameters | None, session: str | None) -> None:
        with contextlib.suppress(BrowserLost, DevToolsError):
            await self.ask(method, parameters, session)

    async def close(self) -> None:
        """End the connection, and with it the browser."""
        tasks = (self._reader, *self._sent)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._channel.close()
        self._lose()

    async def _send(self, message: Parameters) -> None:
        if self._reader.done():
            raise BrowserLost("the browser has ended")
        data = json.dumps(message).encode() + b"\0"
        # One at a time: a message that is sent in two parts must not have another between them.
        async with self._turn:
            try:
                await asyncio.get_running_loop().sock_sendall(self._channel, data)
            except OSError as error:
                raise BrowserLost("the browser has ended") from error

    async def _read(self) -> None:
        try:
            pending = bytearray()
            while part := await asyncio.get_running_loop().sock_recv(self._channel, _PART):
                start = len(pending)
                pending += part
                while (end := pending.find(b"\0", start)) >= 0:
                    message, pending, start = pending[:end], pending[end + 1 :], 0
                    await self._take(bytes(message))
                if len(pending) > self._most:
                    return
        except (OSError, RecursionError, *_MALFORMED):
            return
        finally:
            self._lose()

    def _lose(self) -> None:
        self._ended()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(BrowserLost("the browser has ended"))
                answer.exception()  # looked at: who waited may be gone

    async def _take(self, data: bytes) -> None:
        long = len(data) > _LONG
        message = await asyncio.to_thread(json.loads, data) if long else json.loads(data)
        if not isinstance(message, dict):
            raise ValueError("a message that is no object")
        if "id" not in message:
            handler = self._handlers.get(message.get("method", ""))
            if handler is not None:
                handler(message.get("params") or {}, message.get("sessionId"))
            return
        answer = self._waiting.get(message["id"])
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(DevToolsError(str(message["error"].get("message", ""))[:300]))
        else:
            answer.set_result(message.get("result") or {})
