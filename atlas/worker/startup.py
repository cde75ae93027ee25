"""A worker's start outlasts a part that does not answer for a moment: a database that restarts, an
S3 that asks for patience. What only a person can fix ends it at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from atlas.domain.blob import BlobStoreError
from atlas.domain.errors import handling
from atlas.stores.postgres.connection import DatabaseUnreachable
from atlas.temporal.connection import TemporalUnreachable

T = TypeVar("T")

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
"""Seconds between two attempts: a part that starts together with the worker is seen at once, and
one that is away for long is not pressed."""
_UNAVAILABLE = (DatabaseUnreachable, TemporalUnreachable, BlobStoreError)

log = logging.getLogger("atlas.worker")


class PartMissing(Exception):
    """A part did not answer in time; the message says which, and what to do."""


class Stopped(Exception):
    """The worker was told to stop while it waited."""


class Start:
    """Waits for the parts of a worker, `patience` seconds for all of them together, or until
    `stop` is set."""

    def __init__(self, patience: float, stop: asyncio.Event) -> None:
        self._patience = patience
        self._stop = stop
        self._deadline = asyncio.get_running_loop().time() + patience

    async def of(self, opened: Callable[[], Awaitable[T]]) -> T:
        """What `opened` gives, called again while its part does not answer.

        Raises `PartMissing` after that time, `Stopped`, and whatever waiting does not fix.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                return await opened()
            except _UNAVAILABLE as error:
                self._tell(error, pause)
            await self._wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _tell(self, error: Exception, pause: float) -> None:
        if not _passes(error):
            raise error
        left = self._deadline - asyncio.get_running_loop().time()
        if left < pause:
            raise PartMissing(
                f"{_sentence(error)} Gave up after {self._patience:.0f} s of waiting "
                "(ATLAS_WORKER_START_PATIENCE)."
            ) from None
        log.warning("%s Waiting up to %.0f s for it.", _sentence(error), left)

    async def _wait(self, pause: float) -> None:
        try:
            async with asyncio.timeout(pause):
                await self._stop.wait()
        except TimeoutError:
            return
        raise Stopped


def _sentence(error: Exception) -> str:
    return f"{str(error).rstrip('.')}."


def _passes(error: Exception) -> bool:
    if isinstance(error, BlobStoreError):
        return handling(error.error_class).soon
    return isinstance(error, DatabaseUnreachable | TemporalUnreachable) and error.passing
