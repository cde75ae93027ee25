"""The report as one HTML page: no script, nothing from elsewhere, every name escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from atlas.reports import words
from atlas.reports.graphs import day_by_day
from atlas.reports.model import Report
from atlas.reports.notable import notable
from atlas.reports.sections import failures, hosts, runs, silent, sources, storage, tiles


def as_html(report: Report) -> bytes:
    """The page. Jinja2 escapes all that is put into it but our own style sheet."""
    environment = _environment()
    style = environment.get_template("report.css").render()
    page = environment.get_template("report.html.jinja").render(
        title=f"Atlas, week {report.week}",
        week=str(report.week),
        span=words.span(report),
        note=words.coverage(report),
        days=report.days_now,
        before=str(report.week.before) if report.days_before else "",
        policy=_policy(style),
        style=Markup(style),  # noqa: S704 - a file of this package
        **(_contents(report) if report.days_now else {}),
    )
    return f"{page}\n".encode()


@cache
def _environment() -> Environment:
    """An unknown name in a template is an error, never an empty place on the page."""
    environment = Environment(
        loader=PackageLoader("atlas.reports"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.filters["places"] = _places
    return environment


def _contents(report: Report) -> dict[str, object]:
    return {
        "notable": notable(report),
        "nothing": words.nothing(report),
        "tiles": tiles(report),
        "charts": day_by_day(report),
        "silent": silent(report),
        "sections": [part(report) for part in (sources, failures, hosts, storage, runs)],
    }


def _policy(style: str) -> str:
    """Only this very style sheet; should a name ever slip through unescaped, it can do nothing."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _places(value: float) -> str:
    """Two decimals at most: pixels."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
