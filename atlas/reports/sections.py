"""The parts of a report's page, from its first figures to its last table."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.reports import words
from atlas.reports.charts import Chart, Series, bars, lines, meter
from atlas.reports.markup import Markup, join, tag
from atlas.reports.model import Day, Report, SourceLine, Versus
from atlas.reports.text import codes
from atlas.reports.words import age, elapsed, moved, number, percent, points, size

SOURCES_SHOWN = 50
"""The JSON has all of them."""


def tiles(report: Report) -> Markup:
    """The eight figures to look at first."""
    totals = report.totals
    shown = (
        ("Added", number(totals["added"].now), moved(totals["added"])),
        ("Changed", number(totals["changed"].now), moved(totals["changed"])),
        ("Gone", number(totals["gone"].now), moved(totals["gone"])),
        ("Live documents", number(totals["live"].now), moved(totals["live"])),
        ("Checked on time", percent(totals["fresh"].now), points(totals["fresh"])),
        ("Pages given up", number(totals["failed"].now), moved(totals["failed"])),
        ("Requests", number(totals["requests"].now), moved(totals["requests"])),
        ("Silent sources", number(len(report.silent)), _first_silent(report)),
    )
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag("span", name, class_="name"),
                tag("span", value, class_="value"),
                tag("span", said, class_="moved"),
                class_="tile",
            )
            for name, value, said in shown
        ),
        class_="tiles",
    )


def _first_silent(report: Report) -> str:
    names = [line.source for line in report.silent]
    if not names:
        return "all brought what is usual"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def charts(report: Report) -> Markup:
    """Four charts: movement, size, freshness, failures."""
    return tag(
        "section",
        tag("h2", "Day by day"),
        tag("div", _movement(report), _live(report), _freshness(report), _failed(report),
            class_="charts"),
    )  # fmt: skip


def _values(days: Sequence[Day], name: str) -> list[float | None]:
    return [getattr(day.figures, name) if day.figures else None for day in days]


def _movement(report: Report) -> Markup:
    chart = Chart(
        "movement",
        "Documents added, changed and gone",
        f"Added {number(report.totals['added'].now)}, changed "
        f"{number(report.totals['changed'].now)}, gone {number(report.totals['gone'].now)}.",
        [day.day for day in report.this_week],
        [
            Series(name.title(), _values(report.this_week, name))
            for name in ("added", "changed", "gone")
        ],
        number,
    )
    return _figure(chart, bars(chart), "per day")


def _live(report: Report) -> Markup:
    totals = report.totals["live"]
    chart = Chart(
        "live",
        "Live documents",
        f"{number(totals.now)} at the end of the week: {moved(totals)}.",
        [day.day for day in report.days],
        [Series("Live documents", _values(report.days, "live"))],
        _short_number,
    )
    return _figure(chart, lines(chart), "at the end of each day, two weeks")


def _freshness(report: Report) -> Markup:
    totals = report.totals["fresh"]
    shares = [
        day.figures.fresh / day.figures.live if day.figures and day.figures.live else None
        for day in report.days
    ]
    chart = Chart(
        "freshness",
        "Checked on time",
        f"{percent(totals.now)} at the end of the week: {points(totals)}.",
        [day.day for day in report.days],
        [Series("Checked on time", shares)],
        percent,
        whole=False,
        most=1.0,
    )
    return _figure(chart, lines(chart), "share of live documents not overdue, two weeks")


def _failed(report: Report) -> Markup:
    by_class = {
        line.error_class: [
            sum(day.figures.errors.get(line.error_class, {}).values()) if day.figures else None
            for day in report.this_week
        ]
        for line in report.failures
        if line.requests.now
    }
    first = list(by_class)[:2]
    series = [Series(name.title(), by_class[name]) for name in first]
    rest = [by_class[name] for name in by_class if name not in first]
    if rest:
        series.append(Series("Other", [_plus(values) for values in zip(*rest, strict=True)]))
    chart = Chart(
        "failed",
        "Requests that failed",
        f"{number(report.totals['errors'].now)} in the week: {moved(report.totals['errors'])}.",
        [day.day for day in report.this_week],
        series or [Series("Failed", [0 if day.figures else None for day in report.this_week])],
        number,
    )
    return _figure(chart, bars(chart), "per day, by class")


def _plus(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _short_number(value: float) -> str:
    return f"{value / 1000:,.6g}k" if value >= 10_000 else number(value)


def _figure(chart: Chart, drawn: Markup, sub: str) -> Markup:
    many = len(chart.series) > 1
    return tag(
        "figure",
        tag("figcaption", tag("h3", chart.title), tag("span", sub, class_="sub")),
        drawn,
        *([_legend(chart)] if many else []),
        tag(
            "details",
            tag("summary", "Show the figures"),
            _table(
                ["Day", *(series.name for series in chart.series)],
                [
                    [tag("th", words.long_day(day), scope="row"),
                     *(_n("–" if series.values[place] is None else
                          chart.show(series.values[place] or 0)) for series in chart.series)]
                    for place, day in enumerate(chart.days)
                ],
            ),
        ),
    )  # fmt: skip


def _legend(chart: Chart) -> Markup:
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag(
                    "svg",
                    tag("rect", x=0, y=0, width=11, height=11, rx=2, class_=f"s{place}"),
                    viewBox="0 0 11 11",
                    aria_hidden="true",
                ),
                series.name,
            )
            for place, series in enumerate(chart.series, 1)
        ),
        class_="legend",
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[Markup]], optional: str = "") -> Markup:
    """A table whose first column has names and the others figures, those of `optional` heads left
    out on a narrow screen by their cells' class."""
    head = tag(
        "tr",
        *(
            tag("th", text, scope="col",
                class_=" ".join(_classes(place, text == optional)) or None)
            for place, text in enumerate(heads)
        ),
    )  # fmt: skip
    body = tag("tbody", *(tag("tr", *row) for row in rows))
    return tag("div", tag("table", tag("thead", head), body), class_="scroll")


def _classes(place: int, optional: bool) -> list[str]:
    return ["n"] * (place > 0) + ["optional"] * optional


def _n(
    text: str, small: str = "", *, optional: bool = False, extra: Markup | None = None
) -> Markup:
    """A cell with a figure, and what there is to say about it below."""
    inside = [tag("span", text), *([tag("span", small, class_="small")] if small else [])]
    return tag("td", *inside, *([extra] if extra else []), class_="n optional" if optional else "n")


def _section(title: str, *content: Markup) -> Markup:
    return tag("section", tag("h2", title), *content)


def _empty(text: str) -> Markup:
    return tag("p", text, class_="empty")


def silent(report: Report) -> Markup:
    """Sources that brought nothing for much longer than usual."""
    if not report.silent:
        return _section("Silent sources", _empty("None: every source brought what is usual."))
    items = [
        tag("li", tag("strong", line.source), f": {words.silent_for(line)}")
        for line in report.silent
    ]
    return _section("Silent sources", tag("ul", *items, class_="plain"))


def sources(report: Report) -> Markup:
    """One line per source, the busiest first."""
    if not report.sources:
        return _section("Sources", _empty("No source is declared."))
    busiest = sorted(report.sources, key=lambda line: (-_busy(line), line.source))
    shown = _table(
        ["Source", "Added", "Changed", "Gone", "Live", "On time", "Given up"],
        [_source(line) for line in busiest[:SOURCES_SHOWN]],
    )
    more = len(busiest) - SOURCES_SHOWN
    rest = [_empty(f"{more} more are in the JSON form of this report.")] if more > 0 else []
    return _section("Sources", shown, *rest)


def _busy(line: SourceLine) -> float:
    return sum(each.now or 0 for each in (line.added, line.changed, line.gone))


def _source(line: SourceLine) -> list[Markup]:
    flags = []
    if line.paused:
        flags.append(tag("span", "paused", class_="flag calm"))
    if line.silence is not None:
        flags.append(tag("span", "silent", class_="flag"))
    return [
        tag("th", line.source, *flags, scope="row"),
        _n(number(line.added.now), _signed(line.added)),
        _n(number(line.changed.now), _signed(line.changed)),
        _n(number(line.gone.now), _signed(line.gone)),
        _n(number(line.live.now), _signed(line.live)),
        _n(percent(line.fresh.now)),
        _n(number(line.failed.now), _signed(line.failed)),
    ]


def _signed(versus: Versus) -> str:
    """The difference, short, for a cell: +12."""
    difference = versus.difference
    if difference is None:
        return "new" if versus.before is None else ""
    return "±0" if not difference else f"{difference:+,.0f}".replace("-", "−")


def failures(report: Report) -> Markup:
    """Failures by class, with the most frequent codes."""
    if not report.failures:
        return _section("Failures", _empty("None."))
    most = max(line.requests.now or 0 for line in report.failures) or 1
    rows = [
        [
            tag(
                "th",
                line.error_class,
                tag("span", words.meaning(line.error_class), class_="small"),
                tag("span", codes(line.codes), class_="small"),
                scope="row",
            ),
            _n(
                number(line.requests.now),
                _signed(line.requests),
                extra=meter((line.requests.now or 0) / most, "bad"),
            ),
            _n(number(line.pages.now), _signed(line.pages)),
        ]
        for line in report.failures
    ]
    return _section("Failures", _table(["Class", "Requests", "Pages given up"], rows))


def hosts(report: Report) -> Markup:
    """The hosts that answered slowest."""
    if not report.hosts:
        return _section("Slowest hosts", _empty("No host was asked often enough to judge."))
    most = max(line.p95.now or 0 for line in report.hosts) or 1
    rows = [
        [
            tag("th", line.host, scope="row"),
            _n(number(line.requests), f"{number(line.failed)} failed" if line.failed else ""),
            _n(elapsed(line.median.now), _slower(line.median)),
            _n(
                elapsed(line.p95.now),
                _slower(line.p95),
                extra=meter((line.p95.now or 0) / most, "s1"),
            ),
        ]
        for line in report.hosts
    ]
    return _section("Slowest hosts", _table(["Host", "Requests", "Median", "95% below"], rows))


def _slower(versus: Versus) -> str:
    if versus.difference is None:
        return "new"
    if abs(versus.difference) < 0.2 * (versus.before or 0):  # a histogram's slots are that wide
        return "about the same"
    return f"{elapsed(abs(versus.difference))} {'slower' if versus.difference > 0 else 'faster'}"


def storage(report: Report) -> Markup:
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
        ("Database", size(totals["database_bytes"].now),
         moved(totals["database_bytes"], size, fewer="less")),
    ]  # fmt: skip
    return _section(
        "Duplicates, age and storage",
        _table(
            ["", "At the end of the week", "Against the week before"],
            [[tag("th", name, scope="row"), _n(value), _n(said)] for name, value, said in rows],
        ),
    )


def runs(report: Report) -> Markup:
    """Runs that ended, by workflow type and outcome."""
    if not report.runs:
        return _section("Runs", _empty("No run ended."))
    rows = [
        [
            tag("th", kind, tag("span", words.words_of(outcome), class_="small"), scope="row"),
            _n(number(value.now), _signed(value)),
        ]
        for kind, outcome, value in report.runs
    ]
    return _section("Runs", _table(["Workflow", "Ended"], rows))


__all__ = ["charts", "failures", "hosts", "join", "runs", "silent", "sources", "storage", "tiles"]
