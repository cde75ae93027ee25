"""`atlas doctor`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.output import Format, emit, say

if TYPE_CHECKING:
    from atlas.contracts.health import Check

_SAID = {"ok": "ok", "degraded": "look", "failing": "FAILED"}


async def doctor(
    *,
    url: Annotated[
        str | None, Parameter(help="Also fetch this URL, as a worker would; otherwise no page is")
    ] = None,
    output: Format = "text",
) -> int:
    """Look at settings, PostgreSQL, Temporal, blobs, index, queues, schedules, sources and disk,
    and say what mends what is wrong. Works whatever is down.

    Exit code 0 when nothing failed, else 1. A line with `look` works, and wants attention.

    Examples:
        atlas doctor
        atlas doctor --url https://docs.example.com/
        atlas doctor -o json | jq '.checks[] | select(.status != "ok")'
    """
    from starter.doctor import examine

    found = await examine(url)
    failed = any(check.status == "failing" for check in found)
    if output != "text":
        emit("doctor", {"ok": not failed, "checks": [c.model_dump() for c in found]}, output)
    else:
        _print(found)
    return 1 if failed else 0


def _print(found: list[Check]) -> None:
    width = max(len(check.part) for check in found)
    for check in found:
        took = f" ({check.milliseconds:.0f} ms)" if check.milliseconds else ""
        say(f"{_SAID[check.status]:<6}  {check.part:<{width}}  {check.detail}{took}")
        if check.mend:
            say(f"{'':<6}  {'':<{width}}  → {check.mend}")
