"""What a sync of a source takes: sums over its pages, without I/O.

The sync is one that a person starts, which asks for every page. The pace is that of the source's
rules, or of robots.txt where that asks for a longer pause; a host that is slower than that, or
fails, takes longer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean, stdev

from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.reporting.page_costs import PageLooks

_SURE = 1.96
"""Standard errors within which 95 of 100 samples lie."""


@dataclass(frozen=True, slots=True)
class SourceCost:
    """What the next whole sync of a source takes. Null: it cannot be known before."""

    pages: int | None
    """Pages that are asked for."""
    requests: int | None
    """Requests, those for listings, robots.txt and redirects included."""
    bytes: int | None
    """Bodies as sent, compressed."""
    bytes_error: float | None
    """Share by which that may be off, where it rests on a sample: 95 of 100 samples lie within.
    Null: it rests on the ledger, or on every page."""
    duration: timedelta | None
    """At the pace of its rules and of robots.txt; hosts are asked at the same time."""
    at_most: bool
    """Whether the figures are a bound that its rules set, rather than an estimate."""
    rests_on: tuple[str, ...]
    """What the figures rest on, in words."""


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What the next whole syncs of all sources that would be added or changed take together."""

    requests: int
    """Requests, of the sources for which they are known."""
    bytes: int
    """Bodies as sent, of the sources for which they are known."""
    duration: timedelta
    """Of the host that takes longest, since hosts are asked at the same time."""
    unknown: tuple[str, ...]
    """Sources of which something is not known before."""
    asked: int
    """Requests that were made for these figures."""


NOTHING = PlanCost(0, 0, timedelta(), (), 0)


@dataclass(frozen=True, slots=True)
class Ask:
    """What one page is expected to take."""

    host: str
    requests: float
    bytes: float
    seconds: float


@dataclass(frozen=True, slots=True)
class PageSample:
    """Pages that were fetched to learn what the others take."""

    requests: float
    """Mean of a page."""
    bytes: float
    """Mean of a page."""
    bytes_error: float
    """Bytes by which that mean may be off."""
    seconds: float
    """Mean of a request."""


def sample_of(asks: Sequence[Ask], among: int) -> PageSample:
    """What a sample of `among` pages says of each."""
    sizes = [ask.bytes for ask in asks]
    spread = stdev(sizes) / math.sqrt(len(sizes)) if len(sizes) > 1 else sizes[0]
    # Of a population that is counted, what was seen is sure: all of it leaves no error.
    unseen = math.sqrt(1 - len(sizes) / among) if among > len(sizes) else 0.0
    return PageSample(
        requests=fmean(ask.requests for ask in asks),
        bytes=fmean(sizes),
        bytes_error=_SURE * spread * unseen,
        seconds=fmean(ask.seconds for ask in asks),
    )


def changed_share(looks: Iterable[PageLooks]) -> float | None:
    """Share of conditional requests that were answered with a body again; None: none was made."""
    again = same = 0
    for page in looks:
        if page.conditional:
            again += max(page.whole - 1, 0)
            same += page.same
    return again / (again + same) if again + same else None


def asked_again(page: PageLooks, host: str, share: float, *, led: bool) -> Ask:
    """What a page takes that was asked for before. `share`: of its source's conditional requests
    that were answered with a body; `led`: where it leads is a page of its own."""
    looked = max(page.whole - 1, 0) + page.same
    # One look of the source beside those of the page: a page seen twice says little by itself.
    whole = (max(page.whole - 1, 0) + share) / (looked + 1) if page.conditional else 1.0
    hops = 0 if page.leads_to is None else 2 if led else 1
    return Ask(
        host=host,
        requests=page.requests / page.runs + hops,
        bytes=(page.size or 0) * whole,
        seconds=page.elapsed,
    )


@dataclass(frozen=True, slots=True)
class HostPace:
    """How fast a host is asked for one source."""

    delay: float
    parallel: int

    def seconds(self, requests: float, each: float) -> float:
        """Of so many requests that take so long each."""
        return (
            max(requests - 1, 0) * self.delay
            if self.delay * self.parallel > each
            else (requests * each / self.parallel)
        )


def pace_of(spec: SourceSpec, crawl_delay: float) -> HostPace:
    """The pace of a source at a host whose robots.txt asks for this pause."""
    return HostPace(max(spec.delay, crawl_delay), spec.parallel)


def by_host(asks: Iterable[Ask]) -> dict[str, Ask]:
    """What the pages of each host take together; `seconds` is the mean of a request."""
    sums: dict[str, list[float]] = {}
    for ask in asks:
        found = sums.setdefault(ask.host, [0.0, 0.0, 0.0])
        found[0] += ask.requests
        found[1] += ask.bytes
        found[2] += ask.requests * ask.seconds
    return {
        host: Ask(host, requests, size, seconds / requests if requests else 0.0)
        for host, (requests, size, seconds) in sums.items()
    }


def together(
    costs: Mapping[str, SourceCost], seconds: Iterable[Mapping[str, float]], asked: int
) -> PlanCost:
    """The sum over sources; `seconds` of each source by host, and a host asked for several sources
    is asked for one after the other."""
    busy: dict[str, float] = {}
    for hosts in seconds:
        for host, spent in hosts.items():
            busy[host] = busy.get(host, 0.0) + spent
    return PlanCost(
        requests=sum(cost.requests or 0 for cost in costs.values()),
        bytes=sum(cost.bytes or 0 for cost in costs.values()),
        duration=timedelta(seconds=max(busy.values(), default=0.0)),
        unknown=tuple(
            name
            for name, cost in sorted(costs.items())
            if cost.at_most or None in (cost.requests, cost.bytes)
        ),
        asked=asked,
    )
