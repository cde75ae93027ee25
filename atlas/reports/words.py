"""Figures in words, the same in every form: numbers, sizes, times, and how they moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from atlas.domain.errors import ErrorClass, handling
from atlas.reports.model import Number, Report, SourceLine, Versus

NONE = "–"
"""Where there is no figure."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = tuple("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())

Show = Callable[[Number | None], str]


def number(value: Number | None) -> str:
    """12,345."""
    return NONE if value is None else f"{value:,.0f}"


def percent(value: Number | None) -> str:
    """98.7%; 100% and 0% only for exactly all and none."""
    if value is None:
        return NONE
    if value in (0, 1):
        return f"{value * 100:.0f}%"
    return f"{min(max(value * 100, 0.1), 99.9):.1f}%"


def size(value: Number | None) -> str:
    """Bytes in decimal units: 1.2 GB."""
    if value is None:
        return NONE
    amount, unit = float(value), "B"
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if abs(amount) < 999.5 or unit == "PB":
            break
        amount /= 1000
    digits = 0 if unit == "B" or abs(amount) >= 99.95 else 1
    return f"{amount:.{digits}f} {unit}"


def age(value: Number | None) -> str:
    """Seconds in a readable unit: 40 s, 12 min, 5.2 h, 3.1 days."""
    if value is None:
        return NONE
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if abs(value) < limit:
            return f"{_short(value / divisor)} {unit}"
    return f"{_short(value / 86_400)} days"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"


def elapsed(value: Number | None) -> str:
    """Seconds of one request: 85 ms, 1.24 s."""
    if value is None:
        return NONE
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.2f} s"


def moved(versus: Versus, show: Show = number, *, more: str = "more", fewer: str = "fewer") -> str:
    """How a figure moved since the week before, in words: 12 more (+8%). Empty when one of the two
    is missing: the report says so once."""
    difference = versus.difference
    if difference is None:
        return ""
    shown = show(abs(difference))
    if not difference or shown == show(0):
        return "same as the week before"
    return f"{shown} {more if difference > 0 else fewer}{_share(versus)}"


def older(versus: Versus) -> str:
    """How an age moved."""
    return moved(versus, age, more="older", fewer="younger")


def less(versus: Versus) -> str:
    """How a size in bytes moved."""
    return moved(versus, size, fewer="less")


def _share(versus: Versus) -> str:
    if versus.ratio is None:
        return ""
    change = (versus.ratio - 1) * 100
    if versus.ratio >= 3:
        return f" (×{_short(round(versus.ratio, 1))})"
    digits = 0 if abs(change) >= 1 else 1
    return f" ({change:+.{digits}f}%)".replace("-", "−")


def sentence(said: str, movement: str) -> str:
    """A sentence that ends with how the figure moved, if that is known."""
    return f"{said}: {movement}." if movement else f"{said}."


def points(versus: Versus) -> str:
    """How a share moved: 1.2 points higher."""
    difference = versus.difference
    if difference is None:
        return moved(versus)
    shown = f"{abs(difference) * 100:.1f}"
    if shown == "0.0":
        return "same as the week before"
    return f"{shown} points {'higher' if difference > 0 else 'lower'}"


def weekday(day: date) -> str:
    """Mon 16."""
    return f"{_DAYS[day.weekday()]} {day.day}"


def long_day(day: date) -> str:
    """Mon 16 Nov 2026."""
    return f"{weekday(day)} {_MONTHS[day.month - 1]} {day.year}"


def span(report: Report) -> str:
    """The week's days: Mon 16 Nov – Sun 22 Nov 2026."""
    first, last = report.week.first_day, report.week.last_day
    start = long_day(first)
    if first.year == last.year:
        start = start.rpartition(" ")[0]
    return f"{start} – {long_day(last)}"


def coverage(report: Report) -> str:
    """Which figures of the two weeks are missing; empty if none are."""
    if report.first_frozen is None:
        return "No day's figures are frozen yet."
    begin = f"Figures begin on {long_day(report.first_frozen)}"
    if not report.days_now:
        return f"There are no figures for this week. {begin}."
    if report.days_now < 7:
        return (
            f"{begin}: this week has {_of_seven(report.days_now)}, and there is no week before "
            "to compare with."
        )
    if not report.days_before:
        return f"{begin}: there is no week before to compare with."
    if report.days_before < 7:
        return f"{begin}: the week before has {_of_seven(report.days_before)}."
    return ""


def nothing(report: Report) -> str:
    """The sentence for a week in which nothing stands out."""
    if report.days_before:
        return "No problems, and little difference to the week before."
    return "No problems."


def _of_seven(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'} of 7"


def meaning(error_class: str) -> str:
    """What a class of failures means, after a number of pages or requests."""
    try:
        return handling(ErrorClass(error_class)).says
    except ValueError:  # a class of another version
        return error_class


def silent_for(line: SourceLine) -> str:
    """How long a source has been silent, and its usual interval."""
    found = line.silence
    if found is None:
        return ""
    if found.last_change is None:
        return f"no document yet, after {found.days} days"
    usual = found.usual or 0
    often = "every day" if usual <= 1 else f"every {_short(usual)} days"
    return (
        f"nothing new for {found.days} days, since {long_day(found.last_change)}; usually {often}"
    )


def words_of(value: str) -> str:
    """A name in snake_case as words."""
    return value.replace("_", " ")


def codes(found: Sequence[tuple[str, int, int]], most: int = 4) -> str:
    """The most frequent codes of a class of failures: read_timeout 12, dns_failure 3."""
    shown = [f"{code} {max(requests, pages):,}" for code, requests, pages in found[:most]]
    if len(found) > most:
        shown.append(f"{len(found) - most} more")
    return ", ".join(shown) or NONE
