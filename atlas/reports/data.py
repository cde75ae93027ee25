"""The report as JSON: every figure, keys sorted, no clock: the same week gives the same bytes."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from atlas.reports.model import Day, FailureLine, HostLine, Number, Report, SourceLine, Versus
from atlas.reports.notable import notable
from atlas.reports.words import coverage

FORMAT = 1
"""Raised when a field changes its meaning or is removed; new fields may appear."""


def as_json(report: Report) -> bytes:
    """The report's JSON."""
    text = json.dumps(as_data(report), indent=1, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def as_data(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "format": FORMAT,
        "week": str(report.week),
        "first_day": report.week.first_day.isoformat(),
        "last_day": report.week.last_day.isoformat(),
        "days_with_figures": report.days_now,
        "before": {
            "week": str(report.week.before),
            "days_with_figures": report.days_before,
        },
        "figures_begin": _iso(report.first_frozen),
        "note": coverage(report),
        "notable": notable(report),
        "totals": {name: _versus(value) for name, value in report.totals.items()},
        "days": [_day(day) for day in report.days if day.figures],
        "failures": [_failure(line) for line in report.failures],
        "runs": [
            {"type": kind, "outcome": outcome, **_versus(value)}
            for kind, outcome, value in report.runs
        ],
        "sources": [_source(line) for line in report.sources],
        "silent_sources": [line.source for line in report.silent],
        "slowest_hosts": [_host(line) for line in report.hosts],
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _number(value: Number | None) -> Number | None:
    return round(value, 4) if isinstance(value, float) else value


def _versus(value: Versus) -> dict[str, Number | None]:
    return {
        "now": _number(value.now),
        "before": _number(value.before),
        "difference": _number(value.difference),
        "ratio": _number(value.ratio),
    }


def _day(day: Day) -> dict[str, Any]:
    assert day.figures is not None
    figures = day.figures
    counts = (
        "added", "changed", "gone", "live", "truncated", "requests", "fresh", "bytes", "wire_bytes",
    )  # fmt: skip
    kept = ("blob_bytes", "stored_bytes", "database_bytes")
    return {
        "day": day.day.isoformat(),
        **{name: getattr(figures, name) for name in counts},
        "statuses": dict(figures.statuses),
        "errors": {name: dict(codes) for name, codes in figures.errors.items()},
        "failed": {name: dict(codes) for name, codes in figures.failed.items()},
        **{name: getattr(day.storage, name, None) for name in kept},
    }


def _failure(line: FailureLine) -> dict[str, Any]:
    return {
        "class": line.error_class,
        "requests": _versus(line.requests),
        "pages": _versus(line.pages),
        "codes": [
            {"code": code, "requests": requests, "pages": pages}
            for code, requests, pages in line.codes
        ],
    }


def _source(line: SourceLine) -> dict[str, Any]:
    silence = line.silence
    return {
        "source": line.source,
        "paused": line.paused,
        "robots_ignored": line.robots_ignored,
        "objective": line.objective,
        "achieved": _versus(line.achieved),
        "objective_missed": line.missed,
        **{
            name: _versus(getattr(line, name))
            for name in ("added", "changed", "gone", "live", "requests", "failed", "fresh")
        },
        "silent": silence
        and {
            "days": silence.days,
            "last_change": _iso(silence.last_change),
            "usual_days": _number(silence.usual),
        },
    }


def _host(line: HostLine) -> dict[str, Any]:
    return {
        "host": line.host,
        "requests": line.requests,
        "failed": line.failed,
        "median_seconds": _versus(line.median),
        "p95_seconds": _versus(line.p95),
    }
