"""`python -m starter.demo`: run the demo; exit code 0 when everything came out as planted.

1: something did not; 2: wrong usage; 128 + n: ended by signal n. Whatever happens, nothing is left
running, and the temporary home is removed.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from atlas.domain.urls import InvalidUrl, canonicalize
from atlas.embedded.errors import EmbeddedError
from atlas.settings import SettingsError
from starter.cli.framework.output import note
from starter.demo import lantern, real
from starter.demo.home import HomeRefused, fresh_home
from starter.demo.story import Story
from starter.errors import AtlasError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ERRORS = (AtlasError, EmbeddedError, SettingsError, HomeRefused)


def main(arguments: Sequence[str]) -> int:
    """Run the demo; the exit code."""
    options = _options(arguments)
    for stream in (sys.stdout, sys.stderr):  # a terminal of another encoding
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    ended = _Ended()
    try:
        return asyncio.run(_run(options, ended))
    except asyncio.CancelledError:
        return 128 + ended.by
    except _ERRORS as error:
        note(f"atlas demo: {error}")
        return 1


class _Ended:
    """Which signal asked the demo to end; 0: none."""

    by = 0

    def watch(self) -> None:
        """Cancel the current task at the first signal; the later ones wait for the clean-up."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on, number, task)

    def _on(self, number: int, task: asyncio.Task[int]) -> None:
        if not self.by:
            self.by = number
            task.cancel()


async def _run(options: argparse.Namespace, ended: _Ended) -> int:
    ended.watch()
    story = Story()
    async with fresh_home() as home:
        finale = partial(_finale, story, home)
        try:
            if options.source:
                await real.tell(
                    story, home, finale, options.source, options.max_pages, options.delay
                )
            else:
                await lantern.tell(story, home, finale)
        except asyncio.CancelledError:
            note("\nStopping everything.")
            if not story.told:
                raise
    return 1 if story.broken else 0


async def _finale(story: Story, home: Path, links: Sequence[str]) -> None:
    """The verdict and the links; on a terminal, wait for Ctrl-C with everything up."""
    story.step("See it in the Web UI")
    for number, link in enumerate(links, 1):
        story.row(f"sync {number}", link)
    story.end()
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        story.say(
            "Everything stops now, links included. On a terminal it stays up until Ctrl-C; "
            "ATLAS_DEMO_HOME=DIR keeps the home for `ATLAS_HOME=DIR atlas up`."
        )
        return
    story.say("Everything stays up until Ctrl-C. In another terminal:")
    story.command(f"ATLAS_HOME={home} {Path(sys.executable).parent / 'atlas'} search '灯塔'")
    await asyncio.Event().wait()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m starter.demo",
        description="The way of a document on a stack of its own, step by step, and checked.",
    )
    parser.add_argument("--source", type=_url, metavar="URL", help="a real site instead of ours")
    parser.add_argument(
        "--max-pages", type=_count, default=200, metavar="N", help="of the real site; 200"
    )
    parser.add_argument(
        "--delay", type=_seconds, default=1.0, metavar="S", help="between two requests; 1"
    )
    return parser.parse_args(arguments)


def _url(text: str) -> str:
    try:
        return canonicalize(text)
    except InvalidUrl as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of pages; give 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} refused; give 0 to 3600 seconds")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
