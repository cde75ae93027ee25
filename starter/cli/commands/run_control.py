"""A hand on runs: pause, resume, cancel, terminate, retry."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import DONE, FAILED
from starter.cli.framework.output import Format, emit, note, when
from starter.cli.framework.run_follower import STARTED_ONLY, Following, followed

if TYPE_CHECKING:
    from starter.client import AtlasClient
    from starter.runs.handles import AnyHandle
    from starter.runs.retry import What

Named = Annotated[
    str, Parameter(help="A run id or its beginning, a workflow id, or a source (its latest run)")
]
Several = Annotated[str, Parameter(help="Run ids or their beginnings, workflow ids, or sources")]
Yes = Annotated[bool, Parameter(name=["--yes", "-y"], help="Do not ask on a terminal")]
Act = Callable[["AtlasClient", "AnyHandle"], Awaitable[str]]
"""Does it to one run; what is to be said of it."""


@dataclass(frozen=True)
class Retried:
    """What was started again, as JSON says it."""

    retried: str
    """Run id of the run that had failed."""
    what: What
    """What the new run is asked for."""
    workflow_id: str | None
    """Of the new run; None when nothing of it had failed."""
    run_id: str | None
    ui_url: str | None
    """Its page in Temporal's Web UI."""


async def pause(
    *runs: Several,
    all: Annotated[bool, Parameter(help="Every run under way")] = False,
) -> int:
    """Pause runs: each stops at its next batch and keeps what it claimed. Nothing is lost.

    Exit code 0 also when it was paused already; 1 when it has ended.

    Examples:
        atlas runs pause docs
        atlas runs pause --all
    """
    return await _each(runs, _pause, all_of="running" if all else None)


async def resume(
    *runs: Several,
    all: Annotated[bool, Parameter(help="Every paused run")] = False,
) -> int:
    """Let paused runs go on. Exit code 0 also when it was not paused; 1 when it has ended.

    Examples:
        atlas runs resume docs
        atlas runs resume --all
    """
    return await _each(runs, _resume, all_of="paused" if all else None)


async def cancel(
    *runs: Several,
    all: Annotated[bool, Parameter(help="Every run under way")] = False,
    yes: Yes = False,
) -> int:
    """End runs early. What is under way is finished or given back; the corpus stays whole.

    Exit code 0 also when it was cancelled before; 1 when it ended otherwise.

    Examples:
        atlas runs cancel docs
    """
    question = "" if yes else "Cancel every run that is under way?"
    return await _each(
        runs, _cancel, all_of="open" if all else None, ended_so="cancelled", question=question
    )


async def terminate(
    run: Named,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why; shown with the run, here and in the Web UI")] = "",
    yes: Yes = False,
) -> int:
    """End a run from outside, at once: for one that cannot be cancelled.

    Unlike cancel it finishes nothing, gives nothing back, and does not reach the runs that it
    started. Its record is ended as failed; its lease and claims are let go, so that the next run
    takes over. Exit code 0 also when it had ended.

    Examples:
        atlas runs terminate docs --reason "stuck since the move"
    """
    async with connected() as atlas:
        before = await atlas.describe_run(run, failures=0)
        question = (
            f"Terminate {before.workflow_id}? It finishes nothing; `atlas runs cancel` would."
        )
        if before.status != "ended" and not yes and not _confirmed(question):
            return FAILED
        done = await atlas.terminate(
            before.run_id if before.recorded else before.workflow_id, reason
        )
    if not done.was_open:
        mended = "; its record was open, and is ended now" if done.record_ended else ""
        note(f"{before.workflow_id} had ended already: {before.outcome}{mended}")
        return DONE
    note(f"{before.workflow_id} is terminated. What it had claimed is free for the next run.")
    for child in done.children:
        note(f"{child}, which it started, goes on; `atlas runs cancel {shlex.quote(child)}`")
    return DONE


async def retry(
    run: Named, /, *, following: Following = STARTED_ONLY, output: Format = "text"
) -> int:
    """Start again what failed of a run: its failed pages where it worked through, else the same
    request once more.

    Of a sync or a batch that completed with failures, only the pages that failed; of a sync of
    several sources, those that did not complete. Exit code 0 also when nothing had failed; 1 while
    it is under way.

    Examples:
        atlas runs retry docs --wait
    """
    async with connected() as atlas:
        done = await atlas.retry(run, trigger="cli")
        if done.handle is None:
            note(f"{done.workflow_id}: nothing of it failed; nothing was started")
            if output != "text":
                emit("retried", Retried(done.run_id, done.what, None, None, None), output=output)
            return DONE
        note(f"{done.workflow_id} once more: {done.what}")
        if following.waits or output == "text":
            return await followed(done.handle, done.workflow, following=following, output=output)
        handle = done.handle
        new = (handle.workflow_id, handle.run_id, handle.ui_url)
        emit("retried", Retried(done.run_id, done.what, *new), output=output)
    return DONE


async def _each(
    runs: tuple[str, ...],
    act: Act,
    *,
    all_of: str | None,
    ended_so: str | None = None,
    question: str = "",
) -> int:
    """Do it to each run; the exit code is 0 when it was done to all. `ended_so`: an outcome of a
    run that has ended which is what was wanted. `question`: asked before it is done to `all_of`."""
    from starter.errors import AtlasError, CannotConnect, InvalidRequest

    if bool(runs) == (all_of is not None):
        raise InvalidRequest("name runs, or give --all")
    if all_of is not None and question and not _confirmed(question):
        return FAILED

    code = DONE
    async with connected() as atlas:
        for named in runs or await _open(atlas, all_of or "open"):
            try:
                fine = await _one(atlas, named, act, ended_so)
            except CannotConnect:
                raise
            except AtlasError as error:
                if len(runs) == 1:
                    raise
                note(f"atlas: {error}")
                fine = False
            code = code if fine else FAILED
    return code


async def _one(atlas: AtlasClient, named: str, act: Act, ended_so: str | None) -> bool:
    from starter.errors import NotFound

    handle = await atlas.run(named)
    try:
        note(await act(atlas, handle))
    except NotFound:
        found = await atlas.describe_run(named, failures=0)
        at = f" at {when(found.ended_at)}" if found.ended_at else ""
        note(f"{found.workflow_id} is not under way: it ended {found.outcome}{at}")
        return found.outcome == ended_so
    return True


async def _open(atlas: AtlasClient, status: str) -> list[str]:
    from atlas.contracts.catalogue import WORKFLOWS

    found = await atlas.runs(open=True, limit=1000)
    wanted = [each for each in found if status in ("open", each.status)]
    if status != "open":  # what takes moments cannot be paused
        wanted = [each for each in wanted if not WORKFLOWS[each.run.kind].brief]
    if not wanted:
        note("no run is under way" if status == "open" else f"no run is {status}")
    return [each.run.workflow_id for each in wanted]


async def _pause(atlas: AtlasClient, handle: AnyHandle) -> str:
    since = await _paused_since(atlas, handle)
    await handle.pause()
    if since is not None:
        return f"{handle.workflow_id} is paused already, since {since}"
    return f"{handle.workflow_id} pauses; `atlas runs resume {_quoted(handle)}` lets it go on"


async def _resume(atlas: AtlasClient, handle: AnyHandle) -> str:
    since = await _paused_since(atlas, handle)
    await handle.resume()
    return f"{handle.workflow_id} goes on" + ("" if since else "; it was not paused")


async def _cancel(atlas: AtlasClient, handle: AnyHandle) -> str:
    await handle.cancel()
    return f"{handle.workflow_id} is ending; `atlas runs follow {_quoted(handle)}` waits for it"


async def _paused_since(atlas: AtlasClient, handle: AnyHandle) -> str | None:
    from starter.errors import NotFound

    try:
        since = (await atlas.recorded_run(handle.run_id, failures=0)).run.paused_since
    except NotFound:  # no worker has begun it
        return None
    return when(since) if since else None


def _quoted(handle: AnyHandle) -> str:
    return shlex.quote(handle.workflow_id)


def _confirmed(question: str) -> bool:
    """Ask on a terminal; elsewhere a command means what it says."""
    if not sys.stdin.isatty():
        return True
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip().lower()
    if answer in ("y", "yes"):
        return True
    note("nothing was done")
    return False
