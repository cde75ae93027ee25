"""Changes past their retention: deleted in blocks from the beginning of the feed, so that what is
kept has no gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.domain.retention import Item
from atlas.stores.postgres.connection import Connection

BLOCK = 1_000
"""Changes deleted together, and recorded as one item."""


@dataclass(frozen=True, slots=True)
class ExpiredChanges:
    """Changes before the first that is younger than the retention. Times need not be in the order
    of numbers: workers' clocks differ by a little."""

    age: timedelta | None
    """None: the whole feed is kept."""
    batch: int = 5
    at_once: bool = False

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        end = await self._end(connection, now)
        begin = int(after) if after else await connection.fetchval(_TRIMMED)
        blocks = range(begin, end, BLOCK)[:limit]
        return [_item(first, min(first + BLOCK, end)) for first in blocks]

    async def count(self, connection: Connection, now: datetime) -> int:
        end = await self._end(connection, now)
        return len(range(await connection.fetchval(_TRIMMED), end, BLOCK))

    async def remove(
        self, connection: Connection, items: Sequence[Item], now: datetime
    ) -> list[Item]:
        """Delete blocks, in the caller's transaction, oldest first. The feed's row is written last:
        while it is locked, nobody can append."""
        last = max(int(item.key) for item in items)
        rows = await connection.fetch(
            "delete from changes where number = any(array("
            "select number from changes where number <= $1 order by number for update)) "
            "returning number",
            last,
        )
        await connection.execute(
            "update change_feed set trimmed = $1 where trimmed < $1 and last >= $1", last
        )
        mine = {str(row["number"]) for row in rows}  # another clean-up may have been faster
        return [item for item in items if item.key in mine]

    async def _end(self, connection: Connection, now: datetime) -> int:
        """The last number that has expired; all below it have."""
        if self.age is None:
            return 0
        found: int = await connection.fetchval(
            "select coalesce((select number - 1 from changes where at > $1 "
            "order by number limit 1), (select last from change_feed))",
            now - self.age,
        )
        return found


def _item(first: int, last: int) -> Item:
    return Item(str(last), f"changes {first + 1} to {last}")


_TRIMMED = "select trimmed from change_feed"
