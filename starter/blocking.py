"""`Blocking`: the client for programs without an event loop, such as a Django view or a script.

    atlas = Blocking()
    result = atlas(lambda client: client.fetch_url("https://example.org/"))

The client's methods are not repeated here: pass a function that calls them.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
)
from typing import TYPE_CHECKING, Self, TypeVar, cast

from starter.changes import ChangeStream
from starter.client import AtlasClient
from starter.errors import InvalidRequest

if TYPE_CHECKING:
    from atlas.settings import Settings

T = TypeVar("T")
_END = object()


class Blocking:
    """One `AtlasClient` on a thread of its own, for any number of callers.

    It opens on the first call, so a module may hold one before a server forks. Use it as a context
    manager or call `close`; at the end of a program neither is needed.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings
        self._opening = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: AtlasClient | None = None
        self._process = 0

    def __call__(self, work: Callable[[AtlasClient], Awaitable[T]]) -> T:
        """Call `work` with the client and wait for its result; raises what it raises.

        Raises `InvalidRequest` inside a running event loop, which it would block; `await` the
        client's methods there.
        """
        client, loop = self._opened()
        return self._wait(_done(work(client)), loop)

    def each(self, work: Callable[[AtlasClient], AsyncIterable[T]]) -> Iterator[T]:
        """Iterate over what `work` yields, as it comes: a run's progress, documents, or changes."""
        client, loop = self._opened()
        coming = aiter(work(client))
        try:
            while (item := self._wait(_next(coming), loop)) is not _END:
                yield cast(T, item)
        finally:
            if isinstance(coming, AsyncGenerator | ChangeStream):
                self._wait(coming.aclose(), loop)

    def close(self) -> None:
        """Close every connection. Runs go on."""
        if self._loop is None or self._process != os.getpid():
            return
        loop, client = self._loop, self._client
        self._loop = self._client = None
        if client is not None:
            self._wait(client.close(), loop)
        loop.call_soon_threadsafe(loop.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> tuple[AtlasClient, asyncio.AbstractEventLoop]:
        if _loop_here():
            raise InvalidRequest(
                "Blocking would stop the event loop that runs here: "
                "`async with AtlasClient.connect() as atlas` instead"
            )
        with self._opening:
            # A child of a fork has the objects of its parent, but not the thread.
            if self._loop is None or self._client is None or self._process != os.getpid():
                self._client = AtlasClient.connect(self._settings)
                self._process = os.getpid()
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_turn, args=(self._loop,), name="atlas-client", daemon=True
                ).start()
            return self._client, self._loop

    def _wait(self, work: Awaitable[T], loop: asyncio.AbstractEventLoop) -> T:
        future = asyncio.run_coroutine_threadsafe(_done(work), loop)
        try:
            return future.result()
        except BaseException:  # Ctrl-C: nobody wants the result any more
            future.cancel()
            raise


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _loop_here() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _done(work: Awaitable[T]) -> T:
    return await work


async def _next(coming: AsyncIterator[object]) -> object:
    return await anext(coming, _END)
