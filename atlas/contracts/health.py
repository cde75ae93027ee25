"""`health_check`: a timed round trip through each part, and what changed since the last one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from atlas.contracts.jobs import Trigger
from atlas.contracts.models import Message, Request

Status = Literal["ok", "degraded", "failing"]
"""degraded: it works, and someone should look; failing: it does not."""

CONCERNS = (
    "temporal",
    "postgresql",
    "blobs",
    "index",
    "queues",
    "schedules",
    "sources",
    "pages",
    "disk",
)
"""What is checked, each in its own activity: a dead part does not hide the others. One concern
may report on several parts, as `queues` does on each task queue."""

PROXY = "proxy"
"""Checked as well, for where pages go through a proxy; histories of 0.4.0 do not have it."""


class HealthRequest(Request):
    """Nothing needs to be said."""

    alert: bool = True
    """Send what changed to ATLAS_ALERT_WEBHOOK; otherwise it is only logged."""
    trigger: Trigger = "manual"


class Check(Message):
    """What one look at a part found."""

    part: str
    """What was looked at."""
    status: Status = "ok"
    """degraded: it works, and someone should look; failing: it does not."""
    milliseconds: float = 0.0
    """How long the look took."""
    detail: str = ""
    """What was found."""
    mend: str = ""
    """What to do about it; empty when all is well."""


class PartHealth(Check):
    """A part with its past: what the next check needs to know of this one."""

    since: float = 0.0
    """Since when it has this status: seconds since the epoch."""
    strikes: int = 0
    """Checks in a row that did not find it ok."""
    told: Status = "ok"
    """What was last sent to the webhook, or logged where there is none."""
    untold: Status | None = None
    """The worst status that could not be sent yet."""


class Transition(Message):
    """A part whose status differs from what was last reported."""

    part: str
    before: Status
    after: Status
    since: float = 0.0
    """Seconds since the epoch."""
    detail: str = ""
    mend: str = ""


class HealthResult(Message):
    """The health of every part. The next scheduled check goes on from here, so that nothing
    is reported twice, even with PostgreSQL down."""

    status: Status
    """The worst of all parts that could be checked."""
    checked_at: float = 0.0
    """Seconds since the epoch."""
    checks: list[PartHealth] = Field(default_factory=list)
    transitions: list[Transition] = Field(default_factory=list)
    """What this check had to report."""
    delivered: bool | None = None
    """Whether the webhook took the transitions; null when there was nothing to send, or no
    webhook."""
    pending: int = 0
    """Transitions that the next check has to send."""
    message: str = ""
    figures: dict[str, float] = Field(default_factory=dict)
    """Counters to compare the next check's with."""


class CheckConcern(Message):
    """Look at one concern; `before` has the figures of the last check."""

    concern: str
    before: dict[str, float] = Field(default_factory=dict)


class Checked(Message):
    """What was found, and the figures to compare the next look with."""

    checks: list[Check] = Field(default_factory=list)
    unknown: list[str] = Field(default_factory=list)
    """Parts of which nothing can be known while PostgreSQL does not answer."""
    figures: dict[str, float] = Field(default_factory=dict)


class TellHealth(Message):
    """Compare with the last check, and report what changed."""

    key: str
    """Names this check: a receiver that gets it twice knows it by that."""
    at: float
    """When it was made: seconds since the epoch."""
    checks: list[Check] = Field(default_factory=list)
    unknown: list[str] = Field(default_factory=list)
    before: list[PartHealth] = Field(default_factory=list)
    alert: bool = True


class HealthTold(Message):
    """Every part with its past, what changed, and whether that arrived."""

    parts: list[PartHealth] = Field(default_factory=list)
    transitions: list[Transition] = Field(default_factory=list)
    delivered: bool | None = None
    message: str = ""
