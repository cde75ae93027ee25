"""Zygotes lent to the workers of one test process: starting one costs a second of CPU, and more
than a hundred tests begin a worker. Children are each worker's own, and end with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest.mock import patch

from atlas.text import pool
from atlas.text.children import ExtractionChild, Zygote, ZygoteLost


class LentZygote:
    """What a pool takes for its own zygote."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._pids: set[int] = set()
        self._given_back = False

    @property
    def alive(self) -> bool:
        return self._zygote.alive and not self._given_back

    @property
    def pid(self) -> int:
        return self._zygote.pid

    async def fork(self) -> ExtractionChild:
        child = await self._zygote.fork()
        child.zygote = self  # type: ignore[assignment]
        self._pids.add(child.pid)
        return child

    async def end(self, pid: int) -> tuple[int, int]:
        self._pids.discard(pid)
        return await self._zygote.end(pid)

    async def stop(self) -> None:
        self._given_back = True
        for pid in tuple(self._pids):
            with suppress(ZygoteLost):
                await self.end(pid)


class Lender:
    """Stands in for the class `Zygote` where pools start theirs."""

    def __init__(self) -> None:
        self._kept: dict[tuple[float, int, tuple[str, ...]], Zygote] = {}

    def start(self, seconds: float, memory: int, preloaded: tuple[str, ...]) -> LentZygote:
        kept = self._kept.get((seconds, memory, preloaded))
        if kept is None or not kept.alive:
            kept = self._kept[seconds, memory, preloaded] = Zygote.start(seconds, memory, preloaded)
        return LentZygote(kept)

    async def close(self) -> None:
        for zygote in self._kept.values():
            if zygote.alive:
                await zygote.stop()
        self._kept.clear()


LENDER = Lender()


@contextmanager
def lent() -> Iterator[None]:
    """Workers that begin in this block borrow their zygote."""
    with patch.object(pool, "Zygote", LENDER):
        yield
