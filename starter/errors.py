"""Every error of the client, as one tree; no vendor's error passes through it.

AtlasError
├── CannotConnect        a part does not answer: which, where it was looked for, what to do
│   ├── DatabaseDown
│   └── TemporalDown
├── InvalidRequest       a value or setting is invalid: field, value, fix
│   ├── ExpiredCursor    what follows it in the feed of changes is past its retention
│   └── InvalidSourcesFile  with every mistake of the file, each with its line
├── PlanOutdated         what a plan was made from has moved: nothing was changed
├── NotFound             no source, document or run of that name
├── SourceExists
├── SourceBusy           a run holds the source's lease
├── SourcePaused         every source named is paused, so a run would do nothing
├── DifferentRequest     a run of that id is under way, and has another request
├── NoWorker             no worker polls the task queues
├── NoResult             the run ended without a result
│   ├── Failed           why is in the message
│   ├── Cancelled
│   └── Terminated       it was ended from outside, at once; the reason is in the message
├── TimedOut             the wait ended before the run did; the run goes on
├── Undetected           a URL could not be read, or may not be; force declares it anyway
└── Refused              a part answered, and refused
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class AtlasError(Exception):
    """The base of all errors; the message says how to fix it."""


class CannotConnect(AtlasError):
    """A part of the stack does not answer."""


class DatabaseDown(CannotConnect):
    """PostgreSQL does not answer."""


class TemporalDown(CannotConnect):
    """Temporal does not answer."""


class InvalidRequest(AtlasError):
    """A value that was given, or a setting, cannot be used."""


# Namesake of atlas/domain/change_cursors.py: this one is for callers, whose errors are of one tree.
class ExpiredCursor(InvalidRequest):
    """The changes that follow a cursor are past their retention: begin anew, with an empty copy."""


class InvalidSourcesFile(InvalidRequest):
    """A file of sources has mistakes, and nothing of it was applied; `problems` names each as
    `file:line: field: what is wrong, and the fix`."""

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__("\n".join([f"{file}: {count}; nothing was changed", *problems]))
        self.problems = tuple(problems)


class PlanOutdated(AtlasError):
    """The declared sources, or the file, are not what the plan was made from; `moved` names each
    difference. Nothing was changed."""

    def __init__(self, moved: Sequence[str]) -> None:
        super().__init__(
            "\n".join(
                ["the plan does not hold any more; nothing was changed. Make a new one.", *moved]
            )
        )
        self.moved = tuple(moved)


class NotFound(AtlasError):
    """There is no source, document or run of that name."""


class SourceExists(AtlasError):
    """A source of that name is declared already. Named as the store's error, which it replaces."""


class SourceBusy(AtlasError):
    """A run works on the source now. Named as the store's error, which it replaces."""


class SourcePaused(AtlasError):
    """The source is paused, so that a run on it does nothing."""


class DifferentRequest(AtlasError):
    """The run that is under way has another request; `differences` names the fields."""

    def __init__(self, workflow_id: str, differences: dict[str, tuple[object, object]]) -> None:
        shown = "; ".join(
            f"{name}: it has {theirs!r}, you asked for {ours!r}"
            for name, (theirs, ours) in differences.items()
        )
        super().__init__(
            f"{workflow_id} is under way with another request ({shown}). Wait for it to end, "
            "ask for the same, or cancel it with `atlas runs cancel`"
        )
        self.workflow_id = workflow_id
        self.differences = differences


class NoWorker(AtlasError):
    """No worker polls the task queues, so nothing answers."""


class NoResult(AtlasError):
    """The run ended without a result."""

    outcome = "failed"
    """How it ended, in the word that results and progress use."""


class Failed(NoResult):
    """The run failed; the message says why."""


class Cancelled(NoResult):
    """The run was cancelled."""

    outcome = "cancelled"


class Terminated(NoResult):
    """The run was ended from outside, at once."""

    outcome = "terminated"


class TimedOut(AtlasError):
    """The wait ended before the run did; the run goes on."""


class Undetected(AtlasError):
    """The URL of a new source could not be read, or may not be, so it was not declared."""


class Refused(AtlasError):
    """PostgreSQL or Temporal answered, and refused."""
