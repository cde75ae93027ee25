"""Discovery: which pages a run has to look at, level by level."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import once_more
from atlas.contracts.activities import EnlistUrls, LevelListed, ListLevel
from atlas.contracts.collect import MAX_REFUSED_LISTED, RefusedUrl, UrlsAdded
from atlas.contracts.refusal import too_late
from atlas.domain.addresses.refused_addresses import (
    NO_DOCUMENT,
    NO_PAGE,
    RUN_LIMIT,
    RefusedAddresses,
    max_depth,
    max_pages,
)
from atlas.domain.addresses.scope import Scope, looks_like_page, scope_of
from atlas.domain.addresses.urls import InvalidUrl, canonicalize, origin_of
from atlas.domain.batch import FetchRow
from atlas.domain.errors import ErrorClass, PageError, Retries
from atlas.domain.fetch import FetchError
from atlas.domain.media_kinds import KINDS_NAMED, type_of_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from atlas.domain.sources import SourceSpec
    from atlas.stores.postgres.crawl.runs.listing_entries import StoredListing
    from atlas.stores.postgres.crawl.runs.runs import Run
    from atlas.stores.postgres.services.claimed_batches import ClaimedBatches
    from atlas.stores.postgres.services.fetches import HostTurns
    from atlas.stores.postgres.services.run_lifecycle import RunLifecycle
    from atlas.stores.postgres.services.run_listing import RunListing
    from atlas.stores.postgres.sources.sources import Source
    from atlas.web.listing_parser import Listed
    from atlas.web.listings import Listing, ParseWatch, Take
    from atlas.web.politeness import Slots

    ReadListing = Callable[[SourceSpec, Slots, ParseWatch, Take], Awaitable[Listing]]
    ListBucket = Callable[[SourceSpec, Take], Awaitable[Listing]]

_RETRIES = Retries(attempts=3, delay=1.0)
"""Of a listing that could not be read at all; a longer Retry-After of its host is not waited for:
the run ends, and the next one reads it."""


class Discovery:
    """Reads listings and follows links. `read_listing` talks to the web, `list_bucket` to folders
    and buckets; `credential_origins` are those that requests carry credentials to."""

    def __init__(
        self,
        runs: RunLifecycle,
        listing: RunListing,
        batches: ClaimedBatches,
        hosts: HostTurns,
        read_listing: ReadListing,
        list_bucket: ListBucket,
        credential_origins: frozenset[str] = frozenset(),
    ) -> None:
        self._runs = runs
        self._listing = listing
        self._batches = batches
        self._hosts = hosts
        self._read = read_listing
        self._list_bucket = list_bucket
        self._credential_origins = credential_origins

    @activity.defn
    async def list_level(self, request: ListLevel) -> LevelListed:
        """List the pages of one level: the source's own listing at 0, links of the level above
        after that. Depth d is done before d + 1 is listed, so what a budget cuts does not depend
        on arrival."""
        run, source = await self._runs.run_source(request.run_id)
        unfinished = await self._listing.unfinished(request.run_id, request.level)
        if unfinished:
            return LevelListed(unfinished=unfinished)
        if not request.discover:
            return await self._take_held(run, source, request)
        if request.level:
            return await self._follow_links(run, source, request)
        return await self._read_start(run, source, request)

    @activity.defn
    async def enlist_urls(self, request: EnlistUrls) -> UrlsAdded:
        """Add pages to a run by URL, those within the source's scope. Repeated, it calls known
        what it added before."""
        run, source = await self._runs.run_source(request.run_id)
        owned = await self._listing.owned_origins(self._credential_origins)
        closed, scope = self._credential_origins - owned, scope_of(source.spec)
        # In a thread: a slow pattern must not hold up the event loop.
        good, refusals = await asyncio.to_thread(_judged, request.urls, scope, closed)
        added = await self._listing.add_pages(
            run, source, sorted(good), level=request.level, limits=request.limits
        )
        if added is None:
            raise too_late(f"run {request.run_id} has ended; start another")
        return UrlsAdded(
            added=added,
            known=len(good) - added,
            refused=len(refusals),
            refusals=refusals[:MAX_REFUSED_LISTED],
        )

    async def _take_held(self, run: Run, source: Source, request: ListLevel) -> LevelListed:
        """No listing: what the source holds. It says nothing of what is absent."""
        held = await self._hold(run, source, request)
        return await self._listed(run, request, held, complete=False)

    async def _hold(self, run: Run, source: Source, request: ListLevel) -> int:
        return await self._listing.list_held(
            run,
            source,
            level=request.level,
            fetch=request.fetch,
            mode=request.mode,
            retry_failed=request.retry_failed,
            settles=request.process,
        )

    async def _listed(
        self, run: Run, request: ListLevel, pages: int, *, complete: bool
    ) -> LevelListed:
        if request.limits.pages is not None or request.changed:
            await self._listing.apply_limits(run.run_id, request.level, request.limits)
        counts = await self._batches.counts(run.run_id)
        return LevelListed(pages=pages, complete=complete, counts=counts)

    async def _read_start(self, run: Run, source: Source, request: ListLevel) -> LevelListed:
        spec = source.spec
        slots = self._hosts.slots(
            delay=spec.delay, parallel=spec.parallel, source=spec.name, deadline=None
        )
        scope = Scope() if spec.kind == "site" else scope_of(spec)
        refused = RefusedAddresses()
        room = await self._room(source, run.run_id, request.level)
        async with self._listing.reading(run.run_id, room) as reading:
            kept = 0

            async def take(part: Sequence[Listed]) -> None:
                nonlocal kept
                within = await asyncio.to_thread(_within, spec, scope, part, refused)
                kept += len(within)
                await reading.add(within)

            if spec.kind == "bucket":
                listing = await self._list_bucket(spec, take)
            else:
                listing = await self._read(spec, slots, self._listing.watch(run, source), take)
            if not listing.pages:
                self._maybe_again(listing)
            await self._listing.remember_listing_ttl(source.id, listing.ttl)
            if scope.overrun:
                listing.note(spec.urls[0], _pattern_failed(scope))
            for url, error in listing.troubles:
                await self._listing.listing_failed(run, _failed_row(url, error))
            listed = await self._list_read(run, source, reading, request, listing.complete, refused)
        await self._listing.note_refused(run, source, request.level, refused)
        failed = not listing.pages and bool(listing.troubles)
        message = listing.troubles[0][1].message if failed else ""
        nothing = bool(listing.pages) and not kept and not scope.overrun
        if nothing:
            message = _out_of_scope(source, listing.pages)
        return listed.model_copy(
            update={"failed": failed, "out_of_scope": nothing, "message": message[:500]}
        )

    async def _list_read(
        self,
        run: Run,
        source: Source,
        reading: StoredListing,
        request: ListLevel,
        complete: bool,
        refused: RefusedAddresses,
    ) -> LevelListed:
        if not request.fetch and request.process:  # from the stored bodies; the new ones have none
            await self._hold(run, source, request)
        listed, more = await self._listing.list_read(
            run,
            source,
            reading,
            level=request.level,
            mode=request.mode,
            retry_failed=request.retry_failed,
            settles=request.process,
            refused=refused,
        )
        return await self._listed(run, request, listed, complete=complete and not more)

    def _maybe_again(self, listing: Listing) -> None:
        for _, error in listing.troubles:
            pause = _RETRIES.pause(error, activity.info().attempt)
            if pause is not None:
                raise once_more(error, pause)

    async def _follow_links(self, run: Run, source: Source, request: ListLevel) -> LevelListed:
        level, deepest = request.level, source.spec.max_depth
        if source.spec.kind != "site" or (deepest is not None and level > deepest + 1):
            return await self._visit_absent(run, source, request)
        targets = await self._listing.link_targets(
            source_id=source.id, run_id=run.run_id, level=level - 1
        )
        scope, refused = scope_of(source.spec), RefusedAddresses()
        wanted = await asyncio.to_thread(_pages_within, scope, targets, refused)
        if deepest is not None and level > deepest:
            refused.add(max_depth(deepest), wanted)
            listed = await self._visit_absent(run, source, request)
        else:
            listed = await self._list_links(run, source, wanted, request, scope, refused)
        await self._listing.note_refused(run, source, level, refused)
        return listed

    async def _list_links(
        self,
        run: Run,
        source: Source,
        wanted: list[str],
        request: ListLevel,
        scope: Scope,
        refused: RefusedAddresses,
    ) -> LevelListed:
        level = request.level
        if scope.overrun:
            await self._listing.listing_failed(
                run, _failed_row(source.spec.urls[0], _pattern_failed(scope))
            )
        if wanted and not await self._listing.may_list(run.run_id, level, request.limits):
            refused.add(RUN_LIMIT, wanted)
            return LevelListed(complete=False, cut=True)
        if source.spec.traps == "stop":
            wanted = await self._listing.without_traps(run, source, wanted, level, refused)
        if not wanted:
            listed = await self._visit_absent(run, source, request)
            return listed.model_copy(update={"complete": not scope.overrun and listed.complete})
        return await self._list(
            run, source, wanted, request, complete=not scope.overrun, refused=refused
        )

    async def _visit_absent(self, run: Run, source: Source, request: ListLevel) -> LevelListed:
        """The last level: pages that the listing misses, and that are to say themselves whether
        they left. What the source's rules do not want any more is not asked."""
        if not request.fetch or not request.complete:
            return LevelListed()
        level = request.level
        room = await self._room(source, run.run_id, level)
        if room is not None and source.spec.max_pages is not None:
            # A listing as long as the budget leaves no room, and what vanished must leave all the
            # same; more than a tenth at once would be held anyway.
            room = max(room, 1 + source.spec.max_pages // 10)
        absent = await self._listing.absent_candidates(run, source, level, room)
        scope = scope_of(source.spec)
        urls = await asyncio.to_thread(lambda: [url for url in absent if scope.allows(url)])
        if urls and not await self._listing.may_list(run.run_id, level, request.limits):
            return LevelListed(complete=False, cut=True)
        visited = await self._listing.visit_absent(
            run, source, urls, level=level, mode=request.mode
        )
        return await self._listed(run, request, visited, complete=True)

    async def _list(
        self,
        run: Run,
        source: Source,
        urls: list[str],
        request: ListLevel,
        *,
        complete: bool,
        refused: RefusedAddresses,
    ) -> LevelListed:
        if not request.fetch and request.process:  # from the stored bodies; the new ones have none
            await self._hold(run, source, request)
        urls = sorted(set(urls))
        room = await self._room(source, run.run_id, request.level)
        if room is not None and len(urls) > room:
            refused.add(max_pages(source.spec.max_pages or 0), urls[room:])
            urls, complete = urls[:room], False
        listed = await self._listing.list_pages(
            run,
            source,
            urls,
            level=request.level,
            mode=request.mode,
            retry_failed=request.retry_failed,
            settles=request.process,
        )
        return await self._listed(run, request, listed, complete=complete)

    async def _room(self, source: Source, run_id: str, level: int) -> int | None:
        if source.spec.max_pages is None:
            return None
        spent = await self._listing.listed_above(source.id, run_id, level)
        return max(0, source.spec.max_pages - spent)


def _out_of_scope(source: Source, listed: int) -> str:
    spec = source.spec
    rules = [f"prefix {spec.prefix}"] if spec.prefix else []
    rules += [f"include {each}" for each in spec.include]
    rules += [f"exclude {each}" for each in spec.exclude]
    if spec.kind == "bucket":
        rules.append(f"by their names: {KINDS_NAMED}")
    return (
        f"source '{spec.name}': its rules ({', '.join(rules)}) let none of the {listed} addresses "
        f"through that it lists; change them with `atlas sources edit {spec.name}`"
    )


def _within(
    spec: SourceSpec, scope: Scope, part: Sequence[Listed], refused: RefusedAddresses
) -> list[Listed]:
    kept = []
    for listed in part:
        if rule := scope.refusal(listed.url):
            refused.add(rule, (listed.url,))
        elif spec.kind == "bucket" and type_of_name(listed.url) is None:
            refused.add(NO_DOCUMENT, (listed.url,))
        else:
            kept.append(listed)
    return kept


def _pages_within(scope: Scope, targets: Sequence[str], refused: RefusedAddresses) -> list[str]:
    kept = []
    for url in targets:
        if rule := scope.refusal(url) if looks_like_page(url) else NO_PAGE:
            refused.add(rule, (url,))
        else:
            kept.append(url)
    return kept


def _pattern_failed(scope: Scope) -> PageError:
    return PageError(ErrorClass.INVALID, "pattern_too_slow", scope.overrun)


def _judged(
    urls: Sequence[str], scope: Scope, closed: frozenset[str]
) -> tuple[set[str], list[RefusedUrl]]:
    """The URLs to take, and why not the others. `closed`: origins with credentials at which no
    source is declared: whoever may signal a run must not use them."""
    good: set[str] = set()
    refused: dict[str, str] = {}
    for url in urls:
        try:
            canonical = canonicalize(url)
        except InvalidUrl as error:
            refused[url] = str(error)
            continue
        if origin_of(canonical) in closed:
            refused[url] = (
                "ATLAS_CREDENTIALS_FILE has credentials for its origin, but no source has a URL "
                "there; declare one"
            )
        elif scope.allows(canonical):
            good.add(canonical)
        else:
            refused[url] = "outside the source's scope: its prefix, include or exclude"
    return good, [RefusedUrl(url=url[:300], reason=why[:300]) for url, why in refused.items()]


def _failed_row(url: str, error: PageError) -> FetchRow:
    asked = error if isinstance(error, FetchError) else None
    return FetchRow(
        page_id=0,
        url=url[:8000],
        attempt=activity.info().attempt,
        final_url=asked.final_url if asked else url,
        status=asked.status if asked else None,
        elapsed=asked.elapsed if asked else 0.0,
        error=error,
        robots_ignored=asked is not None and asked.robots_ignored,
    )
