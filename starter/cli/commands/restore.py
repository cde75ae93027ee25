"""`atlas docs restore`: bring back what left or was replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.moments import moment
from starter.cli.framework.output import Format, note, one_line, say
from starter.cli.framework.run_follower import Ending, Following, Timeout, followed, stage_of

if TYPE_CHECKING:
    from atlas.contracts.restore_documents import RestoredPage, RestoreResult


async def restore(
    *urls: Annotated[str, Parameter(help="Pages, by URL: what each said before")],
    run: Annotated[
        str | None, Parameter(help="Undo what this run removed and replaced; by id or source")
    ] = None,
    source: Annotated[
        str | None, Parameter(help="Every page of this source, as it was --since")
    ] = None,
    since: Annotated[
        str | None,
        Parameter(help="The moment to go back to: 2026-11-28T10:00, or how long ago, such as 6h"),
    ] = None,
    version: Annotated[
        int | None, Parameter(help="The version of one URL; `atlas docs history` lists them")
    ] = None,
    dry_run: Annotated[bool, Parameter(help="Only list what would come back")] = False,
    timeout: Timeout = None,
    output: Format = "text",
) -> int:
    """Bring back documents that left the corpus or were replaced, from their versions. Nothing is
    fetched.

    The restored text is a new version after the others, and the page is looked at anew: evidence
    that it is gone is forgotten, and the text that was undone is held if the page answers with it
    again. Doing it twice changes nothing.

    Exit code 0 when all that was asked for is in place, 1 when something could not be restored.

    Examples:
        atlas docs restore https://docs.example.com/guide
        atlas docs restore --run docs --dry-run
        atlas docs restore --source docs --since 2d
        atlas docs restore https://docs.example.com/guide --version 3
    """
    then = None if since is None else moment("--since", since)
    async with connected() as atlas:
        started = await atlas.corpus.restore(
            list(urls) or None,
            run=run,
            source=source,
            since=then,
            version=version,
            dry_run=dry_run,
            trigger="cli",
        )
        following = Following(wait=True, timeout=timeout)
        return await followed(started, "restore_documents", following=following, output=output)


def _print(result: RestoreResult) -> None:
    counts = result.counts
    if result.dry_run:
        say(f"{result.workflow_id}: dry run; {counts.skipped} of {counts.seen} would come back")
    else:
        say(
            f"{result.workflow_id}: {result.outcome}; {counts.added} came back, {counts.updated} "
            f"replaced, {counts.unchanged} unchanged, {counts.skipped} skipped, "
            f"{counts.failed + result.missing} not restored"
        )
    for page in result.pages:
        say(one_line(f"  {page.url}: {_became(page)}"))
    if counts.seen > len(result.pages):
        note(f"Outcome of every page: `atlas runs outcomes {result.run_id}`.")
    if result.message:
        note(result.message)


def _became(page: RestoredPage) -> str:
    if page.result == "would_restore":
        return f"version {page.version} would come back"
    if page.result == "restored":
        return f"version {page.version} restored"
    return f"{page.result} ({page.code}: {page.reason})" if page.code else page.result


def _in_place(result: RestoreResult) -> bool:
    return result.outcome == "completed" and not result.missing


ENDING = Ending(_print, _in_place, stage_of, shape="restore_result")
