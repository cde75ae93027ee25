"""ISO weeks in UTC: Monday to Sunday, named like 2026-W47."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

DAYS = 7
SETTLING = timedelta(minutes=10)
"""How long after its end a day counts as complete: a transaction that began before midnight may
commit after it, dated before."""


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """One ISO week, known by its Monday."""

    first_day: date

    @classmethod
    def parse(cls, name: str) -> Self:
        """The week of that name. Raises `ValueError`: not of the form, or no such week."""
        year, _, number = name.partition("-W")
        return cls(date.fromisocalendar(int(year), int(number), 1))

    @classmethod
    def of(cls, day: date) -> Self:
        """The week that holds the day."""
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def before_moment(cls, moment: datetime) -> Self:
        """The last week that had ended by then."""
        return cls.of(moment.astimezone(UTC).date() - timedelta(days=DAYS))

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=DAYS - 1)

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first_day + timedelta(days=number) for number in range(DAYS))

    @property
    def before(self) -> Week:
        return Week(self.first_day - timedelta(days=DAYS))

    def ended_by(self, moment: datetime) -> bool:
        """Whether all its days are complete."""
        return last_complete_day(moment) >= self.last_day

    def __str__(self) -> str:
        year, number, _ = self.first_day.isocalendar()
        return f"{year:04}-W{number:02}"


def last_complete_day(moment: datetime) -> date:
    """The newest UTC day of which everything is recorded."""
    return (moment - SETTLING).astimezone(UTC).date() - timedelta(days=1)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First moment of the UTC day, and first moment after it."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start, start + timedelta(days=1)
