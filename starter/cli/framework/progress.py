"""How a run goes, on stderr: one line that changes on a terminal, lines elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starter.cli.framework.output import note, one_line
from starter.cli.framework.progress_line import words_of

if TYPE_CHECKING:
    from starter.monitoring.run_progress import Going
    from starter.runs.handles import AnyHandle, JobHandle

_QUIET = 5.0  # seconds between two lines where there is no terminal


class Display:
    """Shows the progress of one run, as `describe` puts it, its pages as they come, and that no
    worker is there. `note` prints a line without disturbing it."""

    def __init__(self, describe: Callable[[Any], str]) -> None:
        self._describe = describe
        self._began = time.monotonic()
        self._said = ""
        self._going: Going | None = None
        self._paused = False
        self._last = ""
        self._last_at = -_QUIET
        self._status = None
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("starting")
            self._status.start()

    async def follow(self, run: AnyHandle | JobHandle[Any]) -> None:
        """Show how the run goes, until it has ended. The run answers only while a worker is there,
        so the clock, and what can be told without it, go on beside."""
        beside = [asyncio.create_task(each) for each in (self._look(run), self._tick())]
        try:
            async for progress in run:
                self._said, self._paused = self._describe(progress), progress.paused
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        self._going = None  # the last word is the run's own
        self._paint()

    async def _look(self, run: AnyHandle | JobHandle[Any]) -> None:
        async for going in run.going():
            news = (going.silent is None) != (self._going is None or self._going.silent is None)
            self._going = going
            if news:
                self._last_at = -_QUIET  # told at once, also where there is no terminal
                self._paint()

    async def _tick(self) -> None:
        while True:
            self._paint()
            await asyncio.sleep(1.0)

    def note(self, text: str) -> None:
        """A line for the person."""
        if self._status is None:
            note(text)
        else:
            self._status.console.print(one_line(text), markup=False, highlight=False)

    def close(self) -> None:
        """Take the changing line away."""
        if self._status is not None:
            self._status.stop()

    def _paint(self) -> None:
        said = (self._said, words_of(self._going, paused=self._paused))
        line = one_line(" · ".join(each for each in said if each))
        if self._status is not None:
            from rich.text import Text

            took = int(time.monotonic() - self._began)
            self._status.update(Text(f"{line} · {took // 60}:{took % 60:02}"))
            return
        now = time.monotonic()
        if line and line != self._last and now - self._last_at >= _QUIET:
            self._last, self._last_at = line, now
            note(line)
