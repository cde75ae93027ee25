"""`atlas runs`: what was run, how it goes or went; `steering` has the hand on it."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from starter.cli.commands import run_control
from starter.cli.commands.run_control import Named
from starter.cli.framework.client import connected
from starter.cli.framework.durations import duration
from starter.cli.framework.output import Format, emit_line, emit_list, note, one_line, say, table
from starter.cli.framework.run_follower import Timeout, ending_of, told_to_its_end
from starter.cli.views.runs import listed_row, print_run

if TYPE_CHECKING:
    from starter.runs.listing import RunFilter

app = App(name="runs", help="Runs: list, show and follow them; pause, resume, end or retry one.")
for command in (
    run_control.pause,
    run_control.resume,
    run_control.cancel,
    run_control.terminate,
    run_control.retry,
):
    app.command(command)

_ALL = 1_000_000


@app.default
@app.command(name="list")
async def list_(
    *,
    source: Annotated[str | None, Parameter(help="Only runs of this source")] = None,
    type: Annotated[str | None, Parameter(help="Only runs of this workflow type")] = None,
    outcome: Annotated[str | None, Parameter(help="Only runs that ended so")] = None,
    open: Annotated[bool, Parameter(help="Only runs under way")] = False,
    since: Annotated[
        str | None, Parameter(help="Only runs that began so long ago at most: 2h, 7d")
    ] = None,
    limit: Annotated[int, Parameter(help="How many")] = 20,
    output: Format = "text",
) -> None:
    """List the latest runs, newest first.

    They are read from the record in PostgreSQL, which outlasts Temporal's 30 days. Single fetches
    and health checks keep no record: --type fetch_url and --type health_check ask Temporal.
    --open asks it too, for runs that no worker has begun.

    Examples:
        atlas runs list
        atlas runs list --open
        atlas runs list --type fetch_url --since 1h
        atlas runs list --source docs -o jsonl | jq -r .outcome
    """
    wanted: RunFilter = {}
    if source is not None:
        wanted["source"] = source
    if type is not None:
        wanted["workflow"] = type
    if outcome is not None:
        wanted["outcome"] = outcome
    if open:
        wanted["open"] = True
    if since is not None:
        wanted["since"] = datetime.now(UTC) - duration("--since", since)
    async with connected() as atlas:
        found = await atlas.runs(limit=limit, **wanted)
    if output != "text":
        emit_list("runs", found, output)
        return
    heads = ("run", "type", "source", "started", "outcome", "seen", "added", "updated", "failed")
    table(heads, [listed_row(each) for each in found])


@app.command
async def show(
    run: Named,
    /,
    *,
    failures: Annotated[bool, Parameter(help="All pages that failed, not the first 20")] = False,
    output: Format = "text",
) -> None:
    """Show one run: status, outcome, counts, failures; while it is under way stage, progress, and
    what it tries again and why.

    Examples:
        atlas runs show docs
        atlas runs show docs --failures -o json
        atlas runs show health_check
    """
    async with connected() as atlas:
        found = await atlas.describe_run(run, failures=_ALL if failures else 20)
    print_run(found, output)


@app.command
async def follow(run: Named, /, *, timeout: Timeout = None, output: Format = "text") -> int:
    """Follow a run of any type to its end and show its result; of one that has ended, at once.

    Ctrl-C ends the following, not the run. Exit code 0 when it ended well, 1 when it did not,
    5 when --timeout ended the wait.

    Examples:
        atlas runs follow docs
        atlas runs follow docs --timeout 10m -o json
    """
    from starter.cli.framework.durations import seconds
    from starter.errors import NotFound

    patience = None if timeout is None else seconds("--timeout", timeout)
    async with connected() as atlas:
        handle = await atlas.run(run)
        if handle.ui_url:
            note(f"Web UI: {handle.ui_url}")
        try:
            return await told_to_its_end(handle, ending_of(handle.workflow), patience, output)
        except NotFound:
            note("Temporal no longer knows the run; this is its record.")
            found = await atlas.describe_run(handle.run_id)
    print_run(found, output)
    return 0 if found.outcome in ("completed", "completed_with_failures") else 1


@app.command
async def outcomes(run: Named, /, *, output: Format = "jsonl") -> None:
    """What became of each page of a batch, or of each thing of another run that keeps a list.

    Examples:
        atlas runs outcomes batch_process:nightly -o text
        atlas runs outcomes batch_process:nightly | jq -r 'select(.outcome == "failed") | .url'
    """
    async with connected() as atlas:
        run_id = (await atlas.recorded_run(run, failures=0)).run.run_id
        async with aclosing(atlas.outcomes(run_id)) as lines:
            if output == "json":
                emit_list("outcomes", [line async for line in lines])
                return
            async for line in lines:
                emit_line(line) if output == "jsonl" else say(_told(line))


def _told(line: dict[str, Any]) -> str:
    """The values that say something, tab-separated."""
    return "\t".join(one_line(str(each)) for each in line.values() if each not in (None, ""))
