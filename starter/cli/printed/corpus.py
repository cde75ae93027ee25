"""Documents, searches, the index and reports."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from atlas.contracts.weekly_report import WeeklyResult
from starter.cli.printed import Printed, shape


class ListedDocument(Printed):
    """A live document without its text."""

    url: str
    """The canonical URL of the page."""
    title: str
    lang: str | None
    """ISO 639 code, as in `de`; null when it could not be told."""
    text_hash: str
    """SHA-256 of the normalised text with its title: the same text, the same hash."""
    media: str
    """What the body was: `html`, `pdf`, `text` …"""
    bytes: int
    """Of the text in UTF-8."""
    published: datetime | None
    """What the page says of its publication."""
    fetched_at: datetime | None
    """When the body was received."""
    valid_from: datetime
    """Since when this text is the page's."""
    version: int
    """Counts the texts of the page, from 1."""
    sources: list[str]
    """Names of the sources that hold the page."""
    duplicate_of: str | None
    """URL of the page that says the same, where `atlas dedup --apply` marked this one."""


@shape("documents", "docs list", lines=True)
class Documents(Printed):
    """The current documents, by URL."""

    documents: list[ListedDocument]


class Version(Printed):
    """A text that the page had."""

    version: int
    """Counts the texts of the page, from 1."""
    text_hash: str
    """SHA-256 of the normalised text with its title."""
    title: str
    valid_from: datetime
    """Since when it was the page's."""
    valid_to: datetime | None
    """Until when; null: it is now."""


@shape("document", "docs show")
class Document(Printed):
    """The current document of a URL, with its text."""

    url: str
    """The canonical URL of the page."""
    title: str
    lang: str | None
    """ISO 639 code, as in `de`; null when it could not be told."""
    text_hash: str
    """SHA-256 of the normalised text with its title."""
    published: datetime | None
    """What the page says of its publication."""
    canonical: str | None
    """The URL that the page names as its own, when it is another."""
    media: str
    """What the body was: `html`, `pdf`, `text` …"""
    lifecycle: str
    """Of the page: `live`, or `suspect` when its last check did not find it."""
    sources: list[str]
    """Names of the sources that hold the page."""
    fetched_at: datetime | None
    """When the body was received."""
    valid_from: datetime
    """Since when this text is the page's."""
    version: int
    """Counts the texts of the page, from 1."""
    snapshot: str
    """SHA-256 of the stored body: its name in the blob store."""
    text: str
    """Plain text."""
    markdown: str
    """The same with headings, lists and code; empty when there is none."""
    duplicate_of: str | None
    """URL of the page that says the same, where `atlas dedup --apply` marked this one."""
    truncated: str | None
    """What the text lacks of the body, as in `pages 2001 to 2400`; null when it is whole."""
    versions: list[Version]
    """Every text the page had, the latest first."""


class QuarantinedDocument(Printed):
    """A document that failed in extraction too often."""

    url: str
    """The canonical URL of the page."""
    page: int
    """The number of the page."""
    snapshot: str
    """SHA-256 of the body that fails."""
    extractor: int
    """Version of the extractor that failed."""
    error_class: str
    """See [errors](errors.md)."""
    code: str
    """See [errors](errors.md)."""
    reason: str
    """What went wrong, in words."""
    failures: int
    """In how many runs."""
    since: datetime
    run_id: str
    """The run that set it aside."""
    live: bool
    """Whether an older version of it can be found."""


@shape("quarantined", "docs quarantined", lines=True)
class Quarantined(Printed):
    """Documents that are left alone until they change or are forced."""

    documents: list[QuarantinedDocument]


class Hit(Printed):
    """One result of a search."""

    url: str
    """The canonical URL of the page."""
    title: str
    snippet: str
    """The part of the text that matches best."""
    score: float
    """Comparable within one answer only."""
    source: str | None
    """The first of `sources`."""
    lang: str | None
    """ISO 639 code, as in `de`; null when it could not be told."""
    sources: list[str]
    """Names of the sources that hold the page."""
    marks: list[tuple[int, int]]
    """What matched in `snippet`: begin and end, in characters."""
    copies: int
    """Other pages with the same text."""
    similar_count: int
    """Other documents that say nearly the same, and match too."""
    similar: list[str]
    """URLs of the first of them."""


@shape("search", "search", lines=True)
class Search(Printed):
    """What was found, best first."""

    results: list[Hit]
    total: int
    """How many there are in all."""
    exact: bool
    """Whether `total` was counted; else it is an estimate."""
    unknown_language: int
    """Pages that match too, but that `--lang` left out because theirs could not be told."""


class Generation(Printed):
    """One build of the search index."""

    generation: int
    """Its number."""
    state: Literal["building", "active", "previous", "retired"]
    """`active` answers searches, `building` is under way, `previous` is what a rollback brings
    back, `retired` waits to be dropped."""
    analyser: int
    """Version of the text analyser that it was built by."""
    outdated: bool
    """Whether queries are read by a newer analyser."""
    entries: int
    """Texts in it."""
    tokens: int
    """Words in them."""
    bytes: int
    """On disk."""
    started_at: datetime | None
    active_since: datetime | None
    keep_until: datetime | None
    """When it may be dropped."""
    workflow_id: str | None
    """Of the run that built it; null for the first."""
    run_id: str | None
    """Of the run that built it."""


@shape("generations", "index status", lines=True)
class Generations(Printed):
    """What serves, what is being built, what a rollback would bring back."""

    generations: list[Generation]


class KeptReport(Printed):
    """The report of a week."""

    week: str
    """ISO week, as in `2026-W47`."""
    made_at: datetime
    """When its newest form was first made so."""
    hashes: dict[str, str]
    """Form (`json`, `md`, `html`) → SHA-256: its name in the blob store."""


@shape("reports", "report list", lines=True)
class Reports(Printed):
    """The weekly reports that are kept, the latest first."""

    reports: list[KeptReport]


@shape("report_result", "report make")
class ReportResult(WeeklyResult, Printed):
    """Which report was made, and where it is kept."""

    ui_url: str | None
    """Its page in Temporal's Web UI."""
