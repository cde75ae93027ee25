"""The parts of a report's page, from its first figures to its last table, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from atlas.reports import words
from atlas.reports.model import Report, SourceLine, Versus
from atlas.reports.tables import Cell, Flag, Meter, ReportSection, Row, Table
from atlas.reports.text import codes
from atlas.reports.words import age, elapsed, moved, number, percent, points, size

SOURCES_SHOWN = 50
"""The JSON has all of them."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the figures to look at first."""

    name: str
    value: str
    moved: str


@dataclass(frozen=True, slots=True)
class SilentSource:
    """A source that brought nothing for much longer than usual."""

    source: str
    says: str


def tiles(report: Report) -> list[Tile]:
    """The eight figures to look at first."""
    totals = report.totals
    return [
        Tile("Added", number(totals["added"].now), moved(totals["added"])),
        Tile("Changed", number(totals["changed"].now), moved(totals["changed"])),
        Tile("Gone", number(totals["gone"].now), moved(totals["gone"])),
        Tile("Live documents", number(totals["live"].now), moved(totals["live"])),
        Tile("Checked on time", percent(totals["fresh"].now), points(totals["fresh"])),
        Tile("Pages given up", number(totals["failed"].now), moved(totals["failed"])),
        Tile("Requests", number(totals["requests"].now), moved(totals["requests"])),
        Tile("Silent sources", number(len(report.silent)), _first_silent(report)),
    ]


def _first_silent(report: Report) -> str:
    names = [line.source for line in report.silent]
    if not names:
        return "all brought what is usual"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def silent(report: Report) -> list[SilentSource]:
    """Sources that brought nothing for much longer than usual."""
    return [SilentSource(line.source, words.silent_for(line)) for line in report.silent]


def sources(report: Report) -> ReportSection:
    """One line per source, the busiest first."""
    busiest = sorted(report.sources, key=lambda line: (-_busy(line), line.source))
    more = len(busiest) - SOURCES_SHOWN
    return ReportSection(
        "Sources",
        Table(
            ["Source", "Added", "Changed", "Gone", "Live", "On time", "Given up"],
            [_source(line, new=report.days_before > 0) for line in busiest[:SOURCES_SHOWN]],
        ),
        empty="No source is declared.",
        about=_about_differences(report),
        rest=f"{more} more are in the JSON form of this report." if more > 0 else "",
    )


def _about_differences(report: Report) -> str:
    return "Below each figure: the difference to the week before." if report.days_before else ""


def _busy(line: SourceLine) -> float:
    return sum(each.now or 0 for each in (line.added, line.changed, line.gone))


def _source(line: SourceLine, *, new: bool) -> Row:
    """`new`: whether a source without a week before is to be called new."""
    flags = []
    if new and line.live.before is None:
        flags.append(Flag("new", calm=True))
    if line.paused:
        flags.append(Flag("paused", calm=True))
    if line.silence is not None:
        flags.append(Flag("silent"))
    cells = [_counted(each) for each in (line.added, line.changed, line.gone, line.live)]
    return Row(line.source, [*cells, Cell(percent(line.fresh.now)), _counted(line.failed)], flags)


def _counted(versus: Versus) -> Cell:
    return Cell(number(versus.now), _signed(versus))


def _signed(versus: Versus) -> str:
    """The difference, short, for a cell: +12."""
    difference = versus.difference
    if difference is None:
        return ""
    return "±0" if not difference else f"{difference:+,.0f}".replace("-", "−")


def failures(report: Report) -> ReportSection:
    """Failures by class, with the most frequent codes."""
    most = max((line.requests.now or 0 for line in report.failures), default=0) or 1
    rows = [
        Row(
            line.error_class,
            [
                Cell(
                    number(line.requests.now),
                    _signed(line.requests),
                    Meter((line.requests.now or 0) / most, "bad"),
                ),
                _counted(line.pages),
            ],
            notes=[words.meaning(line.error_class), codes(line.codes)],
        )
        for line in report.failures
    ]
    return ReportSection(
        "Failures",
        Table(["Class", "Requests", "Pages given up"], rows),
        empty="None.",
        about=_about_differences(report),
    )


def hosts(report: Report) -> ReportSection:
    """The hosts that answered slowest."""
    most = max((line.p95.now or 0 for line in report.hosts), default=0) or 1
    rows = [
        Row(
            line.host,
            [
                Cell(number(line.requests), f"{number(line.failed)} failed" if line.failed else ""),
                Cell(elapsed(line.median.now), _slower(line.median)),
                Cell(
                    elapsed(line.p95.now),
                    _slower(line.p95),
                    Meter((line.p95.now or 0) / most, "s1"),
                ),
            ],
        )
        for line in report.hosts
    ]
    return ReportSection(
        "Slowest hosts",
        Table(["Host", "Requests", "Median", "95% below"], rows),
        empty="No host was asked often enough to judge.",
    )


def _slower(versus: Versus) -> str:
    if versus.difference is None:
        return ""
    if abs(versus.difference) < 0.2 * (versus.before or 0):  # a histogram's slots are that wide
        return "about the same"
    return f"{elapsed(abs(versus.difference))} {'slower' if versus.difference > 0 else 'faster'}"


def storage(report: Report) -> ReportSection:
    """What is kept: documents and copies, bytes, ages."""
    totals = report.totals
    older = {"more": "older", "fewer": "younger"}
    rows = [
        ("Exact copies among live documents", number(totals["exact_copies"].now),
         moved(totals["exact_copies"])),
        ("Texts that are nearly another", number(totals["near_texts"].now),
         moved(totals["near_texts"])),
        ("Since the last check, median", age(totals["age_median"].now),
         moved(totals["age_median"], age, **older)),
        ("Since the last check, 90% below", age(totals["age_p90"].now),
         moved(totals["age_p90"], age, **older)),
        ("Read from the web", size(totals["wire_bytes"].now),
         moved(totals["wire_bytes"], size, fewer="less")),
        ("Bodies kept", size(totals["blob_bytes"].now),
         moved(totals["blob_bytes"], size, fewer="less")),
        ("The same, as stored", size(totals["stored_bytes"].now),
         moved(totals["stored_bytes"], size, fewer="less")),
        ("Database", size(totals["database_bytes"].now),
         moved(totals["database_bytes"], size, fewer="less")),
    ]  # fmt: skip
    return ReportSection(
        "Duplicates, age and storage",
        Table(
            ["", "This week", "Against the week before"],
            [Row(name, [Cell(value), Cell(said)]) for name, value, said in rows],
        ),
    )


def runs(report: Report) -> ReportSection:
    """Runs that ended, by workflow type and outcome."""
    rows = [
        Row(kind, [_counted(value)], notes=[words.words_of(outcome)])
        for kind, outcome, value in report.runs
    ]
    return ReportSection("Runs", Table(["Workflow", "Ended"], rows), empty="No run ended.")
