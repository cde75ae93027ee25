"""`atlas sync`: start a run, and watch it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from starter.cli.output import Format, emit, note, say, short

if TYPE_CHECKING:
    from atlas.contracts.sync_pipeline import SyncResult
    from starter.client import SyncOptions
    from starter.kinds import SyncHandle

_DONE = ("completed", "completed_with_failures", "limit_reached")


@Parameter(name="*")
@dataclass(frozen=True)
class Work:
    """What part of the work to do."""

    tag: Annotated[
        list[str] | None, Parameter(help="Sources that carry this tag; may be repeated")
    ] = None
    mode: Annotated[
        Literal["full", "incremental", "failed"] | None,
        Parameter(help="Check every page (the default), those due, or those that failed"),
    ] = None
    retry_failed: Annotated[
        bool,
        Parameter(show_default=False, help="With --due: also what failed and is not due yet"),
    ] = False
    stages: Annotated[
        list[Literal["discover", "fetch", "process", "reconcile"]] | None,
        Parameter(help="What to do; all four by default; may be repeated"),
    ] = None
    max_pages: Annotated[int | None, Parameter(help="Pages of each source at most")] = None
    max_bytes: Annotated[int | None, Parameter(help="Bytes of each source at most")] = None
    max_minutes: Annotated[float | None, Parameter(help="Minutes after which no page is begun")] = (
        None
    )

    def options(self) -> SyncOptions:
        """As `AtlasClient.sync` takes them. Raises `InvalidRequest`."""
        from atlas.contracts.work import Limits
        from starter.requests import checked

        options: SyncOptions = {}
        if self.tag:
            options["tags"] = self.tag
        if self.mode:
            options["mode"] = self.mode
        if self.retry_failed:
            options["retry_failed"] = True
        if self.stages:
            options["stages"] = list(dict.fromkeys(self.stages))
        given = {"pages": self.max_pages, "bytes": self.max_bytes, "minutes": self.max_minutes}
        if any(value is not None for value in given.values()):
            options["limits"] = checked(Limits, given)
        return options


_NONE = Work()


async def sync(
    *names: Annotated[str, Parameter(help="Sources, by their names")],
    all: Annotated[
        bool, Parameter(show_default=False, help="Every source that is not paused")
    ] = False,
    due: Annotated[
        bool, Parameter(show_default=False, help="Check only pages that are due, not every page")
    ] = False,
    work: Work = _NONE,
    wait: Annotated[
        bool, Parameter(show_default=False, help="Wait for the end and show progress")
    ] = False,
    wait_for_lease: Annotated[
        bool, Parameter(show_default=False, help="Wait for another run that works on the source")
    ] = False,
    output: Format = "text",
) -> int:
    """Bring the corpus in step with sources: every page is checked, unless you say otherwise.

    Exit code 0 when it is done, pages that failed included; 1 when it failed; with --wait only.

    Examples:
        atlas sync docs --wait
        atlas sync --all --due
        atlas sync docs --mode failed --wait
        atlas sync --tag daily -o json
    """
    from starter.client import AtlasClient
    from starter.errors import InvalidRequest

    if bool(names or work.tag) == all:
        raise InvalidRequest("name the sources to sync, by name or --tag, or give --all")
    async with AtlasClient.connect() as atlas:
        if not wait:
            for name in names:  # a run would end with unknown_source, and nobody would see it
                await atlas.sources.get(name)
        run = await atlas.sync(
            *names,
            all=all,
            due=due,
            wait_for_lease=wait_for_lease,
            trigger="cli",
            **work.options(),
        )
        if run.joined:
            note(f"{run.workflow_id} is under way already; joined it")
        if not wait:
            return _started(run, output)
        return await _waited(run, output)


def _started(run: SyncHandle, output: str) -> int:
    started = {"workflow_id": run.workflow_id, "run_id": run.run_id, "ui_url": run.ui_url}
    if output != "text":
        emit("started", started, output)
    else:
        say(f"started {run.workflow_id}, run {run.run_id}")
        _link(run)
        note(f"See how it goes with `atlas runs show {short(run.run_id)}`.")
    return 0


async def _waited(run: SyncHandle, output: str) -> int:
    from starter.cli.progress import Display

    _link(run)
    display = Display()
    watching = asyncio.create_task(display.follow(run))
    try:
        result = await run.result(display.note)
    except asyncio.CancelledError:  # Ctrl-C: the run is not ours to end
        display.close()
        note(f"{run.workflow_id} goes on. Watch it again with the same command, see it with")
        note(
            f"`atlas runs show {short(run.run_id)}`, end it with `atlas runs cancel {run.run_id}`."
        )
        raise
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        display.close()
    if output != "text":
        emit("sync_result", result_json(result, run.ui_url), output)
    else:
        _print(result)
    return 0 if result.outcome in _DONE else 1


def result_json(result: SyncResult, ui_url: str | None) -> dict[str, Any]:
    """The result as `-o json` prints it."""
    return {**result.model_dump(mode="json"), "ui_url": ui_url}


def _print(result: SyncResult) -> None:
    counts = ", ".join(f"{number} {name}" for name, number in result.counts.model_dump().items())
    say(f"{result.workflow_id}: {result.outcome}; {counts}")
    for reason, pages in result.skipped.items():
        say(f"  {pages} pages skipped: {reason}")
    if result.removed:
        say(f"  {result.removed} documents left the corpus: their pages are gone")
    for one in result.sources:
        if one.outcome != "completed":
            say(f"  {one.source}: {one.outcome}. {one.message}")
    for failure in result.failures:
        say(f"  {failure.url}: {failure.code}. {failure.message}")
    if result.counts.failed > len(result.failures) > 0:
        note(f"All failures: `atlas runs show {result.run_id} --failures`.")
    if result.message:
        note(result.message)


def _link(run: SyncHandle) -> None:
    if run.ui_url:
        note(f"Web UI: {run.ui_url}")
