"""`atlas top` on a terminal: redrawn each second, until `q` or Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import time
import tty
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from starter.cli.framework.durations import about
from starter.cli.views.top_screen import frame

if TYPE_CHECKING:
    from starter.monitoring.overview import Overview

_REDRAW = 1.0  # seconds; an update may take longer while a part does not answer
_OLD = 3.0
_QUIT = b"qQ\x03\x04"


async def show(looks: AsyncGenerator[Overview]) -> None:
    """Draw each update until a key or a signal asks to quit."""
    ended, latest = asyncio.Event(), _Latest()
    looking = asyncio.create_task(latest.follow(looks))
    console = Console(highlight=False)
    try:
        with _keys(ended), Live(console=console, screen=True, auto_refresh=False) as live:
            while not ended.is_set() and not looking.done():
                live.update(latest.drawn(console), refresh=True)
                await latest.wait(ended)
    finally:
        looking.cancel()
        await asyncio.wait([looking], timeout=1.0)  # before its connections are closed
    if looking.done() and not looking.cancelled():
        looking.result()  # raises what went wrong


class _Latest:
    """The latest update, and its age."""

    def __init__(self) -> None:
        self._seen: Overview | None = None
        self._at = time.monotonic()
        self._new = asyncio.Event()

    async def follow(self, looks: AsyncGenerator[Overview]) -> None:
        async for seen in looks:
            self._seen, self._at = seen, time.monotonic()
            self._new.set()

    async def wait(self, ended: asyncio.Event) -> None:
        """Wait for an update, the end, or the time to redraw."""
        waits = [asyncio.create_task(each.wait()) for each in (self._new, ended)]
        await asyncio.wait(waits, timeout=_REDRAW, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        self._new.clear()

    def drawn(self, console: Console) -> RenderableType:
        age = time.monotonic() - self._at
        if self._seen is None:
            return Text("loading …" if age < _OLD else f"loading … for {about(age)}; q quits")
        told = "q quits; runs continue"
        if age > _OLD:
            told = f"{about(age)} old: a part does not answer; q quits"
        return frame(self._seen, console.width, console.height, told)


@contextmanager
def _keys(ended: asyncio.Event) -> Iterator[None]:
    """Read keys unbuffered and without echo. The terminal is restored on signals too."""
    loop, fd = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(fd)

    def pressed() -> None:
        keys = os.read(fd, 64)
        if not keys or any(key in _QUIT for key in keys):
            ended.set()

    tty.setcbreak(fd)
    loop.add_reader(fd, pressed)
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
