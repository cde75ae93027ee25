"""Control runs: pause, resume, cancel, terminate, retry."""

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
Yes = Annotated[bool, Parameter(name=["--yes", "-y"], help="Do not ask for confirmation")]
Act = Callable[["AtlasClient", "AnyHandle"], Awaitable[str]]
"""Acts on one run and returns a message."""


@dataclass(frozen=True)
class Retried:
    """What was started again, in JSON."""

    retried: str
    """Run id of the failed run."""
    what: What
    """What the new run does."""
    workflow_id: str | None
    """Of the new run; None if nothing had failed."""
    run_id: str | None
    ui_url: str | None
    """Its page in Temporal's Web UI."""


async def pause(
    *runs: Several,
    all: Annotated[bool, Parameter(help="Every run in progress")] = False,
) -> int:
    """Pause runs. Each stops after its current batch and keeps its claims; nothing is lost.

    Exit code 0 also if a run was already paused, 1 if it has ended.

    Examples:
        atlas runs pause docs
        atlas runs pause --all
    """
    return await _each(runs, _pause, all_of="running" if all else None)


async def resume(
    *runs: Several,
    all: Annotated[bool, Parameter(help="Every paused run")] = False,
) -> int:
    """Resume paused runs. Exit code 0 also if a run was not paused, 1 if it has ended.

    Examples:
        atlas runs resume docs
        atlas runs resume --all
    """
    return await _each(runs, _resume, all_of="paused" if all else None)


async def cancel(
    *runs: Several,
    all: Annotated[bool, Parameter(help="Every run in progress")] = False,
    yes: Yes = False,
) -> int:
    """Cancel runs. Work in progress is finished or released, and the corpus stays consistent.

    Exit code 0 also if a run was cancelled before, 1 if it ended otherwise.

    Examples:
        atlas runs cancel docs
    """
    question = "" if yes else "Cancel every run in progress?"
    return await _each(
        runs, _cancel, all_of="open" if all else None, ended_so="cancelled", question=question
    )


async def terminate(
    run: Named,
    /,
    *,
    reason: Annotated[str, Parameter(help="Shown with the run, here and in the Web UI")] = "",
    yes: Yes = False,
) -> int:
    """Terminate a run that cannot be cancelled.

    Unlike cancel, it finishes no work in progress and leaves the runs that it started running. Its
    record ends as failed, and its lease and claims are released for the next run. Exit code 0 also
    if it had already ended.

    Examples:
        atlas runs terminate docs --reason "stuck since the move"
    """
    async with connected() as atlas:
        before = await atlas.describe_run(run, failures=0)
        question = f"Terminate {before.workflow_id}? `atlas runs cancel` would finish its work."
        if before.status != "ended" and not yes and not _confirmed(question):
            return FAILED
        done = await atlas.terminate(
            before.run_id if before.recorded else before.workflow_id, reason
        )
    if not done.was_open:
        closed = "; its record was still open and is closed now" if done.record_ended else ""
        note(f"{before.workflow_id} had ended already: {before.outcome}{closed}")
        return DONE
    note(f"{before.workflow_id} is terminated. Its claims are released for the next run.")
    for child in done.children:
        note(f"{child}, which it started, continues; `atlas runs cancel {shlex.quote(child)}`")
    return DONE


async def retry(
    run: Named, /, *, following: Following = STARTED_ONLY, output: Format = "text"
) -> int:
    """Start a run that does what failed in another one.

    After a sync or a batch that completed with failures, that is the failed pages; after a sync of
    several sources, those that did not complete; otherwise the same request. Exit code 0 also if
    nothing had failed, 1 while the run is in progress.

    Examples:
        atlas runs retry docs --wait
    """
    async with connected() as atlas:
        done = await atlas.retry(run, trigger="cli")
        if done.handle is None:
            note(f"{done.workflow_id}: nothing failed, so nothing was started")
            if output != "text":
                emit("retried", Retried(done.run_id, done.what, None, None, None), output=output)
            return DONE
        note(f"retrying {done.workflow_id}: {done.what}")
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
    """Act on each run, or on all with the status `all_of` once `question` is confirmed; the exit
    code is 0 if all went well. A run that has already ended counts as well if its outcome is
    `ended_so`."""
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
    if status != "open":  # short ones cannot be paused
        wanted = [each for each in wanted if not WORKFLOWS[each.run.kind].brief]
    if not wanted:
        note("no run is in progress" if status == "open" else f"no run is {status}")
    return [each.run.workflow_id for each in wanted]


async def _pause(atlas: AtlasClient, handle: AnyHandle) -> str:
    since = await _paused_since(atlas, handle)
    await handle.pause()
    if since is not None:
        return f"{handle.workflow_id} is already paused, since {since}"
    return f"{handle.workflow_id} is pausing; `atlas runs resume {_quoted(handle)}` resumes it"


async def _resume(atlas: AtlasClient, handle: AnyHandle) -> str:
    since = await _paused_since(atlas, handle)
    await handle.resume()
    return f"{handle.workflow_id} continues" + ("" if since else "; it was not paused")


async def _cancel(atlas: AtlasClient, handle: AnyHandle) -> str:
    await handle.cancel()
    return f"{handle.workflow_id} is ending; `atlas runs follow {_quoted(handle)}` waits for it"


async def _paused_since(atlas: AtlasClient, handle: AnyHandle) -> str | None:
    from starter.errors import NotFound

    try:
        since = (await atlas.recorded_run(handle.run_id, failures=0)).run.paused_since
    except NotFound:  # no worker has started it
        return None
    return when(since) if since else None


def _quoted(handle: AnyHandle) -> str:
    return shlex.quote(handle.workflow_id)


def _confirmed(question: str) -> bool:
    """Ask on a terminal; a script is not asked."""
    if not sys.stdin.isatty():
        return True
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip().lower()
    if answer in ("y", "yes"):
        return True
    note("cancelled; nothing was done")
    return False
