"""`atlas explain`: why a page is, or is not, in the corpus as it is."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, emit


async def explain(
    url: Annotated[str, Parameter(help="The address, as a browser shows it")],
    /,
    *,
    output: Format = "text",
) -> None:
    """Explain why a page is, or is not, in the corpus as it is: the cause in the first line, then
    who found or refused it, every request, evidence that it leaves, search, and when it is due.

    Nothing is fetched. An address that Atlas never met is explained, too.

    Examples:
        atlas explain https://docs.example.com/guide/
        atlas explain https://docs.example.com/old/ -o json | jq -r .cause
    """
    async with connected() as atlas:
        found = await atlas.corpus.explain(url)
    if output != "text":
        emit("explanation", found, output=output)
        return
    from starter.cli.views.explanations import print_explanation

    print_explanation(found)
