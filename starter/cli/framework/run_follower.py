"""What all commands that start a run share: report the start, follow the run until it ends or the
time is up, and show the result."""

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
    Parameter(
        help="Wait at most this long, such as 90s or 10m; then exit code 5, the run continues"
    ),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Following:
    """Whether to wait for the run to end, and how long."""

    wait: Annotated[bool, Parameter(help="Wait until it ends; show progress and the result")] = (
        False
    )
    timeout: Timeout = None

    def __post_init__(self) -> None:
        if self.timeout is not None:  # refused before a run is started
            seconds("--timeout", self.timeout)

    @property
    def waits(self) -> bool:
        """Whether to wait; a timeout implies it."""
        return self.wait or self.timeout is not None

    @property
    def patience(self) -> float | None:
        """Seconds to wait; None: no limit."""
        return None if self.timeout is None else seconds("--timeout", self.timeout)


@dataclass(frozen=True)
class RunIds:
    """The ids of a run, in JSON."""

    workflow_id: str
    run_id: str


@dataclass(frozen=True)
class RunLink:
    """Where to see a run in a browser."""

    ui_url: str | None
    """Its page in Temporal's Web UI."""


STARTED_ONLY = Following()


@dataclass(frozen=True)
class Ending:
    """How to show a run of one type: its progress, its result, its exit code."""

    show: Callable[[Any], None]
    fine: Callable[[Any], bool]
    describe: Callable[[Any], str] | None
    """Its progress in a line, which may be empty; None: it is too short for that."""
    shape: str = "result"
    """Name of the JSON shape of its result."""


def stage_of(progress: Progress) -> str:
    """The stage of a job, and how much of it is done."""
    of = "" if progress.total is None else f" of {progress.total}"
    done = f": {progress.done}{of} {progress.of}" if progress.done or progress.total else ""
    return f"{progress.stage}{done}"


_ENDINGS = {
    "sync_pipeline": "starter.cli.commands.sync",
    "fetch_url": "starter.cli.commands.fetch",
    "process_document": "starter.cli.commands.process",
    "batch_process": "starter.cli.commands.process",
    "deduplicate_documents": "starter.cli.commands.dedup",
    "audit_corpus": "starter.cli.commands.audit",
    "purge_documents": "starter.cli.commands.purge",
    "export_corpus": "starter.cli.commands.export",
    "rebuild_index": "starter.cli.commands.index",
    "daily_cleanup": "starter.cli.commands.cleanup",
    "weekly_report": "starter.cli.commands.report",
    "decide_deletions": "starter.cli.commands.deletions",
    "push_documents": "starter.cli.commands.push",
    "restore_documents": "starter.cli.commands.restore",
}
"""Workflow type → the module whose ENDING shows it; `start` shows all others."""


def ending_of(workflow: str) -> Ending:
    """How to show a run of a type, whichever command follows it."""
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
    """Report what was started; if asked to, follow it and show its result.

    Returns the exit code, which is 0 unless the run was followed and failed. Raises `TimedOut` if
    the run takes longer than asked; its message, like the one after Ctrl-C, says how to follow it
    again.
    """
    if run.joined:
        note(f"{run.workflow_id} is already in progress; joined it")
    if run.ui_url:
        note(f"Web UI: {run.ui_url}")
    if not following.waits:
        _started(run, output)
        return DONE
    return await told_to_its_end(run, ending_of(workflow), following.patience, output)


async def told_to_its_end(
    run: AnyHandle | JobHandle[Any], ending: Ending, patience: float | None, output: str
) -> int:
    """Follow a run and show its result; returns the exit code. Raises as `followed` does."""
    result = await _result(run, ending, patience)
    if output != "text":
        ids = RunIds(run.workflow_id, run.run_id)
        emit(ending.shape, ids, result, RunLink(run.ui_url), output=output)
    else:
        ending.show(result)
    return DONE if ending.fine(result) else FAILED


async def _result(run: AnyHandle | JobHandle[Any], ending: Ending, patience: float | None) -> Any:
    import asyncio  # would double the time of a help page

    from starter.cli.framework.progress import Display
    from starter.errors import TimedOut

    display = Display(ending.describe or (lambda _: ""))
    watching = asyncio.create_task(display.follow(run)) if ending.describe else None
    try:
        return await run.result(display.note, timeout=patience)
    except TimedOut:
        raise TimedOut(
            f"{run.workflow_id} did not end within {patience:g} s; it continues. {_come_back(run)}"
        ) from None
    except asyncio.CancelledError:  # Ctrl-C stops following, not the run
        display.close()
        note(f"{run.workflow_id} continues. {_come_back(run)}")
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
