"""`atlas doctor`: check every part, and say how to fix what is wrong."""

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

_WORDS = {"ok": "ok", "degraded": "warning", "failing": "FAILED"}
_WIDTH = max(map(len, _WORDS.values()))


@dataclass(frozen=True)
class Diagnosis:
    """What was checked, in JSON."""

    ok: bool
    """Whether nothing failed."""
    checks: list[Examined]


async def doctor(
    *,
    url: Annotated[str | None, Parameter(help="Also fetch this URL as a worker would")] = None,
    fix: Annotated[
        bool,
        Parameter(
            help="First migrate the database, register search attributes and apply schedules"
        ),
    ] = False,
    output: Format = "text",
) -> int:
    """Check settings, connections, permissions, versions, clocks, disk, schema, search attributes,
    schedules, queues, the index and the external services that the settings name, and say how to
    fix what is wrong (docs/doctor.md). Works whatever is down; each check has a time limit.

    Exit code 1 when a check failed, else 0. A `warning` works but needs attention.

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
            status = f"{_WORDS[check.status]:<{_WIDTH}}"
            say(f"  {status}  {check.part:<{width}}  {one_line(check.detail)}{took}")
            if check.mend:
                say(f"  {'':<{_WIDTH}}  {'':<{width}}  → {one_line(check.mend)}")
