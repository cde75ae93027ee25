"""Reporting: freeze the figures of each day, and make a week's report of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.weekly_report import (
    ChooseWeek,
    DaysFrozen,
    FreezeDays,
    MakeReport,
    ReportMade,
    WeekChosen,
)
from atlas.domain.timing.weeks import SETTLING, Week

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from atlas.domain.daily_figures import FrozenWeeks
    from atlas.reports.rendering import Rendered
    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.crawl.bodies.artifacts import Artifacts
    from atlas.stores.postgres.reporting.history import Stats

    Render = Callable[[FrozenWeeks], Rendered]


class Reporting:
    """Works from frozen days alone. `media` says what each form of a report is."""

    def __init__(
        self,
        stats: Stats,
        blobs: Blobs,
        artifacts: Artifacts,
        render: Render,
        media: Mapping[str, str],
    ) -> None:
        self._stats = stats
        self._blobs = blobs
        self._artifacts = artifacts
        self._render = render
        self._media = media

    @activity.defn
    async def choose_week(self, request: ChooseWeek) -> WeekChosen:
        """Which week is meant, and whether it can be reported on yet."""
        week = Week.parse(request.week) if request.week else Week.before_moment(request.scheduled)
        return WeekChosen(
            week=str(week),
            first_day=week.first_day,
            last_day=week.last_day,
            refused="" if week.ended_by(self._stats.clock()) else _not_yet(week),
        )

    @activity.defn
    async def freeze_days(self, request: FreezeDays) -> DaysFrozen:
        """Freeze complete days, oldest first. A frozen day never changes; idempotent."""
        frozen = 0
        while frozen < request.limit and await self._stats.freeze_next(request.until):
            frozen += 1
        return DaysFrozen(
            frozen=frozen,
            last_day=await self._stats.last_day(),
            remaining=await self._stats.remaining(request.until),
        )

    @activity.defn
    async def make_report(self, request: MakeReport) -> ReportMade:
        """Make the report and keep its forms. Idempotent: the same figures, the same bytes."""
        week = Week.parse(request.week)
        rendered = self._render(await self._stats.weeks(week))
        hashes = {
            form: await self._keep(f"{week}.{form}", body, self._media[form])
            for form, body in rendered.forms.items()
        }
        return ReportMade(
            outcome=rendered.outcome,
            days=rendered.days,
            hashes=dict(hashes),
            totals=rendered.totals,
            message=rendered.message,
        )

    async def _keep(self, name: str, body: bytes, media: str) -> str:
        """Announce, put, name: in this order collection never takes a blob that is wanted."""
        digest = hashlib.sha256(body).hexdigest()
        await self._artifacts.announce(digest, len(body))
        await self._blobs.put(body)
        await self._artifacts.keep(name, digest, media)
        return digest


def _not_yet(week: Week) -> str:
    minutes = int(SETTLING.total_seconds() / 60)
    return (
        f"week: '{week}' has not ended: its last day is Sunday {week.last_day}, complete "
        f"{minutes} minutes after midnight UTC; ask for an earlier week, or leave the week out "
        "for the last one that has ended"
    )
