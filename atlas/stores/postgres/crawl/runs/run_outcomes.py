"""What a run did with each of its pages, from its record."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from atlas.stores.postgres.connection import Connection


async def is_recorded(connection: Connection, run_id: str) -> bool:
    """Whether the run has a record of pages, or removed any."""
    found: bool = await connection.fetchval(
        "select exists (select from run_pages where run_id = $1) "
        "or exists (select from run_missing where run_id = $1) "
        "or exists (select from versions where closed_by = $1 and closed_as = 'removed')",
        run_id,
    )
    return found


async def of_run(connection: Connection, run_id: str) -> AsyncGenerator[dict[str, Any]]:
    """The outcome of each page that is done, and of each that the run removed, in the byte order of
    their URLs, streamed; then the requests for no page."""
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(_PAGES, run_id, prefetch=500):
            yield dict(row)
        async for row in connection.cursor(_MISSING, run_id, prefetch=500):
            yield {**dict.fromkeys(_FIELDS), **row, "outcome": "missing"}


_FIELDS = ("url", "page", "outcome", "error_class", "code", "text_hash", "truncated")

# A page that was removed keeps why in its class and code; one that was only missing from a listing
# has no row in the record. The text is the one that the run added or removed, else the live one.
_PAGES = """
    with mine as materialized (
        select page_id, url, outcome, error_class, error_code from run_pages
        where run_id = $1 and outcome is not null),
    gone as materialized (
        select page_id, document_id from versions where closed_by = $1 and closed_as = 'removed')
    select p.url, p.id as page,
           case when g.page_id is null then m.outcome else 'removed' end as outcome,
           m.error_class, m.error_code as code, encode(d.text_hash, 'hex') as text_hash, d.truncated
    from (select page_id from mine union select page_id from gone) o
    join pages p on p.id = o.page_id
    left join mine m on m.page_id = o.page_id
    left join gone g on g.page_id = o.page_id
    left join lateral (
        select v.document_id from versions v
        where v.page_id = o.page_id and (v.opened_by = $1 or v.valid_to is null)
        order by v.opened_by is distinct from $1, v.seq desc limit 1) v on true
    left join documents d on d.id = coalesce(g.document_id, v.document_id)
    order by p.url collate "C"
"""
_MISSING = 'select asked as url from run_missing where run_id = $1 order by asked collate "C"'
