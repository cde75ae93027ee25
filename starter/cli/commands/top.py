"""`atlas top`: what is running, waiting or late, live."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import CANNOT_CONNECT, DONE
from starter.cli.framework.options import StaleAfter, tolerance
from starter.cli.framework.output import Format, emit

if TYPE_CHECKING:
    from datetime import timedelta

    from starter.client import AtlasClient
    from starter.monitoring.overview import Overview


async def top(
    *,
    interval: Annotated[
        str, Parameter(help="Time between two updates, such as 0.5s, 2s or 1m")
    ] = "1s",
    once: Annotated[bool, Parameter(help="Print once and exit")] = False,
    stale_after: StaleAfter = None,
    output: Format = "text",
) -> int:
    """Show workers, queues, runs, hosts, sources and schedules, live. `q` or Ctrl-C quits; runs
    continue. Without a terminal, and with `-o json`, it prints once; `-o jsonl` prints a line at
    each interval.

    Examples:
        atlas top
        atlas top --once
        atlas top -o jsonl --interval 10s | jq -c '{at, runs: (.runs | length)}'
    """
    from starter.cli.framework.durations import seconds
    from starter.errors import InvalidRequest

    pause = seconds("--interval", interval)
    if not 0.2 <= pause <= 3600:
        raise InvalidRequest(f"--interval: {interval!r} refused: give 0.2s to 1h")
    allowed = tolerance(stale_after)
    live = output == "text" and not once and sys.stdout.isatty() and sys.stdin.isatty()
    async with connected() as atlas:
        if live:
            from starter.cli.views.top_live import show

            await show(atlas.watch(pause, stale_after=allowed))
            return DONE
        if output == "jsonl" and not once:
            return await _stream(atlas, pause, allowed)
        return _printed(await atlas.overview(stale_after=allowed), output)


async def _stream(atlas: AtlasClient, pause: float, allowed: timedelta | None) -> int:
    async for seen in atlas.watch(pause, stale_after=allowed):
        _printed(seen, "jsonl")
        sys.stdout.flush()
    return DONE


def _printed(seen: Overview, output: str) -> int:
    if output == "text":
        from starter.cli.views.top_screen import printed

        printed(seen)
    else:
        emit("overview", seen, output=output)
    return CANNOT_CONNECT if any(each.connection for each in seen.untold) else DONE
