"""How a run goes, on stderr: one line that changes on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from starter.cli.output import note, one_line

if TYPE_CHECKING:
    from atlas.contracts.sync_pipeline import SyncProgress
    from starter.handles import SyncHandle

_QUIET = 5.0  # seconds between two lines where there is no terminal


class Display:
    """Shows the progress of one run. `note` prints a line without disturbing it."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = ""
        self._last_at = -_QUIET
        self._status = None
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("starting")
            self._status.start()

    async def follow(self, run: SyncHandle) -> None:
        """Show how the run goes, until it has ended."""
        async for progress in run:
            self._show(progress)

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

    def _show(self, progress: SyncProgress) -> None:
        line = described(progress)
        if self._status is not None:
            from rich.text import Text

            took = int(time.monotonic() - self._began)
            self._status.update(Text(f"{line} · {took // 60}:{took % 60:02}"))
            return
        now = time.monotonic()
        if line != self._last and now - self._last_at >= _QUIET:
            self._last, self._last_at = line, now
            note(line)


def described(progress: SyncProgress) -> str:
    """One line: which source, the stage, how many pages are done and how they ended."""
    counts = progress.counts
    parts = [progress.source, progress.stage]
    if progress.sources_total > 1:
        parts.append(f"{progress.sources_done} of {progress.sources_total} sources")
    elif progress.level:
        parts.append(f"level {progress.level}")
    if counts.seen:
        names = ("added", "updated", "unchanged", "failed", "skipped")
        ended = [f"{getattr(counts, name)} {name}" for name in names if getattr(counts, name)]
        parts.append(f"{counts.done}/{counts.seen} pages" + ("".join(f", {e}" for e in ended)))
    return one_line(" · ".join(part for part in parts if part))
