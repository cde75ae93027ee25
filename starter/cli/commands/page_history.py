"""`atlas docs history` and `diff`: the texts that a page had."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Columns, Format, emit, listing, note, pairs, say, short

if TYPE_CHECKING:
    from atlas.stores.postgres.crawl.pages.page_versions import PageHistory, PageVersion

Page = Annotated[str, Parameter(help="As stored, or as a browser shows it")]

_VERSIONS: Columns[PageVersion] = {
    "version": lambda each: each.version,
    "from": lambda each: each.valid_from,
    "to": lambda each: each.valid_to,
    "why": lambda each: each.why,
    "run": lambda each: short(each.run_id or ""),
    "ended": lambda each: each.ended,
    "by": lambda each: short(each.ended_by or ""),
    "bytes": lambda each: each.bytes,
    "hash": lambda each: each.text_hash[:12],
    "title": lambda each: each.title,
}


async def history(url: Page, /, *, output: Format = "text") -> None:
    """Show what a page is now and every text it had, the latest first: when, by which run and why.

    Examples:
        atlas docs history https://docs.example.com/guide
        atlas docs history https://docs.example.com/guide -o json | jq .versions[0]
    """
    async with connected() as atlas:
        found = await atlas.corpus.history(url)
    if output != "text":
        emit("page_history", found, output=output)
        return
    pairs(_state(found))
    say("")
    listing("page_history", found.versions, "text", _VERSIONS)
    if found.expired:
        note(f"{found.expired} earlier versions are past their retention.")


def _state(found: PageHistory) -> dict[str, object]:
    return {
        "url": found.url,
        "lifecycle": found.lifecycle,
        "left": found.left,
        "leads to": found.redirect_to,
        "held body": found.held or None,
        "sources": found.sources,
        "versions": len(found.versions),
    }


async def diff(
    url: Page,
    /,
    *,
    from_: Annotated[
        int | None,
        Parameter(name="--from", help="Version to compare with; by default the previous"),
    ] = None,
    to: Annotated[int | None, Parameter(help="Version to look at; by default the latest")] = None,
    output: Annotated[
        Literal["text", "html", "json", "jsonl"],
        Parameter(name=["--output", "-o"], help="Output format; html is one page for a browser"),
    ] = "text",
) -> None:
    """Show what changed between two versions of a page, in words.

    On a terminal removed words are struck out and added ones are bold; elsewhere they are marked
    [-so-] and {+so+}.

    Examples:
        atlas docs diff https://docs.example.com/guide
        atlas docs diff https://docs.example.com/guide --from 2 --to 5
        atlas docs diff https://docs.example.com/guide -o html > changes.html
    """
    from starter.cli.views.diffs import diff_page, print_diff

    async with connected() as atlas:
        found = await atlas.corpus.diff(url, from_version=from_, to_version=to)
    if output == "html":
        sys.stdout.write(diff_page(found))
    elif output == "text":
        print_diff(found)
    else:
        emit("document_diff", found, output=output)
