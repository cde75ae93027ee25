"""Frozen weeks of an Atlas that never was: several sources of different temper, two bad days."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from atlas.domain.daily_figures import SLOTS, TOTAL, DayFigures, DayStorage, FrozenWeeks, HostDay
from atlas.domain.timing.silent_sources import SourceHistory
from atlas.domain.timing.weeks import Week

WEEK = Week.parse("2026-W47")


@dataclass(frozen=True, slots=True)
class Temper:
    """How a source behaves: its first pages, per day new and changed ones, share that fails."""

    pages: int
    new: float
    changed: float
    failing: float = 0.004
    every: int = 1
    quiet_from: date | None = None
    paused: bool = False
    robots_ignored: bool = False
    freshness: str | None = None
    achieved: float = 1.0


SOURCES: Mapping[str, Temper] = {
    "city-council": Temper(4120, 9, 14),
    "harbour-news": Temper(12_840, 62, 31, freshness="95% within 2h", achieved=0.98),
    "kernel-docs": Temper(38_200, 4, 120, 0.001),
    "law-gazette": Temper(7310, 25, 2, 0.012, every=7, freshness="99% within 14d", achieved=0.992),
    "museum-archive": Temper(21_050, 0.4, 1),
    "old-wiki": Temper(2280, 6, 22, quiet_from=date(2026, 10, 29)),
    "parish-letters": Temper(310, 1, 0, every=7, paused=True),
    "press-releases": Temper(1650, 12, 3, 0.03, robots_ignored=True),
}
HOSTS: Mapping[str, tuple[int, float]] = {
    "archive.museum.example": (3100, 0.92),
    "council.example": (610, 0.19),
    "docs.kernel.example": (5400, 0.085),
    "gazette.law.example": (1050, 2.4),
    "news.harbour.example": (1900, 0.24),
    "press.example:8443": (260, 0.61),
    "wiki.old.example": (330, 1.3),
}
BAD_DAYS = (WEEK.first_day + timedelta(days=2), WEEK.first_day + timedelta(days=3))


@cache
def frozen_weeks(week: Week = WEEK, *, begins: date | None = None, seed: int = 7) -> FrozenWeeks:
    """The two weeks up to `week`'s end; figures begin half a year earlier, or on `begins`."""
    begins = begins or week.first_day - timedelta(days=180)
    dice = random.Random(seed)
    days = [begins + timedelta(days=n) for n in range((week.last_day - begins).days + 1)]
    figures: list[DayFigures] = []
    for name, temper in SOURCES.items():
        figures += _source(dice, name, temper, days)
    figures += _totals(figures, days)
    shown = {*week.before.days, *week.days}
    return FrozenWeeks(
        week=week,
        first_frozen=begins,
        figures=tuple(
            sorted((row for row in figures if row.day in shown), key=lambda r: (r.day, r.source))
        ),
        storage=tuple(_storage(day, begins) for day in days if day in shown),
        hosts=tuple(host for day in days if day in shown for host in _hosts(dice, day)),
        histories=_histories(figures, begins),
    )


def _source(
    dice: random.Random, name: str, temper: Temper, days: Sequence[date]
) -> list[DayFigures]:
    rows, live = [], temper.pages
    for day in days:
        active = day.toordinal() % temper.every == 0 and not temper.paused
        active = active and (temper.quiet_from is None or day < temper.quiet_from)
        added = _around(dice, temper.new * temper.every) if active else 0
        changed = _around(dice, temper.changed * temper.every) if active else 0
        gone = _around(dice, temper.new * 0.3) if active else 0
        live += added - gone
        rows.append(_day(dice, name, temper, day, (added, changed, gone, live)))
    return rows


def _day(
    dice: random.Random, name: str, temper: Temper, day: date, moves: tuple[int, int, int, int]
) -> DayFigures:
    added, changed, gone, live = moves
    bad = day in BAD_DAYS
    requests = 0 if temper.paused else int(live * dice.uniform(0.42, 0.5))
    failing = int(requests * temper.failing * (9 if bad else 1))
    missing = _around(dice, requests * 0.001)
    fresh = live - int(live * (0.09 if bad else dice.uniform(0.002, 0.012)))
    codes = {"read_timeout": failing - failing // 3, "http_503": failing // 3} if failing else {}
    errors = {"transient": codes, "gone": {"http_404": missing, "http_410": missing // 5}}
    failed = {"gone": {"http_404": missing}} | ({"transient": codes} if bad and codes else {})
    if name == "press-releases":
        errors["blocked"] = failed["blocked"] = {"robots_disallowed": 14}
    if name == "museum-archive":
        failed["invalid"] = {"pdf_encrypted": 3, "charset_unknown": 1}
    return DayFigures(
        day=day, source=name, added=added, changed=changed, gone=gone, requests=requests,
        statuses={"304": int(requests * 0.8), "2xx": int(requests * 0.2), "none": failing},
        errors=_without_zero(errors), failed=_without_zero(failed),
        runs={"sync_pipeline": {"completed": 22, "completed_with_failures": 2 + 9 * bad}},
        bytes=requests * 21_000, wire_bytes=requests * 5200, live=live,
        texts=live - live // 61, near_texts=live // 23, fresh=0 if temper.paused else fresh,
        truncated=live // 907,
        age_median=dice.uniform(30_000, 42_000), age_p90=dice.uniform(70_000, 88_000),
        paused=temper.paused, robots_ignored=temper.robots_ignored,
        objective=temper.freshness,
        achieved=None if temper.freshness is None else temper.achieved - 0.04 * bad,
    )  # fmt: skip


def _around(dice: random.Random, mean: float) -> int:
    return max(0, round(dice.gauss(mean, mean**0.5))) if mean else 0


def _without_zero(tree: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    kept = {name: {code: n for code, n in codes.items() if n} for name, codes in tree.items()}
    return {name: codes for name, codes in kept.items() if codes}


def _totals(figures: Sequence[DayFigures], days: Sequence[date]) -> list[DayFigures]:
    return [_total(day, [row for row in figures if row.day == day]) for day in days]


def _total(day: date, rows: Sequence[DayFigures]) -> DayFigures:
    def added_up(name: str) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            for outer, counts in getattr(row, name).items():
                for inner, count in counts.items():
                    place = found.setdefault(outer, {})
                    place[inner] = place.get(inner, 0) + count
        return found

    names = ("added", "changed", "gone", "requests", "bytes", "wire_bytes", "live", "texts",
             "near_texts", "truncated", "fresh")  # fmt: skip
    statuses = {
        key: sum(row.statuses.get(key, 0) for row in rows) for key in ("2xx", "304", "none")
    }
    return DayFigures(
        day=day, source=TOTAL, statuses=statuses,
        errors=added_up("errors"), failed=added_up("failed"),
        runs=added_up("runs") | {"hourly_collection": {"completed": 24}},
        age_median=38_000.0 + day.day * 40, age_p90=81_000.0 - day.day * 30,
        **{name: sum(getattr(row, name) for row in rows) for name in names},
    )  # fmt: skip


def _storage(day: date, begins: date) -> DayStorage:
    age = (day - begins).days
    return DayStorage(
        day,
        blobs=90_000 + 140 * age,
        blob_bytes=4_100_000_000 + 9_300_000 * age,
        stored_bytes=980_000_000 + 2_200_000 * age,
        database_bytes=1_900_000_000 + 2_600_000 * age,
    )


def _hosts(dice: random.Random, day: date) -> list[HostDay]:
    rows = []
    for host, (requests, median) in HOSTS.items():
        slow = median * (3 if day in BAD_DAYS and host.startswith("archive") else 1)
        slots = [0] * SLOTS
        for _ in range(300):
            slots[min(SLOTS - 1, max(0, round(dice.gauss(slot_of(slow), 3.2))))] += requests // 300
        count = sum(slots)
        rows.append(HostDay(day, host, count, count // 90, slow, slow * 2.6, tuple(slots)))
    return rows


def slot_of(seconds: float) -> int:
    """The slot of a histogram that holds so many seconds."""
    slot = 0
    while slot < SLOTS - 1 and seconds * 1000 >= 2 ** (slot / 4):
        slot += 1
    return slot


def _histories(figures: Sequence[DayFigures], begins: date) -> dict[str, SourceHistory]:
    return {
        name: SourceHistory(
            begins,
            tuple(row.day for row in figures if row.source == name and row.added + row.changed),
        )
        for name in SOURCES
    }
