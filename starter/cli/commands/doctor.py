"""`atlas doctor`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.exit_codes import DONE, FAILED
from starter.cli.framework.output import Format, emit, note, one_line, say

if TYPE_CHECKING:
    from starter.diagnosis import Examined

_SAID = {"ok": "ok", "degraded": "look", "failing": "FAILED"}


@dataclass(frozen=True)
class Diagnosis:
    """What was examined, as JSON says it."""

    ok: bool
    """Whether nothing failed."""
    checks: list[Examined]


async def doctor(
    *,
    url: Annotated[
        str | None, Parameter(help="Also fetch this URL, as a worker would; otherwise no page is")
    ] = None,
    fix: Annotated[
        bool,
        Parameter(
            help="First migrate the database, register missing search attributes, apply schedules"
        ),
    ] = False,
    output: Format = "text",
) -> int:
    """Look at settings, connections, permissions, versions, clocks, disk, the schema, search
    attributes, schedules, queues, the index and what the settings name outside; and say what mends
    what is wrong (docs/doctor.md). Works whatever is down; each look is bounded in time.

    Exit code 0 when nothing failed, else 1. A line with `look` works, and wants attention.

    Examples:
        atlas doctor
        atlas doctor --url https://docs.example.com/
        atlas doctor --fix
        atlas doctor -o json | jq '.checks[] | select(.status != "ok")'
    """
    from starter.diagnosis import examine

    if fix:
        from starter.diagnosis import repair

        async for done in repair():
            note(done)
    found = await examine(url)
    failed = any(each.check.status == "failing" for each in found)
    if output == "text":
        _print(found)
    else:
        emit("doctor", Diagnosis(not failed, found), output=output)
    return FAILED if failed else DONE


def _print(found: Sequence[Examined]) -> None:
    width = max(len(each.check.part) for each in found)
    for group, members in groupby(found, key=lambda each: each.group):
        say(group)
        for check in (each.check for each in members):
            took = f" ({check.milliseconds:.0f} ms)" if check.milliseconds else ""
            say(
                f"  {_SAID[check.status]:<6}  {check.part:<{width}}  {one_line(check.detail)}{took}"
            )
            if check.mend:
                say(f"  {'':<6}  {'':<{width}}  → {one_line(check.mend)}")
