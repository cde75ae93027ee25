"""`push_documents`: documents that Atlas does not fetch are given to it, or withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from atlas.contracts.jobs import EventsSpent, Trigger
from atlas.contracts.models import Counts, Message, Request, SourceName
from atlas.contracts.processing import MAX_DOCUMENTS_LISTED, Hash, Url, WindUp

MAX_PUSHED = 200
"""Documents and withdrawals of one request: it stays well below Temporal's 2 MiB."""

ContentType = Annotated[str, StringConstraints(pattern=r"^[\w.+-]+/[\w.+-]+(\s*;.*)?$")]
PushOutcome = Literal[
    "completed", "completed_with_failures", "held", "unknown_page", "cancelled", "failed"
]
PushedResult = Literal[
    "added", "updated", "unchanged", "withdrawn", "superseded", "held", "failed", "skipped"
]


def _has_utc(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is not between the years 1 and 9999") from None
    return moment


class PushedDocument(Request):
    """One document; its body is in the blob store already."""

    url: Url
    """Its address, http or https, below a URL of its source. Nothing is fetched from there."""
    snapshot: Hash
    """SHA-256 of its body: its name in the blob store. `AtlasClient.put` stores it."""
    content_type: ContentType | None = Field(default=None, max_length=200)
    """Its media type, with its charset if it has one, as in `text/html; charset=utf-8`; null: the
    body shows it."""
    title: str | None = Field(default=None, min_length=1, max_length=500)
    """Its title, instead of the one that the body states."""
    modified: Annotated[AwareDatetime, Field(strict=False), AfterValidator(_has_utc)] | None = None
    """When it was last changed, with its time zone."""


class PushRequest(Request):
    """What to put, and what to withdraw."""

    documents: list[PushedDocument] = Field(default_factory=list, max_length=MAX_PUSHED)
    """Documents to take over."""
    withdraw: list[Url] = Field(default_factory=list, max_length=MAX_PUSHED)
    """Addresses of pushed documents that are gone: they leave the corpus."""
    source: SourceName | None = None
    """The source of kind `push` that they belong to; null: the one that has the address, or that
    names the nearest address above it."""
    place: int | None = Field(default=None, ge=1)
    """The place in the order of pushes, which `AtlasClient.put` draws: of two for one address the
    later one is what the page says, whichever is worked on first. Null: drawn when the run
    begins."""
    confirmed: bool = False
    """A person means the withdrawals: they are not held, however many leave within a day."""
    trigger: Trigger = "manual"

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        number = len(self.documents) + len(self.withdraw)
        if not number:
            raise ValueError(
                'name a document: {"documents": [{"url": "https://…", "snapshot": "SHA-256"}]} '
                'or {"withdraw": ["https://…"]}'
            )
        if number > MAX_PUSHED:
            raise ValueError(f"{number} documents and withdrawals; give {MAX_PUSHED} at most")
        return self


class PushedPage(Message):
    """What became of one document."""

    url: str
    """The canonical URL of the page."""
    result: PushedResult
    """`added`, `updated`, `unchanged` and `failed` as in a sync; `withdrawn`: it left the corpus;
    `superseded`: a later push for the address came first; `held`: its withdrawal waits for a
    person, because too many would leave within a day; `skipped`: see `code`."""
    version: int | None = None
    """The number of the page's live version; null when there is none."""
    snapshot: str | None = None
    """SHA-256 of the body that was given; null for a withdrawal."""
    code: str | None = None
    """Why it failed or was skipped; see [errors](errors.md)."""
    reason: str | None = None
    """The same in words."""


class PushResult(Message):
    """How it ended. `run_id` names the run in the corpus."""

    workflow_id: str
    run_id: str
    outcome: PushOutcome
    source: str = ""
    """The source of the documents; of several, the first by name."""
    counts: Counts = Counts()
    """Documents by outcome; withdrawals are `skipped`."""
    removed: int = 0
    """Documents that left the corpus because they were withdrawn."""
    missing: int = 0
    """Addresses to be withdrawn that are no page that Atlas knows."""
    pages: list[PushedPage] = Field(default_factory=list, max_length=MAX_DOCUMENTS_LISTED)
    """The first of them, those that failed before the others."""
    message: str = ""
    events: EventsSpent = 0


# Between the workflow and its activities


class AcceptPush(Message):
    """Write to the run's record what it was given."""

    run_id: str
    documents: list[PushedDocument] = Field(default_factory=list)
    withdraw: list[str] = Field(default_factory=list)
    source: str | None = None
    place: int | None = None


class PushAccepted(Message):
    refused: str = ""
    """Why the request cannot be done; nothing was accepted."""
    source: str = ""
    pages: int = 0
    counts: Counts = Counts()


class EndPush(WindUp):
    """End a run of pushes; `confirmed`: its withdrawals are not held."""

    confirmed: bool = False


class PushEnded(Message):
    outcome: PushOutcome
    counts: Counts = Counts()
    removed: int = 0
    missing: int = 0
    pages: list[PushedPage] = Field(default_factory=list)
    message: str = ""
