"""What stores and activities exchange about the pages of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from atlas.domain.errors import PageError
from atlas.domain.extraction.extraction_rules import NO_RULES, ExtractionRules
from atlas.domain.rendering import Render

if TYPE_CHECKING:
    from atlas.domain.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Claim:
    """Pages claimed; or seconds until there may be some (`wait`); or neither: nothing is left."""

    pages: int
    wait: float | None
    blocking_runs: tuple[tuple[str, str], ...] = ()
    """(workflow id, run id) of other runs that hold pages wanted here."""
    set_aside: int = 0
    """Pages that were not taken, since their hosts keep others waiting."""


@dataclass(frozen=True, slots=True)
class HeldPage:
    """One page of a claimed batch, with the fence of this attempt."""

    page_id: int
    url: str
    level: int
    fence: int
    stage: str
    attempts: int
    marks: int
    etag: str | None
    last_modified: str | None
    snapshot: bytes | None
    """The body last fetched, by hash."""
    content_type: str | None
    charset: str | None
    settled: bytes | None
    """The snapshot last settled, if by the extractor, analyser and rules in use."""
    leads_to: str | None = None
    """Where the page redirected to when it was last fetched; the validators are that page's."""
    gone: bool = False
    """Whether the page left the corpus, and this run has not seen it come back."""
    robots: str = ""
    """What X-Robots-Tag asked of Atlas when the page was last fetched."""
    slow: bool = False
    """Whether its host kept others of this run waiting."""
    cuts: int = 0
    """How many of the attempts were cut short for that."""
    unavailable_after: datetime | None = None
    """From when on the body last processed asks to be left out of the index."""
    rules: ExtractionRules = NO_RULES
    """By which its text is extracted."""
    rendered: bool = False
    """Whether the body last fetched is what a browser made of the page."""
    render: Render = "never"
    """Whether the source of the run has it rendered."""
    title: str | None = None
    """The title that came with the body, instead of the one that it states."""
    read_digest: str | None = None
    """Digest of what its settled text was read from, if that was by the extractor and rules in
    use."""


@dataclass(frozen=True, slots=True)
class FetchRow:
    """One HTTP attempt, or a body that was delivered. `settled`: the body is the settled one,
    nothing is left to process."""

    page_id: int
    url: str
    attempt: int
    final_url: str | None
    status: int | None
    elapsed: float
    snapshot: bytes | None = None
    content_type: str | None = None
    charset: str | None = None
    size: int | None = None
    wire_bytes: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    error: PageError | None = None
    settled: bool = False
    redirected: bool = False
    target: str | None = None
    """Where a redirected page leads, when the source's rules allow it there."""
    permanent: bool = False
    """Whether every redirect on the way says that it is for good (301, 308)."""
    retry_at: datetime | None = None
    max_age: float | None = None
    """Seconds of freshness that the server stated."""
    robots: str = ""
    """What X-Robots-Tag asks of Atlas."""
    robots_ignored: bool = False
    """Whether robots.txt was not asked at a host on the way, as the source's rules say."""
    asked: bool = True
    """False: the host is closed, nothing was sent, and the ledger has nothing to record."""
    cut: bool = False
    """Whether it was cut short because others waited: no failed attempt."""
    rendered: bool = False
    """Whether a browser was asked, and not the host alone: the body is what it made of the page."""
    title: str | None = None
    """The title that came with the body, instead of the one that it states."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What writing a part of a batch did: pages that go on, and pages that ended, by outcome."""

    onward: int = 0
    ended: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreparedPage:
    """One page of a batch, processed: `prepared`, or `error`; both, if it asks for no index;
    neither, if it is `read_before`."""

    page_id: int
    snapshot: bytes
    prepared: Prepared | None
    error: PageError | None = None
    ended: bool | None = None
    """Whether the body came to its end; None where that is unknown."""
    rules: bytes | None = None
    """Digest of the rules by which it was processed; None: there are none."""
    noindex: bool = False
    """Whether a body that is held for what it is asks for no index, too."""
    rendered: bool = False
    """Whether the body is what a browser made of the page."""
    read_before: str | None = None
    """The digest of what is read of it, if that is what its settled text was read from."""
