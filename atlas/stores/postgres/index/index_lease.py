"""Who writes to the search index: one process at a time, for as long as it renews its lease.

The engine has the last word (tantivy locks its folder); the lease keeps other processes from
trying, and lets one of them take over soon after the writer has died: at once, if it sees that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.index import generations

SECONDS = 10.0
"""How long a lease lasts that its holder does not renew."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far the index is, as its writer last recorded."""

    holder: str | None
    """The process that writes; None: nobody does."""
    generation: int | None
    read_up_to: int | None
    """The change that the generation has read last."""
    last: int
    """The last change of the corpus."""


async def hold(connection: Connection, holder: str) -> bool:
    """Take or keep the lease; false: another has it."""
    # The database's clock: those of two machines may differ by more than the lease.
    held = await connection.fetchval(
        """
        update search_index
        set holder = $1, held_until = clock_timestamp() + make_interval(secs => $2::float8)
        where holder is null or holder = $1 or held_until < clock_timestamp()
        returning true
        """,
        holder,
        SECONDS,
    )
    return bool(held)


async def held_by(connection: Connection) -> str | None:
    """Whose the lease is, or was when it ran out; None: nobody's."""
    found: str | None = await connection.fetchval("select holder from search_index")
    return found


async def take_from(connection: Connection, dead: str, holder: str) -> bool:
    """Take the lease of a holder that has died before it ends; false: it is no longer its."""
    # Compared and set in one statement: of several that see the death, one goes on.
    taken = await connection.fetchval(
        """
        update search_index
        set holder = $2, held_until = clock_timestamp() + make_interval(secs => $3::float8)
        where holder = $1
        returning true
        """,
        dead,
        holder,
        SECONDS,
    )
    return bool(taken)


async def record_progress(
    connection: Connection, holder: str, numbers: Collection[int], read_up_to: int
) -> bool:
    """Record up to which change these generations have read, which are all that searches may be
    switched to: nothing keeps their writer back. False: another began to follow meanwhile, so
    nothing is recorded."""
    async with generations.alone(connection, silent=True):
        if not await generations.followed(connection, numbers):
            return False
        active = (await generations.pointers(connection)).active
        if active in numbers:
            await connection.execute(
                "update search_index set generation = $2, read_up_to = $3, "
                "trouble = null, trouble_since = null where holder = $1",
                holder,
                active,
                read_up_to,
            )
    return True


async def record_trouble(connection: Connection, holder: str, trouble: str) -> None:
    """Record what keeps the writer from going on, and since when."""
    await connection.execute(
        "update search_index set trouble = $2, trouble_since = case when trouble is null "
        "then clock_timestamp() else trouble_since end where holder = $1",
        holder,
        trouble,
    )


async def release(connection: Connection, holder: str) -> None:
    """Give the lease back, if it is still this holder's."""
    await connection.execute(
        "update search_index set holder = null, held_until = null where holder = $1", holder
    )


async def unread(connection: Connection, run_id: str) -> bool:
    """Whether the index has yet to read something that a run changed."""
    # Only what the index has not read is looked through, which is little.
    found = await connection.fetchval(
        "select exists (select from changes where run_id = $1 and number > "
        "coalesce((select read_up_to from search_index), 0))",
        run_id,
    )
    return bool(found)


async def progress(connection: Connection) -> IndexProgress:
    """How far the index is."""
    row = await connection.fetchrow(
        """
        select case when i.held_until >= clock_timestamp() then i.holder end as holder,
               i.generation, i.read_up_to, f.last
        from search_index i, change_feed f
        """
    )
    assert row is not None
    return IndexProgress(**row)
