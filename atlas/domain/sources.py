"""A source: what to watch and by which rules."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cached_property
from itertools import zip_longest
from typing import Any, Literal, NamedTuple, get_args

from atlas.domain import listing_limits
from atlas.domain.addresses.crawler_traps import Traps
from atlas.domain.addresses.reach import allowance
from atlas.domain.addresses.urls import is_bucket_url
from atlas.domain.extraction.extraction_rules import ExtractionRules, faults
from atlas.domain.listing_limits import FileLimits, ListingLimit
from atlas.domain.rendering import Render
from atlas.domain.timing import freshness_objective
from atlas.domain.timing.cron import InvalidCron, calendars, next_fire
from atlas.domain.timing.recheck_interval import longest

Kind = Literal["urls", "feed", "sitemap", "site", "push", "bucket"]
Deletion = Literal["careful", "prompt", "keep"]
Robots = Literal["obey", "ignore"]

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
"""Of a source, and of a tag."""

MAX_TAGS = 20
MAX_PLACES = 100
"""Entries of `allow` and of `ports`."""

_HOUR = timedelta(hours=1)

_SLACK = 0.1
"""Share of the cadence by which a source counts as due early: else one that is collected every
hour, a minute late once, would be passed over by the next hour's punctual look."""


class Bounds(NamedTuple):
    """Between which numbers a rule lies; it stands in the metadata of its field."""

    least: int
    most: int | None = None
    unit: str = ""

    def hold(self, value: float) -> bool:
        """Whether the value lies between them."""
        return self.least <= value <= (math.inf if self.most is None else self.most)

    def refusal(self, rule: str, value: float, *, optional: bool) -> str:
        """What to say of a value that lies outside."""
        end = "or more" if self.most is None else f"to {self.most}"
        said = " ".join(filter(None, (f"{self.least} {end}", self.unit)))
        return f"{rule}: {value} refused: give {said}" + (", or leave it out" if optional else "")


def _bounded(default: Any, least: int, most: int | None = None, unit: str = "") -> Any:
    return field(default=default, metadata={"bounds": Bounds(least, most, unit)})


def _limited(limit: ListingLimit) -> Any:
    return _bounded(limit.default, limit.least, limit.most, limit.counts)


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """The declared rules of one source, which [sources](sources.md) explains. They are declared
    here only: columns, JSON and options of the command line follow from these fields."""

    name: str
    kind: Kind
    """What its URLs are."""
    urls: tuple[str, ...]
    """Where it starts."""
    prefix: str | None = None
    """Only pages below this URL; for a site, by default the folder of its start."""
    include: tuple[str, ...] = ()
    """Take only URLs that match one of these regular expressions."""
    exclude: tuple[str, ...] = ()
    """Leave out URLs that match one of these regular expressions."""
    content: tuple[str, ...] = ()
    """Only the elements that match one of these CSS selectors are a page's text; a page where none
    matches has its ordinary text."""
    remove: tuple[str, ...] = ()
    """Elements that match one of these CSS selectors are not part of a page's text."""
    ignore: tuple[str, ...] = ()
    """A change only in what one of these matches makes no new version: CSS selectors, or regular
    expressions between slashes, such as `/[0-9,]+ views/`."""
    metadata: tuple[str, ...] = ()
    """Where title, author, published or language stand: `author=.byline` takes an element's text,
    `published=time@datetime` an attribute of it."""
    lang: str | None = None
    """The language of all its pages, an ISO 639 code such as `de`, whatever they declare; without
    it, each page is looked at."""
    delay: float = _bounded(1.0, 0, 3600, "seconds")
    """Seconds between two requests to a host."""
    parallel: int = _bounded(1, 1, 64)
    """Requests to a host at once."""
    max_pages: int | None = _bounded(None, 1)
    """At most this many pages in a run."""
    max_depth: int | None = _bounded(None, 0, 1000)
    """At most this many links from the start of a site."""
    cadence: timedelta = field(default=timedelta(days=1), metadata={"json": "every"})
    """How often pages are due; below an hour the source has a schedule of its own."""
    cron: str | None = None
    """A schedule of its own, five fields in UTC such as `15 6 * * 1-5`: when it is collected,
    independent of how often pages are due."""
    freshness: str | None = None
    """An objective: what share of its pages shall have been seen within which time, such as
    `95% within 2h`. Misses are in `sources freshness`, in metrics and in the report, and alert."""
    tags: tuple[str, ...] = field(default=(), metadata={"option": "tag"})
    """Words that select it, as in `sync --tag`."""
    render: Render = "never"
    """Which pages [a browser renders](rendering.md), because their scripts make the text: those
    that would fail as `needs_browser`, or all. A worker needs a browser for it: ATLAS_BROWSER."""
    traps: Traps = "stop"
    """Whether a crawl stops at crawler traps (endless calendars, session ids, combinations of
    filters) or follows all links."""
    deletion: Deletion = "careful"
    """When pages that vanish leave the corpus."""
    robots: Robots = "obey"
    """Whether to obey robots.txt. `ignore` is meant for hosts of your own: it applies to the hosts
    of its URLs and prefix, and on others robots.txt is still obeyed."""
    paused: bool = field(default=False, metadata={"left_out": "kept"})
    """Whether no run begins on it."""
    allow: tuple[str, ...] = ()
    """Hosts such as `wiki.lan:8080`, or private networks such as `10.20.0.0/16`, from which its
    pages may be fetched, in addition to public hosts and those of its URLs. Private ones must be
    within ATLAS_FETCH_ALLOW_NETWORKS, where `any` allows all."""
    ports: tuple[int, ...] = field(default=(), metadata={"option": "port"})
    """Ports from which its pages may be fetched, in addition to 80, 443, 8000 to 8999 and those of
    its URLs."""
    allow_http: bool = False
    """Whether a redirect may lead from https to http."""
    listing_bytes: int = _limited(listing_limits.BYTES)
    """At most this many bytes of a feed or sitemap file, uncompressed."""
    listing_entries: int = _limited(listing_limits.ENTRIES)
    """At most this many entries of a feed or sitemap file; the first are used."""
    listing_files: int = _limited(listing_limits.FILES)
    """At most this many sitemap files in a listing."""
    listing_addresses: int = _limited(listing_limits.ADDRESSES)
    """At most this many addresses in a listing, all its files together."""
    listing_depth: int = _limited(listing_limits.DEPTH)
    """At most this many levels of nested elements or JSON values in a feed or sitemap."""
    listing_prolog: int = _limited(listing_limits.PROLOG)
    """At most this many characters before the first element of a feed or sitemap."""

    @property
    def extraction(self) -> ExtractionRules:
        """By which rules the text of its pages is extracted."""
        return ExtractionRules(self.content, self.remove, self.ignore, self.metadata, self.lang)

    @property
    def file_limits(self) -> FileLimits:
        """What is read of each file of its listing."""
        return FileLimits(
            bytes=self.listing_bytes,
            entries=self.listing_entries,
            depth=self.listing_depth,
            prolog=self.listing_prolog,
        )

    @property
    def longest_unseen(self) -> timedelta:
        """The longest that its pages go unchecked while their checks succeed."""
        named = self.freshness and freshness_objective.parse(self.freshness)
        most = longest(self.cadence)
        return freshness_objective.longest_unseen(named or None, self.cadence, most)

    @property
    def own_schedule(self) -> bool:
        """Whether the source has its own schedule, so that the hourly one leaves it out."""
        return self.cron is not None or self.cadence < _HOUR

    @property
    def is_pushed(self) -> bool:
        """Whether its documents are pushed to Atlas, which therefore fetches none."""
        return self.kind == "push"

    @property
    def has_hosts(self) -> bool:
        """Whether hosts of the web are asked for its pages."""
        return self.kind not in ("push", "bucket")

    @property
    def robots_ignored_at(self) -> frozenset[str]:
        """The hosts, as `host_of` spells them, that are fetched from without asking robots.txt."""
        if self.robots == "obey":
            return frozenset()
        named = (*self.urls, self.prefix) if self.prefix else self.urls
        return frozenset(url.split("/", 3)[2] for url in named)


class Leading:
    """What led to each URL of a source: nothing but a person to those that are declared; to others
    a declared one of the same origin, else one of each origin that was declared."""

    def __init__(self, spec: SourceSpec) -> None:
        self._declared = frozenset(spec.urls)

    def to(self, url: str) -> tuple[str, ...]:
        """`FetchRequest.led_by` of a page or listing."""
        if url in self._declared:
            return ()
        same = self._by_origin.get(_origin(url))
        return (same,) if same else tuple(self._by_origin.values())

    @cached_property
    def _by_origin(self) -> dict[str, str]:
        return {_origin(url): url for url in sorted(self._declared)}


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])  # of a canonical URL: a list may have 100,000


class InvalidSource(ValueError):
    """A declared rule cannot be used; the message names field, value and fix."""


def check_source(spec: SourceSpec) -> SourceSpec:
    """Return `spec`, or raise `InvalidSource`."""
    rules: tuple[tuple[bool, str], ...] = (
        (
            NAME.fullmatch(spec.name) is not None,
            f"name: {spec.name!r} refused: use up to 63 of a-z, 0-9, '_', '.', '-', "
            "beginning with a letter or digit",
        ),
        (
            spec.render in get_args(Render),
            f"render: {spec.render!r} refused: give one of {', '.join(get_args(Render))}",
        ),
        (
            spec.traps in get_args(Traps),
            f"traps: {spec.traps!r} refused: give one of {', '.join(get_args(Traps))}",
        ),
        (bool(spec.urls), "urls: none given; a source needs at least one URL"),
        *_bound_rules(spec),
        *_kind_rules(spec),
        (
            timedelta(minutes=1) <= spec.cadence <= timedelta(days=366),
            f"cadence: {spec.cadence} refused: give one minute to one year",
        ),
        (
            spec.robots in get_args(Robots),
            f"robots: {spec.robots!r} refused: give obey or ignore",
        ),
        *_tag_rules(spec.tags),
        *_reach_rules(spec),
        *_cron_rules(spec.cron),
        *((False, fault) for fault in faults(spec.extraction)),
    )
    for holds, message in rules:
        if not holds:
            raise InvalidSource(message)
    # Last: the other rules say how often the source is looked at, and hold by now.
    if refused := freshness_objective.refusal(spec.freshness, spec.cadence, spec.cron):
        raise InvalidSource(refused)
    return spec


def _bound_rules(spec: SourceSpec) -> list[tuple[bool, str]]:
    rules: list[tuple[bool, str]] = []
    for each in fields(SourceSpec):
        bounds, value = each.metadata.get("bounds"), getattr(spec, each.name)
        if bounds is not None and value is not None:
            optional = each.default is None
            rules.append((bounds.hold(value), bounds.refusal(each.name, value, optional=optional)))
    return rules


_OF_PUSHED = frozenset(
    "name kind urls include exclude content remove ignore metadata tags deletion paused".split()
)
"""Rules that mean something for a source of kind `push`."""
_OF_BUCKET = _OF_PUSHED.union("parallel max_pages cadence cron freshness listing_addresses".split())
"""And for one of kind `bucket`."""


def _kind_rules(spec: SourceSpec) -> list[tuple[bool, str]]:
    """A rule that its kind does not follow is refused, not ignored."""
    if spec.kind not in ("push", "bucket"):
        return [(not any(map(is_bucket_url, spec.urls)), _NOT_FETCHED)]
    followed = _OF_PUSHED if spec.is_pushed else _OF_BUCKET
    others = [each for each in fields(SourceSpec) if each.name not in followed]
    return [
        (
            getattr(spec, each.name) == each.default,
            f"{each.metadata.get('json', each.name)}: not for a source of kind {spec.kind}, for "
            "which no host is asked; leave it out",
        )
        for each in others
    ] + [_places(spec)]


_NOT_FETCHED = "urls: file:// and s3:// addresses are for a source of kind bucket: --kind bucket"


def _places(spec: SourceSpec) -> tuple[bool, str]:
    if spec.is_pushed:
        return not any(map(is_bucket_url, spec.urls)), (
            "urls: documents are put at http and https addresses; give one, such as "
            "https://notes.example.org/, which need not exist"
        )
    return all(map(is_bucket_url, spec.urls)), (
        "urls: a source of kind bucket has folders or prefixes, such as file:///srv/docs/ or "
        "s3://team-docs/handbook/"
    )


def _tag_rules(tags: tuple[str, ...]) -> list[tuple[bool, str]]:
    named = [
        (
            NAME.fullmatch(tag) is not None,
            f"tags: {tag!r} refused: use up to 63 of a-z, 0-9, '_', '.', '-', "
            "beginning with a letter or digit",
        )
        for tag in tags
    ]
    return [*named, (len(tags) <= MAX_TAGS, f"tags: {len(tags)} given; {MAX_TAGS} at most")]


def _reach_rules(spec: SourceSpec) -> list[tuple[bool, str]]:
    rules = [(1 <= port <= 65535, f"ports: {port} refused: give 1 to 65535") for port in spec.ports]
    for entry in spec.allow:
        try:
            allowance(entry)
        except ValueError as error:
            rules.append((False, f"allow: {entry!r} {error}"))
    for name, given in (("allow", spec.allow), ("ports", spec.ports)):
        rules.append(
            (len(given) <= MAX_PLACES, f"{name}: {len(given)} given; {MAX_PLACES} at most")
        )
    return rules


def _cron_rules(text: str | None) -> list[tuple[bool, str]]:
    try:
        calendars(text or "@daily")
    except InvalidCron as error:
        return [(False, str(error))]
    return []


def due_at(spec: SourceSpec, checked_at: datetime | None, declared_at: datetime) -> datetime:
    """When the source is due next: at once if it was never checked, else a cadence after the last
    check began, or at the first time after it that its cron names."""
    if checked_at is None:
        return declared_at
    if spec.cron is None:
        return checked_at + spec.cadence
    return next_fire(spec.cron, checked_at)


def is_due(
    spec: SourceSpec, checked_at: datetime | None, declared_at: datetime, now: datetime
) -> bool:
    """Whether to collect the source now. A state, not a count: after downtime it is due once."""
    slack = timedelta() if spec.cron else spec.cadence * _SLACK
    due = not spec.paused and not spec.is_pushed
    return due and due_at(spec, checked_at, declared_at) <= now + slack


def lateness(
    spec: SourceSpec, checked_at: datetime | None, declared_at: datetime, now: datetime
) -> timedelta:
    """How long the source has been due; negative while it is not. A paused one is never late, nor
    one that documents are pushed to."""
    if spec.paused or spec.is_pushed:
        return timedelta.min
    return now - due_at(spec, checked_at, declared_at)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A source that a run of several means to work through."""

    name: str
    host: str
    """Of its first URL."""
    late: timedelta


def fair_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The most overdue first, hosts taking turns, so that one host's many sources do not keep the
    others waiting. Equal ones by name, so that the order is one."""
    by_host: dict[str, list[Candidate]] = {}
    for one in sorted(candidates, key=lambda one: (-one.late, one.name)):
        by_host.setdefault(one.host, []).append(one)
    rounds = zip_longest(*by_host.values())
    return [one for turn in rounds for one in turn if one is not None]
