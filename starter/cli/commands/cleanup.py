"""`atlas cleanup`: delete data past its retention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from atlas.contracts.names import CleanupClass
from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, note, say, size_of
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of

if TYPE_CHECKING:
    from atlas.contracts.daily_cleanup import CleanupResult


async def cleanup(
    *,
    dry_run: Annotated[bool, Parameter(help="Only list what would be deleted")] = False,
    max_deletions: Annotated[
        int, Parameter(help="Delete at most this many; the rest waits for the next run")
    ] = 100_000,
    only: Annotated[list[CleanupClass] | None, Parameter(help="Only this class of data")] = None,
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Delete data past its retention (docs/settings.md), and compare the blob store with the
    database. Live documents, their bodies and reports stay.

    With --wait, exit code 0 when it is done and no blob is missing, 1 otherwise.

    Examples:
        atlas cleanup --dry-run --wait
        atlas cleanup --wait
    """
    async with connected() as atlas:
        run = await atlas.start(
            "daily_cleanup",
            dry_run=dry_run,
            max_deletions=max_deletions,
            classes=sorted(set(only or [])),
            trigger="cli",
        )
        return await followed(run, "daily_cleanup", following=following, output=output)


def _print(result: CleanupResult) -> None:
    deleted = "would be deleted" if result.dry_run else "deleted"
    say(f"{result.workflow_id}: {result.outcome}; {sum(result.removed.values())} items {deleted}")
    for kind, count in result.removed.items():
        say(f"  {count} {kind}")
    freed = "would be freed" if result.dry_run else "freed"
    say(f"  {size_of(result.bytes_freed)} {freed} in the blob store and by dropped partitions")
    if result.condemned:
        say(f"  {result.condemned} unreferenced blobs will be deleted after the grace period")
    if result.adopted:
        say(f"  {result.adopted} blobs in the store were not in the database; now recorded")
    for blob in result.missing_blobs:
        say(f"  missing: {blob.digest} {blob.url}")
    if result.message:
        note(result.message)
    note(f"Full list: `atlas runs outcomes {result.run_id}`, blob {result.manifest}.")


ENDING = Ending(
    _print, lambda result: result.outcome == "completed" and not result.missing, stage_of
)
