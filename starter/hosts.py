"""Hosts from Python: `atlas.hosts.list()`, `get`, `reset`."""

from __future__ import annotations

from dataclasses import dataclass

from atlas.stores.postgres.hosts import circuit_breaker, status
from atlas.stores.postgres.hosts.status import HostStatus
from starter.connection import Parts
from starter.errors import NotFound
from starter.limits import WokenRuns, host_key, wake


@dataclass(frozen=True, slots=True)
class HostReset:
    """What a reset did."""

    before: HostStatus
    """The host before it."""
    was_closed: bool
    """Whether there was anything to forget."""
    woken: WokenRuns


class Hosts:
    """The hosts that Atlas has contacted: their pace and their circuit breakers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, *, troubled: bool = False, limit: int = 100) -> list[HostStatus]:
        """Hosts now: those with requests under way first, then those that failed, then the last
        asked; `troubled`: only those with recent failures or an open breaker."""
        async with self._parts.database() as connection:
            return await status.listed(connection, troubled=troubled, limit=limit)

    async def get(self, host: str) -> HostStatus:
        """One host, by its name, with its port if that is not the scheme's own. Raises `NotFound`,
        `InvalidRequest`."""
        name = host_key(host)
        async with self._parts.database() as connection:
            found = await status.listed(connection, host=name)
        if not found:
            raise NotFound(f"host '{name}' was never asked; `atlas hosts` lists those that were")
        return found[0]

    async def reset(self, host: str) -> HostReset:
        """Forget a host's failures and its Retry-After, so that it is asked again at once, at its
        usual pace; runs that wait for it go on. Raises `NotFound`, `InvalidRequest`."""
        before = await self.get(host)
        async with self._parts.database() as connection:
            forgotten = await circuit_breaker.reset(connection, before.host)
        woken = await wake(self._parts, host=before.host, retries=True)
        return HostReset(before, forgotten, woken)
