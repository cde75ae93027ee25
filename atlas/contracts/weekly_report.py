"""`weekly_report`: what happened to the corpus in one ISO week, made from frozen figures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field, field_validator

from atlas.contracts.jobs import Trigger
from atlas.contracts.models import Message, Request

Form = Literal["json", "md", "html"]
"""How a report is kept: figures, Markdown, or a page."""

WeeklyOutcome = Literal["completed", "no_data", "cancelled"]


class WeeklyRequest(Request):
    """Which week to report on."""

    week: str | None = Field(default=None, pattern=r"^\d{4}-W\d{2}$")
    """An ISO week such as 2026-W47, Monday to Sunday in UTC. Left out: the week before the time
    for which the run was scheduled, or before its start when no schedule started it."""
    trigger: Trigger = "manual"

    @field_validator("week")
    @classmethod
    def _exists(cls, week: str | None) -> str | None:
        if week is not None:
            year, number = week.split("-W")
            try:
                date.fromisocalendar(int(year), int(number), 7)
            except ValueError as error:
                raise ValueError(f"there is no such ISO week: {error}") from None
        return week


class WeekTotals(Message):
    """The report's first figures."""

    added: int = 0
    changed: int = 0
    gone: int = 0
    live: int = 0
    """Documents live at the end of the week."""
    requests: int = 0
    failed: int = 0
    """Pages given up."""
    silent: int = 0
    """Sources without a new or changed document for much longer than usual."""


class WeeklyResult(Message):
    """Which report was made, and where it is kept."""

    workflow_id: str
    run_id: str = ""
    outcome: WeeklyOutcome = "completed"
    """no_data: the figures begin after this week; the report says so."""
    week: str = ""
    first_day: str = ""
    """Monday, ISO date."""
    last_day: str = ""
    """Sunday, ISO date."""
    days: int = 0
    """Days of the week with figures: fewer than 7 when Atlas began within it."""
    hashes: dict[str, str] = Field(default_factory=dict)
    """Form (json, md, html) → SHA-256 in hex: the blob's name. Made again, they are the same."""
    totals: WeekTotals = WeekTotals()
    message: str = ""


class ChooseWeek(Message):
    """`week` as asked for; without, the week before `scheduled`."""

    week: str | None = None
    scheduled: datetime
    """UTC."""


class WeekChosen(Message):
    """`refused` says why there can be no report of the week yet."""

    week: str
    first_day: date
    last_day: date
    refused: str = ""


class FreezeDays(Message):
    """Freeze complete UTC days that are not frozen yet, oldest first, `limit` at most."""

    until: date | None = None
    """The last day to freeze; None: yesterday."""
    limit: int = 7


class DaysFrozen(Message):
    """What is frozen now. While `remaining` is not 0, ask again."""

    frozen: int = 0
    """Days frozen while this was at work."""
    last_day: date | None = None
    """The newest frozen day: what happened up to its end may be deleted. None: no day is."""
    remaining: int = 0
    """Complete days up to `until` that are not frozen yet."""


class MakeReport(Message):
    """Make the report of a week whose days are frozen, and keep it."""

    week: str


class ReportMade(Message):
    """What was kept."""

    outcome: WeeklyOutcome = "completed"
    days: int = 0
    hashes: dict[str, str] = Field(default_factory=dict)
    totals: WeekTotals = WeekTotals()
    message: str = ""
