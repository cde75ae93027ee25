"""What the class of an error decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import (
    ErrorClass,
    HostClosed,
    PageError,
    Retries,
    handling,
    outcome_of,
    verdict_on_host,
)

CLASSES = st.sampled_from(ErrorClass)


def error(kind: ErrorClass, code: str = "x", retry_after: float | None = None) -> PageError:
    return PageError(kind, code, "words", retry_after=retry_after)


def test_only_what_may_succeed_is_tried_again() -> None:
    retried = {kind for kind in ErrorClass if handling(kind).retried}
    assert retried == {ErrorClass.TRANSIENT, ErrorClass.THROTTLED}


def test_only_our_own_faults_are_alarms() -> None:
    assert [kind for kind in ErrorClass if not handling(kind).expected] == [ErrorClass.BUG]


@given(CLASSES, st.integers(1, 20), st.none() | st.floats(0, 1e6))
def test_a_pause_is_within_patience_and_after_what_was_asked(kind, attempt, retry_after) -> None:
    retries = Retries(attempts=3, delay=5.0, patience=600.0)
    pause = retries.pause(error(kind, retry_after=retry_after), attempt)
    if pause is not None:
        assert handling(kind).retried
        assert attempt < retries.attempts
        assert max(retry_after or 0.0, retries.delay) <= pause <= retries.patience


def test_pauses_double() -> None:
    retries = Retries(attempts=5, delay=5.0, patience=600.0)
    pauses = [retries.pause(error(ErrorClass.TRANSIENT), attempt) for attempt in range(1, 6)]
    assert pauses == [5.0, 10.0, 20.0, 40.0, None]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("redirected", "skipped"),
        ("redirected_out_of_scope", "skipped"),
        ("redirect_loop", "failed"),
    ],
)
def test_a_page_that_leads_to_another_is_not_missing(code: str, outcome: str) -> None:
    assert outcome_of(error(ErrorClass.INVALID, code)) == outcome


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("connection_refused", "down"),
        ("dns_failure", "down"),
        ("http_503", "down"),
        ("http_500", "up"),
        ("http_404", "up"),
        ("truncated_body", "up"),
        ("address_refused", "unknown"),
        ("proxy_refused", "unknown"),
        ("proxy_unreachable", "down"),
        ("proxy_login", "down"),
        ("total_timeout", "unknown"),
    ],
)
def test_what_a_failure_says_of_the_host(code: str, verdict: str) -> None:
    assert verdict_on_host(error(ErrorClass.TRANSIENT, code)) == verdict


def test_every_class_has_words_of_its_own_in_a_report() -> None:
    assert len({handling(kind).says for kind in ErrorClass}) == len(ErrorClass)


@pytest.mark.parametrize(("throttled", "code"), [(False, "host_down"), (True, "host_throttled")])
def test_a_closed_host_is_named_with_its_reason(throttled: bool, code: str) -> None:
    closed = HostClosed("h:80", 30.0, down_for=5.0, throttled=throttled, reason="no answer")
    found = closed.as_error()
    assert (found.code, found.retry_after) == (code, 30.0)
    assert "h:80" in found.message and "no answer" in found.message
    assert handling(found.error_class).retried
