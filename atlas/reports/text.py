"""The report as Markdown."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from atlas.reports import words
from atlas.reports.figures import leaves
from atlas.reports.model import Report
from atlas.reports.notable import notable

_MARKS = re.compile(r"[\\`*\[\]<>|~&]|(?<!\w)_|_(?!\w)")


def as_markdown(report: Report) -> bytes:
    """The report's Markdown."""
    template = environment(autoescape=False).get_template("report.md.jinja")
    note = words.coverage(report)
    text = template.render(report=report, note=note, notable=notable(report))
    return f"{text}\n".encode()


def escaped(text: str) -> str:
    """Text from outside, on one line and without any effect in Markdown."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


@cache
def environment(*, autoescape: bool) -> Environment:
    """Templates with filters that put figures into words. An unknown name is an error, never an
    empty place on the page."""
    found = Environment(
        loader=PackageLoader("atlas.reports"),
        autoescape=autoescape,  # noqa: S701 - Markdown has escapes of its own: `escaped`
        undefined=StrictUndefined,
    )
    said = (
        words.number, words.percent, words.size, words.age, words.elapsed, words.moved, words.older,
        words.less, words.points, words.long_day, words.span, words.nothing, words.meaning,
        words.silent_for, words.words_of, words.codes, escaped, leaves,
    )  # fmt: skip
    found.filters |= {each.__name__: each for each in said}
    return found
