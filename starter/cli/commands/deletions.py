"""`atlas deletions`: removals that runs held, and a person's word on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.options import First
from starter.cli.framework.output import Columns, Format, listing, note, say
from starter.cli.framework.run_follower import Ending, Following, Timeout, followed

if TYPE_CHECKING:
    from atlas.contracts.decide_deletions import DecideDeletionsResult, Decision
    from atlas.stores.postgres.crawl.pages.held_removals import HeldRemoval

app = App(name="deletions", help="Removals that were held: list, approve, reject.")

Held = Annotated[
    str, Parameter(help="A source, or a run that held removals: its id or the beginning of it")
]
Pages = Annotated[str, Parameter(help="Only these pages; by default all that is held")]

_EVIDENCE = {
    "not_found": "answers 404",
    "gone": "answers 410",
    "noindex": "asks for no index",
    "moved": "moved to",
    "absent": "not listed",
    "withdrawn": "withdrawn",
}
_COLUMNS: Columns[HeldRemoval] = {
    "source": lambda held: held.source,
    "url": lambda held: held.url,
    "evidence": lambda held: _EVIDENCE[held.sign] + (f" {held.leads_to}" if held.leads_to else ""),
    "seen": lambda held: f"{held.looks} times",
    "since": lambda held: held.since,
    "held by": lambda held: held.run[:8],
}


@app.default
@app.command(name="list")
async def list_(
    *,
    source: Annotated[str | None, Parameter(help="Only what is held of this source")] = None,
    limit: First = None,
    output: Format = "text",
) -> None:
    """List the removals that wait for a decision.

    A run holds them when so many pages of a source would leave at once that a mistake of the site
    is likelier. One whose page answers again is gone from the list.

    Examples:
        atlas deletions
        atlas deletions list --source docs
        atlas deletions list -o json
    """
    async with connected() as atlas:
        found = await atlas.deletions.list(source, limit=limit)
    listing("deletions", found, output, _COLUMNS)
    if not found and output == "text":
        note("nothing is held")


@app.command
async def approve(
    held: Held, /, *urls: Pages, timeout: Timeout = None, output: Format = "text"
) -> int:
    """Remove what is held of a source or by a run.

    Exactly what is held is removed, and only if its pages have not answered since. Its versions
    stay as history for as long as tombstones are kept. Exit code 0 when something was decided,
    else 1.

    Examples:
        atlas deletions approve docs
        atlas deletions approve docs https://docs.example.com/old.html
    """
    return await _decided("approve", held, urls, timeout, output)


@app.command
async def reject(
    held: Held, /, *urls: Pages, timeout: Timeout = None, output: Format = "text"
) -> int:
    """Keep what is held of a source or by a run.

    It stays in the corpus, and no run asks again before the page has answered and then vanished
    once more. Exit code 0 when something was decided, else 1.

    Examples:
        atlas deletions reject docs
        atlas deletions reject docs https://docs.example.com/old.html
    """
    return await _decided("reject", held, urls, timeout, output)


async def _decided(
    decision: Decision, of: str, urls: tuple[str, ...], timeout: str | None, output: str
) -> int:
    async with connected() as atlas:
        run = await atlas.deletions.start(decision, of, urls, "cli")
        following = Following(wait=True, timeout=timeout)
        return await followed(run, "decide_deletions", following=following, output=output)


def _print(result: DecideDeletionsResult) -> None:
    say(result.message)
    for url in result.expired:
        note(f"{url} answers again, and stays")
    for url in result.unknown:
        note(f"{url} is not held")


ENDING = Ending(_print, lambda result: result.outcome == "completed", None, "deletions_result")
