"""`atlas audit`: whether rows, bodies and index agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, note, say
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of

if TYPE_CHECKING:
    from atlas.contracts.audit_corpus import AuditResult


async def audit(
    *,
    sample: Annotated[
        int, Parameter(help="Look at this many pages, texts, runs and bodies, at random; 1 to 500")
    ] = 200,
    full: Annotated[bool, Parameter(help="Look at everything, not at a sample")] = False,
    repair: Annotated[
        bool, Parameter(help="Repair what does not agree, and say what was done")
    ] = False,
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Check that rows, bodies and the index agree: bodies read back are what their names say, texts
    extracted again are those that are kept, and each document is found by a sentence of its own.

    `daily_cleanup` looks at a sample every day. With --wait, exit code 0 when everything agrees or
    was repaired, 1 otherwise.

    Examples:
        atlas audit --wait
        atlas audit --full --repair --wait
    """
    async with connected() as atlas:
        run = await atlas.start(
            "audit_corpus", sample=sample, full=full, repair=repair, trigger="cli"
        )
        return await followed(run, "audit_corpus", following=following, output=output)


def _print(result: AuditResult) -> None:
    looked = "everything" if result.full else "a sample"
    repaired = f", {result.repaired} repaired" if result.findings else ""
    say(
        f"{result.workflow_id}: {result.outcome}; looked at {looked}; "
        f"{result.findings} findings{repaired}"
    )
    say("  " + ", ".join(f"{count} {stage}" for stage, count in result.checked.items()))
    for each in result.listed:
        done = f" ({each.repair})" if each.repair else ""
        say(f"  {each.check}: {each.detail}{done}")
    if result.findings > len(result.listed):
        note(f"All findings: `atlas runs outcomes {result.run_id}`, blob {result.manifest}.")
    if result.message:
        note(result.message)


ENDING = Ending(_print, lambda result: result.outcome == "completed", stage_of)
