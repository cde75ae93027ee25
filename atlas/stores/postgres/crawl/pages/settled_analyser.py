"""With which analyser a page was settled."""

from __future__ import annotations

from atlas.domain.search.analysis import ANALYSER_VERSION
from atlas.stores.postgres.connection import Connection


async def mark(connection: Connection, after: int, limit: int) -> int | None:
    """Mark the next `limit` pages after one as settled with this program's analyser, since the
    index has their texts from it: no sync need process them again. Returns the last page looked
    at; None: there was none."""
    last: int | None = await connection.fetchval(_MARK, after, limit, ANALYSER_VERSION)
    return last


# Rows are locked in the order of their ids, like everywhere.
_MARK = """
with next as materialized (
    select page_id from page_state where page_id > $1 order by page_id limit $2),
outdated as (
    select ps.page_id from next join page_state ps on ps.page_id = next.page_id
     where ps.settled_analyser < $3 order by ps.page_id for update of ps),
marked as (
    update page_state ps set settled_analyser = $3
      from outdated o where ps.page_id = o.page_id)
select max(page_id) from next
"""
