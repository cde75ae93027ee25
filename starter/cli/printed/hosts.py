"""Hosts, and the limits that are set by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from starter.cli.printed import Printed, shape


@shape("host", "hosts show")
class Host(Printed):
    """A host that Atlas has asked, or that has a limit."""

    host: str
    """Name and port."""
    state: Literal["closed", "open", "half_open", "throttled"]
    """Of its breaker: `closed`: it is asked; `open`: it is down and left alone; `half_open`: one
    request tries it; `throttled`: it asked for patience."""
    in_flight: int
    """Requests under way, of all workers."""
    delay: float | None
    """Seconds between requests, as the last one was paced; null before the first."""
    limit_delay: float | None
    """Seconds that a limit set by hand demands."""
    limit_parallel: int | None
    """Requests at once that a limit set by hand allows."""
    last_at: datetime | None
    """When its last request was sent."""
    failures: int
    """Requests in a row that blame the host."""
    down_since: datetime | None
    """Since when it answers nothing; null: it does."""
    next_try_at: datetime | None
    """When it may be asked again; null: now."""
    waits: float
    """Seconds until then."""
    last_error: str | None
    """What went wrong last."""
    last_error_at: datetime | None
    """When that was."""
    robots_at: datetime | None
    """When its robots.txt was fetched; null: never."""
    robots_status: int | None
    """The HTTP status of that."""


@shape("hosts", "hosts list", lines=True)
class Hosts(Printed):
    """Hosts: those under way first, then those that failed, then the last asked."""

    hosts: list[Host]


@shape("host_reset", "hosts reset")
class HostReset(Host):
    """A host that is tried again."""

    woken: list[str]
    """Runs that waited for it and go on."""
    was_closed: bool
    """Whether there was something to forget."""


@shape("limit", "limits set host", "limits set source")
class Limit(Printed):
    """A limit set by hand on a host or a source."""

    host: str | None
    """Name and port; null: it is of a source."""
    source: str | None
    """Null: it is of a host."""
    delay: float | None
    """Seconds between two requests to a host."""
    parallel: int | None
    """Requests to a host at once."""
    reason: str
    """Why, in the operator's words."""
    set_at: datetime
    """When it was set."""
    expires_at: datetime | None
    """Until when it holds; null: until it is cleared."""


@shape("limits", "limits show", lines=True)
class Limits(Printed):
    """The limits in force: of hosts by name, then of sources."""

    limits: list[Limit]
