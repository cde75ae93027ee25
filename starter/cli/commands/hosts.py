"""`atlas hosts`: the hosts that Atlas sends requests to, and how they respond."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.durations import about
from starter.cli.framework.options import HostName
from starter.cli.framework.output import Columns, Format, emit, listing, note, pairs

if TYPE_CHECKING:
    from atlas.stores.postgres.hosts.status import HostStatus

app = App(name="hosts", help="Hosts: list, show, reset one that was down.")


@dataclass(frozen=True)
class Reset:
    """What a reset did, in JSON."""

    woken: list[str]
    """Runs that waited for the host and continue."""
    was_closed: bool
    """Whether there were failures to forget."""


def _limit(host: HostStatus) -> str:
    limits = [] if host.limit_delay is None else [f"{host.limit_delay:g} s"]
    limits += [] if host.limit_parallel is None else [f"{host.limit_parallel} at once"]
    return ", ".join(limits)


def _robots(host: HostStatus) -> str:
    if host.robots_at is None:
        return ""
    return f"{host.robots_status}, {about(datetime.now(UTC) - host.robots_at)} old"


_COLUMNS: Columns[HostStatus] = {
    "host": lambda host: host.host,
    "delay": lambda host: "" if host.delay is None else f"{host.delay:.3g} s",
    "because of": lambda host: host.delay_reason,
    "limit": _limit,
    "in flight": lambda host: host.in_flight or "",
    "breaker": lambda host: host.state,
    "failures": lambda host: host.failures or "",
    "next try": lambda host: f"in {about(max(1.0, host.waits))}" if host.next_try_at else "",
    "robots.txt": _robots,
}


@app.default
@app.command(name="list")
async def list_(
    *,
    troubled: Annotated[
        bool, Parameter(help="Only hosts that failed recently or whose breaker is not closed")
    ] = False,
    limit: Annotated[int, Parameter(help="At most this many")] = 100,
    output: Format = "text",
) -> None:
    """List hosts with delay, requests in flight and breaker. Those with requests in flight come
    first.

    The breaker is closed (requests flow), open (down: no requests until the next try), half_open
    (one request is trying) or throttled (the host sent a Retry-After). The delay is longer than
    declared because of slow answers, of 429 or 503 without a Retry-After, or of a limit.

    Examples:
        atlas hosts
        atlas hosts list --troubled
        atlas hosts list -o json
    """
    async with connected() as atlas:
        found = await atlas.hosts.list(troubled=troubled, limit=limit)
    listing("hosts", found, output, _COLUMNS)


@app.command
async def show(host: HostName, /, *, output: Format = "text") -> None:
    """Show a host: delay, limit, breaker, last error, robots.txt.

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
    """Try a host again now: forget its failures, any Retry-After and its slow answers.

    One request goes first, then all, at the usual delay; runs that waited for the host continue at
    once. Exit code 0 also if there was nothing to forget.

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
        note(f"{run} continues" + (" within a minute" if run in done.woken.untold else ""))
