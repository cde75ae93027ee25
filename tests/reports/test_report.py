"""Reports: what they say, and that nothing from outside is more than text in them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.daily_figures import TOTAL, FrozenWeeks, HostDay
from atlas.domain.timing.silent_sources import SourceHistory
from atlas.domain.timing.weeks import Week
from atlas.reports.charts import scale
from atlas.reports.figures import quantile, report_of
from atlas.reports.media import MEDIA
from atlas.reports.rendering import render
from atlas.reports.text import escaped
from tests.reports.weeks import WEEK, frozen_weeks, slot_of


class Page(HTMLParser):
    """Gathers what a browser would make of a page; open tags must be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def page_of(frozen: FrozenWeeks) -> Page:
    return Page(render(frozen).forms["html"].decode())


def data_of(frozen: FrozenWeeks) -> dict:
    return json.loads(render(frozen).forms["json"])


def test_the_same_days_give_the_same_bytes() -> None:
    assert render(frozen_weeks()).forms == render(frozen_weeks()).forms
    assert render(frozen_weeks()).forms != render(frozen_weeks(seed=8)).forms
    assert set(render(frozen_weeks()).forms) == set(MEDIA)


def test_json_is_canonical_and_adds_up() -> None:
    body = render(frozen_weeks()).forms["json"].decode()
    data = json.loads(body)
    assert body == json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    this_week = data["days"][7:]
    assert [day["day"] for day in this_week] == [day.isoformat() for day in WEEK.days]
    for name in ("added", "changed", "gone", "requests"):
        assert data["totals"][name]["now"] == sum(day[name] for day in this_week)
    live = data["totals"]["live"]
    assert live["now"] == this_week[-1]["live"]
    assert live["difference"] == live["now"] - live["before"]
    moved = data["totals"]["added"]["now"] - data["totals"]["gone"]["now"]
    assert live["difference"] == moved
    assert (
        sum(line["requests"]["now"] for line in data["failures"])
        == (data["totals"]["errors"]["now"])
    )


def test_every_form_names_sources_failures_hosts_and_silence() -> None:
    forms = {name: body.decode() for name, body in render(frozen_weeks()).forms.items()}
    for body in (forms["md"], " ".join(Page(forms["html"]).text)):
        for words in ("harbour-news", "transient", "read_timeout", "gazette.law.example",
                      "old-wiki", "nothing new for 25 days", "usually every day",
                      "590 more (+0.6%)", "paused", "robots.txt ignored",
                      "museum.example answers slower"):  # fmt: skip
            assert words in body
    data = data_of(frozen_weeks())
    assert data["silent_sources"] == ["old-wiki"]
    ignoring = [line["source"] for line in data["sources"] if line["robots_ignored"]]
    assert ignoring == ["press-releases"]


def test_objectives_and_those_that_were_missed() -> None:
    forms = {name: body.decode() for name, body in render(frozen_weeks()).forms.items()}
    for body in (forms["md"], " ".join(Page(forms["html"]).text)):
        for words in ("Freshness objectives", "95% within 2h", "99% within 14d", "98.1%",
                      "law-gazette missed its freshness objective (99% within 14d): 98.1% of its "
                      "pages were seen in time: 1.1 points lower."):  # fmt: skip
            assert words in body
        assert "harbour-news missed" not in body
    data = {line["source"]: line for line in data_of(frozen_weeks())["sources"]}
    assert [name for name, line in data.items() if line["objective_missed"]] == ["law-gazette"]
    assert data["harbour-news"]["objective"] == "95% within 2h"
    assert data["harbour-news"]["achieved"]["now"] == pytest.approx(0.98 - 0.08 / 7, abs=1e-4)
    assert data["old-wiki"]["objective"] is None
    assert data["old-wiki"]["achieved"]["now"] is None


def test_days_of_another_objective_and_uncounted_ones_say_nothing_of_it() -> None:
    whole = frozen_weeks()
    changed = WEEK.first_day + timedelta(days=5)

    def figures(day: date, achieved: float | None) -> dict[str, object]:
        if day < changed:
            return {"objective": "99% within 1h", "achieved": 0.1}
        return {"objective": "95% within 2h", "achieved": achieved if day == changed else None}

    rows = tuple(
        replace(row, **figures(row.day, 0.97)) if row.source == "harbour-news" else row
        for row in whole.figures
    )
    [line] = [
        each
        for each in data_of(replace(whole, figures=rows))["sources"]
        if each["source"] == "harbour-news"
    ]
    assert (line["achieved"]["now"], line["achieved"]["before"]) == (0.97, None)
    assert not line["objective_missed"]


def test_where_nothing_is_promised_the_report_has_no_such_section() -> None:
    whole = frozen_weeks()
    rows = tuple(replace(row, objective=None, achieved=None) for row in whole.figures)
    forms = render(replace(whole, figures=rows)).forms
    assert all(b"Freshness objectives" not in forms[name] for name in ("md", "html"))


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    page = page_of(frozen_weeks())
    assert {name for name, _ in page.seen} <= {
        "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section",
        "h1", "h2", "h3", "p", "ul", "li", "span", "strong", "code", "figure", "figcaption",
        "details", "summary", "div", "table", "thead", "tbody", "tr", "th", "td", "svg", "desc",
        "rect", "line", "polyline", "circle", "text",
    }  # fmt: skip
    for _, attributes in page.seen:
        assert not {"src", "href", "style", "srcset", "action"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    policy = next(a["content"] for n, a in page.seen if a.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "url(" not in render(frozen_weeks()).forms["html"].decode()


def test_charts_are_told_to_who_cannot_see_them() -> None:
    page = page_of(frozen_weeks())
    ids = [attributes["id"] for _, attributes in page.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    charts = [a for name, a in page.seen if name == "svg" and a.get("role") == "img"]
    assert len(charts) == 4
    for chart in charts:
        assert set((chart["aria-labelledby"] or "").split()) <= set(ids)
    assert sum(name == "details" for name, _ in page.seen) == 4  # the figures as tables


EVIL = "<script>alert(1)</script>\"'&amp;|`[x](javascript:1)\n# \x1b[31m"


def test_names_from_outside_are_only_text() -> None:
    frozen = frozen_weeks()
    figures = tuple(
        replace(
            row,
            source=row.source and f"{EVIL}{row.source}",
            errors={EVIL: {EVIL: 3}},
            failed={EVIL: {EVIL: 30}},
            runs={EVIL: {EVIL: 3}},
        )
        for row in frozen.figures
    )
    hosts = tuple(replace(row, host=f"{EVIL}{row.host}") for row in frozen.hosts)
    histories = {f"{EVIL}{name}": each for name, each in frozen.histories.items()}
    evil = replace(frozen, figures=figures, hosts=hosts, histories=histories)
    page = page_of(evil)
    assert "script" not in {name for name, _ in page.seen}
    assert EVIL in "".join(page.text)
    text = render(evil).forms["md"].decode()
    assert "<script" not in text.replace("\\<script", "")
    assert "](" not in text.replace("\\](", "")
    for line in text.splitlines():
        if line.startswith("|"):  # no cell more than its table has
            assert len(re.findall(r"(?<!\\)\|", line)) in (4, 5, 7, 8, 9)
        assert not line.startswith("# ") or line.startswith("# Atlas")


@given(st.text(min_size=1))
@settings(max_examples=40)
def test_any_name_comes_back_from_the_page(name: str) -> None:
    name = name.replace("\r", "")  # HTML makes line feeds of them
    frozen = frozen_weeks()
    figures = tuple(
        replace(row, source=row.source and f"{name}{row.source}") for row in frozen.figures
    )
    histories = {f"{name}{source}": each for source, each in frozen.histories.items()}
    page = page_of(replace(frozen, figures=figures, histories=histories))
    assert f"{name}harbour-news" in "".join(page.text)


@given(st.text())
def test_no_mark_of_markdown_is_left_alone(text: str) -> None:
    found = escaped(text)
    assert "\n" not in found
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*\[\]<>|~]", found)


@pytest.mark.parametrize(
    ("begins", "note", "days", "before"),
    [
        (WEEK.first_day + timedelta(days=2), "this week has 5 days of 7", 5, 0),
        (WEEK.first_day, "no week before to compare with", 7, 0),
        (WEEK.first_day - timedelta(days=1), "the week before has 1 day of 7", 7, 1),
        (WEEK.first_day - timedelta(days=7), "", 7, 7),
    ],
)
def test_missing_days_are_told_and_are_no_zeros(
    begins: date, note: str, days: int, before: int
) -> None:
    rendered = render(frozen_weeks(begins=begins))
    data = json.loads(rendered.forms["json"])
    assert note in rendered.message
    assert data["note"] == rendered.message
    assert (data["days_with_figures"], data["before"]["days_with_figures"]) == (days, before)
    if not before:
        assert {each["before"] for each in data["totals"].values()} == {None}
        assert "no week before to compare with" in rendered.forms["md"].decode()
        assert "week before)" not in " ".join(page_of(frozen_weeks(begins=begins)).text)


@pytest.mark.parametrize("begins", [WEEK.last_day + timedelta(days=1), date(2027, 3, 1)])
def test_a_week_before_the_first_day_says_so(begins: date) -> None:
    frozen = replace(frozen_weeks(begins=WEEK.last_day + timedelta(days=1)), first_frozen=begins)
    rendered = render(frozen)
    assert rendered.outcome == "no_data"
    assert rendered.message.startswith("There are no figures for this week. Figures begin on ")
    for body in rendered.forms.values():
        assert str(begins.year) in body.decode()
    data = json.loads(rendered.forms["json"])
    assert {each["now"] for each in data["totals"].values()} == {None}
    assert data["days"] == []
    assert " 0 " not in rendered.forms["md"].decode()


def test_no_day_at_all() -> None:
    nothing = FrozenWeeks(WEEK, None, (), (), (), {})
    assert render(nothing).message == "No day's figures are frozen yet."
    assert render(nothing).outcome == "no_data"


def test_paused_and_removed_sources_are_not_silent() -> None:
    frozen = frozen_weeks()
    ancient = {name: SourceHistory(date(2026, 5, 1)) for name in frozen.histories}
    all_silent = report_of(replace(frozen, histories=ancient)).silent
    assert {line.source for line in all_silent} == set(ancient) - {"parish-letters"}
    left = tuple(r for r in frozen.figures if r.source != "old-wiki" or r.day < WEEK.last_day)
    gone = report_of(replace(frozen, histories=ancient, figures=left)).silent
    assert "old-wiki" not in {line.source for line in gone}


def test_hosts_asked_seldom_are_not_judged() -> None:
    day = WEEK.first_day
    rows = tuple(
        HostDay(day, host, requests, 0, 9.0, 9.0, _slots(9.0, requests))
        for host, requests in (("seldom.example", 9), ("often.example", 10))
    )
    report = report_of(replace(frozen_weeks(), hosts=rows))
    assert [line.host for line in report.hosts] == ["often.example"]
    assert report.hosts[0].p95.before is None


def _slots(seconds: float, requests: int) -> tuple[int, ...]:
    slots = [0] * 72
    slots[slot_of(seconds)] = requests
    return tuple(slots)


@given(st.lists(st.floats(0.0011, 200), min_size=1, max_size=60), st.floats(0.01, 1))
def test_quantiles_are_right_to_within_a_slot(elapsed: list[float], share: float) -> None:
    slots = [0] * 72
    for each in elapsed:
        slots[slot_of(each)] += 1
    exact = sorted(elapsed)[max(0, -int(-share * len(elapsed) // 1) - 1)]
    found = quantile(slots, share)
    assert found is not None
    assert exact / 1.2 - 0.001 <= found <= exact * 1.2 + 0.001


@given(st.lists(st.floats(0, 1e9), min_size=1), st.booleans(), st.booleans())
def test_a_scale_holds_its_values(values: list[float], from_zero: bool, whole: bool) -> None:
    found = scale(values, 180, 12, from_zero=from_zero, whole=whole)
    assert 2 <= len(found.ticks) <= 8
    assert found.ticks == tuple(sorted(set(found.ticks)))
    for value in values:
        assert 12 - 1e-6 <= found.at(value) <= 180 + 1e-6


def test_totals_are_not_the_sum_of_the_sources() -> None:
    """A page that two sources hold is one page."""
    frozen = frozen_weeks()
    figures = tuple(
        replace(row, live=row.live // 2) if row.source == TOTAL else row for row in frozen.figures
    )
    last = next(row for row in reversed(figures) if row.source == TOTAL)
    report = report_of(replace(frozen, figures=figures))
    assert report.totals["live"].now == last.live
    assert sum(line.live.now or 0 for line in report.sources) > 1.9 * last.live


def test_another_week_of_the_same_figures_is_another_report() -> None:
    later = Week.of(WEEK.last_day + timedelta(days=1))
    assert render(frozen_weeks(later)).forms["json"] != render(frozen_weeks()).forms["json"]


def test_no_sentence_is_left_half_said() -> None:
    failed = {"sync_pipeline": {"failed": 2, "held": 1}}
    for begins in (WEEK.first_day, WEEK.first_day - timedelta(days=30)):
        frozen = frozen_weeks(begins=begins)
        rows = tuple(replace(row, runs=failed) for row in frozen.figures)
        page = page_of(replace(frozen, figures=rows))
        text = " ".join(page.text)
        assert "14 runs of sync_pipeline failed" in text
        assert "7 runs of sync_pipeline held removals or changes" in text
        assert not re.search(r": ?\.|\(\)|None|nan", text)
