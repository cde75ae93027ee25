"""What every workflow that runs long has in common: who started it, and how far it is."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from atlas.contracts.models import Counts, Message

State = TypeVar("State", bound=Message)

# Fields of many requests and results; the description is what `atlas schema` shows.
Trigger = Annotated[
    Literal["manual", "schedule", "client", "cli"],
    Field(description="Who started it; shown as a search attribute."),
]
HistoryEvents = Annotated[
    int, Field(ge=100, le=4000, description="History events after which the run continues as new.")
]
Carried = Annotated[
    State | None, Field(description="Set by Atlas when a run continues as new; leave it out.")
]
EventsSpent = Annotated[
    int, Field(description="History events spent, over all executions of the run.")
]


class Progress(Message):
    """Answer of the query `progress`."""

    stage: str = "starting"
    done: int = 0
    """Pieces of work done: documents, sources, steps; `of` names them."""
    total: int | None = None
    """All pieces; null while that is not known."""
    of: str = "steps"
    counts: Counts = Counts()
    paused: bool = False
    paused_since: float | None = None
    """Seconds since the epoch."""
    note: str = ""


class BeginJob(Message):
    """Record a run that works on no single source. `run_id` is the first execution's."""

    run_id: str
    workflow_id: str
    kind: str
    """The workflow type."""
    trigger: str = "manual"


class EndJob(Message):
    """How a run that works on no single source ended."""

    run_id: str
    outcome: str
    message: str = ""
    summary: dict[str, int] = Field(default_factory=dict)
    """Figures to be shown with the run: what they count → how many."""


class JobPaused(Message):
    """Since when a run is paused is recorded: its claims have no clock."""

    run_id: str
    paused: bool
