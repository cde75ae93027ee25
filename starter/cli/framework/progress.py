"""The progress of a run on stderr: one changing line on a terminal, else a line now and then."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starter.cli.framework.durations import about
from starter.cli.framework.output import note, one_line

if TYPE_CHECKING:
    from starter.monitoring.run_progress import Going
    from starter.runs.handles import AnyHandle, JobHandle

_OUTCOMES = ("added", "updated", "unchanged", "failed", "skipped")
_QUIET = 5.0  # seconds between two lines without a terminal


class Display:
    """Shows the progress of a run in the words of `describe`, its page counts, and whether workers
    are missing. `note` prints a line without disturbing it."""

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
        """Show the run's progress until it ends. Only workers answer its queries, so the clock and
        what PostgreSQL knows are updated by tasks of their own."""
        updates = [asyncio.create_task(each) for each in (self._look(run), self._tick())]
        try:
            async for progress in run:
                self._said, self._paused = self._describe(progress), progress.paused
        finally:
            for task in updates:
                task.cancel()
            await asyncio.gather(*updates, return_exceptions=True)
        self._going = None  # the last line is the run's own
        self._paint()

    async def _look(self, run: AnyHandle | JobHandle[Any]) -> None:
        async for going in run.going():
            news = (going.silent is None) != (self._going is None or self._going.silent is None)
            self._going = going
            if news:
                self._last_at = -_QUIET  # reported at once, even without a terminal
                self._paint()

    async def _tick(self) -> None:
        while True:
            self._paint()
            await asyncio.sleep(1.0)

    def note(self, text: str) -> None:
        """Print a line above the progress."""
        if self._status is None:
            note(text)
        else:
            self._status.console.print(one_line(text), markup=False, highlight=False)

    def close(self) -> None:
        """Remove the progress line."""
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


def words_of(going: Going | None, *, paused: bool = False) -> str:
    """Pages, rate and time left; or how long workers have been missing."""
    if going is None:
        return ""
    parts = [_pages(going)] if going.pages else []
    if going.silent is not None:
        parts.append(
            f"no worker is running, for {about(going.silent)}: start one with `atlas up -d` or "
            "`atlas worker`; nothing moves before"
        )
    elif going.rate and not paused:
        parts.append(_rate(going.rate))
        if going.left is not None:
            parts.append(f"about {about(going.left)} left")
    return " · ".join(parts)


def _pages(going: Going) -> str:
    pages = going.pages
    assert pages is not None
    ended = [f"{pages.ended[name]} {name}" for name in _OUTCOMES if pages.ended.get(name)]
    if pages.under_way.get("listed"):
        of = f"{going.fetched}/{pages.total} pages fetched, {pages.done} done"
    else:
        of = f"{pages.done}/{pages.total} pages done"
    return f"{of}: {', '.join(ended)}" if ended else of


def _rate(rate: float) -> str:
    return f"{rate:.1f} pages/s" if rate >= 0.5 else f"{rate * 60:.1f} pages/min"
