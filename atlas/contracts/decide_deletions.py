"""`decide_deletions`: approve or reject removals that runs held."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from atlas.contracts.jobs import Trigger
from atlas.contracts.models import Message, Request

MAX_NAMED = 1000
"""URLs of a request."""
MAX_SHOWN = 100
"""URLs of each list of a result."""

Decision = Literal["approve", "reject"]
DeletionOutcome = Literal["completed", "nothing_held"]


class DecideDeletionsRequest(Request):
    """What becomes of removals that wait for a person: what is approved leaves the corpus now, what
    is rejected stays and is not asked again until the page has answered in between."""

    decision: Decision
    """approve: remove it; reject: keep it."""
    of: str = Field(min_length=1, max_length=255)
    """A source; or a run that held removals: its id, or the beginning of one (8 characters)."""
    urls: list[Annotated[str, StringConstraints(min_length=1, max_length=8192)]] = Field(
        default_factory=list, max_length=MAX_NAMED
    )
    """Only these pages; without any, all that is held of the source or by the run."""
    trigger: Trigger = "manual"


class DecideDeletionsResult(Message):
    """What the decision did."""

    workflow_id: str
    run_id: str = ""
    outcome: DeletionOutcome = "completed"
    """nothing_held: there was nothing to decide on (any more)."""
    pages: int = 0
    """Held removals that it applied to."""
    removed: int = 0
    """Documents that left the corpus."""
    kept: int = 0
    """Held removals that were not approved because a source that keeps every page holds them."""
    expired: list[str] = Field(default_factory=list)
    """URLs, 100 at most, whose pages have answered since: nothing was done to them."""
    unknown: list[str] = Field(default_factory=list)
    """URLs, 100 at most, that were named and are not held."""
    message: str = ""


class DecideDeletions(Message):
    """What the activity does. `run_id` makes a repeated call find its own decision."""

    run_id: str
    decision: Decision
    of: str
    urls: list[str] = Field(default_factory=list)


class DeletionsDecided(Message):
    """What it did; `refused` says why it could not."""

    pages: int = 0
    removed: int = 0
    kept: int = 0
    expired: list[str] = Field(default_factory=list)
    unknown: list[str] = Field(default_factory=list)
    refused: str = ""
