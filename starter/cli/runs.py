"""`atlas runs`: what was run, how it went, and a hand on what is under way."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from starter.cli.output import (
    Format,
    emit,
    emit_line,
    emit_list,
    note,
    one_line,
    pairs,
    say,
    short,
    table,
)

if TYPE_CHECKING:
    from starter.client import RecordedRun

app = App(name="runs", help="List runs; show, pause, resume or cancel one.")

Named = Annotated[
    str, Parameter(help="A run id or its beginning, a workflow id, or a source (its latest run)")
]
_ALL = 1_000_000


@app.default
@app.command(name="list")
async def list_(
    *,
    source: Annotated[str | None, Parameter(help="Only runs of this source")] = None,
    limit: Annotated[int, Parameter(help="How many")] = 20,
    output: Format = "text",
) -> int:
    """List the latest runs, newest first.

    Examples:
        atlas runs list
        atlas runs list --source docs -o jsonl | jq -r .outcome
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        found = await atlas.runs(source=source, limit=limit)
    if output != "text":
        emit_list("runs", "runs", [as_json(each) for each in found], output)
        return 0
    heads = ("run", "type", "source", "started", "outcome", "seen", "added", "updated", "failed")
    table(heads, [_row(each) for each in found])
    return 0


@app.command
async def show(
    run: Named,
    /,
    *,
    failures: Annotated[
        bool, Parameter(show_default=False, help="All pages that failed, not the first 20")
    ] = False,
    output: Format = "text",
) -> int:
    """Show one run: outcome, counts, failures.

    Examples:
        atlas runs show docs
        atlas runs show docs --failures -o json
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        found = await atlas.recorded_run(run, failures=_ALL if failures else 20)
    if output != "text":
        emit("run", as_json(found), output)
        return 0
    values = as_json(found)
    values |= values.pop("counts")
    for moment in ("started_at", "ended_at", "paused_since"):
        values[moment] = getattr(found.run, moment)
    del values["failures"]
    pairs(values)
    for failure in found.failures:
        say(f"  {failure.url}: {failure.error_class}, {failure.code}. {failure.message}")
    if found.counts.failed > len(found.failures):
        note(f"{found.counts.failed} failed; --failures lists them all")
    return 0


@app.command
async def outcomes(run: Named, /, *, output: Format = "jsonl") -> int:
    """What became of each page of a batch, or of each thing of another run that keeps a list.

    Examples:
        atlas runs outcomes batch_process:nightly -o text
        atlas runs outcomes batch_process:nightly | jq -r 'select(.outcome == "failed") | .url'
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        run_id = (await atlas.recorded_run(run, failures=0)).run.run_id
        async with aclosing(atlas.outcomes(run_id)) as lines:
            if output == "json":
                emit_list("outcomes", "outcomes", [line async for line in lines])
                return 0
            async for line in lines:
                emit_line(line) if output == "jsonl" else say(_told(line))
    return 0


@app.command
async def pause(run: Named, /) -> int:
    """Pause a run: it stops at its next batch and keeps what it claimed.

    Examples:
        atlas runs pause docs
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        handle = await atlas.run(run)
        await handle.pause()
    note(f"{handle.workflow_id} pauses; `atlas runs resume {run}` lets it go on")
    return 0


@app.command
async def resume(run: Named, /) -> int:
    """Let a paused run go on.

    Examples:
        atlas runs resume docs
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        handle = await atlas.run(run)
        await handle.resume()
    note(f"{handle.workflow_id} goes on")
    return 0


@app.command
async def cancel(run: Named, /) -> int:
    """End a run early. What is under way is finished or given back; the corpus stays whole.

    Examples:
        atlas runs cancel docs
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        handle = await atlas.run(run)
        await handle.cancel()
    note(f"{handle.workflow_id} is ending; see `atlas runs show {run}`")
    return 0


def as_json(found: RecordedRun) -> dict[str, Any]:
    """The run as `-o json` prints it."""
    run = found.run
    return {
        "run_id": run.run_id,
        "workflow_id": run.workflow_id,
        "type": run.kind,
        "source": run.source,
        "trigger": run.trigger,
        "due": run.due,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "outcome": run.outcome,
        "complete": run.complete,
        "paused_since": run.paused_since,
        "message": run.message,
        "counts": found.counts.model_dump(),
        "summary": run.summary,
        "failures": [failure.model_dump() for failure in found.failures],
        "ui_url": found.ui_url,
    }


def _told(line: dict[str, Any]) -> str:
    """The values that say something, tab-separated."""
    return "\t".join(one_line(str(each)) for each in line.values() if each not in (None, ""))


def _row(found: RecordedRun) -> tuple[object, ...]:
    run, counts = found.run, found.counts
    now = "paused" if run.paused_since else "running"
    return (
        short(run.run_id),
        run.kind,
        run.source,
        run.started_at,
        run.outcome or now,
        counts.seen,
        counts.added,
        counts.updated,
        counts.failed,
    )
