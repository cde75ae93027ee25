"""How a run goes, on stderr: one line that changes on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starter.cli.output import note, one_line

if TYPE_CHECKING:
    from starter.kinds import AnyHandle, JobHandle

_QUIET = 5.0  # seconds between two lines where there is no terminal


class Display:
    """Shows the progress of one run, as `describe` puts it. `note` prints a line without
    disturbing it."""

    def __init__(self, describe: Callable[[Any], str]) -> None:
        self._describe = describe
        self._began = time.monotonic()
        self._last = ""
        self._last_at = -_QUIET
        self._status = None
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("starting")
            self._status.start()

    async def follow(self, run: AnyHandle | JobHandle[Any]) -> None:
        """Show how the run goes, until it has ended."""
        async for progress in run:
            self._show(one_line(self._describe(progress)))

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

    def _show(self, line: str) -> None:
        if self._status is not None:
            from rich.text import Text

            took = int(time.monotonic() - self._began)
            self._status.update(Text(f"{line} · {took // 60}:{took % 60:02}"))
            return
        now = time.monotonic()
        if line and line != self._last and now - self._last_at >= _QUIET:
            self._last, self._last_at = line, now
            note(line)
