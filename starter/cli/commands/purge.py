"""`atlas purge`: erase pages for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.agreement import agreed
from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import DONE, FAILED
from starter.cli.framework.output import Columns, Format, listing, note, say
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of
from starter.errors import InvalidRequest

if TYPE_CHECKING:
    from atlas.contracts.purge_documents import PurgeResult
    from atlas.stores.postgres.crawl.pages.purged_urls import PurgedAddress

_PURGED: Columns[PurgedAddress] = {
    "url_hash": lambda each: each.url_hash,
    "purged_at": lambda each: each.purged_at,
    "reason": lambda each: each.reason,
}


async def purge(
    *urls: Annotated[
        str, Parameter(help="Addresses to erase, as stored or as a browser shows them")
    ],
    source: Annotated[str | None, Parameter(help="Every page that this source holds")] = None,
    host: Annotated[str | None, Parameter(help="Every page on this host, name[:port]")] = None,
    reason: Annotated[
        str,
        Parameter(help="A code kept with the hash of each address, such as erasure_request"),
    ] = "unspecified",
    dry_run: Annotated[bool, Parameter(help="Only count what would be erased")] = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], help="Do not ask")] = False,
    allow: Annotated[
        bool, Parameter(help="Erase nothing: let these addresses be collected again")
    ] = False,
    list_: Annotated[
        bool, Parameter(name="--list", help="Erase nothing: list what is kept away, by hash")
    ] = False,
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Erase pages with every trace of them: texts, versions, bodies, index, ledger, records of
    runs, reports. Only a hash of each address stays, which keeps it away. It cannot be undone.

    With --wait, exit code 0 when a search of every table finds nothing of it, 1 otherwise.

    Examples:
        atlas purge https://docs.example.com/person --dry-run --wait
        atlas purge https://docs.example.com/person --reason erasure_request --yes --wait
        atlas purge --allow https://docs.example.com/person
        atlas purge --list
    """
    if allow or list_:
        return await _of_addresses(urls, allow, output)
    if not (dry_run or yes) and not agreed("Erase it all, for good?", "or --dry-run to count"):
        note("nothing was erased")
        return FAILED
    async with connected() as atlas:
        run = await atlas.purge(
            *urls, source=source, host=host, reason=reason, dry_run=dry_run, trigger="cli"
        )
        return await followed(run, "purge_documents", following=following, output=output)


async def _of_addresses(urls: tuple[str, ...], allow: bool, output: Format) -> int:
    async with connected() as atlas:
        if not allow:
            listing("purged", await atlas.purged(), output, _PURGED)
            return DONE
        if not urls:
            raise InvalidRequest("urls: none is given; --allow takes the addresses to allow")
        allowed = await atlas.allow_purged(*urls)
    for url in allowed:
        say(f"allowed {url}; the next sync that finds it collects it again")
    missing = len(urls) - len(allowed)
    if missing:
        note(f"{missing} of the addresses were not kept away")
    return FAILED if missing else DONE


def _print(result: PurgeResult) -> None:
    erased = "would be erased" if result.dry_run else "erased"
    say(
        f"{result.workflow_id}: {result.outcome}; {result.addresses} addresses {erased}, "
        f"{result.pages} of them pages, {result.documents} with a document"
    )
    if result.shared:
        say(f"  {result.shared} pages are held by other sources too")
    if not result.dry_run:
        say(f"  {result.bodies} bodies deleted, {result.rewritten} reports and lists rewritten")
        if result.hosts:
            say(f"  hosts forgotten: {', '.join(result.hosts)}")
        if result.bodies_waiting:
            say(
                f"  {result.bodies_waiting} bodies wait for runs under way; "
                "`atlas cleanup` deletes them after its grace"
            )
        found = sum(result.traces.values())
        say(f"  every table searched: {found} traces")
        for column, rows in result.traces.items():
            say(f"    {rows} in {column}")
    for what, count in result.mentions.items():
        say(f"  stays: {count} {what}")
    if result.message:
        note(result.message)


ENDING = Ending(_print, lambda result: result.outcome == "completed", stage_of)
