"""What every command that starts a run has in common: say what was started, follow it to its end or
to the end of one's patience, show the result."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from starter.cli.framework.durations import seconds
from starter.cli.framework.exit_codes import DONE, FAILED
from starter.cli.framework.output import emit, note, say

if TYPE_CHECKING:
    from atlas.contracts.jobs import Progress
    from starter.runs.handles import AnyHandle, JobHandle

Timeout = Annotated[
    str | None,
    Parameter(help="Wait no longer than this, such as 90s or 10m; exit code 5, the run goes on"),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Following:
    """Whether to wait for the end of what was started, and how long."""

    wait: Annotated[bool, Parameter(help="Wait for the end, show progress and the result")] = False
    timeout: Timeout = None

    def __post_init__(self) -> None:
        if self.timeout is not None:  # refused before anything is started
            seconds("--timeout", self.timeout)

    @property
    def waits(self) -> bool:
        """Whether the end is waited for; a time-out says so, too."""
        return self.wait or self.timeout is not None

    @property
    def patience(self) -> float | None:
        """Seconds; None: for ever."""
        return None if self.timeout is None else seconds("--timeout", self.timeout)


@dataclass(frozen=True)
class RunIds:
    """Which run it is, as JSON says it."""

    workflow_id: str
    run_id: str


@dataclass(frozen=True)
class RunLink:
    """Where a person looks at a run."""

    ui_url: str | None
    """Its page in Temporal's Web UI."""


STARTED_ONLY = Following()


@dataclass(frozen=True)
class Ending:
    """How a run of one type is told: its progress in one line, its result, its exit code."""

    show: Callable[[Any], None]
    fine: Callable[[Any], bool]
    describe: Callable[[Any], str] | None
    """One line of its progress, empty when there is nothing to tell; None: it takes moments."""
    shape: str = "result"
    """Name of the JSON that its result is printed as."""


def stage_of(progress: Progress) -> str:
    """How far a job is: its stage, and how much of it is done."""
    of = "" if progress.total is None else f" of {progress.total}"
    done = f": {progress.done}{of} {progress.of}" if progress.done or progress.total else ""
    return f"{progress.stage}{done}"


_ENDINGS = {
    "sync_pipeline": "starter.cli.commands.sync",
    "fetch_url": "starter.cli.commands.fetch",
    "process_document": "starter.cli.commands.process",
    "batch_process": "starter.cli.commands.process",
    "deduplicate_documents": "starter.cli.commands.dedup",
    "rebuild_index": "starter.cli.commands.index",
    "daily_cleanup": "starter.cli.commands.cleanup",
    "weekly_report": "starter.cli.commands.report",
}
"""Workflow type → the module whose ENDING tells of it; of the others `start` does."""


def ending_of(workflow: str) -> Ending:
    """How a run of a type is told, whichever command followed it."""
    from atlas.contracts.catalogue import WORKFLOWS

    ending: Ending = import_module(_ENDINGS.get(workflow, "starter.cli.commands.start")).ENDING
    return replace(ending, describe=None) if WORKFLOWS[workflow].brief else ending


async def followed(
    run: AnyHandle | JobHandle[Any],
    workflow: str,
    *,
    following: Following = STARTED_ONLY,
    output: str,
) -> int:
    """Say what was started; if asked to, follow it, and show the result of its type.

    The exit code: 0, unless the result was waited for and is no good one. Raises `TimedOut` when
    the wait ends before the run, and tells how to come back; so it does after Ctrl-C.
    """
    if run.joined:
        note(f"{run.workflow_id} is under way already; joined it")
    if run.ui_url:
        note(f"Web UI: {run.ui_url}")
    if not following.waits:
        _started(run, output)
        return DONE
    return await told_to_its_end(run, ending_of(workflow), following.patience, output)


async def told_to_its_end(
    run: AnyHandle | JobHandle[Any], ending: Ending, patience: float | None, output: str
) -> int:
    """Follow a run, show its result; the exit code. Raises as `followed` does."""
    result = await _result(run, ending, patience)
    if output != "text":
        ids = RunIds(run.workflow_id, run.run_id)
        emit(ending.shape, ids, result, RunLink(run.ui_url), output=output)
    else:
        ending.show(result)
    return DONE if ending.fine(result) else FAILED


async def _result(run: AnyHandle | JobHandle[Any], ending: Ending, patience: float | None) -> Any:
    import asyncio  # half of what a page of help would cost

    from starter.cli.framework.progress import Display
    from starter.errors import TimedOut

    display = Display(ending.describe or (lambda _: ""))
    watching = asyncio.create_task(display.follow(run)) if ending.describe else None
    try:
        return await run.result(display.note, timeout=patience)
    except TimedOut:
        raise TimedOut(
            f"{run.workflow_id} did not end within {patience:g} s; it goes on. {_come_back(run)}"
        ) from None
    except asyncio.CancelledError:  # Ctrl-C: the run is not ours to end
        display.close()
        note(f"{run.workflow_id} goes on. {_come_back(run)}")
        raise
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        display.close()


def _started(run: AnyHandle | JobHandle[Any], output: str) -> None:
    if output != "text":
        emit("started", RunIds(run.workflow_id, run.run_id), RunLink(run.ui_url), output=output)
        return
    say(f"started {run.workflow_id}, run {run.run_id}")
    note(_come_back(run))


def _come_back(run: AnyHandle | JobHandle[Any]) -> str:
    named = shlex.quote(run.workflow_id)
    return f"Follow it with `atlas runs follow {named}`, end it with `atlas runs cancel {named}`."
