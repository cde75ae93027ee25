"""Which pages a restore works on, and which version of each it brings back: written to its record
once, so that a repeated or continued run brings back the same.

A page with a version to bring back is queued as fetched; every other is done at once, with the
reason. In a dry run all are done at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.processing import Selected
from atlas.contracts.restore_documents import SelectRestores
from atlas.domain.errors import ErrorClass
from atlas.domain.refusal import RequestRefused
from atlas.domain.removal.version_choice import REASONS, KeptVersion, RestoreChoice, Wanted, choose
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.runs import batch_selection, runs
from atlas.stores.postgres.sources import sources

_PAGES = 1000
"""A transaction."""
DRY_RUN = "dry_run"
"""Code of a page that would be restored."""


@dataclass(eq=False)
class RestoreSelection:
    """The selection as the activity makes it. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]

    async def select(self, request: SelectRestores) -> Selected:
        """Enter the pages. Raises RequestRefused for a run or a source that is not known."""
        if request.urls is not None:
            await self._named(request, request.urls)
        else:
            await self._page_by_page(request)
        async with self.pool.acquire() as connection:
            counts = await run_queue.counts(connection, request.run_id)
            missing = await run_queue.count_missing(connection, request.run_id)
        return Selected(
            pages=counts.seen, missing=missing, to_do=counts.seen - counts.done, counts=counts
        )

    async def _named(self, request: SelectRestores, urls: Sequence[str]) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            known = await batch_selection.known(connection, urls)
            unknown = [url for url in urls if url not in known]
            await batch_selection.enter_missing(connection, request.run_id, unknown)
            pages = sorted(set(known.values()))
            await _enter(connection, request, pages, _wanted(request), None)

    async def _page_by_page(self, request: SelectRestores) -> None:
        """In the order of page numbers, so that a repeated call continues where the first ended."""
        wanted, run, source = _wanted(request), None, 0
        async with self.pool.acquire() as connection:
            if request.of_run is not None:
                run = await _run(connection, request.of_run)
            elif request.source is not None:
                source = await _source(connection, request.source)
        while True:
            async with self.pool.acquire() as connection, connection.transaction():
                after = await connection.fetchval(
                    "select coalesce(max(page_id), 0) from run_pages where run_id = $1",
                    request.run_id,
                )
                if run is not None:
                    rows = await connection.fetch(
                        _OF_RUN, run.run_id, run.started_at, run.ended_at or self.clock(),
                        after, _PAGES,
                    )  # fmt: skip
                else:
                    rows = await connection.fetch(_OF_SOURCE, source, wanted.since, after, _PAGES)
                await _enter(connection, request, [row["page_id"] for row in rows], wanted, run)
            if len(rows) < _PAGES:
                return


def _wanted(request: SelectRestores) -> Wanted:
    return Wanted(run=request.of_run, since=request.since, version=request.version)


async def _run(connection: Connection, run_id: str) -> runs.Run:
    try:
        return await runs.get(connection, run_id)
    except runs.UnknownRun as error:
        raise RequestRefused(f"run: {error}") from None


async def _source(connection: Connection, name: str) -> int:
    try:
        return (await sources.get(connection, name)).id
    except sources.UnknownSource as error:
        raise RequestRefused(f"source: {error}") from None


async def _enter(
    connection: Connection,
    request: SelectRestores,
    pages: Sequence[int],
    wanted: Wanted,
    run: runs.Run | None,
) -> None:
    if not pages:
        return
    versions = await _versions(connection, pages, run)
    states = await connection.fetch(
        "select page_id, lifecycle = 'purged' as purged from page_state "
        "where page_id = any($1::bigint[])",
        list(pages),
    )
    choices = {
        row["page_id"]: choose(versions[row["page_id"]], wanted, purged=row["purged"])
        for row in states
    }
    await _write(connection, request.run_id, choices, dry_run=request.dry_run)


async def _versions(
    connection: Connection, pages: Sequence[int], run: runs.Run | None
) -> defaultdict[int, list[KeptVersion]]:
    found: defaultdict[int, list[KeptVersion]] = defaultdict(list)
    for row in await connection.fetch(
        _VERSIONS,
        list(pages),
        run and run.run_id,
        run and run.started_at,
        run and (run.ended_at or datetime.max.replace(tzinfo=run.started_at.tzinfo)),
    ):
        found[row["page_id"]].append(
            KeptVersion(**{name: value for name, value in row.items() if name != "page_id"})
        )
    return found


async def _write(
    connection: Connection, run_id: str, choices: dict[int, RestoreChoice], *, dry_run: bool
) -> None:
    going = {page: choice.seq for page, choice in choices.items() if choice.seq is not None}
    await connection.execute(
        """
        insert into run_restores (run_id, page_id, seq, live)
        select $1, o.page_id, o.seq, v.document_id
        from unnest($2::bigint[], $3::int[]) as o(page_id, seq)
        left join versions v on v.page_id = o.page_id and v.valid_to is null
        order by o.page_id on conflict do nothing
        """,
        run_id,
        list(going),
        list(going.values()),
    )
    rows = [_entry(page, choice, dry_run=dry_run) for page, choice in choices.items()]
    await connection.execute(
        """
        insert into run_pages (run_id, page_id, level, url, stage, outcome, error_class,
                               error_code, error)
        select $1, p.id, 0, p.url, case when o.outcome is null then 'fetched' else 'done' end,
               o.outcome, o.error_class, o.code, o.error
        from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
            as o(page_id, outcome, error_class, code, error)
        join pages p on p.id = o.page_id
        order by p.id on conflict do nothing
        """,
        run_id,
        *[list(column) for column in zip(*rows, strict=True)],
    )


def _entry(
    page: int, choice: RestoreChoice, *, dry_run: bool
) -> tuple[int, str | None, str | None, str | None, str | None]:
    if choice.seq is not None:
        return (page, "skipped", None, DRY_RUN, None) if dry_run else (page, *(None,) * 4)
    if choice.failed:
        return page, "failed", ErrorClass.INVALID.value, choice.code, REASONS[choice.code]
    if choice.code:
        return page, "skipped", None, choice.code, REASONS[choice.code]
    return page, "unchanged", None, None, None


# Pages of which the run ended a version. Of a run before this was recorded, those of its record
# whose version ended while it was under way; pages that it found absent are not among them.
_OF_RUN = """
    (select distinct v.page_id from versions v
     where v.closed_by = $1 and v.page_id > $4 order by v.page_id limit $5)
    union
    (select rp.page_id from run_pages rp
     where rp.run_id = $1 and rp.page_id > $4
       and exists (select from versions v where v.page_id = rp.page_id
                   and v.closed_by is null and v.valid_to between $2 and $3)
     order by rp.page_id limit $5)
    order by page_id limit $5
"""

# Pages that the source holds, or held until a run released them, with a version that ended since.
_LOST = """
    (exists (select from versions v where v.page_id = h.page_id and v.valid_to > $2)
     or exists (select from page_state ps where ps.page_id = h.page_id
                and ps.lifecycle = 'purged' and ps.tombstoned_at > $2))
"""
_OF_SOURCE = f"""
    (select h.page_id from source_pages h
     where h.source_id = $1 and h.page_id > $3 and {_LOST} order by h.page_id limit $4)
    union
    (select h.page_id from former_holds h
     where h.source_id = $1 and h.page_id > $3 and {_LOST} order by h.page_id limit $4)
    order by page_id limit $4
"""  # noqa: S608 (a constant of this module)

_VERSIONS = """
    select v.page_id, v.seq, d.text_hash as text, v.valid_from, v.valid_to,
           coalesce(v.opened_by, case when v.valid_from between $3 and $4 and here.page_id is not
                                            null then $2 end) as opened_by,
           coalesce(v.closed_by, case when v.valid_to between $3 and $4 and here.page_id is not
                                            null then $2 end) as closed_by,
           coalesce(v.opened_as = 'restored', false) as restored
    from versions v join documents d on d.id = v.document_id
    left join run_pages here on here.run_id = $2 and here.page_id = v.page_id
    where v.page_id = any($1::bigint[])
    order by v.page_id, v.seq
"""
