"""What a source's rules refused of what its listing names and its pages link to: counts by run, and
the last thousand addresses of each source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from atlas.domain.addresses.refused_addresses import MOST, RefusedAddresses
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl.runs.run_limits import hold_run


@dataclass(frozen=True, slots=True)
class RefusedByRule:
    """Addresses that a run did not take because of one rule."""

    rule: str
    """As it is declared: `exclude /old/`, `prefix https://…`, `max_pages 500`; `not a page`: the
    name is an image's, a script's …; `trap_…`: a crawler trap."""
    addresses: int
    """How many. One that pages of several levels link to counts once for each level."""
    example: str
    """One of them."""


async def note(
    connection: Connection,
    *,
    run_id: str,
    source_id: int,
    level: int,
    refused: RefusedAddresses,
    now: datetime,
) -> None:
    """Remember what was refused of a run's listing, or of the links to a level: two statements,
    however many there were. Repeated, it is remembered once."""
    async with connection.transaction():
        if not await hold_run(connection, run_id):
            return  # delivered late, after the run was closed
        # An earlier attempt, cut off since, may have noted the level already.
        await connection.execute(
            "delete from run_refusals where run_id = $1 and level = $2", run_id, level
        )
        if not refused.counts:
            return
        rules = list(refused.counts)
        await connection.execute(
            """
            insert into run_refusals (run_id, level, rule, addresses, example)
            select $1, $2, o.* from unnest($3::text[], $4::bigint[], $5::text[]) as o
            """,
            run_id,
            level,
            rules,
            [refused.counts[rule] for rule in rules],
            [refused.example(rule) for rule in rules],
        )
        await _keep(connection, run_id, source_id, refused.addresses(), now)


async def _keep(
    connection: Connection, run_id: str, source_id: int, urls: dict[str, str], now: datetime
) -> None:
    await connection.execute(
        """
        insert into refused_addresses (source_id, url, rule, run_id, refused_at)
        select $1, o.url, o.rule, $2, $3 from unnest($4::text[], $5::text[]) as o(url, rule)
        order by o.url
        on conflict (source_id, url) do update
        set rule = excluded.rule, run_id = excluded.run_id, refused_at = excluded.refused_at
        """,
        source_id,
        run_id,
        now,
        list(urls),
        list(urls.values()),
    )
    await connection.execute(
        """
        delete from refused_addresses where source_id = $1 and url = any(array(
            select url from refused_addresses where source_id = $1
            order by refused_at desc, url offset $2))
        """,
        source_id,
        MOST,
    )


async def of_run(connection: Connection, run_id: str) -> list[RefusedByRule]:
    """What a run did not take, the rule that refused most first."""
    rows = await connection.fetch(
        """
        select rule, sum(addresses)::bigint as addresses,
               (array_agg(example order by level))[1] as example
        from run_refusals where run_id = $1 group by rule order by 2 desc, 1
        """,
        run_id,
    )
    return [RefusedByRule(**row) for row in rows]
