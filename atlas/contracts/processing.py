"""`process_document` and `batch_process`: from stored bodies to text and index, nothing fetched."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from atlas.contracts.activities import ClaimBatch
from atlas.contracts.jobs import Carried, EventsSpent, Progress, Trigger
from atlas.contracts.models import Counts, Message, Request, SourceName
from atlas.contracts.sync_pipeline import MAX_FAILURES_LISTED, Failure

MAX_DOCUMENTS_LISTED = 100
MAX_PAGES_NAMED = 1000
JSON_LINES = "application/x-ndjson"
"""The media type of manifests and outcomes."""

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in lower-case hex."""
PageId = Annotated[int, Field(gt=0, lt=2**63)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
ProcessOutcome = Literal[
    "completed", "completed_with_failures", "unknown_page", "nothing_selected", "cancelled"
]
DocumentOutcome = Literal["added", "updated", "unchanged", "failed", "skipped"]


class ProcessRequest(Request):
    """Which document: by URL, page or snapshot."""

    url: str | None = Field(default=None, min_length=1, max_length=8192)
    """The page's address; a redirect known to Atlas is followed."""
    page: PageId | None = None
    """The page's number, as results give it."""
    snapshot: Hash | None = None
    """A stored body: every page whose last fetched body it is."""
    extractor: int | None = Field(default=None, ge=1)
    """The extractor version that is wanted; refused when the workers have another one."""
    force: bool = False
    """Process it although it is settled with the current versions, or quarantined."""
    accept: bool = False
    """Make the body that is held of the page its text; a page of which none is held is skipped."""
    trigger: Trigger = "manual"

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        given = [name for name in ("url", "page", "snapshot") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of 'url', 'page' and 'snapshot', not {_listed(given)}"
            )
        if self.accept and self.snapshot is not None:
            raise ValueError(
                "'accept' goes with 'url' or 'page', not with 'snapshot': a body may be held of "
                "one page and be the text of another"
            )
        return self


class ProcessedDocument(Message):
    """What became of one document."""

    url: str
    """The canonical URL of the page."""
    page: int
    """Its number."""
    snapshot: str | None = None
    """SHA-256 of the stored body; null when there is none."""
    result: DocumentOutcome
    """What became of it, as in a sync."""
    text_hash: str | None = None
    """Of the live version; null when the page has none."""
    title: str | None = None
    """Of the live version."""
    lang: str | None = None
    """Of the live version, an ISO 639 code."""
    version: int | None = None
    """Number of the live version, from 1."""
    truncated: str | None = None
    """What is missing of the body in the text of the live version; null when nothing is."""
    quarantined: bool = False
    """Whether this body is left alone from now on; `force` tries it again."""
    error_class: str | None = None
    """Of a failure, or of what was held."""
    error_code: str | None = None
    """Why it failed or was skipped."""
    error: str | None = None
    """The same in words."""


class ProcessResult(Message):
    """How it ended. `run_id` is the first execution's, which names the run in the corpus."""

    workflow_id: str
    run_id: str
    outcome: ProcessOutcome
    counts: Counts = Counts()
    documents: list[ProcessedDocument] = Field(
        default_factory=list, max_length=MAX_DOCUMENTS_LISTED
    )
    message: str = ""


class BatchQuery(Request):
    """Pages with a stored body, by what is known of them; `{}` is all of them."""

    source: SourceName | None = None
    """Pages that this source holds."""
    lang: str | None = Field(default=None, min_length=2, max_length=3)
    """Of the live document, as in `de`."""
    prefix: str | None = Field(default=None, min_length=1, max_length=2048)
    """What the URL begins with."""
    media: Literal["html", "text", "pdf", "docx", "pptx", "xlsx", "odt", "epub", "eml"] | None = (
        None
    )
    """Of the live document."""
    extractor_below: int | None = Field(default=None, ge=1)
    """Settled with an extractor older than this version, or not settled."""
    unsettled: bool = False
    """Only pages whose last body is not settled with the current versions."""
    other_rules: bool = False
    """Only pages whose text was extracted by other rules than their sources have now."""
    quarantined: bool = False
    """Only quarantined documents; with `force` they are tried again."""
    limit: int | None = Field(default=None, ge=1)
    """The first so many, by page number."""


class BatchState(Message):
    """What a batch carries when it continues as new."""

    selected: int = 0
    missing: int = 0
    lane_numbers: list[int] = Field(default_factory=list)
    """The last claim number of each lane; claims are never numbered twice."""
    progress: Progress = Progress()
    events: int = 0
    """History events of the executions before this one."""


class BatchRequest(Request):
    """Which documents, and how many at once."""

    pages: list[PageId] | None = Field(default=None, min_length=1, max_length=MAX_PAGES_NAMED)
    """Page numbers."""
    urls: list[Url] | None = Field(default=None, min_length=1, max_length=MAX_PAGES_NAMED)
    """Addresses; redirects known to Atlas are followed."""
    query: BatchQuery | None = None
    """Every page with a stored body that it fits."""
    manifest: Hash | None = None
    """A blob of JSON lines, each {"url": …} or {"page": …}; `atlas.manifest(urls)` makes one."""
    failed_of: str | None = Field(default=None, min_length=1, max_length=200)
    """The run whose failed pages are tried again."""
    force: bool = False
    """Process documents although they are settled with the current versions, or quarantined."""
    chunk: int = Field(default=100, ge=1, le=500)
    """Documents per activity: what a crash repeats at most."""
    concurrency: int = Field(default=2, ge=1, le=16)
    """Chunks under way at once."""
    trigger: Trigger = "manual"
    max_history_events: int = Field(default=2500, ge=50, le=3000)
    """History events after which the run continues as new."""
    state: Carried[BatchState] = None

    @model_validator(mode="after")
    def _selects_once(self) -> Self:
        names = ("pages", "urls", "query", "manifest", "failed_of")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "give exactly one of 'pages', 'urls', 'query', 'manifest' and 'failed_of', not "
                f'{_listed(given)}; {{"query": {{}}}} means every document'
            )
        return self


class BatchResult(Message):
    """How the batch ended. `run_id` is the first execution's, which names the run in the corpus."""

    workflow_id: str
    run_id: str
    outcome: ProcessOutcome
    counts: Counts = Counts()
    selected: int = 0
    """Pages that the batch worked on, or found to need no work."""
    missing: int = 0
    """Asked for, but no page that Atlas knows; the manifest names them."""
    manifest: str | None = None
    """A blob of JSON lines: url, page, outcome, error_class, code and text_hash of each page, by
    URL, then the missing; kept as artifact `outcomes` under the run's id."""
    failures: list[Failure] = Field(default_factory=list, max_length=MAX_FAILURES_LISTED)
    """The first failures."""
    message: str = ""
    events: EventsSpent = 0


def _listed(given: list[str]) -> str:
    return " and ".join(f"'{name}'" for name in given) or "none"


# Between the workflows and their activities


class SelectPages(Message):
    """Which pages a run works on. Exactly one of `url` to `failed_of` is given."""

    run_id: str
    url: str | None = None
    page: int | None = None
    snapshot: str | None = None
    pages: list[int] | None = None
    urls: list[str] | None = None
    query: BatchQuery | None = None
    manifest: str | None = None
    failed_of: str | None = None
    extractor: int | None = None
    force: bool = False
    accept: bool = False


class Selected(Message):
    pages: int = 0
    missing: int = 0
    to_do: int = 0
    """Pages that are not done at once (unchanged, never fetched)."""
    refused: str = ""
    """Why the request cannot be done; nothing was selected."""
    counts: Counts = Counts()


class WorkChunk(ClaimBatch):
    """Take the next pages and bring them to their end."""

    force: bool = False


class ChunkDone(Message):
    """`wait`: seconds until there may be work again; None and no pages: nothing is left."""

    pages: int = 0
    wait: float | None = None
    counts: Counts = Counts()


class WindUp(Message):
    """End every page of the run and release its claims."""

    run_id: str
    cancelled: bool = False
    outcomes: bool = False
    """Whether the outcomes are kept as a manifest."""


class WoundUp(Message):
    outcome: ProcessOutcome
    counts: Counts = Counts()
    failures: list[Failure] = Field(default_factory=list)
    documents: list[ProcessedDocument] = Field(default_factory=list)
    missing: int = 0
    manifest: str | None = None
    notes: str = ""
    """What a person should know of how the documents were processed."""
