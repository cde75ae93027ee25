"""Whatever is recorded of an address, one cause is told from it, in words."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.removal.lifecycle import Lifecycle
from atlas.domain.removal.page_facts import (
    EvidenceSeen,
    PageFacts,
    RefusedBefore,
    SourceClaim,
    TextKept,
    VisitOfRun,
)
from atlas.domain.removal.verdict_rules import verdict_on

URL = "https://h.org/a"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def visit(outcome: str | None, code: str | None = None, **more: Any) -> VisitOfRun:
    values = {each.name: None for each in fields(VisitOfRun)}
    values |= {"run_id": "run", "workflow_id": "w", "source": "docs", "started_at": NOW}
    values |= {"stage": "done" if outcome else "fetched", "outcome": outcome, "code": code}
    values |= {"message": "it was said so" if code else None, "requests": 1}
    return VisitOfRun(**values | more)


def facts(**values: Any) -> PageFacts:
    return PageFacts(url=URL, at=NOW, **values)


def claims(*names: str, **values: Any) -> tuple[SourceClaim, ...]:
    return tuple(SourceClaim(source=name, **values) for name in names)


HELD = (SourceClaim(source="docs", found="listed"),)
UNREAD = (SourceClaim(source="docs", found="listed", not_listed="the host is down"),)
MISSED = (EvidenceSeen("absent", 4, 3, NOW, "docs"),)
PAUSED = (SourceClaim(source="docs", found="listed", paused=True),)


@pytest.mark.parametrize(
    ("found", "code", "words"),
    [
        (facts(lifecycle="purged", purged_at=NOW), "purged", "removed for good on 2026-11-24"),
        (facts(lifecycle="tombstoned", tombstoned_at=NOW), "absent", "left the corpus on 2026"),
        (facts(lifecycle="live", sources=HELD, visits=(visit(None),)), "in_progress",
         "live, and in progress: it is fetched and waits"),
        (facts(lifecycle="live", sources=HELD, quarantined_for="x: y"), "quarantined",
         "its last text stays live"),
        (facts(lifecycle="discovered", sources=HELD), "not_fetched", "none fetched it"),
        (facts(lifecycle="discovered", sources=PAUSED), "source_paused", "the source is paused"),
        (facts(lifecycle="discovered", sources=HELD, visits=(visit("skipped", "budget"),)),
         "budget", "but the run had spent its pages or bytes"),
        (facts(lifecycle="live", sources=HELD, visits=(visit("skipped", "fresh"),)), "live",
         "not checked in the last run: another run had fetched it"),
        (facts(lifecycle="live", visits=()), "unheld", "no source holds it any more"),
        (facts(lifecycle="live", sources=HELD, visits=(visit("skipped", "cut_body"),)), "cut_body",
         "live with its old text: its new body was held"),
        (facts(lifecycle="live", sources=HELD,
               visits=(visit("skipped", "fresh"), visit("failed", "http_503"))), "http_503",
         "live with its last text: the last check failed (http_503: it was said so)"),
        (facts(lifecycle="discovered", sources=HELD, visits=(visit("failed", "needs_browser"),)),
         "needs_browser", "not in the corpus: it could not be fetched or read (needs_browser: it"),
        (facts(lifecycle="live", sources=UNREAD, visits=(visit("added"),)), "not_listed",
         "the last run of source 'docs' did not come to it: the host is down"),
        (facts(lifecycle="live", sources=(*UNREAD, *HELD), visits=(visit("added"),)), "added",
         "live: added by the run"),
        (facts(lifecycle="live", sources=HELD, evidence=MISSED, visits=(visit("unchanged"),)),
         "unchanged", "seen 4 times, and a removal needs 3; it stays as long as it answers"),
        (facts(lifecycle="suspect", sources=HELD, evidence=MISSED,
               visits=(visit("skipped", "suspicious_body"),)), "suspicious_body",
         "its new body was held"),
        (facts(trap="trap_calendar", sources=(SourceClaim(source="docs"),)), "trap_calendar",
         "its address alone shows a crawler trap"),
        (facts(sources=(SourceClaim(source="docs", paused=True),)), "source_paused",
         "source 'docs' would take it, but is paused"),
        (facts(sources=claims("docs", "news", paused=True)), "source_paused",
         "sources 'docs' and 'news' would take it, but are paused"),
        (facts(sources=claims("a", "b", "c")), "never_seen",
         "sources 'a', 'b' and 'c' would take it, but have not run yet"),
        (facts(sources=claims("a", "b", "c", "d", "e", last_run=NOW)), "never_seen",
         "the rules of sources 'a', 'b', 'c' and 2 more would take it, but no listing or page "
         "that they read names it"),
        (facts(sources=claims("docs", last_run=NOW)), "never_seen",
         "the rules of source 'docs' would take it, but no listing or page that it read names it"),
        (facts(sources=claims("docs", "news", lists=True)), "listing",
         "the feed or sitemap from which sources 'docs' and 'news' learn their pages"),
        (facts(lifecycle="discovered", sources=HELD, leads_to="https://h.org/b",
               visits=(visit("failed", "http_404"), visit("skipped", "redirected"))), "http_404",
         "could not be fetched or read (http_404"),
        (facts(lifecycle="discovered", sources=HELD, leads_to="https://h.org/b",
               leads_to_lifecycle="live", visits=(visit("skipped", "redirected"),)), "redirected",
         "not in the corpus: it redirects to https://h.org/b, which is live"),
        (facts(lifecycle="live", visits=(visit("unchanged"),), sources=(
            SourceClaim(source="docs", found="link", refused_by="exclude old"),)), "unchanged",
         "source 'docs' would refuse it now by `exclude old`"),
        (facts(sources=(SourceClaim(source="news", lists=True),)), "listing",
         "the feed or sitemap from which source 'news' learns its pages"),
        (facts(), "unknown", "none is declared at its host"),
    ],
)  # fmt: skip
def test_the_cause(found: PageFacts, code: str, words: str) -> None:
    verdict = verdict_on(found)
    assert verdict.code == code and words in verdict.cause, verdict


def test_a_scan_and_a_password_have_their_remedy() -> None:
    for code, remedy in (("needs_ocr", "ocrmypdf"), ("encrypted", "without a password")):
        verdict = verdict_on(facts(lifecycle="discovered", visits=(visit("failed", code),)))
        assert verdict.code == code and remedy in verdict.todo[0], verdict


def test_evidence_says_how_much_of_how_much() -> None:
    seen = EvidenceSeen("gone", 1, 3, NOW, "HTTP 404")
    leaving = verdict_on(facts(lifecycle="suspect", sources=HELD, evidence=(seen,)))
    assert leaving.code == "http_404"
    assert "it answers 404, seen 1 of the 3 times that a removal needs" in leaving.cause
    kept = EvidenceSeen("gone", 9, None, NOW, "HTTP 410")
    stays = verdict_on(facts(lifecycle="suspect", sources=HELD, evidence=(kept,)))
    assert "seen 9 times; its sources keep all pages" in stays.cause


def test_an_absence_that_a_visit_confirmed_is_the_cause_though_it_was_gone_once() -> None:
    seen = EvidenceSeen("gone", 1, 1, NOW, "HTTP 404")
    left = verdict_on(facts(lifecycle="tombstoned", evidence=(seen,)))
    assert left.code == "absent"
    assert "no longer named it, and a visit confirmed that: it answers 404" in left.cause
    often = EvidenceSeen("gone", 3, 1, NOW, "HTTP 404")
    assert verdict_on(facts(lifecycle="tombstoned", evidence=(often,))).code == "http_404"


_MOMENTS = st.none() | st.just(NOW)
_CODES = st.sampled_from(
    ["http_404", "redirected", "redirected_out_of_scope", "noindex", "fresh", "suspicious_body",
     "trap_facets", "robots_disallowed", "run_ended"]
)  # fmt: skip
_VISITS = st.builds(
    visit,
    st.sampled_from([None, "added", "updated", "unchanged", "failed", "skipped"]),
    st.none() | _CODES,
)
_CLAIMS = st.builds(
    SourceClaim,
    source=st.just("docs"),
    found=st.sampled_from([None, "listed", "link", "redirect"]),
    refused_by=st.none() | st.just("exclude old"),
    paused=st.booleans(),
    last_run=_MOMENTS,
    not_listed=st.none() | st.just("its listing could not be read"),
)
_EVIDENCE = st.builds(
    EvidenceSeen,
    st.sampled_from(["gone", "moved", "noindex", "absent"]),
    st.integers(1, 9),
    st.none() | st.integers(1, 9),
    _MOMENTS,
    st.just("HTTP 404"),
)
_TEXTS = st.builds(
    TextKept,
    **{each.name: st.none() for each in fields(TextKept)}
    | {"valid_from": st.just(NOW), "duplicate_of": st.none() | st.just("https://h.org/b")},
)
_REFUSALS = st.builds(
    RefusedBefore,
    st.just("docs"),
    st.sampled_from(["exclude old", "max_depth 3", "not a page", "trap_facets"]),
    st.just("run"),
    st.just(NOW),
)


@given(
    st.builds(
        facts,
        lifecycle=st.none() | st.sampled_from([str(each) for each in Lifecycle]),
        leads_to=st.none() | st.just("https://h.org/b"),
        tombstoned_at=_MOMENTS,
        purged_at=_MOMENTS,
        quarantined_for=st.none() | st.just("x: y"),
        sources=st.lists(_CLAIMS, max_size=3).map(tuple),
        refusals=st.lists(_REFUSALS, max_size=2).map(tuple),
        evidence=st.lists(_EVIDENCE, max_size=2).map(tuple),
        visits=st.lists(_VISITS, max_size=3).map(tuple),
        text=st.none() | _TEXTS,
        trap=st.none() | st.just("trap_calendar"),
    )
)
def test_there_is_a_cause_whatever_is_recorded(found: PageFacts) -> None:
    verdict = verdict_on(found)
    assert verdict.code and verdict.cause and "\n" not in verdict.cause
    if found.lifecycle in ("live", "suspect"):
        assert not verdict.cause.startswith(("not ", "never ", "no source")), verdict
    for said in (verdict.cause, *verdict.todo):
        assert "None" not in said and "{" not in said, said


@pytest.mark.parametrize(
    ("url", "sources", "source", "words"),
    [
        (URL, HELD, "docs", "atlas sources edit docs --render"),
        # Processed by a batch, which is a run of no source
        (URL, HELD, "", "atlas sources edit docs --render"),
        (URL, (), "", f"atlas fetch {URL} --render when_needed"),
        (URL, claims("wiki", found="pushed", pushed=True), "wiki", "that a browser shows"),
        ("file:///srv/a.html", claims("files", found="listed"), "files", "that a browser shows"),
    ],
)
def test_a_page_that_needs_a_browser_is_told_a_way_that_there_is(
    url: str, sources: tuple[SourceClaim, ...], source: str, words: str
) -> None:
    failed = visit("failed", "needs_browser", source=source)
    verdict = verdict_on(PageFacts(url=url, at=NOW, sources=sources, visits=(failed,)))
    assert words in verdict.todo[0]
    assert ("--render" in verdict.todo[0]) == (len(verdict.todo) == 2)
