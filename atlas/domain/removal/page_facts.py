"""What is recorded of one address: the facts that `page_verdict` tells the cause from, and that
`atlas explain` prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from atlas.domain.sources import Deletion

Found = Literal["listed", "link", "redirect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceClaim:
    """What one source says of the address."""

    source: str
    found: Found | None = None
    """How a run of it came to the page: its listing names it, a page links to it, a redirect leads
    there; None: none ever did."""
    depth: int | None = None
    """Links from its start."""
    run_id: str | None = None
    """The last run that found it."""
    found_at: datetime | None = None
    """When that was."""
    lists: bool = False
    """Whether the address is the source's own feed or sitemap, from which it learns its pages."""
    refused_by: str | None = None
    """The rule that keeps the address out of the source as it is declared now; None: its rules let
    it in."""
    deletion: Deletion = "careful"
    """When pages that vanish leave the corpus."""
    absences: int = 0
    """Complete listings in a row in which it was missing."""
    absent_at: datetime | None = None
    """The last of these listings."""
    absences_needed: int | None = None
    """After so many it leaves the source; None: never for that."""
    paused: bool = False
    """Whether no run begins on the source."""
    pushed: bool = False
    """Whether its documents are put there, so that nothing is fetched."""
    due: datetime | None = None
    """When the source is collected next; None: it is paused, or its documents are put there."""
    last_run: datetime | None = None
    """Start of the last run that read its listing; None: none has."""
    not_listed: str | None = None
    """Why the last run that was to read its listing did not come to the page: it could not, or not
    all of it; None: it did come, or the whole listing names the page no more."""

    @property
    def holds(self) -> bool:
        """Whether the source holds the page."""
        return self.found is not None


@dataclass(frozen=True, slots=True)
class RefusedBefore:
    """A run met the address in a listing or a link and did not take it."""

    source: str
    rule: str
    """As it is declared: `exclude /old/`; `not a page`; `trap_…`: a crawler trap."""
    run_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """One HTTP request for the page, or a body that was put there: a line of the ledger."""

    at: datetime
    run_id: str
    attempt: int
    """Counts the requests of a run for the page, from 1."""
    status: int | None
    """None: no answer came, or the body was put there."""
    final_url: str | None
    """Where redirects led."""
    error_class: str | None
    code: str | None
    """See [errors](errors.md)."""
    snapshot: str | None
    """SHA-256 of the body: its name in the blob store."""
    etag: str | None
    """The validator that the next request sends back."""
    last_modified: str | None
    """The other validator, as the server wrote it."""
    content_type: str | None
    """Of the answer, without its charset."""
    bytes: int | None
    """Of the body."""
    seconds: float | None
    """From the request to the last byte."""
    truncated: str | None
    """What the text lacks of the body."""
    rendered: bool = False
    """Whether a browser made the request, and the body is what it made of the page."""


@dataclass(frozen=True, slots=True)
class VisitOfRun:
    """The outcome of the page in one run."""

    run_id: str
    workflow_id: str
    source: str
    started_at: datetime
    ended_at: datetime | None
    """None: it is under way."""
    run_outcome: str | None
    """Of the whole run; None: it is under way."""
    stage: str
    """`listed`, `fetched`, `rendering`, `processed` or `done`."""
    outcome: str | None
    """Of the page: `added`, `updated`, `unchanged`, `failed` or `skipped`; None: it is under way.
    """
    error_class: str | None
    """Of a page that failed; see [errors](errors.md)."""
    code: str | None
    """How it failed, or why it was skipped."""
    message: str | None
    """The same in words."""
    requests: int
    """How many it made for the page."""
    restored: bool = False
    """Whether it was no look at the page, but brought an earlier version back."""
    trace_id: str | None = None
    """The trace of the run; None: its worker exports none."""
    ui_url: str | None = None
    """The run's page in Temporal's Web UI."""


@dataclass(frozen=True, slots=True)
class EvidenceSeen:
    """Evidence that the page is leaving."""

    kind: Literal["gone", "moved", "noindex", "absent", "withdrawn"]
    """`gone`: it answers 404 or 410; `moved`: it redirects for good; `noindex`: it asks to be left
    out; `absent`: its source's listing does not name it; `withdrawn`: whoever put it there says
    that it is gone."""
    looks: int
    """How often in a row this was seen, as far as it counts."""
    needed: int | None
    """After so many the page leaves; None: its sources keep it whatever happens."""
    last: datetime | None
    """When it was last counted."""
    detail: str
    """The status, the target or the source."""


@dataclass(frozen=True, slots=True)
class RemovalOnHold:
    """The page would have left in a run that held it, because too many would have left at once."""

    source: str
    sign: str
    """What speaks for its having left: `not_found`, `gone`, `noindex`, `moved`, `absent` or
    `withdrawn`."""
    run_id: str
    """The last run that held it."""
    held_at: datetime
    """When the first did."""
    decided: str | None
    """`approved` or `rejected` by a person, `expired` when the page answered again, `removed`;
    None: it waits."""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """A rule of extraction, and what it found on a page."""

    kind: str
    """`content`, `remove`, `ignore` or `metadata`."""
    rule: str
    """As it was declared."""
    matches: int
    """Elements that it selected, or places of the text."""


@dataclass(frozen=True, slots=True)
class TextKept:
    """The text that the page has, or had last."""

    version: int
    """Counts the texts of the page, from 1."""
    valid_from: datetime
    """Since when the page has, or had, it."""
    valid_to: datetime | None
    """None: it is live."""
    title: str
    lang: str | None
    """ISO 639 code, as in `de`; None when it could not be determined."""
    text_hash: str
    """SHA-256 of the normalised text with its title."""
    snapshot: str
    """SHA-256 of the body that it was made from."""
    extractor: int
    """The version of the extraction that made it."""
    truncated: str | None
    """What it lacks of the body; None: nothing."""
    duplicate_of: str | None
    """URL of the page that is kept, where `atlas dedup --apply` marked this as a duplicate."""
    duplicate_rule: str | None
    """The rule that chose that page."""
    similarity: float | None
    """Of the two texts, 0 to 1."""
    same_text_at: str | None
    """URL that search shows for this very text, when it is another page's."""
    cluster: str | None
    """The cluster of near-duplicates: the hash of the text that leads it, and that all others in it
    resemble."""
    cluster_texts: int
    """Texts in it, counted up to 1,000."""
    similar: tuple[str, ...]
    """URLs of the first five other pages in it, those that resemble its leading text most first."""
    generations: tuple[int, ...] = ()
    """Builds of the search index that have the text."""
    active_generation: int | None = None
    """The build that searches read."""
    rules: tuple[RuleCount, ...] = ()
    """The rules of its source that made it, and what each found."""
    fell_back: str | None = None
    """Which of them were not followed because nothing would have been left."""
    other_rules: bool = False
    """Whether its source has other rules now, so that it is to be made anew."""
    cluster_similarity: float | None = None
    """Estimated share of word pairs in common with the text that leads its cluster, 0 to 1; None:
    it leads the cluster."""


@dataclass(frozen=True, slots=True)
class HostNow:
    """The host of the page."""

    host: str
    state: str
    """Of its circuit breaker: `closed`, `throttled`, `open` or `half_open`."""
    next_try_at: datetime | None
    """When it may be asked again; None: now."""
    failures: int
    """Requests in a row that blame the host."""
    last_error: str | None
    """Of these, the last one's words; None: it is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """All that is recorded of one address, at one moment."""

    url: str
    """The canonical URL that is explained."""
    at: datetime
    """The moment."""
    lifecycle: str | None = None
    """Of the page: `discovered`, `live`, `suspect`, `tombstoned`, `purged` or `quarantined`; None:
    no page of this URL is recorded."""
    leads_to: str | None = None
    """Where it redirected when it was last asked."""
    leads_to_lifecycle: str | None = None
    """The lifecycle of that page."""
    fetched_at: datetime | None = None
    """When its last body was received."""
    checked_at: datetime | None = None
    """When it last said what it is: a body, 304, a redirect, 404."""
    settled_at: datetime | None = None
    """When a text of it was last committed."""
    tombstoned_at: datetime | None = None
    """When it left the live corpus."""
    purged_at: datetime | None = None
    """When its documents were deleted."""
    erased_at: datetime | None = None
    """When `atlas purge` removed every trace of it; since then it is kept away."""
    erased_for: str | None = None
    """The reason that was given for that."""
    failures: int = 0
    """Runs in a row that failed at the page."""
    failed_code: str | None = None
    """How the last of them failed."""
    next_due: datetime | None = None
    """When the page is due; the run of a source after that checks it."""
    next_due_because: str = ""
    """The rule by which that was chosen."""
    quarantined_for: str | None = None
    """Why its body is left alone."""
    working: str | None = None
    """The run that works on it now."""
    sources: tuple[SourceClaim, ...] = ()
    """Those that hold it; and those at its host, that might."""
    refusals: tuple[RefusedBefore, ...] = ()
    """By runs that met it; of each source the last."""
    evidence: tuple[EvidenceSeen, ...] = ()
    """That it is leaving, or has left."""
    removals: tuple[RemovalOnHold, ...] = ()
    """That were held, the last first."""
    visits: tuple[VisitOfRun, ...] = ()
    """What the latest runs made of it, the last first."""
    attempts: tuple[AttemptMade, ...] = ()
    """The latest requests for it, the last first."""
    text: TextKept | None = None
    """The text that it has, or had last."""
    host: HostNow | None = None
    """None: it was never asked."""
    trap: str | None = field(default=None, metadata={"json": None})
    """The crawler trap that the address shows by itself."""

    @property
    def holders(self) -> list[SourceClaim]:
        """The sources that hold the page."""
        return [claim for claim in self.sources if claim.holds]
