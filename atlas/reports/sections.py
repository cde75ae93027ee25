"""The parts of a report's page, from its first figures to its last table."""

from __future__ import annotations

from atlas.reports import words
from atlas.reports.charts import meter
from atlas.reports.markup import Markup, tag
from atlas.reports.model import Report, SourceLine, Versus
from atlas.reports.notable import notable
from atlas.reports.tables import figure, named, small, table
from atlas.reports.text import codes
from atlas.reports.words import age, elapsed, moved, number, percent, points, size

SOURCES_SHOWN = 50
"""The JSON has all of them."""


def standing_out(report: Report) -> Markup:
    """The sentences to read in a hurry."""
    sentences = [tag("li", sentence) for sentence in notable(report)]
    said = tag("ul", *sentences) if sentences else _empty(words.nothing(report))
    return tag("section", tag("h2", "What stands out"), said, class_="notable")


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
                *([tag("span", said, class_="moved")] if said else []),
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
    shown = table(
        ["Source", "Added", "Changed", "Gone", "Live", "On time", "Given up"],
        [_source(line, new=report.days_before > 0) for line in busiest[:SOURCES_SHOWN]],
    )
    more = len(busiest) - SOURCES_SHOWN
    rest = [_empty(f"{more} more are in the JSON form of this report.")] if more > 0 else []
    return _section("Sources", *_about_differences(report), shown, *rest)


def _about_differences(report: Report) -> list[Markup]:
    said = "Below each figure: the difference to the week before."
    return [tag("p", said, class_="sub")] if report.days_before else []


def _busy(line: SourceLine) -> float:
    return sum(each.now or 0 for each in (line.added, line.changed, line.gone))


def _source(line: SourceLine, *, new: bool) -> list[Markup]:
    """`new`: whether a source without a week before is to be called new."""
    flags = []
    if new and line.live.before is None:
        flags.append(tag("span", "new", class_="flag calm"))
    if line.paused:
        flags.append(tag("span", "paused", class_="flag calm"))
    if line.silence is not None:
        flags.append(tag("span", "silent", class_="flag"))
    return [
        named(line.source, *flags),
        figure(number(line.added.now), _signed(line.added)),
        figure(number(line.changed.now), _signed(line.changed)),
        figure(number(line.gone.now), _signed(line.gone)),
        figure(number(line.live.now), _signed(line.live)),
        figure(percent(line.fresh.now)),
        figure(number(line.failed.now), _signed(line.failed)),
    ]


def _signed(versus: Versus) -> str:
    """The difference, short, for a cell: +12."""
    difference = versus.difference
    if difference is None:
        return ""
    return "±0" if not difference else f"{difference:+,.0f}".replace("-", "−")


def failures(report: Report) -> Markup:
    """Failures by class, with the most frequent codes."""
    if not report.failures:
        return _section("Failures", _empty("None."))
    most = max(line.requests.now or 0 for line in report.failures) or 1
    rows = [
        [
            named(
                line.error_class, small(words.meaning(line.error_class)), small(codes(line.codes))
            ),
            figure(
                number(line.requests.now),
                _signed(line.requests),
                extra=meter((line.requests.now or 0) / most, "bad"),
            ),
            figure(number(line.pages.now), _signed(line.pages)),
        ]
        for line in report.failures
    ]
    shown = table(["Class", "Requests", "Pages given up"], rows)
    return _section("Failures", *_about_differences(report), shown)


def hosts(report: Report) -> Markup:
    """The hosts that answered slowest."""
    if not report.hosts:
        return _section("Slowest hosts", _empty("No host was asked often enough to judge."))
    most = max(line.p95.now or 0 for line in report.hosts) or 1
    rows = [
        [
            named(line.host),
            figure(number(line.requests), f"{number(line.failed)} failed" if line.failed else ""),
            figure(elapsed(line.median.now), _slower(line.median)),
            figure(
                elapsed(line.p95.now),
                _slower(line.p95),
                extra=meter((line.p95.now or 0) / most, "s1"),
            ),
        ]
        for line in report.hosts
    ]
    return _section("Slowest hosts", table(["Host", "Requests", "Median", "95% below"], rows))


def _slower(versus: Versus) -> str:
    if versus.difference is None:
        return ""
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
        ("The same, as stored", size(totals["stored_bytes"].now),
         moved(totals["stored_bytes"], size, fewer="less")),
        ("Database", size(totals["database_bytes"].now),
         moved(totals["database_bytes"], size, fewer="less")),
    ]  # fmt: skip
    return _section(
        "Duplicates, age and storage",
        table(
            ["", "This week", "Against the week before"],
            [[named(name), figure(value), figure(said)] for name, value, said in rows],
        ),
    )


def runs(report: Report) -> Markup:
    """Runs that ended, by workflow type and outcome."""
    if not report.runs:
        return _section("Runs", _empty("No run ended."))
    rows = [
        [
            named(kind, small(words.words_of(outcome))),
            figure(number(value.now), _signed(value)),
        ]
        for kind, outcome, value in report.runs
    ]
    return _section("Runs", table(["Workflow", "Ended"], rows))
