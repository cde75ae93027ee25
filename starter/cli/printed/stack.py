"""Atlas itself: its parts, their health, its schema."""

from __future__ import annotations

from datetime import datetime

from atlas.contracts.health import Check
from starter.cli.printed import Printed, shape
from starter.cli.printed.watching import Seen


class Part(Printed):
    """A part of the stack."""

    name: str
    """`postgres`, `temporal` or `worker`."""
    running: bool
    """Whether its process lives and it answers."""
    external: bool
    """Whether somebody else runs it."""
    pid: int | None
    address: str
    """Where it answers, without passwords."""
    memory_bytes: int | None
    """With its child processes."""
    since: datetime | None
    """When it was started."""


@shape("status", "status")
class Status(Printed):
    """What runs, works, waits or is late."""

    home: str
    """ATLAS_HOME."""
    ready: bool
    """Whether every part runs and answers; of servers that are somebody else's: whether they
    answer, and a worker runs."""
    supervisor_pid: int | None
    """Of the process that keeps the parts running."""
    memory_bytes: int
    """Of all parts and the supervisor."""
    ui_url: str | None
    """Temporal's Web UI."""
    parts: list[Part]
    overview: Seen
    """Everything else, as `atlas top -o json` prints it."""


class Examined(Check):
    """What was found of one part."""

    group: str
    """`settings`, `connections`, `permissions`, `versions`, `corpus`, `work`, `machine`,
    `network` or `others`."""


@shape("doctor", "doctor")
class Doctor(Printed):
    """What was looked at, in the order in which to mend it."""

    ok: bool
    """Whether nothing failed."""
    checks: list[Examined]


@shape("migrated", "migrate")
class Migrated(Printed):
    """What was done to the database's schema."""

    applied: list[str]
    """Names of the migrations; empty: it was up to date."""
