"""`atlas limits`: limit the request rate of hosts and sources at run time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.durations import duration, seconds, written
from starter.cli.framework.options import HostName, SourceName
from starter.cli.framework.output import Columns, Format, emit, listing, note, say, when

if TYPE_CHECKING:
    from atlas.stores.postgres.hosts.manual_limits import Limit

app = App(
    name="limits",
    help="Slow down a host or a source, or speed up a source, while runs are in progress.",
)
set_app = App(name="set", help="Set the limit of a host or a source.")
clear_app = App(name="clear", help="Clear the limit of a host or a source.")
app.command(set_app)
app.command(clear_app)

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|sec|second|m|min|minute|h|hour|d|day)")
_PER = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@Parameter(name="*")
@dataclass(frozen=True)
class Given:
    """A limit as typed."""

    delay: Annotated[
        str | None, Parameter(help="Between two requests to a host: 2s, 0.5s, 1m, or plain seconds")
    ] = None
    rate: Annotated[
        str | None, Parameter(help="Instead of --delay, a rate: 30/min, 2/s, 500/h")
    ] = None
    parallel: Annotated[int | None, Parameter(help="Requests to a host at once, 1 to 64")] = None
    lasts: Annotated[
        str | None,
        Parameter(name="--for", help="How long it holds: 2h, 1d; by default until it is cleared"),
    ] = None
    reason: Annotated[str, Parameter(help="Shown with the limit")] = ""

    def fields(self) -> dict[str, Any]:
        """By the names of `ManualLimits.set`. Raises `InvalidRequest`."""
        return {
            "delay": self._seconds(),
            "parallel": self.parallel,
            "lasts": None if self.lasts is None else duration("--for", self.lasts),
            "reason": self.reason,
        }

    def _seconds(self) -> float | None:
        from starter.errors import InvalidRequest

        if self.delay is not None and self.rate is not None:
            raise InvalidRequest("--delay and --rate exclude each other: give one of them")
        if self.rate is not None:
            return _of_rate(self.rate)
        return None if self.delay is None else seconds("--delay", self.delay)


_NOTHING = Given()


def _until(limit: Limit) -> str:
    if limit.expires_at is None:
        return "cleared"
    return f"{when(limit.expires_at)} ({written(limit.expires_at - limit.set_at)})"


_COLUMNS: Columns[Limit] = {
    "of": lambda limit: "host" if limit.host else "source",
    "name": lambda limit: limit.host or limit.source,
    "delay": lambda limit: "" if limit.delay is None else f"{limit.delay:g} s",
    "parallel": lambda limit: limit.parallel,
    "until": _until,
    "set": lambda limit: limit.set_at,
    "reason": lambda limit: limit.reason,
}


@app.default
@app.command
async def show(*, output: Format = "text") -> None:
    """List the limits in force.

    Examples:
        atlas limits show
        atlas limits show -o json
    """
    async with connected() as atlas:
        found = await atlas.limits.list()
    listing("limits", found, output, _COLUMNS)
    if not found and output == "text":
        note("no limits; sources follow their own rules (`atlas sources show`)")


@set_app.command(name="host")
async def set_host(host: HostName, /, *, given: Given = _NOTHING, output: Format = "text") -> None:
    """Slow down a host for all requests of all workers.

    The limit adds to the rules of sources: the longer delay and the smaller number apply. It
    replaces an earlier limit of the host. Runs in progress follow it from their next request on.

    Examples:
        atlas limits set host docs.example.com --delay 5s --parallel 1
        atlas limits set host docs.example.com --rate 30/min --for 2h --reason "they asked us to"
    """
    await _set(output, host=host, **given.fields())


@set_app.command(name="source")
async def set_source(
    source: SourceName, /, *, given: Given = _NOTHING, output: Format = "text"
) -> None:
    """Make the runs of a source slower or faster than its rules say.

    The limit replaces the source's delay and parallel until it is cleared or expires; a limit of
    the host and the Crawl-delay of robots.txt still apply.

    Examples:
        atlas limits set source docs --delay 0.2s --for 1h
        atlas limits set source docs --rate 10/min
    """
    await _set(output, source=source, **given.fields())


@clear_app.command(name="host")
async def clear_host(host: HostName, /) -> None:
    """Clear the limit of a host. Exit code 0 also if it had none.

    Examples:
        atlas limits clear host docs.example.com
    """
    await _clear("host", host)


@clear_app.command(name="source")
async def clear_source(source: SourceName, /) -> None:
    """Clear the limit of a source. Exit code 0 also if it had none.

    Examples:
        atlas limits clear source docs
    """
    await _clear("source", source)


async def _set(output: str, **fields: Any) -> None:
    async with connected() as atlas:
        limit = await atlas.limits.set(**fields)
    if output != "text":
        emit("limit", limit, output=output)
        return
    of = f"host {limit.host}" if limit.host else f"source {limit.source}"
    parts = [] if limit.delay is None else [f"{limit.delay:g} s between requests"]
    parts += [] if limit.parallel is None else [f"{limit.parallel} at once"]
    until = f"until {when(limit.expires_at)}" if limit.expires_at else "until it is cleared"
    say(f"{of}: {', '.join(parts)}, {until}")


async def _clear(kind: str, name: str) -> None:
    async with connected() as atlas:
        gone = await atlas.limits.clear(**{kind: name})
    note(f"{kind} {name}: " + ("limit cleared" if gone else "it has no limit"))


def _of_rate(text: str) -> float:
    from starter.errors import InvalidRequest

    found = _RATE.fullmatch(text.strip().lower())
    if found is None or float(found.group(1)) == 0:
        raise InvalidRequest(f"--rate: {text!r} is not a rate; write 30/min, 2/s or 500/h")
    return _PER[found.group(2)[0]] / float(found.group(1))
