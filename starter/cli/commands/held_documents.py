"""`atlas docs held` and `atlas docs accept`: bodies that were held instead of settled."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.options import First, OfSource
from starter.cli.framework.output import Columns, Format, emit, listing, pairs, say

if TYPE_CHECKING:
    from atlas.stores.postgres.settlement.held_bodies import HeldBody

_HELD: Columns[HeldBody] = {
    "url": lambda each: each.url,
    "code": lambda each: each.code,
    "since": lambda each: each.first_at,
    "looks": lambda each: each.looks,
    "live": lambda each: each.live,
    "reason": lambda each: each.reason,
}


async def held(
    url: Annotated[
        str | None, Parameter(help="Show what is held of this page, with its text")
    ] = None,
    /,
    *,
    source: OfSource = None,
    limit: First = None,
    output: Format = "text",
) -> None:
    """List bodies that were held: they look like a login, a human check, an error, not the page.

    `atlas docs accept URL` makes one the page's text.

    Examples:
        atlas docs held
        atlas docs held --source docs -o json
        atlas docs held https://docs.example.com/
    """
    async with connected() as atlas:
        if url is None:
            found = await atlas.held(source=source, limit=limit)
            listing("held", found, output, _HELD)
            return
        body = await atlas.held_body(url)
    if output != "text":
        emit("held_body", body, output=output)
        return
    values = asdict(body)
    text = values.pop("text")
    pairs(values)
    say("")
    say(text)


async def accept(
    url: Annotated[str, Parameter(help="The page whose held body is what it really says")],
    /,
    *,
    output: Format = "text",
) -> int:
    """Make the body that is held of a page its text, and wait until that is done.

    Exit code 0 when it is the page's text now, 1 when none is held or it could not be processed.

    Examples:
        atlas docs accept https://docs.example.com/login
    """
    from starter.errors import NotFound

    async with connected() as atlas:
        run = await atlas.start("process_document", url=url, accept=True, trigger="cli")
        result = await run.result()
    if not result.documents:
        raise NotFound(f"{url}: {result.message}")
    document = result.documents[0]
    if output != "text":
        emit("accepted", document, output=output)
    elif document.error_code:
        say(f"{document.url}: {document.error or document.error_code}")
    else:
        say(f"{document.url}: {document.result}; version {document.version} is live")
    return 0 if document.result in ("added", "updated", "unchanged") else 1
