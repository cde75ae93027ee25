"""Zygotes of the tests' workers: starting one costs a second of CPU, and two hundred tests begin
workers. So they fork from a process that has imported what they import. A worker in a process of
its own has its own zygotes, which may be killed; those in this process borrow theirs, and only the
children are each worker's own, and end with it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import cast
from unittest.mock import patch

from atlas.domain.child_environment import allowed
from atlas.text.children import pool
from atlas.text.children.child_handles import _ONE_THREAD, ExtractionChild, Zygote, ZygoteLost
from atlas.text.children.zygote import main
from tests.e2e.forks import ForkServer, fork, forked

ZYGOTES = ForkServer("tests.e2e.zygotes")
_PRELOADED = (
    "atlas.text.prepare",
    "atlas.web.listing_parser",
    "atlas.web.robots_parser",
    "atlas.web.opml_parser",
)


def address() -> str:
    """Where zygotes are forked."""
    return ZYGOTES.address(allowed(os.environ) | _ONE_THREAD)


def forked_zygote(where: str, seconds: float, memory: int, preloaded: Sequence[str]) -> Zygote:
    """What `Zygote.start` does, by a fork of the process that listens there."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        request = [os.getpid(), [seconds, memory, list(preloaded)]]
        process = fork(where, request, theirs.fileno())
    return Zygote(cast("subprocess.Popen[bytes]", process), ours)


def zygotes_of(pid: int) -> list[int]:
    """Those that a process had forked: children of its own in the program."""
    return [zygote for zygote in ZYGOTES.forks() if _comm(zygote).read_text() == f"{_name(pid)}\n"]


def _name(pid: int) -> str:
    return f"zygote-{pid}"


def _comm(pid: int | str) -> Path:
    return Path(f"/proc/{pid}/comm")


class ForkedZygotes:
    """Stands in for the class `Zygote` where pools start theirs."""

    def __init__(self, where: str) -> None:
        self.start = partial(forked_zygote, where)


def fork_zygotes(where: str) -> None:
    """Have the pools of this process fork their zygotes from the process that listens there."""
    pool.Zygote = ForkedZygotes(where)  # type: ignore[assignment, misc]


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
    """Stands in for the class `Zygote` where pools of this process start theirs."""

    def __init__(self) -> None:
        self._kept: dict[tuple[float, int, tuple[str, ...]], Zygote] = {}

    def start(self, seconds: float, memory: int, preloaded: tuple[str, ...]) -> LentZygote:
        kept = self._kept.get((seconds, memory, preloaded))
        if kept is None or not kept.alive:
            kept = forked_zygote(address(), seconds, memory, preloaded)
            self._kept[seconds, memory, preloaded] = kept
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


if __name__ == "__main__":
    for name in _PRELOADED:
        import_module(name).warm_up()
    (owner, limits), control = forked()
    with suppress(OSError):  # there is no /proc
        _comm("self").write_text(_name(owner))
    main(control, *limits)
