"""`atlas schedules`: what Atlas starts by itself, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, emit_list, note, say, table

if TYPE_CHECKING:
    from atlas.schedules.apply import ScheduleChange
    from atlas.schedules.status import ScheduleStatus

app = App(
    name="schedules",
    help="What Atlas starts by itself: apply, list, pause, resume, trigger, backfill.",
)

Named = Annotated[str, Parameter(help="A schedule's id, or the name of a source")]


@app.command
async def apply(*, output: Format = "text") -> None:
    """Create, repair and remove schedules, so that Temporal's are as declared. Safe to run again:
    a pause of yours stays, with its note.

    Examples:
        atlas schedules apply
    """
    async with connected() as atlas:
        changes = await atlas.schedules.apply()
    if output != "text":
        emit_list("schedule_changes", changes, output)
        return
    for each in changes:
        if each.did != "unchanged":
            say(described(each))
    same = sum(each.did == "unchanged" for each in changes)
    if same:
        note(f"{same} as declared")


@app.default
@app.command(name="list")
async def list_(*, output: Format = "text") -> int:
    """Show each schedule beside its declaration. Exit code 1 when one differs.

    Examples:
        atlas schedules list
        atlas schedules list -o json
    """
    async with connected() as atlas:
        seen = await atlas.schedules.list()
    drifted = [each for each in seen if each.drift]
    if output != "text":
        emit_list("schedules", seen, output)
        return 1 if drifted else 0
    heads = ("schedule", "state", "fires", "next", "last", "runs", "skipped", "missed", "drift")
    table(heads, [_row(each) for each in seen])
    for each in drifted:
        for line in each.drift:
            note(f"{each.id}: {line}")
    if drifted:
        note("`atlas schedules apply` mends that")
    return 1 if drifted else 0


@app.command
async def pause(
    schedule: Named,
    /,
    *,
    note: Annotated[str, Parameter(help="Why; shown by `atlas schedules list`")] = "",
) -> None:
    """Let a schedule start nothing until it is resumed. Runs under way go on.

    Examples:
        atlas schedules pause hourly_collection --note 'moving house'
    """
    async with connected() as atlas:
        say(f"paused {await atlas.schedules.pause(schedule, note)}")


@app.command
async def resume(schedule: Named, /) -> None:
    """Let a schedule start runs again.

    Examples:
        atlas schedules resume hourly_collection
    """
    async with connected() as atlas:
        say(f"resumed {await atlas.schedules.resume(schedule)}")


@app.command
async def trigger(schedule: Named, /) -> None:
    """Start a run now, as the schedule would.

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
        str, Parameter(name="--from", help="Begin of the time, as in 2026-11-01 or …T06:00Z; UTC")
    ],
    to: Annotated[str, Parameter(help="End of the time; by default now")] = "",
) -> None:
    """Start what the schedule would have started in that time, one run after the other.

    Examples:
        atlas schedules backfill hourly_collection --from 2026-11-01 --to 2026-11-02
    """
    start = _moment("--from", from_)
    end = _moment("--to", to) if to else datetime.now(UTC)
    async with connected() as atlas:
        say(f"backfills {await atlas.schedules.backfill(schedule, start, end)}")


def described(change: ScheduleChange) -> str:
    """A change in a line."""
    return f"{change.did} {change.id}: {'; '.join(change.why)}"


def _row(seen: ScheduleStatus) -> tuple[object, ...]:
    state = f"{seen.state}: {seen.note}" if seen.note else seen.state
    drift = "yes" if seen.drift else "no"
    return (
        seen.id,
        state,
        seen.rhythm,
        seen.next,
        seen.last,
        seen.actions,
        seen.skipped,
        seen.missed,
        drift,
    )


def _moment(field: str, text: str) -> datetime:
    from starter.errors import InvalidRequest

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f"{field}: {text!r} is no time; write 2026-11-01 or 2026-11-01T06:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
