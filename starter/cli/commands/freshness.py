"""`atlas sources freshness`: which sources are later than they promised."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from starter.cli.commands.status import StaleAfter, tolerance
from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import DONE, STALE
from starter.cli.framework.output import Format, emit_list, table


async def freshness(
    names: Annotated[list[str] | None, Parameter(help="Only these sources")] = None,
    /,
    *,
    stale_after: StaleAfter = None,
    output: Format = "text",
) -> int:
    """Tell whether each source is as fresh as it promised: when it was brought up to date last,
    when it is due, how late it is. Exit code 4 when one is stale.

    Examples:
        atlas sources freshness
        atlas sources freshness docs news --stale-after 6h -o json
    """
    from starter.cli.views.overview import freshness_row

    allowed = tolerance(stale_after)
    async with connected() as atlas:
        seen = await atlas.sources.freshness(*names or (), stale_after=allowed)
    if output != "text":
        emit_list("freshness", seen, output)
    else:
        heads = ("source", "state", "last success", "due", "late", "promise", "last run")
        table(heads, map(freshness_row, seen))
    return STALE if any(each.stale for each in seen) else DONE
