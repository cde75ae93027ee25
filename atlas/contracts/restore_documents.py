"""`restore_documents`: what left the corpus or was replaced comes back, from its versions."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from atlas.contracts.jobs import Carried, EventsSpent, Progress, Trigger
from atlas.contracts.models import Counts, Message, Request, SourceName
from atlas.contracts.processing import MAX_DOCUMENTS_LISTED, MAX_PAGES_NAMED, ProcessOutcome, Url

RestoreOutcome = Literal["restored", "unchanged", "failed", "skipped", "would_restore"]


class RestoreState(Message):
    """What a restore carries when it continues as new."""

    selected: int = 0
    missing: int = 0
    number: int = 0
    """The last claim's; claims are never numbered twice."""
    progress: Progress = Progress()
    events: int = 0
    """History events of the executions before this one."""


class RestoreRequest(Request):
    """What to bring back: named pages, what a run took, or what a source lost since a moment."""

    urls: list[Url] | None = Field(default=None, min_length=1, max_length=MAX_PAGES_NAMED)
    """Addresses: what each page said before it left, or before its last change."""
    run: str | None = Field(default=None, min_length=1, max_length=200)
    """The run whose removals and changes are undone. A page that changed again since, or came back
    by itself, stays as it is."""
    source: SourceName | None = None
    """The source whose pages become what they were at `since`."""
    since: Annotated[AwareDatetime, Field(strict=False)] | None = None
    """The moment, with its time zone, whose versions are brought back."""
    version: int | None = Field(default=None, ge=1)
    """The number of the version to bring back, of one page."""
    dry_run: bool = False
    """Only list what would come back."""
    chunk: int = Field(default=100, ge=1, le=1000)
    """Pages per activity: what a crash repeats at most."""
    trigger: Trigger = "manual"
    max_history_events: int = Field(default=2500, ge=50, le=3000)
    """History events after which the run continues as new."""
    state: Carried[RestoreState] = None

    @model_validator(mode="after")
    def _asks_once(self) -> Self:
        given = [name for name in ("urls", "run", "source") if getattr(self, name) is not None]
        if len(given) != 1:
            named = " and ".join(f"'{name}'" for name in given) or "none"
            raise ValueError(f"give exactly one of 'urls', 'run' and 'source', not {named}")
        if self.source is not None and self.since is None:
            raise ValueError("'source' needs 'since': the moment whose versions are brought back")
        if self.run is not None and self.since is not None:
            raise ValueError("'since' goes with 'source' or 'urls', not with 'run'")
        if self.version is not None and (self.since is not None or len(self.urls or ()) != 1):
            raise ValueError("'version' goes with one URL, and not with 'since'")
        return self


class RestoredPage(Message):
    """What became of one page."""

    url: str
    result: RestoreOutcome
    """`restored`, `unchanged`: it says that already, `failed`: that cannot be had, `skipped`: what
    it says now is newer; `would_restore` in a dry run."""
    version: int | None = None
    """The version that was brought back, or would be."""
    code: str | None = None
    """Why it was not; see [errors](errors.md)."""
    reason: str | None = None
    """The same in words."""


class RestoreResult(Message):
    """How it ended. `run_id` is the first execution's, which names the run in the corpus."""

    workflow_id: str
    run_id: str
    outcome: ProcessOutcome
    counts: Counts = Counts()
    """`added` came back, `updated` were replaced."""
    missing: int = 0
    """Addresses asked for that are no page that Atlas knows; the manifest names them."""
    pages: list[RestoredPage] = Field(default_factory=list, max_length=MAX_DOCUMENTS_LISTED)
    """The first of them, those that could not be restored before the others."""
    dry_run: bool = False
    """Whether nothing was restored, only listed."""
    manifest: str | None = None
    """A blob of JSON lines: the outcome of each page, by URL, then the missing; kept as artifact
    `outcomes` under the run's id."""
    message: str = ""
    events: EventsSpent = 0


# Between the workflow and its activities


class SelectRestores(Message):
    """Which pages a run restores. Exactly one of `urls`, `of_run` and `source` is given."""

    run_id: str
    urls: list[str] | None = None
    of_run: str | None = None
    source: str | None = None
    since: AwareDatetime | None = None
    version: int | None = None
    dry_run: bool = False


class RestoreEnded(Message):
    outcome: ProcessOutcome
    counts: Counts = Counts()
    missing: int = 0
    pages: list[RestoredPage] = Field(default_factory=list)
    manifest: str | None = None
