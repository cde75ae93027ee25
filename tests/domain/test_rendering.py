"""Which pages are rendered, by the rule of their source."""

from __future__ import annotations

import pytest

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.rendering import Render, renders_at_once, renders_failed, still_empty
from atlas.domain.sources import InvalidSource, SourceSpec, check_source

EMPTY = PageError(ErrorClass.INVALID, "needs_browser", "#root is empty")
OTHER = PageError(ErrorClass.INVALID, "no_text", "nothing")


@pytest.mark.parametrize(
    ("rule", "at_once", "failed"),
    [("never", False, False), ("when_needed", False, True), ("always", True, True)],
)
def test_a_rule_says_what_is_rendered(rule: Render, at_once: bool, failed: bool) -> None:
    assert renders_at_once(rule, "text/html") is at_once
    assert renders_at_once(rule, "application/xhtml+xml") is at_once
    assert renders_failed(rule, EMPTY) is failed
    assert not renders_failed(rule, OTHER)
    assert not renders_at_once(rule, "application/pdf")
    assert not renders_at_once(rule, None)


def test_a_rendered_page_that_is_empty_says_so() -> None:
    error = still_empty(EMPTY)
    assert (error.error_class, error.code) == (ErrorClass.INVALID, "rendered_empty")
    assert "#root is empty" in error.message


def test_the_rule_is_one_of_three_and_only_for_sources_that_ask_hosts() -> None:
    spec = SourceSpec("app", "urls", ("https://a.example.org/",), render="when_needed")
    assert check_source(spec).render == "when_needed"
    wrong = SourceSpec("app", "urls", ("https://a.example.org/",), render="maybe")  # type: ignore[arg-type]
    with pytest.raises(InvalidSource, match="render: 'maybe' refused: give one of never, when_nee"):
        check_source(wrong)
    pushed = SourceSpec("notes", "push", ("https://a.example.org/",), render="always")
    with pytest.raises(InvalidSource, match="render: not for a source of kind push"):
        check_source(pushed)
