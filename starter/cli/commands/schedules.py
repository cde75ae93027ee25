"""`atlas schedules`: the runs that Atlas starts by itself, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Columns, Format, emit_list, listing, note, say

if TYPE_CHECKING:
    from atlas.schedules.status import ScheduleStatus

app = App(
    name="schedules",
    help="Scheduled runs: apply, list, pause, resume, trigger, backfill.",
)

Named = Annotated[str, Parameter(help="Id of a schedule, or name of a source")]

_COLUMNS: Columns[ScheduleStatus] = {
    "schedule": lambda seen: seen.id,
    "state": lambda seen: f"{seen.state}: {seen.note}" if seen.note else seen.state,
    "fires": lambda seen: seen.rhythm,
    "next": lambda seen: seen.next,
    "last": lambda seen: seen.last,
    "runs": lambda seen: seen.actions,
    "skipped": lambda seen: seen.skipped,
    "missed": lambda seen: seen.missed,
    "drift": lambda seen: bool(seen.drift),
}


@app.command
async def apply(*, output: Format = "text") -> None:
    """Create, repair and remove schedules so that Temporal's match their declarations. Safe to
    repeat: a paused schedule stays paused and keeps its note.

    Examples:
        atlas schedules apply
    """
    async with connected() as atlas:
        changes = await atlas.schedules.apply()
    if output != "text":
        emit_list("schedule_changes", changes, output)
        return
    changed = [each for each in changes if each.did != "unchanged"]
    for each in changed:
        say(f"{each.did} {each.id}: {'; '.join(each.why)}")
    if len(changed) < len(changes):
        note(f"{len(changes) - len(changed)} unchanged")


@app.default
@app.command(name="list")
async def list_(*, output: Format = "text") -> int:
    """List the schedules and compare each with its declaration. Exit code 1 if one differs.

    Examples:
        atlas schedules list
        atlas schedules list -o json
    """
    async with connected() as atlas:
        seen = await atlas.schedules.list()
    listing("schedules", seen, output, _COLUMNS)
    drift = [f"{each.id}: {line}" for each in seen for line in each.drift]
    if drift and output == "text":
        note("\n".join([*drift, "`atlas schedules apply` fixes that"]))
    return 1 if drift else 0


@app.command
async def pause(
    schedule: Named,
    /,
    *,
    note: Annotated[str, Parameter(help="Reason; `atlas schedules list` shows it")] = "",
) -> None:
    """Pause a schedule: it starts nothing until it is resumed. Runs in progress continue.

    Examples:
        atlas schedules pause hourly_collection --note 'moving house'
    """
    async with connected() as atlas:
        say(f"paused {await atlas.schedules.pause(schedule, note)}")


@app.command
async def resume(schedule: Named, /) -> None:
    """Resume a paused schedule.

    Examples:
        atlas schedules resume hourly_collection
    """
    async with connected() as atlas:
        say(f"resumed {await atlas.schedules.resume(schedule)}")


@app.command
async def trigger(schedule: Named, /) -> None:
    """Start a run of a schedule now.

    Examples:
        atlas schedules trigger daily_cleanup
    """
    async with connected() as atlas:
        say(f"triggered {await atlas.schedules.trigger(schedule)}")


@app.command
async def backfill(
    schedule: Named,
    /,
    *,
    from_: Annotated[
        str, Parameter(name="--from", help="Start of the period in UTC: 2026-11-01 or …T06:00Z")
    ],
    to: Annotated[str, Parameter(help="End of the period; by default now")] = "",
) -> None:
    """Start the runs that a schedule would have started in a period, one after the other.

    Examples:
        atlas schedules backfill hourly_collection --from 2026-11-01 --to 2026-11-02
    """
    start = _moment("--from", from_)
    end = _moment("--to", to) if to else datetime.now(UTC)
    async with connected() as atlas:
        say(f"backfills {await atlas.schedules.backfill(schedule, start, end)}")


def _moment(field: str, text: str) -> datetime:
    from starter.errors import InvalidRequest

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f"{field}: {text!r} is not a time; write 2026-11-01 or 2026-11-01T06:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
