"""`python -m starter.demo`: run the demo; exit code 0 when every check passed.

1: a check failed; 2: wrong usage; 128 + n: ended by signal n. However it ends, nothing is left
running, and the temporary home is removed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from io import TextIOWrapper
from pathlib import Path

from atlas.demo.site import DemoSite
from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.embedded.errors import EmbeddedError
from atlas.private_files import keep_private
from atlas.settings import SettingsError
from starter.cli.framework.output import note
from starter.client import AtlasClient
from starter.demo.stack import fresh_home, running_stack
from starter.demo.story import LanternHarbour, RealSite, Story
from starter.errors import AtlasError

# By default Atlas refuses to fetch from loopback. Failures are retried after one second, not five.
_HARBOUR = {"ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "ATLAS_FETCH_RETRY_DELAY": "1"}


def main(arguments: Sequence[str]) -> int:
    """Run the demo; the exit code."""
    keep_private()
    options = _options(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # The terminal may have another encoding; and in a pipe, stdout and stderr keep order.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    ended = _Ended()
    try:
        return asyncio.run(_run(options, ended))
    except asyncio.CancelledError:
        return 128 + ended.by
    except (AtlasError, EmbeddedError, SettingsError) as error:
        note(f"atlas demo: {error}")
        return 1


class _Ended:
    """Which signal asked the demo to end; 0: none."""

    by = 0

    def watch(self) -> None:
        """Cancel the current task at the first signal. Later ones are ignored: the clean-up goes
        on to its end."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on, number, task)

    def _on(self, number: int, task: asyncio.Task[int]) -> None:
        if not self.by:
            self.by = number
            task.cancel()
            with suppress(OSError):  # after SIGHUP there may be no terminal to write to
                note("\nStopping everything.")


async def _run(options: argparse.Namespace, ended: _Ended) -> int:
    ended.watch()
    story = Story()
    with fresh_home() as home:
        try:
            await _tell(story, home, options)
        except asyncio.CancelledError:
            if not story.ended:
                raise
    return 1 if story.broken else 0


async def _tell(story: Story, home: Path, options: argparse.Namespace) -> None:
    """The whole demo; its end is shown while the stack and the site are still up."""
    site = None if options.source else DemoSite()
    if site is None:
        story.title(f"Atlas, with {options.source}")
    else:
        story.title("Atlas, with Lantern Harbour: a small site of our own, full of planted trouble")
        os.environ.update(_HARBOUR)
    story.step("Start the stack")
    story.command("atlas up -d")
    async with running_stack(home) as said, site or nullcontext():
        await story.stack(home, said)
        async with AtlasClient.connect() as atlas:
            if site is None:
                real = RealSite(story, atlas, options.source, options.max_pages, options.delay)
                await real.run()
            else:
                await LanternHarbour(story, atlas, site).run()
            await _end(story, home)


async def _end(story: Story, home: Path) -> None:
    """The links and the verdict; on a terminal, wait for Ctrl-C with everything up."""
    story.end()
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        story.say(
            "Everything stops now, so the links above stop working. On a terminal the demo stays "
            "up until Ctrl-C; with ATLAS_DEMO_HOME=DIR its home is kept, and "
            "`ATLAS_HOME=DIR atlas up` starts it again."
        )
        return
    story.say("Everything stays up until Ctrl-C. In another terminal:")
    story.command(f"ATLAS_HOME={home} {Path(sys.executable).parent / 'atlas'} search '灯塔'")
    await asyncio.Event().wait()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m starter.demo",
        description="A document's way through Atlas, from sync to search, step by step.",
    )
    add = parser.add_argument
    add("--source", metavar="URL", help="a real site instead of the demo's own")
    add("--max-pages", type=int, default=200, metavar="N", help="of the real site; 200")
    add("--delay", type=float, default=1.0, metavar="S", help="between two requests; 1")
    options = parser.parse_args(arguments)
    try:
        options.source = options.source and canonicalize(options.source)
    except InvalidUrl as error:
        parser.error(f"--source: {error}")
    if options.max_pages < 1:
        parser.error(f"invalid --max-pages {options.max_pages}: give 1 or more")
    if not 0 <= options.delay <= 3600:
        parser.error(f"invalid --delay {options.delay}: give 0 to 3600 seconds")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
