"""Limits from Python: `atlas.limits.set(host="example.org", delay=2.0)`, `list`, `clear`; and
waking the runs that may continue after a change of limits or the reset of a host."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from atlas.domain.addresses.urls import InvalidUrl, host_named
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
    """Runs that were waiting for a host and were woken."""

    runs: list[str]
    """Workflow ids."""
    untold: list[str]
    """Those that Temporal could not signal: they check by themselves within a minute."""


class ManualLimits:
    """Limits set at run time: every worker applies them from its next request on, until they are
    cleared or expire.

    A limit of a *host* comes on top of a source's own: the longer delay and the smaller number at
    once apply. A limit of a *source* replaces the source's own delay and parallel, and may be
    faster. What robots.txt asks for applies in either case.
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
        """Limit one host or one source to a request every `delay` seconds and `parallel` at once,
        replacing the limit it had; what is left out is not limited. Without `lasts` it applies
        until it is cleared. Raises `InvalidRequest`, `NotFound`."""
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
        """Remove the limit of one host or one source; whether there was one. Raises
        `InvalidRequest`."""
        host = _named(host, source)
        async with self._parts.database() as connection:
            gone = await manual_limits.clear(connection, host=host, source=source)
        await wake(self._parts, host=host, source=source)
        return gone


async def wake(
    parts: Parts, *, host: str | None = None, source: str | None = None, retries: bool = False
) -> WokenRuns:
    """Let running runs check at once whether their pages may be fetched now; one that cannot be
    signalled checks by itself within a minute."""
    async with parts.database() as connection:
        waiting = await manual_limits.wake_pages(
            connection, host=host, source=source, retries=retries
        )
    ids = [workflow_id for workflow_id, _ in waiting]
    missed = set(ids)
    for workflow_id in ids:
        with suppress(AtlasError):
            async with parts.temporal() as client:
                await client.get_workflow_handle(workflow_id).signal("wake")
                missed.discard(workflow_id)
    return WokenRuns(ids, [each for each in ids if each in missed])


def host_key(host: str) -> str:
    """The name under which a host is counted: lower case, Punycode, its port unless it is the
    scheme's own. Raises `InvalidRequest`."""
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
