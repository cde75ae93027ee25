"""Which pages a run of `process_document` or `batch_process` works on, written to its record.

A page with work to do is queued as fetched; one without is done at once: settled already, gone,
or never fetched. Everything is idempotent: a repeated selection changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.processing import BatchQuery, Selected
from atlas.domain.refusal import RequestRefused
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import snapshot_reuse
from atlas.stores.postgres.crawl.pages import purged_urls
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.sources import sources
from atlas.stores.postgres.sources.rules_of_pages import under_other_rules

CHUNK = 2000
"""Pages a transaction."""


@dataclass(eq=False)
class Selection:
    """The selections as the activity makes them. Time comes from the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    extractor: int

    def check_extractor(self, wanted: int | None) -> None:
        """Raises RequestRefused when another extractor version is wanted than this worker has."""
        if wanted is not None and wanted != self.extractor:
            raise RequestRefused(
                f"extractor: {wanted} refused: the workers have version "
                f"{self.extractor}; leave 'extractor' out, or deploy workers that have it"
            )

    async def named(
        self, run_id: str, names: Iterable[str | int], *, force: bool, accept: bool = False
    ) -> None:
        """Pages by URL or number; those that Atlas does not know are recorded as missing. With
        `accept`, pages of which no body is held are done at once."""
        chunk: list[str | int] = []
        for name in names:
            chunk.append(name)
            if len(chunk) == CHUNK:
                await self._named(run_id, chunk, force, accept)
                chunk = []
        await self._named(run_id, chunk, force, accept)

    async def snapshot(self, run_id: str, digest: str, *, force: bool) -> None:
        """Every page whose last fetched body it is, those that only `fetch_url` got included."""
        async with self.pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                "select page_id from page_state where fetched_snapshot = $1 "
                "union select page_id from fetches where snapshot = $1 and page_id is not null",
                bytes.fromhex(digest),
            )
            asked = [row["page_id"] for row in rows]
            means = await snapshot_reuse.adopt(connection, asked, self.clock())
            holders = await connection.fetch(
                "select page_id from page_state "
                "where page_id = any($1::bigint[]) and fetched_snapshot = $2",
                sorted({*asked, *means.values()}),
                bytes.fromhex(digest),
            )
            found = [row["page_id"] for row in holders]
            await self._enter(connection, run_id, found, force)
            if not found:
                await enter_missing(connection, run_id, [digest])

    async def failed_of(self, run_id: str, earlier: str, *, force: bool) -> None:
        """The failed pages of an earlier run. Raises RequestRefused when there is no such run."""
        async with self.pool.acquire() as connection:
            try:
                await runs.get(connection, earlier)
            except runs.UnknownRun as error:
                raise RequestRefused(f"failed_of: {error}") from None

        async def following(connection: Connection, after: int, limit: int) -> list[int]:
            rows = await connection.fetch(
                "select page_id from run_pages where run_id = $1 and outcome = 'failed' "
                "and page_id > $2 order by page_id limit $3",
                earlier,
                after,
                limit,
            )
            pages = [row["page_id"] for row in rows]
            await snapshot_reuse.adopt(connection, pages, self.clock())
            return pages

        await self._page_by_page(run_id, following, None, force)

    async def query(self, run_id: str, query: BatchQuery, *, force: bool) -> None:
        """Pages with a stored body that match. Raises RequestRefused for an unknown source."""
        if query.source is not None:
            async with self.pool.acquire() as connection:
                try:
                    await sources.get(connection, query.source)
                except sources.UnknownSource as error:
                    raise RequestRefused(f"query.source: {error}") from None

        async def following(connection: Connection, after: int, limit: int) -> list[int]:
            return await matching(connection, query, self.extractor, after=after, limit=limit)

        await self._page_by_page(run_id, following, query.limit, force)

    async def selected(self, run_id: str) -> Selected:
        """What the run has selected."""
        async with self.pool.acquire() as connection:
            counts = await run_queue.counts(connection, run_id)
            missing = await run_queue.count_missing(connection, run_id)
        return Selected(
            pages=counts.seen, missing=missing, to_do=counts.seen - counts.done, counts=counts
        )

    async def _named(
        self, run_id: str, names: Sequence[str | int], force: bool, accept: bool
    ) -> None:
        if not names:
            return
        async with self.pool.acquire() as connection, connection.transaction():
            found = await known(connection, names)
            await enter_missing(
                connection, run_id, [str(name) for name in names if name not in found]
            )
            asked = sorted(set(found.values()))
            means = await snapshot_reuse.adopt(connection, asked, self.clock())
            await self._enter(connection, run_id, sorted(set(means.values())), force, accept)

    async def _page_by_page(
        self,
        run_id: str,
        following: Callable[[Connection, int, int], Awaitable[list[int]]],
        limit: int | None,
        force: bool,
    ) -> None:
        """In the order of page numbers, so that a repeated call continues where the first ended."""
        while True:
            async with self.pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    "select coalesce(max(page_id), 0) as last, count(*) as pages "
                    "from run_pages where run_id = $1",
                    run_id,
                )
                assert row is not None
                room = CHUNK if limit is None else min(CHUNK, limit - row["pages"])
                pages = await following(connection, row["last"], room) if room > 0 else []
                await self._enter(connection, run_id, pages, force)
            if len(pages) < room or room <= 0:
                return

    async def _enter(
        self,
        connection: Connection,
        run_id: str,
        pages: Sequence[int],
        force: bool,
        accept: bool = False,
    ) -> None:
        await connection.execute(
            _ENTER,
            run_id,
            list(pages),
            force,
            self.extractor,
            accept,
        )


async def known(connection: Connection, names: Sequence[str | int]) -> dict[str | int, int]:
    """The pages that are known by these URLs and numbers."""
    urls = {
        name: url
        for name in names
        if isinstance(name, str) and (url := snapshot_reuse.canonical_or_none(name))
    }
    rows = await connection.fetch(
        "select id, url from pages where url = any($1::text[]) or id = any($2::bigint[])",
        sorted(set(urls.values())),
        sorted({name for name in names if isinstance(name, int)}),
    )
    by_url = {row["url"]: row["id"] for row in rows}
    numbers = {row["id"] for row in rows}
    found: dict[str | int, int] = {name: by_url[url] for name, url in urls.items() if url in by_url}
    return found | {name: name for name in names if isinstance(name, int) and name in numbers}


async def _purged(connection: Connection, run_id: str, names: Sequence[str]) -> set[str]:
    """Those of the names whose address was erased: skipped, and not written down."""
    urls = {name: snapshot_reuse.canonical_or_none(name) for name in names}
    purged = await purged_urls.among(connection, [url for url in urls.values() if url])
    await purged_urls.note_refused(connection, run_id, sorted(purged))
    return {name for name, url in urls.items() if url in purged}


async def enter_missing(connection: Connection, run_id: str, asked: Sequence[str]) -> None:
    """Record what a run was asked for that is no page."""
    purged = await _purged(connection, run_id, asked)
    asked = [name for name in asked if name not in purged]
    if asked:
        await connection.execute(
            "insert into run_missing (run_id, asked) "
            "select $1, a from unnest($2::text[]) as a order by a on conflict do nothing",
            run_id,
            [name.replace("\x00", "")[:2048] for name in asked],
        )


# $1 run, $2 pages, $3 force, $4 extractor, $5 accept
_ENTER = f"""
    insert into run_pages (run_id, page_id, level, url, stage, outcome, error_class, error_code,
                           error)
    select $1, p.id, 0, p.url, case when d.outcome is null then 'fetched' else 'done' end,
           d.outcome, d.error_class, d.code, d.error
    from pages p join page_state ps on ps.page_id = p.id
    cross join lateral (
        select 'skipped', null, 'page_gone', null
        where ps.lifecycle in ('tombstoned', 'purged')
        union all
        select 'skipped', null, 'redirected', null where ps.redirect_to is not null
        union all
        select 'skipped', null, 'nothing_held',
               'no body is held of this page, or another one came since: `atlas docs held` lists '
               'what is held'
        where $5 and (ps.held_snapshot is null or ps.held_snapshot <> ps.fetched_snapshot)
        union all
        select 'failed', 'invalid', 'not_fetched',
               'no body of this page is stored: fetch it first, with fetch_url or a sync'
        where ps.fetched_snapshot is null
        union all
        select 'unchanged', null, null, null
        where not $3 and ps.settled_snapshot = ps.fetched_snapshot
          and ps.settled_extractor = $4 and not ps.links_unread
          and not {under_other_rules("ps")}
        union all
        select null, null, null, null
        limit 1
    ) as d(outcome, error_class, code, error)
    where p.id = any($2::bigint[])
    order by p.id
    on conflict do nothing
"""  # noqa: S608 (constants)


async def matching(
    connection: Connection, query: BatchQuery, extractor: int, *, after: int, limit: int
) -> list[int]:
    """The next pages with a stored body that match, by page number."""
    rows = await connection.fetch(
        _MATCHING,
        after,
        limit,
        query.source,
        query.prefix,
        query.lang,
        query.media,
        query.extractor_below,
        query.unsettled,
        query.quarantined,
        extractor,
        query.other_rules,
    )
    return [row["page_id"] for row in rows]


_MATCHING = f"""
    select ps.page_id
    from page_state ps join pages p on p.id = ps.page_id
    where ps.page_id > $1 and ps.fetched_snapshot is not null and ps.redirect_to is null
      and ps.lifecycle not in ('tombstoned', 'purged')
      and {sources.held_by(3, "ps.page_id")}
      and ($4::text is null or starts_with(p.url, $4))
      and (($5::text is null and $6::text is null) or exists (
          select from versions v join documents d on d.id = v.document_id
          where v.page_id = ps.page_id and v.valid_to is null
            and ($5::text is null or d.lang = $5) and ($6::text is null or d.media = $6)))
      and ($7::int is null or coalesce(ps.settled_extractor, 0) < $7)
      and (not $8 or ps.noindex_count = 0
                     and (ps.settled_snapshot is distinct from ps.fetched_snapshot
                          or ps.settled_extractor is distinct from $10::int
                          or ps.links_unread
                          or {under_other_rules("ps")}))
      and (not $9 or exists (
          select from quarantine q where q.page_id = ps.page_id and q.since is not null
             and q.snapshot = ps.fetched_snapshot and q.extractor = $10))
      and (not $11 or {under_other_rules("ps")})
    order by ps.page_id limit $2
"""  # noqa: S608 (constants)
