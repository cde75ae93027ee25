"""Pushes as the activities see them: accepted, taken, ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.contracts.processing import MAX_DOCUMENTS_LISTED
from atlas.contracts.push_documents import AcceptPush, PushAccepted, PushedDocument, PushedPage
from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.batch import HeldPage
from atlas.domain.delivery import (
    Delivery,
    PushTarget,
    http_date,
    media_and_charset,
    push_target,
)
from atlas.domain.errors import PURGED_SAYS
from atlas.domain.measures import UNMEASURED, Measures
from atlas.domain.refusal import RequestRefused
from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.crawl import run_queue
from atlas.stores.postgres.crawl.bodies import blob_index, delivered_bodies
from atlas.stores.postgres.crawl.pages import purged_urls
from atlas.stores.postgres.crawl.runs import batch_selection, runs
from atlas.stores.postgres.settlement import withdrawn_pages
from atlas.stores.postgres.settlement.withdrawn_pages import Withdrawn
from atlas.stores.postgres.sources import sources
from atlas.stores.postgres.sources.sources import Source


@dataclass(eq=False)
class PushStore:
    """What runs of `push_documents` write. `most` is the largest body in bytes. Time comes from
    the injected clock."""

    pool: asyncpg.Pool
    clock: Callable[[], datetime]
    most: int
    measures: Measures = UNMEASURED

    async def accept(self, request: AcceptPush) -> PushAccepted:
        """Write to the run's record what it was given: all of it, or nothing. Raises
        RequestRefused. A repeated call changes nothing."""
        try:
            return await self._accept_all(request)
        except RequestRefused:
            if request.place is not None:
                async with self.pool.acquire() as connection:
                    await delivered_bodies.give_up(connection, request.place)
            raise

    async def _accept_all(self, request: AcceptPush) -> PushAccepted:
        async with self.pool.acquire() as connection, connection.transaction():
            run = await runs.get(connection, request.run_id)
            # A source is named: an earlier attempt accepted it.
            source = run.source or await self._accept(connection, request)
            counts = await run_queue.counts(connection, request.run_id)
        return PushAccepted(source=source, pages=counts.seen, counts=counts)

    async def _accept(self, connection: Connection, request: AcceptPush) -> str:
        given = _deliveries(request)
        await self._refuse_purged(connection, given)
        await self._refuse_bodies(connection, request.documents)
        declared = {each.spec.name: each for each in await sources.every(connection)}
        chosen, unknown = await _chosen(connection, request, given, declared)
        names = sorted(set(chosen.values()))
        place = request.place or await delivered_bodies.draw_place(connection, (), self.clock())
        for name in names:
            mine = [each for each in given if chosen.get(each.url) == name]
            source_id = declared[name].id
            await delivered_bodies.enter(
                connection, request.run_id, source_id, mine, self.clock(), place=place
            )
        await delivered_bodies.give_up(connection, place)  # of addresses that are no page, too
        await batch_selection.enter_missing(connection, request.run_id, unknown)
        first = names[0] if names else request.source or ""
        held = declared.get(first)
        await connection.execute(
            "update runs set source_name = $2, source_id = $3 where run_id = $1",
            request.run_id,
            first,
            held and held.id,
        )
        return first

    async def _refuse_purged(self, connection: Connection, given: Sequence[Delivery]) -> None:
        if await purged_urls.among(connection, [each.url for each in given]):
            raise RequestRefused(PURGED_SAYS)

    async def _refuse_bodies(
        self, connection: Connection, documents: Sequence[PushedDocument]
    ) -> None:
        hashes = sorted({bytes.fromhex(each.snapshot) for each in documents})
        # Held until the rows that refer to them are committed: no clean-up deletes them.
        stored = await blob_index.hold(connection, hashes)
        for each in documents:
            if bytes.fromhex(each.snapshot) not in stored:
                raise RequestRefused(
                    f"snapshot: no body {each.snapshot} is stored for {each.url}; "
                    "`AtlasClient.put` stores one and puts it, as `atlas docs put` does"
                )
        sizes = await connection.fetch(
            "select encode(hash, 'hex') as hash, size from blobs "
            "where hash = any($1::bytea[]) and size > $2 limit 1",
            hashes,
            self.most,
        )
        if sizes:
            raise RequestRefused(
                f"snapshot: {sizes[0]['hash']} has {sizes[0]['size']} bytes; {self.most} at most "
                "(ATLAS_FETCH_MAX_BYTES)"
            )

    async def take(self, run_id: str, pages: Sequence[HeldPage]) -> int:
        """Make what the run was given the bodies of its claimed pages; how many go on."""
        async with self.pool.acquire() as connection:
            taken = await delivered_bodies.take(connection, run_id, pages, self.clock())
        self.measures.ended(taken.ended)
        return taken.onward

    async def withdraw(self, run_id: str, *, confirmed: bool = False) -> Withdrawn:
        """Let the pages go that the run was told are gone; `confirmed`: however many they are."""
        async with self.pool.acquire() as connection:
            return await withdrawn_pages.reconcile(
                connection, run_id, self.clock(), confirmed=confirmed
            )

    async def pages(self, run_id: str) -> list[PushedPage]:
        """What became of the run's pages: the first of them, those that failed before the rest."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(_PAGES, run_id, MAX_DOCUMENTS_LISTED)
        return [PushedPage.model_validate(dict(row)) for row in rows]


def _deliveries(request: AcceptPush) -> list[Delivery]:
    """Raises RequestRefused for an address that is none, or is named twice."""
    given = [
        _delivery(each, f"documents.{number}.url") for number, each in enumerate(request.documents)
    ]
    given += [
        Delivery(_canonical(url, f"withdraw.{number}"), None)
        for number, url in enumerate(request.withdraw)
    ]
    seen: set[str] = set()
    for each in given:
        if each.url in seen:
            raise RequestRefused(f"{each.url} is named twice; give each address once")
        seen.add(each.url)
    return given


def _delivery(document: PushedDocument, field: str) -> Delivery:
    media, charset = media_and_charset(document.content_type)
    return Delivery(
        url=_canonical(document.url, field),
        snapshot=bytes.fromhex(document.snapshot),
        content_type=media,
        charset=charset,
        title=document.title,
        last_modified=http_date(document.modified) if document.modified else None,
    )


def _canonical(url: str, field: str) -> str:
    try:
        return canonicalize(url)
    except InvalidUrl as error:
        raise RequestRefused(f"{field}: {error}") from None


async def target_of(
    connection: Connection, url: str, source: str | None, *, held_only: bool
) -> PushTarget | None:
    """The source that takes a push for a canonical URL, or why none does. `held_only`: None for an
    address that no source holds."""
    holders = await _holders(connection, [url])
    if held_only and not holders.get(url):
        return None
    declared = {each.spec.name: each.spec for each in await sources.every(connection)}
    return push_target(url, declared, named=source, holders=holders.get(url, ()))


async def refusals(connection: Connection, urls: Sequence[str], source: str) -> dict[str, str]:
    """Of canonical URLs, those that the source does not take, each with the reason."""
    holders = await _holders(connection, urls)
    declared = {each.spec.name: each.spec for each in await sources.every(connection)}
    purged = await purged_urls.among(connection, urls)
    targets = {
        url: push_target(url, declared, named=source, holders=holders.get(url, ())) for url in urls
    }
    found = {url: target.refused for url, target in targets.items() if target.refused}
    return {**found, **dict.fromkeys(purged, PURGED_SAYS)}


async def _holders(connection: Connection, urls: Sequence[str]) -> dict[str, list[str]]:
    rows = await connection.fetch(
        f"select p.url, {sources.holders('p.id')} as sources "  # noqa: S608 (a constant)
        "from pages p where p.url = any($1::text[])",
        list(urls),
    )
    return {row["url"]: row["sources"] for row in rows}


async def _chosen(
    connection: Connection,
    request: AcceptPush,
    given: Sequence[Delivery],
    declared: dict[str, Source],
) -> tuple[dict[str, str], list[str]]:
    """Address → source; and addresses to be withdrawn that are no page. Raises RequestRefused."""
    holders = await _holders(connection, [each.url for each in given])
    specs: dict[str, SourceSpec] = {name: each.spec for name, each in declared.items()}
    chosen: dict[str, str] = {}
    unknown = []
    for each in given:
        if each.snapshot is None and not holders.get(each.url):
            unknown.append(each.url)
            continue
        target = push_target(
            each.url, specs, named=request.source, holders=holders.get(each.url, ())
        )
        if target.refused:
            raise RequestRefused(target.refused)
        chosen[each.url] = target.source
    return chosen, unknown


_PAGES = """
    select rp.url,
           case when rp.error_code = 'withdrawn' and v.page_id is null then 'withdrawn'
                when rp.error_code = 'withdrawn' then coalesce(
                    (select 'held' from held_removals h where h.page_id = rp.page_id
                     and h.last_run = $1 and h.decided is null limit 1), 'skipped')
                when rp.error_code = 'superseded' then 'superseded'
                else rp.outcome end as result,
           v.seq as version, encode(d.snapshot, 'hex') as snapshot,
           case when rp.error_code = 'withdrawn' then
                case when v.page_id is null then null else 'kept' end
                else nullif(rp.error_code, 'superseded') end as code,
           left(rp.error, 300) as reason
    from run_pages rp
    left join run_deliveries d on d.run_id = rp.run_id and d.page_id = rp.page_id
    left join versions v on v.page_id = rp.page_id and v.valid_to is null
    where rp.run_id = $1 and rp.outcome is not null
    order by rp.outcome = 'failed' desc, rp.outcome = 'skipped' desc, rp.outcome = 'unchanged',
             rp.url
    limit $2
"""
