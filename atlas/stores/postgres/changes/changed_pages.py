"""Which pages changed after a number of the feed: all that the search index needs to know."""

from __future__ import annotations

from dataclasses import dataclass

from atlas.stores.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class ChangedPages:
    """The pages of the next changes, and the number of the last of these."""

    pages: list[int]
    last: int
    more: bool
    """Whether there are further changes already."""


async def last_change(connection: Connection) -> int:
    """The number of the last change that was committed."""
    return int(await connection.fetchval("select last from change_feed"))


async def changed_pages(connection: Connection, after: int, limit: int) -> ChangedPages | None:
    """The pages of the next changes; None if the feed cannot go on from that number, because what
    follows was deleted, or because the database was restored from an older backup."""
    rows = await connection.fetch(
        """
        select f.last, f.trimmed, c.number, c.page_id
        from change_feed f
        left join changes c on c.number > $1 and c.number <= $1::bigint + $2::int
        order by c.number
        """,
        after,
        limit,
    )
    feed = rows[0]
    if not feed["trimmed"] <= after <= feed["last"]:
        return None
    last = min(after + limit, feed["last"])
    pages = sorted({row["page_id"] for row in rows if row["page_id"] is not None})
    return ChangedPages(pages, last, more=last < feed["last"])
