"""`atlas runs`: list, show and follow runs; `run_control` holds what changes them."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from starter.cli.commands import run_control
from starter.cli.commands.run_control import Named
from starter.cli.framework.client import connected
from starter.cli.framework.durations import duration
from starter.cli.framework.output import Format, emit_line, emit_list, listing, note, one_line, say
from starter.cli.framework.run_follower import Timeout, ending_of, told_to_its_end
from starter.cli.views.runs import COLUMNS, print_run

if TYPE_CHECKING:
    from starter.runs.listing import RunFilter

app = App(
    name="runs", help="Runs: list, show, follow, pause, resume, cancel, terminate, retry, outcomes."
)
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
    outcome: Annotated[str | None, Parameter(help="Only runs with this outcome")] = None,
    open: Annotated[bool, Parameter(help="Only runs in progress")] = False,
    since: Annotated[
        str | None, Parameter(help="Only runs started within this time, such as 2h or 7d")
    ] = None,
    limit: Annotated[int, Parameter(help="At most this many")] = 20,
    output: Format = "text",
) -> None:
    """List the latest runs, newest first.

    Runs are read from PostgreSQL, which keeps them longer than Temporal's 30 days. Single fetches
    and health checks are only in Temporal: --type fetch_url and --type health_check list them.
    --open also asks Temporal, for runs that no worker has started.

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
    listing("runs", found, output, COLUMNS)


@app.command
async def show(
    run: Named,
    /,
    *,
    failures: Annotated[
        bool, Parameter(help="Show all failed and truncated pages, not only the first 20 of each")
    ] = False,
    output: Format = "text",
) -> None:
    """Show a run: status, outcome, counts, failures; while it is in progress also its stage and
    what it retries, and why.

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
    """Follow a run of any type until it ends and show its result.

    Ctrl-C stops following; the run continues. Exit code 0 when it succeeded, 1 when it did not, 5
    when --timeout expired.

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
            note("Temporal no longer has this run; this is its record.")
            found = await atlas.describe_run(handle.run_id)
    print_run(found, output)
    return 0 if found.outcome in ("completed", "completed_with_failures") else 1


@app.command
async def outcomes(run: Named, /, *, output: Format = "jsonl") -> None:
    """Print the outcome of each page of a run: added, updated, unchanged, removed, failed, skipped;
    or each item of another run that keeps a list.

    Examples:
        atlas runs outcomes docs | jq -r 'select(.outcome == "updated") | .url'
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
                emit_line(line) if output == "jsonl" else say(_worded(line))


def _worded(line: dict[str, Any]) -> str:
    """The non-empty values, tab-separated."""
    return "\t".join(one_line(str(each)) for each in line.values() if each not in (None, ""))
