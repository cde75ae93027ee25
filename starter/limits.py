"""Limits from Python: `atlas.limits.set(host="example.org", delay=2.0)`, `list`, `clear`; and
waking the runs that they, or a host's reset, let go on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from atlas.domain.urls import InvalidUrl, host_named
from atlas.stores.postgres.hosts import manual_limits
from atlas.stores.postgres.hosts.manual_limits import Limit
from atlas.stores.postgres.sources import sources
from starter.connection import Parts
from starter.errors import AtlasError, InvalidRequest, NotFound

LONGEST = timedelta(days=366)
_SLOWEST = 24 * 3600.0
_MOST = 64


@dataclass(frozen=True, slots=True)
class WokenRuns:
    """Runs that waited for a host and were told to go on."""

    runs: list[str]
    """Workflow ids."""
    untold: list[str]
    """Those that Temporal could not be asked to wake: they look by themselves within a minute."""


class ManualLimits:
    """Limits that hold at run time, for every worker from its next request on, and last until they
    are cleared or expire.

    A limit of a *host* comes on top: whoever asks it keeps the longer delay and the smaller number
    at once. A limit of a *source* stands in the place of the source's own delay and parallel, and
    may be faster than they are. What robots.txt asks for holds beside both.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self) -> list[Limit]:
        """The limits in force: of hosts by name, then of sources."""
        async with self._parts.database() as connection:
            return await manual_limits.in_force(connection)

    async def set(
        self,
        *,
        host: str | None = None,
        source: str | None = None,
        delay: float | None = None,
        parallel: int | None = None,
        lasts: timedelta | None = None,
        reason: str = "",
    ) -> Limit:
        """Limit one host or one source to a request each `delay` seconds and `parallel` at once,
        in the place of the limit it had; what is left out is not limited. Without `lasts` it
        holds until it is cleared. Raises `InvalidRequest`, `NotFound`."""
        host = _named(host, source)
        _check(delay, parallel, lasts)
        try:
            async with self._parts.database() as connection:
                limit = await manual_limits.put(
                    connection,
                    host=host,
                    source=source,
                    delay=delay,
                    parallel=parallel,
                    reason=reason,
                    lasts=lasts,
                )
        except sources.UnknownSource as error:
            raise NotFound(str(error)) from None
        await wake(self._parts, host=host, source=source)
        return limit

    async def clear(self, *, host: str | None = None, source: str | None = None) -> bool:
        """Take the limit of one host or one source away; whether there was one. Raises
        `InvalidRequest`."""
        host = _named(host, source)
        async with self._parts.database() as connection:
            gone = await manual_limits.clear(connection, host=host, source=source)
        await wake(self._parts, host=host, source=source)
        return gone


async def wake(
    parts: Parts, *, host: str | None = None, source: str | None = None, retries: bool = False
) -> WokenRuns:
    """Let the runs under way look again now whether their pages may be fetched; one that cannot
    be told looks by itself within a minute."""
    async with parts.database() as connection:
        waiting = await manual_limits.wake_pages(
            connection, host=host, source=source, retries=retries
        )
    told = []
    for workflow_id, _ in waiting:
        with suppress(AtlasError):
            async with parts.temporal() as client:
                await client.get_workflow_handle(workflow_id).signal("wake")
                told.append(workflow_id)
    ids = [workflow_id for workflow_id, _ in waiting]
    return WokenRuns(ids, [each for each in ids if each not in told])


def host_key(host: str) -> str:
    """The host as it is counted: lower case, Punycode, its port unless it is the scheme's own.
    Raises `InvalidRequest`."""
    try:
        return host_named(host)
    except InvalidUrl as error:
        raise InvalidRequest(f"host: {error}") from None


def _named(host: str | None, source: str | None) -> str | None:
    if (host is None) == (source is None):
        raise InvalidRequest("a limit is of one host or of one source: name either")
    return None if host is None else host_key(host)


def _check(delay: float | None, parallel: int | None, lasts: timedelta | None) -> None:
    if delay is None and parallel is None:
        raise InvalidRequest("a limit limits something: give a delay (or rate), or parallel")
    if delay is not None and not 0 <= delay <= _SLOWEST:
        raise InvalidRequest(f"delay: {delay:g} s is not between 0 and {_SLOWEST:.0f} s (a day)")
    if parallel is not None and not 1 <= parallel <= _MOST:
        raise InvalidRequest(f"parallel: {parallel} is not between 1 and {_MOST}")
    if lasts is not None and not timedelta(0) < lasts <= LONGEST:
        raise InvalidRequest("for: a limit lasts more than nothing and at most 366 days")
