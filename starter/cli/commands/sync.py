"""`atlas sync`: sync the corpus with its sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, note, one_line, say
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of
from starter.cli.views.runs import print_sources, worded

if TYPE_CHECKING:
    from atlas.contracts.jobs import Progress
    from atlas.contracts.sync_pipeline import SyncProgress, SyncResult
    from starter.runs import SyncOptions

_WORKING = "fetching"
"""Beginning of the stage whose progress is shown by its pages."""
_DONE = ("completed", "completed_with_failures", "limit_reached")


@Parameter(name="*")
@dataclass(frozen=True)
class SyncWork:
    """Which part of the work to do."""

    tag: Annotated[list[str] | None, Parameter(help="Sources with this tag")] = None
    mode: Annotated[
        Literal["full", "incremental", "failed"] | None,
        Parameter(help="Which pages to check: all (the default), those due, or those that failed"),
    ] = None
    retry_failed: Annotated[
        bool, Parameter(help="With --due: also failed pages that are not due yet")
    ] = False
    stages: Annotated[
        list[Literal["discover", "fetch", "process", "reconcile"]] | None,
        Parameter(help="Only these stages; by default all"),
    ] = None
    max_pages: Annotated[int | None, Parameter(help="Pages of each source at most")] = None
    max_bytes: Annotated[int | None, Parameter(help="Bytes of each source at most")] = None
    max_minutes: Annotated[
        float | None, Parameter(help="Minutes after which no page is started")
    ] = None

    def options(self) -> SyncOptions:
        """As `AtlasClient.sync` takes them. Raises `InvalidRequest`."""
        from atlas.contracts.work import Limits
        from starter.runs.start import checked

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


_NONE = SyncWork()


async def sync(
    *names: Annotated[str, Parameter(help="Names of sources")],
    all: Annotated[bool, Parameter(help="Every source that is not paused")] = False,
    due: Annotated[bool, Parameter(help="Check only pages that are due")] = False,
    work: SyncWork = _NONE,
    following: Following = STARTED_ONLY,
    wait_for_lease: Annotated[
        bool, Parameter(help="Wait for another run that is working on the source")
    ] = False,
    output: Format = "text",
) -> int:
    """Sync the corpus with its sources. By default every page is checked.

    With --wait, exit code 0 when it is done, even if some pages failed; 1 when it failed, every
    page failed, or nothing was selected. Without --wait, exit code 1 if a source is unknown or
    paused, or a tag selects none.

    Examples:
        atlas sync docs --wait
        atlas sync --all --due
        atlas sync docs --mode failed --wait
        atlas sync --tag daily -o json
    """
    from starter.errors import InvalidRequest

    if bool(names or work.tag) == all:
        raise InvalidRequest("name the sources to sync, by name or --tag, or give --all")
    async with connected() as atlas:
        if not following.waits:
            # The run would end with unknown_source, for example, and nobody would notice.
            await atlas.sources.expect(*names, tags=work.tag or (), all=all)
        run = await atlas.sync(
            *names,
            all=all,
            due=due,
            wait_for_lease=wait_for_lease,
            trigger="cli",
            **work.options(),
        )
        return await followed(run, "sync_pipeline", following=following, output=output)


def _print(result: SyncResult) -> None:
    say(f"{result.workflow_id}: {result.outcome}; {worded(result.counts)}")
    for reason, pages in result.skipped.items():
        say(f"  {pages} pages skipped: {reason}")
    for reason, links in result.trapped.items():
        say(f"  {links} links not followed: {reason}")
    if result.removed:
        say(f"  {result.removed} documents removed: their pages are gone")
    print_sources(result.sources)
    for failure in result.failures:
        say(one_line(f"  {failure.url}: {failure.code}. {failure.message}"))
    if result.counts.failed > len(result.failures) > 0:
        named = "SOURCE" if result.sources else result.run_id  # each has a run of its own
        note(f"All failures: `atlas runs show {named} --failures`.")
    if result.message and not (result.sources and result.outcome == "completed_with_failures"):
        note(result.message)  # otherwise it repeats the messages of the sources


def described(progress: SyncProgress | Progress) -> str:
    """Source, stage, and of several sources how many are done, in a line. Page counts are not here:
    they are shown live, while the run counts batch by batch."""
    from atlas.contracts.jobs import Progress

    if isinstance(progress, Progress):  # a sync started by `atlas start`
        return stage_of(progress)
    stage = "" if progress.stage.startswith(_WORKING) else progress.stage
    parts = [progress.source, stage]
    if progress.sources_total > 1:
        seen = f", {progress.counts.seen} pages" if progress.counts.seen else ""
        parts.append(f"{progress.sources_done} of {progress.sources_total} sources{seen}")
    elif progress.level:
        parts.append(f"level {progress.level}")
    return " · ".join(part for part in parts if part)


ENDING = Ending(_print, lambda result: result.outcome in _DONE, described, shape="sync_result")
