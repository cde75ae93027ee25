"""Classes of things that one statement finds: candidates in the order of their key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.domain.retention import Item
from atlas.stores.postgres.connection import Connection

Delete = Callable[[Connection, list[str], datetime, datetime], Awaitable[set[str]]]
"""Deletes, in the caller's transaction, those of the things with these keys that are still
candidates under their locks, and returns their keys. The moments are now, and that before which
such things have expired."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """A class whose candidates one statement finds, deleted a few hundred per transaction.

    `query` gives key, identity and size of what ended at $1 or before and comes after key $2,
    `values` from $3 on; `order` makes every selection come in one order.
    """

    query: str
    order: str
    delete: Delete
    age: timedelta | None
    """None: such things are kept forever."""
    values: tuple[object, ...] = ()
    batch: int = 200
    at_once: bool = False

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        if self.age is None:
            return []
        rows = await connection.fetch(
            f"{self.query} order by {self.order} limit {int(limit)}",
            now - self.age,
            after,
            *self.values,
        )
        return [Item(row["key"], row["identity"], row["size"]) for row in rows]

    async def count(self, connection: Connection, now: datetime) -> int:
        if self.age is None:
            return 0
        statement = f"select count(*) from ({self.query}) found"  # noqa: S608 (constants)
        return int(await connection.fetchval(statement, now - self.age, "", *self.values))

    async def remove(
        self, connection: Connection, items: Sequence[Item], now: datetime
    ) -> list[Item]:
        before = now - self.age if self.age else now
        gone = await self.delete(connection, [item.key for item in items], now, before)
        return [item for item in items if item.key in gone]


async def lock_free_pages(connection: Connection, pages: Iterable[int]) -> list[int]:
    """Lock those of the pages that no run holds and no other session has locked; the others wait
    for another day. A clean-up never waits for a run."""
    rows = await connection.fetch(
        "select page_id from page_state where page_id = any($1::bigint[]) and claim_run is null "
        "order by page_id for update skip locked",
        sorted(set(pages)),
    )
    return [row["page_id"] for row in rows]
