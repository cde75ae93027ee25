"""How much of a source a run works through: mode, stages, limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from atlas.contracts.models import Message, Request

Mode = Literal["full", "incremental", "failed"]
"""Which pages are asked for: every one, those that are due, or those that failed last time."""

Stage = Literal["discover", "fetch", "process", "reconcile"]
STAGES: tuple[Stage, ...] = ("discover", "fetch", "process", "reconcile")
COLLECTING: tuple[Stage, ...] = ("discover", "fetch", "reconcile")

Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
"""Sources carry tags, so that a request can name several at once."""


class Limits(Request):
    """What a run may spend on one source; what is left out is not limited."""

    pages: int | None = Field(default=None, ge=1)
    """Pages asked for, the first by depth and URL; what they redirect to is not counted."""
    bytes: int | None = Field(default=None, ge=1)
    """Bytes received. Batches under way when it is reached are finished."""
    minutes: float | None = Field(default=None, gt=0, le=60 * 24 * 366)
    """Minutes since the run took its lease, pauses included. Batches under way are finished."""


class RunLimits(Message):
    """The limits in force of a run, as Atlas sends them itself; all null: none."""

    pages: int | None = None
    bytes: int | None = None
    minutes: float | None = None
    deadline: AwareDatetime | None = None
    """The moment after which no page is claimed any more."""
