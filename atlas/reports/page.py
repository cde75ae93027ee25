"""The report as one HTML page: no script, nothing from elsewhere, every name escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from markupsafe import Markup

from atlas.reports import words
from atlas.reports.graphs import day_by_day
from atlas.reports.model import Number, Report, SourceLine, Versus
from atlas.reports.notable import notable
from atlas.reports.text import environment

SOURCES_SHOWN = 50
"""The JSON has all of them."""


def as_html(report: Report) -> bytes:
    """The page. Jinja2 escapes everything that is put into it except our own style sheet."""
    templates = environment(autoescape=True)
    templates.filters |= {each.__name__.strip("_"): each for each in _FILTERS}
    style = templates.get_template("report.css").render()
    page = templates.get_template("report.html.jinja").render(
        report=report,
        note=words.coverage(report),
        notable=notable(report),
        charts=day_by_day(report),
        policy=_policy(style),
        style=Markup(style),  # noqa: S704 - a file of this package
    )
    return f"{page}\n".encode()


def _policy(style: str) -> str:
    """Allows only this style sheet: a name that slipped through unescaped could do nothing."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _places(value: float) -> str:
    """Two decimals at most: pixels."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _most(values: Iterable[Number | None]) -> Number:
    """The whole width of a meter."""
    return max((value or 0 for value in values), default=0) or 1


def _first_silent(report: Report) -> str:
    names = [line.source for line in report.silent]
    if not names:
        return "all brought what is usual"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def _busiest(report: Report) -> list[SourceLine]:
    def busy(line: SourceLine) -> float:
        return sum(each.now or 0 for each in (line.added, line.changed, line.gone))

    return sorted(report.sources, key=lambda line: (-busy(line), line.source))[:SOURCES_SHOWN]


def _unlisted(report: Report) -> str:
    more = len(report.sources) - SOURCES_SHOWN
    return f"{more} more are in the JSON form of this report." if more > 0 else ""


def _flags(line: SourceLine, report: Report) -> list[str]:
    """Words beside a name; without a week before, no source is called new."""
    found = {
        "new": report.days_before > 0 and line.live.before is None,
        "paused": line.paused,
        "robots.txt ignored": line.robots_ignored,
        "silent": line.silence is not None,
    }
    return [name for name, holds in found.items() if holds]


def _objective_flags(line: SourceLine) -> list[str]:
    found = {"paused": line.paused, "missed": line.missed}
    return [name for name, holds in found.items() if holds]


def _signed(versus: Versus) -> str:
    """The difference, short, for a cell: +12."""
    difference = versus.difference
    if difference is None:
        return ""
    return "±0" if not difference else f"{difference:+,.0f}".replace("-", "−")


def _slower(versus: Versus) -> str:
    if versus.difference is None:
        return ""
    if abs(versus.difference) < 0.2 * (versus.before or 0):  # a histogram's slots are that wide
        return "about the same"
    moved = "slower" if versus.difference > 0 else "faster"
    return f"{words.elapsed(abs(versus.difference))} {moved}"


_FILTERS = (
    _places,
    _most,
    _first_silent,
    _busiest,
    _unlisted,
    _flags,
    _objective_flags,
    _signed,
    _slower,
)
