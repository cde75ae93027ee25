"""Discovery: which pages a run has to look at, level by level."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.beating import beating
from atlas.contracts.activities import LevelListed, ListLevel
from atlas.domain.batch import FetchRow
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.fetched import FetchError
from atlas.domain.scope import Scope, looks_like_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from atlas.domain.sources import SourceSpec
    from atlas.stores.postgres.corpus import Corpus
    from atlas.stores.postgres.runs import Run
    from atlas.stores.postgres.sources import Source
    from atlas.web.listing import Listing
    from atlas.web.politeness import Slots

    ReadListing = Callable[[SourceSpec, Slots], Awaitable[Listing]]

_RETRIED = (ErrorClass.TRANSIENT, ErrorClass.THROTTLED)
_ATTEMPTS = 3
_LONGEST_PAUSE = 600.0
"""Seconds that a host's Retry-After may hold up a listing."""


class Discovery:
    """Reads listings and follows links. `read_listing` talks to the web."""

    def __init__(self, corpus: Corpus, read_listing: ReadListing) -> None:
        self._corpus = corpus
        self._read = read_listing

    @activity.defn
    async def list_level(self, request: ListLevel) -> LevelListed:
        """List the pages of one level: the source's own listing at 0, links of the level above
        after that. Depth d is done before d + 1 is listed, so what a budget cuts does not depend
        on arrival."""
        async with beating():
            run, source = await self._corpus.run_source(request.run_id)
            unfinished = await self._corpus.unfinished(request.run_id, request.level)
            if unfinished:
                return LevelListed(unfinished=unfinished)
            if request.level:
                return await self._follow_links(run, source, request.level)
            return await self._read_start(run, source)

    async def _read_start(self, run: Run, source: Source) -> LevelListed:
        spec = source.spec
        slots = self._corpus.slots(delay=spec.delay, parallel=spec.parallel, deadline=None, ttl=120)
        listing = await self._read(spec, slots)
        if not listing.urls and activity.info().attempt < _ATTEMPTS:
            for _, error in listing.troubles:
                if error.error_class in _RETRIED:
                    raise _once_more(error)
        for url, error in listing.troubles:
            await self._corpus.listing_failed(run, _failed_row(url, error))
        scope = scope_of(source)
        wanted = [url for url in listing.urls if spec.kind == "site" or scope.allows(url)]
        listed = await self._list(run, source, wanted, 0, complete=listing.complete)
        failed = not listing.urls and bool(listing.troubles)
        message = listing.troubles[0][1].message if failed else ""
        return listed.model_copy(update={"failed": failed, "message": message[:500]})

    async def _follow_links(self, run: Run, source: Source, level: int) -> LevelListed:
        if source.spec.kind != "site":
            return LevelListed()
        if source.spec.max_depth is not None and level > source.spec.max_depth:
            return LevelListed()
        targets = await self._corpus.link_targets(source, run.run_id, level - 1)
        scope = scope_of(source)
        wanted = [url for url in targets if looks_like_page(url) and scope.allows(url)]
        return await self._list(run, source, wanted, level, complete=True)

    async def _list(
        self, run: Run, source: Source, urls: list[str], level: int, *, complete: bool
    ) -> LevelListed:
        urls = sorted(set(urls))
        room = await self._room(source, run.run_id, level)
        if room is not None and len(urls) > room:
            urls, complete = urls[:room], False
        listed = await self._corpus.list_pages(run, source, urls, level=level)
        counts = await self._corpus.counts(run.run_id)
        return LevelListed(pages=listed, complete=complete, counts=counts)

    async def _room(self, source: Source, run_id: str, level: int) -> int | None:
        if source.spec.max_pages is None:
            return None
        spent = await self._corpus.listed_above(source, run_id, level)
        return max(0, source.spec.max_pages - spent)


def scope_of(source: Source) -> Scope:
    """The bounds within which the source takes pages."""
    spec = source.spec
    return Scope(include=spec.include, exclude=spec.exclude, prefix=spec.prefix)


def _once_more(error: PageError) -> ApplicationError:
    """An expected failure, for Temporal to try again: nobody's alarm, no traceback in the log."""
    pause = min(error.retry_after or 0.0, _LONGEST_PAUSE)
    return ApplicationError(
        error.message,
        type=error.error_class.value,
        next_retry_delay=timedelta(seconds=pause) if pause else None,
        category=ApplicationErrorCategory.BENIGN,
    )


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
    )
