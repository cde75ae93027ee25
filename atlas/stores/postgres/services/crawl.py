"""The services behind a crawl, built once per process; each activity receives those it uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from atlas.domain.measures import UNMEASURED, Measures
from atlas.domain.politeness.circuit_breaker import Breaker
from atlas.stores.postgres.services.claimed_batches import ClaimedBatches
from atlas.stores.postgres.services.fetches import FetchRecords, HostTurns
from atlas.stores.postgres.services.run_lifecycle import RunLifecycle
from atlas.stores.postgres.services.run_listing import RunListing
from atlas.stores.postgres.services.settlement import PageSettlement, ProcessedPages
from atlas.stores.postgres.sources.plans import SourcePlans

_BREAKER = Breaker()


@dataclass(frozen=True)
class CrawlServices:
    """Every service that writes for a run of a source, on one pool and by one clock."""

    plans: SourcePlans
    runs: RunLifecycle
    listing: RunListing
    batches: ClaimedBatches
    hosts: HostTurns
    fetches: FetchRecords
    processed: ProcessedPages
    settlement: PageSettlement


def crawl_services(
    pool: asyncpg.Pool,
    *,
    clock: Callable[[], datetime],
    extractor: int,
    breaker: Breaker = _BREAKER,
    measures: Measures = UNMEASURED,
) -> CrawlServices:
    """`extractor`: the version of the extractor that pages are settled with."""
    settlement = PageSettlement(pool, clock, measures)
    return CrawlServices(
        plans=SourcePlans(pool, clock),
        runs=RunLifecycle(pool, clock, settlement),
        listing=RunListing(pool, clock, extractor),
        batches=ClaimedBatches(pool, clock, extractor, measures),
        hosts=HostTurns(pool, breaker, measures),
        fetches=FetchRecords(pool, clock, measures),
        processed=ProcessedPages(pool, clock, extractor, measures),
        settlement=settlement,
    )
