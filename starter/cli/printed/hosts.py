"""Hosts, and the limits that are set by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from starter.cli.printed import Printed, shape


class HostSeen(Printed):
    """A host that Atlas has asked, or that has a limit."""

    host: str
    """Lower case, Punycode, with its port unless it is the scheme's own."""
    state: Literal["closed", "throttled", "open", "half_open"]
    """Of its breaker: `closed` (asked at its pace), `open` (down, left alone), `half_open` (one
    request tries it), `throttled` (it asked for patience)."""
    in_flight: int
    """Requests under way, of all workers."""
    delay: float | None
    """Seconds between requests as the last one was paced; null before the first."""
    limit_delay: float | None
    """Seconds that a limit set by hand demands."""
    limit_parallel: int | None
    last_at: datetime | None
    """When its last request was sent."""
    failures: int
    """Requests in a row that blame the host."""
    down_since: datetime | None
    next_try_at: datetime | None
    """When it may be asked again; null: now."""
    waits: float
    """Seconds until then."""
    last_error: str | None
    last_error_at: datetime | None
    robots_at: datetime | None
    """When its robots.txt was fetched."""
    robots_status: int | None


@shape("hosts", "hosts list", lines=True)
class Hosts(Printed):
    """Hosts: those under way first, then those that failed, then the last asked."""

    hosts: list[HostSeen]


@shape("host", "hosts show")
class Host(HostSeen):
    """One host."""


@shape("host_reset", "hosts reset")
class HostReset(HostSeen):
    """The host after its breaker was closed by hand."""

    was_closed: bool
    """Whether there was anything to forget."""
    woken: list[str]
    """Workflow ids of runs that waited for it, and go on."""


class LimitSet(Printed):
    """A limit in force, of one host or one source."""

    host: str | None
    source: str | None
    delay: float | None
    """Seconds between two requests to a host; null: not limited."""
    parallel: int | None
    """Requests to a host at once; null: not limited."""
    reason: str
    set_at: datetime
    expires_at: datetime | None
    """Null: it holds until it is cleared."""


@shape("limits", "limits show", lines=True)
class Limits(Printed):
    """The limits in force: of hosts by name, then of sources."""

    limits: list[LimitSet]


@shape("limit", "limits set host", "limits set source")
class Limit(LimitSet):
    """The limit as it was set."""
