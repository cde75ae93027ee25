"""`atlas dedup`: find duplicate documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, note, say
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of

if TYPE_CHECKING:
    from atlas.contracts.deduplicate_documents import DeduplicateResult, Group


async def dedup(
    *,
    source: Annotated[list[str] | None, Parameter(help="Only pages of this source")] = None,
    kind: Annotated[
        Literal["exact", "near", "both"],
        Parameter(help="Identical text, nearly identical text, or both"),
    ] = "both",
    threshold: Annotated[
        float, Parameter(help="Minimum similarity of near-duplicates, 0.3 to 1")
    ] = 0.8,
    winner: Annotated[
        Literal["canonical", "oldest", "newest", "shortest_url", "smallest_url"],
        Parameter(help="Which page of a group to keep"),
    ] = "canonical",
    apply: Annotated[
        bool, Parameter(help="Mark the duplicates; otherwise only report them")
    ] = False,
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Find duplicate documents. None is deleted: --apply marks them, and `atlas docs list --unique`
    leaves marked ones out.

    With --wait, exit code 0 when it is done, 1 otherwise.

    Examples:
        atlas dedup --wait
        atlas dedup --source docs --kind near --threshold 0.9 --wait
        atlas dedup --apply --wait
    """
    async with connected() as atlas:
        run = await atlas.start(
            "deduplicate_documents",
            sources=sorted(set(source or [])),
            kind=kind,
            threshold=threshold,
            winner=winner,
            apply=apply,
            trigger="cli",
        )
        return await followed(run, "deduplicate_documents", following=following, output=output)


def _print(result: DeduplicateResult) -> None:
    counts = result.counts
    say(
        f"{result.workflow_id}: {result.outcome}; {counts.duplicates} of {counts.pages} pages are "
        f"duplicates ({counts.exact_groups} groups with identical text, {counts.near_groups} with "
        "nearly identical text)"
    )
    if result.applied:
        say(f"  {counts.marked} marked, {counts.unmarked} unmarked, {counts.repaired} repaired")
    for group in result.groups:
        _print_group(group)
    if result.message:
        note(result.message)
    if counts.exact_groups + counts.near_groups > len(result.groups):
        note(f"All groups: blob {result.manifest}")


def _print_group(group: Group) -> None:
    say(f"  {group.winner}")
    for member in group.members:
        how = "identical" if member.kind == "exact" else f"{member.similarity:.0%} similar"
        say(f"    {how}: {member.url}")
    if group.pages - 1 > len(group.members):
        say(f"    and {group.pages - 1 - len(group.members)} more")


ENDING = Ending(_print, lambda result: result.outcome == "completed", stage_of)
