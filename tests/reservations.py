"""Every reservation of a host, as the database grants it.

The pause between two requests is enforced where a slot is reserved, by the database's clock. What
a process or a server notes about it later is off by as much as a busy machine makes it wait.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

# Only a reservation sets `paced_by`. `last_at` is the moment it was granted, and was before the
# moment of the request before it, as its release corrected that.
_RECORD = """
    create table reserved (
        number bigint generated always as identity,
        host text, at timestamptz, earlier timestamptz
    );
    create function record_reservation() returns trigger language plpgsql as $$
    begin
        insert into reserved (host, at, earlier) values (new.host, new.last_at, old.last_at);
        return null;
    end $$;
    create trigger record_reservation after update of paced_by on hosts
        for each row execute function record_reservation();
"""


@dataclass(frozen=True)
class Reservation:
    """One slot: when it was granted, and when the host's request before it was sent."""

    at: datetime
    earlier: datetime

    @property
    def gap(self) -> float:
        """Seconds after the request before it."""
        return (self.at - self.earlier).total_seconds()


class Reservations:
    """All of a test's reservations, while they are recorded."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def of(self, host: str) -> list[Reservation]:
        """Those of one host, in the order in which they were granted."""
        rows = await self._pool.fetch(
            "select at, earlier from reserved where host = $1 order by number", host
        )
        return [Reservation(row["at"], row["earlier"]) for row in rows]

    async def gaps(self, host: str) -> list[float]:
        """Seconds between each two of them in a row."""
        return [each.gap for each in (await self.of(host))[1:]]


@asynccontextmanager
async def recorded(pool: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Reservations]:
    """Record every reservation on this database."""
    await pool.execute(_RECORD)
    yield Reservations(pool)
