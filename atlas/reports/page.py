"""The report as one HTML page: no script, nothing from elsewhere, every name escaped."""

from __future__ import annotations

import base64
import hashlib

from atlas.reports import graphs, sections, words
from atlas.reports.markup import Markup, join, tag, trusted
from atlas.reports.model import Report
from atlas.reports.style import STYLE


def as_html(report: Report) -> bytes:
    """The page."""
    title = f"Atlas, week {report.week}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        tag("style", trusted(STYLE)),
    )
    body = tag("body", tag("main", _header(title, report), *_contents(report), _footer(report)))
    page = tag("html", head, body, lang="en")
    return f"<!doctype html>\n{page}\n".encode()


def _policy() -> str:
    """Only this very style sheet; should a name ever slip through unescaped, it can do nothing."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _header(title: str, report: Report) -> Markup:
    note = words.coverage(report)
    return tag(
        "header",
        tag("h1", title),
        tag("p", f"{words.span(report)}, UTC", class_="when"),
        *([tag("p", note, class_="note", role="note")] if note else []),
    )


def _contents(report: Report) -> list[Markup]:
    if not report.days_now:
        return []
    return [
        sections.standing_out(report),
        sections.tiles(report),
        graphs.day_by_day(report),
        sections.silent(report),
        sections.sources(report),
        sections.failures(report),
        sections.hosts(report),
        sections.storage(report),
        sections.runs(report),
    ]


def _footer(report: Report) -> Markup:
    return tag(
        "footer",
        join(
            [
                tag("span", "Made from the figures that Atlas freezes after each day (UTC). "),
                *(
                    [tag("span", f"Compared with week {report.week.before}. ")]
                    if report.days_before
                    else []
                ),
                tag("span", "Make it again: "),
                tag("code", f"atlas report make {report.week}"),
            ]
        ),
    )
