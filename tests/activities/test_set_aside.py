"""What fetching makes of pages that were set aside, or cut short before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from activities.fetch_batch import Fetching, FetchPolicy, _to_fetch
from atlas.domain.batch import HeldPage
from atlas.domain.errors import ErrorClass, PageError, Retries
from tests.activities.test_stragglers import held

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FAILED = PageError(ErrorClass.TRANSIENT, "http_500", "answered 500")


def fetching(attempts: int) -> Fetching:
    policy = FetchPolicy(retries=Retries(attempts=attempts, delay=5.0))
    nothing: Any = None
    return Fetching(*[nothing] * 6, policy, lambda: NOW, nothing, nothing)


@pytest.mark.parametrize(
    ("attempts", "cuts", "again"),
    [(0, 0, 5), (1, 0, 10), (2, 0, None), (1, 1, 5), (2, 1, 10), (3, 1, None), (3, 2, 10)],
)
def test_a_request_that_was_cut_uses_up_no_attempt(
    attempts: int, cuts: int, again: int | None
) -> None:
    page = replace(held("https://slow.example/"), attempts=attempts, cuts=cuts)
    row = fetching(3)._failed(page, FAILED)
    assert row.attempt == attempts + 1  # its number in the ledger
    assert row.retry_at == (None if again is None else NOW + timedelta(seconds=again))


def wanted(*pages: HeldPage) -> tuple[list[HeldPage], Any]:
    attempt: Any = SimpleNamespace(stragglers=SimpleNamespace(aside=set()), not_done={})
    return _to_fetch(attempt, list(pages)), attempt


def test_pages_found_slow_since_they_were_claimed_are_given_back_unasked() -> None:
    good, slow = held("https://good.example/"), held("https://slow.example/", slow=True)
    pages, attempt = wanted(good, slow)
    assert pages == [good]
    assert attempt.not_done == {slow.page_id: None}
    assert attempt.stragglers.aside == {slow.page_id}


def test_a_batch_of_slow_hosts_is_fetched_whole() -> None:
    slow = [held(f"https://{name}.example/", slow=True) for name in ("a", "b")]
    pages, attempt = wanted(*slow)
    assert pages == slow and not attempt.not_done and not attempt.stragglers.aside


def test_slow_pages_do_not_hold_up_what_an_earlier_attempt_fetched() -> None:
    fetched = replace(held("https://good.example/"), stage="fetched")
    slow = held("https://slow.example/", slow=True)
    pages, attempt = wanted(fetched, slow)
    assert pages == [] and attempt.not_done == {slow.page_id: None}
