"""Which blobs there are: the row is locked or made before the bytes are put."""

from __future__ import annotations

from datetime import datetime

from atlas.stores.postgres.pool import Connection


async def announce(connection: Connection, digest: str, size: int, now: datetime) -> None:
    """Say that the blob is about to be put. Clears a condemnation: collection that waits for the
    row's lock finds it wanted again."""
    await connection.execute(
        """
        with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
        insert into blobs (hash, size, put_at) select $1, $2, $3 from relaxed
        on conflict (hash) do update set put_at = excluded.put_at, condemned_at = null
        """,
        bytes.fromhex(digest),
        size,
        now,
    )
