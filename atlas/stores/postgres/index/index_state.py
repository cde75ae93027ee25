"""How far the search index of an engine is behind the corpus, and what keeps it there: for health
checks, metrics, `atlas status` and `atlas top`. All of it is read from PostgreSQL, so it is known
whatever the engine does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from atlas.stores.postgres.connection import Connection

_COUNTED = 20_000
"""Changes whose pages are counted; of what lies beyond, each counts as a page of its own, so that
a look costs little however far the index is behind."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """The search index, as its writer last recorded it."""

    written: bool
    """Whether a process writes to it now."""
    generation: int | None
    """That searches read; None: none was ever built."""
    read_up_to: int | None
    """The change that it has read last."""
    last: int
    """The last change of the corpus."""
    documents_behind: int
    """Documents that changed since; before the first build, all."""
    seconds_behind: float
    """Age of the first change that it has not read; 0 if it has read all."""
    trouble: str | None
    """What keeps the writer from going on."""
    trouble_since: datetime | None


async def state(connection: Connection) -> IndexState:
    """Where the index stands now."""
    row = await connection.fetchrow(_STATE, _COUNTED)
    assert row is not None
    return IndexState(**row)


# The oldest unread change is looked up by its number; ages are by the database's clock, as are the
# times in the feed, so that no other clock matters.
_STATE = """
select i.holder is not null and i.held_until >= clock_timestamp() as written,
       i.generation, i.read_up_to, f.last,
       case when i.read_up_to is null
            then (select count(*) from versions v where v.valid_to is null)
            else (select count(distinct c.page_id) from (
                      select page_id from changes where number > i.read_up_to
                      order by number limit $1) c)
                 + greatest(0, f.last - i.read_up_to - $1) end as documents_behind,
       coalesce(greatest(0, extract(epoch from clock_timestamp() - (
           select c.at from changes c where c.number > coalesce(i.read_up_to, 0)
           order by c.number limit 1))), 0)::float8 as seconds_behind,
       i.trouble, i.trouble_since
from search_index i, change_feed f
"""
