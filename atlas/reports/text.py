"""The report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from atlas.reports import words
from atlas.reports.model import Report, SourceLine
from atlas.reports.notable import notable
from atlas.reports.words import age, elapsed, moved, number, percent, points, size

_MARKS = re.compile(r"[\\`*\[\]<>|~&]|(?<!\w)_|_(?!\w)")


def as_markdown(report: Report) -> bytes:
    """The report's Markdown."""
    parts = [f"# Atlas, week {report.week}", words.span(report)]
    if note := words.coverage(report):
        parts.append(f"**{note}**")
    if report.days_now:
        parts += [
            *_section("What stands out", _notable(report)),
            *_section("Summary", _summary(report)),
            *_section("Days", _days(report)),
            *_section("Sources", _sources(report)),
            *_section("Silent sources", _silent(report)),
            *_section("Failures", _failures(report)),
            *_section("Slowest hosts", _hosts(report)),
            *_section("Runs", _runs(report)),
        ]
    return ("\n\n".join(parts) + "\n").encode()


def escaped(text: str) -> str:
    """Text from outside, on one line, none of whose characters mean anything in Markdown."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def _section(title: str, body: str) -> list[str]:
    return [f"## {title}", body]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column is names, the others figures."""
    lines = [
        f"| {' | '.join(heads)} |",
        f"|---|{'---:|' * (len(heads) - 1)}",
        *(f"| {' | '.join(cell or words.NONE for cell in row)} |" for row in rows),
    ]
    return "\n".join(lines)


def _summary(report: Report) -> str:
    totals = report.totals
    counts = (
        ("Documents added", "added"),
        ("Documents changed", "changed"),
        ("Documents gone", "gone"),
        ("Documents live", "live"),
        ("Exact copies among them", "exact_copies"),
        ("Near-duplicate texts", "near_texts"),
        ("Requests", "requests"),
        ("Requests answered “not modified”", "not_modified"),
        ("Requests failed", "errors"),
        ("Pages given up", "failed"),
    )
    rows = [(title, number(totals[key].now), moved(totals[key])) for title, key in counts]
    fresh = totals["fresh"]
    rows.append(("Checked on time", percent(fresh.now), points(fresh)))
    rows += [
        (title, age(totals[key].now), moved(totals[key], age, more="older", fewer="younger"))
        for title, key in (
            ("Since the last check, median", "age_median"),
            ("Since the last check, 90% below", "age_p90"),
        )
    ]
    rows += [
        (title, size(totals[key].now), moved(totals[key], size, fewer="less"))
        for title, key in (
            ("Read from the web", "wire_bytes"),
            ("Bodies kept", "blob_bytes"),
            ("The same, as stored", "stored_bytes"),
            ("Database", "database_bytes"),
        )
    ]
    return _table(("", "This week", "Against the week before"), rows)


def _notable(report: Report) -> str:
    lines = [f"- {escaped(sentence)}" for sentence in notable(report)]
    return "\n".join(lines) or words.nothing(report)


def _days(report: Report) -> str:
    return _table(
        ("Day", "Added", "Changed", "Gone", "Live", "Requests", "Pages given up"),
        (
            (
                words.long_day(day.day),
                number(day.figures.added),
                number(day.figures.changed),
                number(day.figures.gone),
                number(day.figures.live),
                number(day.figures.requests),
                number(sum(sum(codes.values()) for codes in day.figures.failed.values())),
            )
            for day in report.this_week
            if day.figures
        ),
    )


def _sources(report: Report) -> str:
    if not report.sources:
        return "No source is declared."
    return _table(
        ("Source", "Added", "Changed", "Gone", "Live", "Live, before", "On time", "Given up"),
        (_source(line) for line in report.sources),
    )


def _source(line: SourceLine) -> tuple[str, ...]:
    paused = " (paused)" if line.paused else ""
    return (
        escaped(line.source) + paused,
        number(line.added.now),
        number(line.changed.now),
        number(line.gone.now),
        number(line.live.now),
        number(line.live.before),
        percent(line.fresh.now),
        number(line.failed.now),
    )


def _silent(report: Report) -> str:
    lines = [f"- {escaped(line.source)}: {words.silent_for(line)}" for line in report.silent]
    return "\n".join(lines) or "None: every source brought what is usual for it."


def _failures(report: Report) -> str:
    if not report.failures:
        return "None."
    return _table(
        ("What happened", "Requests", "Week before", "Pages given up", "Week before", "Codes"),
        (
            (
                f"{escaped(line.error_class)}: {escaped(words.meaning(line.error_class))}",
                number(line.requests.now),
                number(line.requests.before),
                number(line.pages.now),
                number(line.pages.before),
                escaped(codes(line.codes)),
            )
            for line in report.failures
        ),
    )


def codes(found: Sequence[tuple[str, int, int]], most: int = 4) -> str:
    """The most frequent codes of a class: read_timeout 12, dns_failure 3."""
    shown = [f"{code} {max(requests, pages):,}" for code, requests, pages in found[:most]]
    if len(found) > most:
        shown.append(f"{len(found) - most} more")
    return ", ".join(shown) or words.NONE


def _hosts(report: Report) -> str:
    if not report.hosts:
        return "No host was asked often enough."
    return _table(
        ("Host", "Requests", "Failed", "Median", "95% below", "Week before"),
        (
            (
                escaped(line.host),
                number(line.requests),
                number(line.failed),
                elapsed(line.median.now),
                elapsed(line.p95.now),
                elapsed(line.p95.before),
            )
            for line in report.hosts
        ),
    )


def _runs(report: Report) -> str:
    if not report.runs:
        return "No run ended."
    return _table(
        ("Workflow", "Ended", "Week before"),
        (
            (
                escaped(f"{kind}, {words.words_of(outcome)}"),
                number(value.now),
                number(value.before),
            )
            for kind, outcome, value in report.runs
        ),
    )
