"""`atlas index`: list the builds of the search index, rebuild it, roll back, or follow the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Columns, Format, listing, note, say, short
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of

if TYPE_CHECKING:
    from atlas.contracts.rebuild_index import RebuildResult
    from atlas.stores.postgres.index.generations import GenerationStatus

app = App(name="index", help="The search index: list, rebuild, rollback, follow.")

Keep = Annotated[
    float, Parameter(help="How many days to keep the index that is replaced; 0 drops it at once")
]
Reason = Annotated[str, Parameter(help="Shown with the run")]

_COLUMNS: Columns[GenerationStatus] = {
    "generation": lambda found: found.id,
    "state": lambda found: found.state,
    "since": lambda found: found.started_at if found.state == "building" else found.active_since,
    "texts": lambda found: found.texts,
    "chunks": lambda found: found.entries,
    "size": lambda found: f"{found.size / 1_000_000:.1f} MB",
    "analyser": lambda found: found.analyser,
    "kept until": lambda found: found.keep_until,
    "run": lambda found: short(found.run_id or ""),
}


@app.default
@app.command(name=["list", "status"])
async def list_(*, output: Format = "text") -> None:
    """List the builds of the index: the active one, the one being built, the one that a rollback
    restores. `atlas index status` is the same.

    Examples:
        atlas index list
        atlas index list -o json
    """
    async with connected() as atlas:
        found = await atlas.index_generations()
    listing("generations", found, output, _COLUMNS)
    for each in found if output == "text" else ():
        if each.outdated:
            note(
                f"Generation {each.id} was built by the older analyser {each.analyser}, so some "
                "searches find less than they could. A worker that starts builds another."
            )
        if each.rollback:
            note(f"`atlas index rollback` lets searches read generation {each.id} again.")


@app.command
async def rebuild(
    *,
    query: Annotated[
        list[str] | None, Parameter(help="A query that must still find what it finds now")
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
    """Build a new index while the active one serves, and switch once the new one passes its gates.

    With --wait, exit code 0 if searches use the new index, 1 if the old one stays.

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
    """Switch back to the previous generation. It has been kept up to date.

    With --wait, exit code 0 if searches use it, 1 if there is none.

    Examples:
        atlas index rollback --wait
    """
    return await _run(output, following, rollback=True, keep_days=keep_days, reason=reason)


@app.command
async def follow() -> None:
    """Keep the search index in step with the corpus, in a process of its own.

    Workers do so by themselves; this is for a machine that only searches, or while no worker runs.
    Of several processes one writes, and another takes over when it ends. Ctrl-C ends it.

    Examples:
        atlas index follow
    """
    async with connected() as atlas:
        await atlas.corpus.follow_index()


async def _run(output: str, following: Following, **fields: Any) -> int:
    async with connected() as atlas:
        run = await atlas.start("rebuild_index", trigger="cli", **fields)
        return await followed(run, "rebuild_index", following=following, output=output)


def _print(result: RebuildResult) -> None:
    if result.outcome == "completed":
        kept = f"; generation {result.previous} is kept" if result.previous else ""
        say(f"{result.workflow_id}: generation {result.generation} is active{kept}")
    else:
        say(f"{result.workflow_id}: {result.outcome}. {result.message}")
    for gate in result.gates:
        say(f"  {'passed' if gate.passed else 'FAILED'}  {gate.name}: {gate.detail}")
    for loss in result.losses:
        say(f"  {loss.query!r} lost {len(loss.lost)} of {loss.found}: {', '.join(loss.lost)}")


ENDING = Ending(_print, lambda result: result.outcome == "completed", stage_of)
