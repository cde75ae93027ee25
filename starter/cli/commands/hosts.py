"""`atlas hosts`: how the hosts fare that Atlas asks, and trying one again now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.durations import about
from starter.cli.framework.options import HostName
from starter.cli.framework.output import Format, emit, emit_list, note, pairs, table

if TYPE_CHECKING:
    from atlas.stores.postgres.hosts.status import HostStatus

app = App(name="hosts", help="List the hosts that are asked; try one again that was down.")


@dataclass(frozen=True)
class Reset:
    """What a reset did, as JSON says it."""

    woken: list[str]
    """Runs that waited for the host and go on."""
    was_closed: bool
    """Whether there was something to forget."""


@app.default
@app.command(name="list")
async def list_(
    *,
    troubled: Annotated[
        bool, Parameter(help="Only those that failed lately or are closed")
    ] = False,
    limit: Annotated[int, Parameter(help="How many")] = 100,
    output: Format = "text",
) -> None:
    """List hosts: pace, requests under way, breaker. Those under way come first.

    The breaker is closed (asked at its pace), open (down: left alone until the next try),
    half_open (one request tries it) or throttled (it asked for patience).

    Examples:
        atlas hosts
        atlas hosts list --troubled
        atlas hosts list -o json
    """
    async with connected() as atlas:
        found = await atlas.hosts.list(troubled=troubled, limit=limit)
    if output != "text":
        emit_list("hosts", found, output)
        return
    heads = ("host", "delay", "limit", "under way", "breaker", "failures", "next try", "robots")
    table(heads, [_row(each) for each in found])


@app.command
async def show(host: HostName, /, *, output: Format = "text") -> None:
    """Show one host: pace, limit, breaker, last error, robots.txt.

    Examples:
        atlas hosts show docs.example.com
        atlas hosts show docs.example.com:8080 -o json
    """
    async with connected() as atlas:
        found = await atlas.hosts.get(host)
    if output != "text":
        emit("host", found, output=output)
    else:
        pairs(asdict(found))


@app.command
async def reset(host: HostName, /, *, output: Format = "text") -> None:
    """Try a host again now: forget its failures, and a Retry-After that it asked for.

    It is asked at its pace, by one request and then by all; runs that wait for it go on at once.
    Exit code 0 also when there was nothing to forget.

    Examples:
        atlas hosts reset docs.example.com
    """
    async with connected() as atlas:
        done = await atlas.hosts.reset(host)
        after = await atlas.hosts.get(host)
    if output != "text":
        emit("host_reset", after, Reset(done.woken.runs, done.was_closed), output=output)
        return
    before = done.before
    if done.was_closed:
        note(f"{before.host}: {before.failures} failures forgotten; it was {before.state}")
    else:
        note(f"{before.host}: it had no failures; nothing to forget")
    for run in done.woken.runs:
        note(f"{run} goes on" + (" within a minute" if run in done.woken.untold else ""))


def _row(host: HostStatus) -> tuple[object, ...]:
    limits = [] if host.limit_delay is None else [f"{host.limit_delay:g} s"]
    limits += [] if host.limit_parallel is None else [f"{host.limit_parallel} at once"]
    return (
        host.host,
        "" if host.delay is None else f"{host.delay:g} s",
        ", ".join(limits),
        host.in_flight or "",
        host.state,
        host.failures or "",
        f"in {about(max(1.0, host.waits))}" if host.next_try_at else "",
        _robots(host),
    )


def _robots(host: HostStatus) -> str:
    if host.robots_at is None:
        return ""
    return f"{host.robots_status}, {about(datetime.now(UTC) - host.robots_at)} old"
