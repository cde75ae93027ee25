"""Reporting: freeze the figures of each day, and make a week's report of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from activities.beating import beating
from atlas.contracts.weekly_report import (
    ChooseWeek,
    DaysFrozen,
    FreezeDays,
    MakeReport,
    ReportMade,
    WeekChosen,
)
from atlas.domain.weeks import SETTLING, Week

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from atlas.stores.postgres.stats import Stats


class Reporting:
    """Works from frozen days alone; `make` renders the report of a week and keeps it."""

    def __init__(self, stats: Stats, make: Callable[[Week], Awaitable[ReportMade]]) -> None:
        self._stats = stats
        self._make = make

    @activity.defn
    async def choose_week(self, request: ChooseWeek) -> WeekChosen:
        """Which week is meant, and whether it can be reported on yet."""
        async with beating():
            week = (
                Week.parse(request.week) if request.week else Week.before_moment(request.scheduled)
            )
            return WeekChosen(
                week=str(week),
                first_day=week.first_day,
                last_day=week.last_day,
                refused="" if week.ended_by(self._stats.now) else _not_yet(week),
            )

    @activity.defn
    async def freeze_days(self, request: FreezeDays) -> DaysFrozen:
        """Freeze complete days, oldest first. A frozen day never changes; idempotent."""
        frozen = 0
        async with beating():
            while frozen < request.limit and await self._stats.freeze_next(request.until):
                frozen += 1
            return DaysFrozen(
                frozen=frozen,
                last_day=await self._stats.last_day(),
                remaining=await self._stats.remaining(request.until),
            )

    @activity.defn
    async def make_report(self, request: MakeReport) -> ReportMade:
        """Make the report and keep its three forms. Idempotent: the same figures, the same
        bytes."""
        async with beating():
            return await self._make(Week.parse(request.week))


def _not_yet(week: Week) -> str:
    minutes = int(SETTLING.total_seconds() / 60)
    return (
        f"week: '{week}' has not ended: its last day is Sunday {week.last_day}, complete "
        f"{minutes} minutes after midnight UTC; ask for an earlier week, or leave the week out "
        "for the last one that has ended"
    )
