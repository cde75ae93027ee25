"""`atlas cleanup`: take away what has been kept long enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from atlas.contracts.names import CleanupClass
from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, note, say
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of

if TYPE_CHECKING:
    from atlas.contracts.daily_cleanup import CleanupResult


async def cleanup(
    *,
    dry_run: Annotated[bool, Parameter(help="Only list what would go; nothing is changed")] = False,
    max_deletions: Annotated[
        int, Parameter(help="Things taken away at most; the rest waits for the next run")
    ] = 100_000,
    only: Annotated[
        list[CleanupClass] | None, Parameter(help="Only this class of things; repeat for more")
    ] = None,
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Take away what has been kept long enough, as the settings say (docs/settings.md), and
    compare the blob store with the database. Live documents, their bodies and reports stay.

    Exit code 0 when it is done and no blob is missing; 1 otherwise; with --wait only.

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
    went = "would go" if result.dry_run else "went"
    say(f"{result.workflow_id}: {result.outcome}; {sum(result.removed.values())} things {went}")
    for kind, count in result.removed.items():
        say(f"  {count} {kind}")
    freed = "would be freed" if result.dry_run else "freed"
    say(f"  {_size(result.bytes_freed)} {freed} in the blob store and by whole partitions")
    if result.condemned:
        say(
            f"  {result.condemned} blobs condemned: nothing refers to them, they go after the grace"
        )
    if result.adopted:
        say(f"  {result.adopted} blobs were in the store without a row")
    for blob in result.missing_blobs:
        say(f"  missing: {blob.digest} {blob.url}")
    if result.message:
        note(result.message)
    note(f"The whole list: `atlas runs outcomes {result.run_id}`, blob {result.manifest}.")


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


ENDING = Ending(
    _print, lambda result: result.outcome == "completed" and not result.missing, stage_of
)
