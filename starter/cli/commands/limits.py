"""`atlas limits`: how fast a host, or the runs of a source, may be asked; at run time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.durations import duration, seconds, written
from starter.cli.framework.options import HostName, SourceName
from starter.cli.framework.output import Format, emit, emit_list, note, say, table, when

if TYPE_CHECKING:
    from atlas.stores.postgres.hosts.manual_limits import Limit

app = App(
    name="limits",
    help="Slow a host or a source down, or let a source go faster, while runs are under way.",
)
set_app = App(name="set", help="Set the limit of a host, or of a source.")
clear_app = App(name="clear", help="Take a limit away.")
app.command(set_app)
app.command(clear_app)

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|sec|second|m|min|minute|h|hour|d|day)")
_PER = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@Parameter(name="*")
@dataclass(frozen=True)
class Given:
    """What a limit demands, as it is typed."""

    delay: Annotated[
        str | None, Parameter(help="Between two requests to a host: 2s, 0.5s, 1m; or plain seconds")
    ] = None
    rate: Annotated[
        str | None, Parameter(help="The same as a rate: 30/min, 2/s, 500/h; instead of --delay")
    ] = None
    parallel: Annotated[int | None, Parameter(help="Requests to a host at once, 1 to 64")] = None
    lasts: Annotated[
        str | None,
        Parameter(name="--for", help="How long it holds: 2h, 1d; until cleared by default"),
    ] = None
    reason: Annotated[str, Parameter(help="Why; shown with the limit")] = ""

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
            raise InvalidRequest("--delay and --rate say the same thing: give one of them")
        if self.rate is not None:
            return _of_rate(self.rate)
        return None if self.delay is None else seconds("--delay", self.delay)


_NOTHING = Given()


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
    if output != "text":
        emit_list("limits", found, output)
        return
    heads = ("of", "name", "delay", "parallel", "until", "set", "reason")
    table(heads, [_row(each) for each in found])
    if not found:
        note("no limit is set; sources keep their own pace (`atlas sources show`)")


@set_app.command(name="host")
async def set_host(host: HostName, /, *, given: Given = _NOTHING, output: Format = "text") -> None:
    """Slow a host down for everyone: all sources, single fetches, robots.txt, of all workers.

    It comes on top of what sources say: the longer delay and the smaller number hold. It takes
    the place of the limit that the host had. Runs under way keep it from their next request on.

    Examples:
        atlas limits set host docs.example.com --delay 5s --parallel 1
        atlas limits set host docs.example.com --rate 30/min --for 2h --reason "they asked us to"
    """
    await _set(output, host=host, **given.fields())


@set_app.command(name="source")
async def set_source(
    source: SourceName, /, *, given: Given = _NOTHING, output: Format = "text"
) -> None:
    """Let the runs of a source go slower, or faster, than its own rules say.

    It stands in the place of the source's delay and parallel until it is cleared or expires; a
    limit of the host and the Crawl-delay of robots.txt still hold.

    Examples:
        atlas limits set source docs --delay 0.2s --for 1h
        atlas limits set source docs --rate 10/min
    """
    await _set(output, source=source, **given.fields())


@clear_app.command(name="host")
async def clear_host(host: HostName, /) -> None:
    """Take the limit of a host away. Exit code 0 also when it had none.

    Examples:
        atlas limits clear host docs.example.com
    """
    await _clear("host", host)


@clear_app.command(name="source")
async def clear_source(source: SourceName, /) -> None:
    """Take the limit of a source away. Exit code 0 also when it had none.

    Examples:
        atlas limits clear source docs
    """
    await _clear("source", source)


async def _set(output: str, **fields: Any) -> None:
    async with connected() as atlas:
        limit = await atlas.limits.set(**fields)
    if output != "text":
        emit("limit", limit, output=output)
    else:
        say(_told(limit))


async def _clear(kind: str, name: str) -> None:
    async with connected() as atlas:
        gone = await atlas.limits.clear(**{kind: name})
    note(f"{kind} {name}: " + ("its limit is gone" if gone else "it has no limit"))


def _of_rate(text: str) -> float:
    from starter.errors import InvalidRequest

    found = _RATE.fullmatch(text.strip().lower())
    if found is None or float(found.group(1)) == 0:
        raise InvalidRequest(f"--rate: {text!r} is no rate; write 30/min, 2/s or 500/h")
    return _PER[found.group(2)[0]] / float(found.group(1))


def _told(limit: Limit) -> str:
    of = f"host {limit.host}" if limit.host else f"source {limit.source}"
    parts = [] if limit.delay is None else [f"{limit.delay:g} s between requests"]
    parts += [] if limit.parallel is None else [f"{limit.parallel} at once"]
    until = f"until {when(limit.expires_at)}" if limit.expires_at else "until it is cleared"
    return f"{of}: {', '.join(parts)}, {until}"


def _row(limit: Limit) -> tuple[object, ...]:
    lasts = "" if limit.expires_at is None else written(limit.expires_at - limit.set_at)
    return (
        "host" if limit.host else "source",
        limit.host or limit.source,
        "" if limit.delay is None else f"{limit.delay:g} s",
        limit.parallel,
        f"{when(limit.expires_at)} ({lasts})" if lasts else "cleared",
        limit.set_at,
        limit.reason,
    )
