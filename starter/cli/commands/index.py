"""`atlas index`: which builds of the search index there are; rebuild it; go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, emit_list, note, say, short, table
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of

if TYPE_CHECKING:
    from atlas.contracts.rebuild_index import RebuildResult
    from atlas.stores.postgres.index.generations import GenerationStatus

app = App(name="index", help="Look at the search index; rebuild it, or go back to the last one.")

Keep = Annotated[float, Parameter(help="How long what serves now is kept; 0 drops it at once")]
Reason = Annotated[str, Parameter(help="Shown with the run")]


@app.default
@app.command
async def status(*, output: Format = "text") -> None:
    """List the generations: what serves, what is being built, what a rollback would bring back.

    Examples:
        atlas index status
    """
    async with connected() as atlas:
        found = await atlas.index_generations()
    if output != "text":
        emit_list("generations", found, output)
        return
    heads = ("generation", "state", "since", "entries", "size", "analyser", "kept until", "run")
    table(heads, [_row(each) for each in found])
    for each in found:
        if each.outdated:
            note(
                f"Generation {each.id} was built by analyser {each.analyser}, and queries are read "
                "by a newer one: it answers, but worse than it could. `atlas index rebuild` mends "
                "that."
            )


@app.command
async def rebuild(
    *,
    query: Annotated[
        list[str] | None,
        Parameter(help="A query that must find again what it finds now; repeat for more"),
    ] = None,
    min_overlap: Annotated[
        float, Parameter(help="Share of its first ten results that each query must find again")
    ] = 0.8,
    keep_days: Keep = 7.0,
    chunk: Annotated[int, Parameter(help="Texts per activity")] = 500,
    reason: Reason = "",
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Build the index anew beside the one that serves; switch once its gates have passed.

    Exit code 0 when searches read the new index; 1 when the old one stays; with --wait only.

    Examples:
        atlas index rebuild --wait
        atlas index rebuild --query 'backup schedule' --reason 'new analyser'
    """
    return await _run(
        output,
        following,
        queries=query or [],
        min_overlap=min_overlap,
        keep_days=keep_days,
        chunk=chunk,
        reason=reason,
    )


@app.command
async def rollback(
    *,
    keep_days: Keep = 7.0,
    reason: Reason = "",
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Switch back to the generation that served before. It lacks nothing that came since.

    Exit code 0 when searches read it; 1 when there is none; with --wait only.

    Examples:
        atlas index rollback --wait
    """
    return await _run(output, following, rollback=True, keep_days=keep_days, reason=reason)


def _row(found: GenerationStatus) -> tuple[object, ...]:
    since = found.started_at if found.state == "building" else found.active_since
    return (
        found.id,
        found.state,
        since,
        found.entries,
        _megabytes(found.size),
        found.analyser,
        found.keep_until,
        short(found.run_id or ""),
    )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


async def _run(output: str, following: Following, **fields: Any) -> int:
    async with connected() as atlas:
        run = await atlas.start("rebuild_index", trigger="cli", **fields)
        return await followed(run, "rebuild_index", following=following, output=output)


def _print(result: RebuildResult) -> None:
    if result.outcome == "completed":
        kept = f"; generation {result.previous} is kept" if result.previous else ""
        say(f"{result.workflow_id}: generation {result.generation} serves{kept}")
    else:
        say(f"{result.workflow_id}: {result.outcome}. {result.message}")
    for gate in result.gates:
        say(f"  {'passed' if gate.passed else 'FAILED'}  {gate.name}: {gate.detail}")
    for loss in result.losses:
        say(f"  {loss.query!r} lost {len(loss.lost)} of {loss.found}: {', '.join(loss.lost)}")


ENDING = Ending(_print, lambda result: result.outcome == "completed", stage_of)
