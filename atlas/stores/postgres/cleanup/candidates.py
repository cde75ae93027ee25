"""Classes of things that one statement finds: candidates in the order of their key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from atlas.domain.retention import Item
from atlas.stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class ExpiryQuery:
    """`query` gives key, identity and size of what ended at $1 or before and comes after key $2,
    `values` from $3 on; `order` makes every selection come in one order."""

    query: str
    order: str
    age: timedelta | None
    """None: such things are kept forever."""
    values: tuple[object, ...] = ()

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        """The next candidates after a key ('': from the first)."""
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
        """How many candidates there are."""
        if self.age is None:
            return 0
        return int(
            await connection.fetchval(
                f"select count(*) from ({self.query}) found",  # noqa: S608 (constants)
                now - self.age,
                "",
                *self.values,
            )
        )


@dataclass(frozen=True, slots=True)
class Expiring:
    """A class whose candidates an `ExpiryQuery` finds, deleted a few hundred per transaction."""

    candidates: ExpiryQuery
    batch: int = 200
    at_once: bool = False

    async def select(
        self, connection: Connection, now: datetime, after: str, limit: int
    ) -> list[Item]:
        return await self.candidates.select(connection, now, after, limit)

    async def count(self, connection: Connection, now: datetime) -> int:
        return await self.candidates.count(connection, now)

    async def loosen(self, connection: Connection, items: Sequence[Item]) -> None:
        """Nothing belongs to such things."""


def kept(items: Sequence[Item], gone: set[str]) -> list[Item]:
    """Those of the items whose key is in `gone`."""
    return [item for item in items if item.key in gone]


async def lock_free_pages(connection: Connection, pages: Sequence[int]) -> list[int]:
    """Lock those of the pages that no run holds and nobody else has locked; the others wait for
    another day. A clean-up never waits for a run."""
    rows = await connection.fetch(
        "select page_id from page_state where page_id = any($1::bigint[]) and claim_run is null "
        "order by page_id for update skip locked",
        sorted(set(pages)),
    )
    return [row["page_id"] for row in rows]
