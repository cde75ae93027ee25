"""Quarantine of listings: files that keep ending whoever parses them, left alone until they change.

A row begins with a parse and goes when one ends well. So a parse of which nothing more is heard,
because its worker was killed with it, is counted too, and no activity is retried forever. Other
bytes, another version of the parsers, or a release, lets the file be read again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import PARSER_VERSION
from atlas.stores.postgres.connection import Connection

FAILURES = 3
"""Parses of the same bytes that may fail before the file is left alone."""

_KILLED, _ENDED = "listing_killed_worker", "the worker that parsed it ended"
DEADLY = frozenset(("listing_timeout", "listing_memory", "listing_crashed", "listing_malformed"))
"""What a listing does to the child that parses it; `_KILLED` is what it does to a worker."""


@dataclass(frozen=True, slots=True)
class QuarantinedListing:
    """A file of a listing that failed too often."""

    url: str
    """Its address, as the source or a sitemap index names it."""
    snapshot: str
    """SHA-256 of the bytes that fail."""
    code: str
    reason: str
    """What went wrong the last time, in words."""
    failures: int
    """How often."""
    since: datetime
    run_id: str
    """The run that set it aside."""


@dataclass(frozen=True, slots=True)
class ListingWatch:
    """Watches the parses of one run's listing."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    source_id: int
    source: str
    run_id: str

    @asynccontextmanager
    async def parsing(self, url: str, body: bytes) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Around the parse of the file with this SHA-256; call what it yields once the child is
        through. Raises PageError(INVALID, "listing_quarantined") instead of beginning a parse."""
        await self._begin(url, body)
        try:
            yield lambda: self._heard(url)
        except PageError as error:
            if error.code in DEADLY:
                await self._failed(url, error)
            else:
                await self._forget(url)
            raise
        except BaseException:
            # The file is not to blame for a lost connection, or for a worker that is told to stop.
            with suppress(Exception):
                await self._heard(url)
            raise
        await self._forget(url)

    async def _begin(self, url: str, body: bytes) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            key = (self.source_id, url, body, PARSER_VERSION)
            row = await connection.fetchrow(_COUNTED, *key)
            if row is None or row["failures"] + row["begun"] < FAILURES:
                await connection.execute(_BEGIN, *key, self.run_id)
                return
            if row["since"] is None:  # its last parse ended with its worker
                ended = (self.source_id, url, self.clock(), self.run_id, _KILLED, _ENDED)
                await connection.execute(_SET_ASIDE, *ended)
                code, reason = _KILLED, _ENDED
            else:
                code, reason = row["code"], row["reason"]
        message = (
            f"{url} is quarantined: {row['failures'] + row['begun']} parses failed ({code}: "
            f"{reason}); it is read again when it changes, or after "
            f"`atlas sources release {self.source}`"
        )
        raise PageError(ErrorClass.INVALID, "listing_quarantined", message)

    async def _heard(self, url: str) -> None:
        await self.pool.execute(_HEARD, self.source_id, url)

    async def _failed(self, url: str, error: PageError) -> None:
        reason = error.message[:500]
        values = (self.source_id, url, error.code, reason, FAILURES, self.clock(), self.run_id)
        await self.pool.execute(_FAILED, *values)

    async def _forget(self, url: str) -> None:
        await self.pool.execute(
            "delete from listing_quarantine where source_id = $1 and url = $2", self.source_id, url
        )


# What was counted of these very bytes. Locked: a superseded attempt may still be at it.
_COUNTED = """
    select failures, begun, code, reason, since from listing_quarantine
    where source_id = $1 and url = $2 and body = $3 and parser = $4 for update
"""
_BEGIN = """
    insert into listing_quarantine as q (source_id, url, body, parser, run_id, begun)
    values ($1, $2, $3, $4, $5, 1)
    on conflict (source_id, url) do update
    set (failures, begun, since) = (
            select case when same then q.failures else 0 end,
                   case when same then q.begun + 1 else 1 end, null::timestamptz
            from (select (q.body, q.parser) = (excluded.body, excluded.parser) as same) s),
        body = excluded.body, parser = excluded.parser, run_id = excluded.run_id
"""
_SET_ASIDE = """
    update listing_quarantine
    set failures = failures + begun, begun = 0, since = $3, run_id = $4, code = $5, reason = $6
    where source_id = $1 and url = $2
"""
_HEARD = """
    update listing_quarantine set begun = greatest(begun - 1, 0)
    where source_id = $1 and url = $2 and since is null
"""
# The failure was counted among those begun, unless the child was through already.
_FAILED = """
    update listing_quarantine
    set failures = failures + 1, begun = greatest(begun - 1, 0), code = $3, reason = $4,
        since = case when failures + greatest(begun, 1) >= $5::int then $6::timestamptz end,
        run_id = $7
    where source_id = $1 and url = $2
"""


async def listed(
    connection: Connection, source: str | None = None
) -> dict[str, tuple[QuarantinedListing, ...]]:
    """The files left alone now, by source, of all or of one; in the order of their URLs."""
    rows = await connection.fetch(
        """
        select s.name, q.url, encode(q.body, 'hex') as snapshot, q.code, q.reason, q.failures,
               q.since, q.run_id
        from listing_quarantine q join sources s on s.id = q.source_id
        where q.since is not null and q.parser = $1 and ($2::text is null or s.name = $2)
        order by s.name, q.url
        """,
        PARSER_VERSION,
        source,
    )
    found: dict[str, tuple[QuarantinedListing, ...]] = {}
    for row in rows:
        values = dict(row)
        name = values.pop("name")
        found[name] = (*found.get(name, ()), QuarantinedListing(**values))
    return found


async def release(connection: Connection, source_id: int, urls: Sequence[str] = ()) -> list[str]:
    """Let files of a source be read again, all or those named; return which were left alone."""
    rows = await connection.fetch(
        "delete from listing_quarantine where source_id = $1 and ($2 or url = any($3::text[])) "
        "returning url, since",
        source_id,
        not urls,
        list(urls),
    )
    return sorted(row["url"] for row in rows if row["since"] is not None)
