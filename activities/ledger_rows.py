"""Ledger rows of answers, failures and redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.domain.batch import FetchRow, HeldPage
from atlas.domain.errors import SET_ASIDE, ErrorClass, PageError
from atlas.domain.fetch import FetchError
from atlas.domain.fetch import FetchResult as Answer
from atlas.domain.politeness.robots_tags import RobotsTags, asked_by_header
from atlas.domain.removal.removal_rules import PERMANENT

if TYPE_CHECKING:
    from datetime import datetime


def got_row(
    page: HeldPage, answer: Answer, snapshot: bytes | None, now: datetime, *, settled: bool
) -> FetchRow:
    """The ledger row of a page that answered 2xx or 304. One whose `unavailable_after` is over is
    processed again, whatever its body is: that takes it out of the index."""
    fresh = answer.modified
    robots = _robots(page, answer)
    asked = asked_by_header([robots]) | RobotsTags(unavailable_after=page.unavailable_after)
    return FetchRow(
        page_id=page.page_id,
        url=page.url,
        attempt=page.attempts + 1,
        final_url=answer.final_url,
        status=answer.status,
        elapsed=answer.elapsed,
        snapshot=snapshot,
        content_type=answer.content_type if fresh else page.content_type,
        charset=answer.charset if fresh else page.charset,
        size=answer.content_length,
        wire_bytes=answer.wire_bytes,
        etag=answer.validators.etag,
        last_modified=answer.validators.last_modified,
        settled=settled and robots == page.robots and not asked.at(now).noindex,
        max_age=answer.max_age,
        robots=robots,
        robots_ignored=answer.robots_ignored,
        rendered=page.rendered and not fresh,
    )


def _robots(page: HeldPage, answer: Answer) -> str:
    """What the server asks of Atlas; a 304 without the header says nothing new."""
    if answer.robots_tag is None and not answer.modified:
        return page.robots
    return answer.robots_tag or ""


def failed_row(page: HeldPage, error: PageError, retry_at: datetime | None) -> FetchRow:
    """The ledger row of a page that failed; `retry_at` says when it is tried again."""
    asked = error if isinstance(error, FetchError) else None
    return FetchRow(
        page_id=page.page_id,
        url=page.url,
        attempt=page.attempts + 1,
        final_url=asked.final_url if asked else None,
        status=asked.status if asked else None,
        elapsed=asked.elapsed if asked else 0.0,
        error=error,
        retry_at=retry_at,
        robots_ignored=asked is not None and asked.robots_ignored,
    )


def unasked_row(page: HeldPage, error: PageError) -> FetchRow:
    """A page given up because its host stays closed: it fails by name, and no attempt was made."""
    return FetchRow(
        page_id=page.page_id,
        url=page.url,
        attempt=page.attempts,
        final_url=None,
        status=None,
        elapsed=0.0,
        error=error,
        asked=False,
    )


def cut_row(page: HeldPage, elapsed: float, now: datetime) -> FetchRow:
    """The ledger row of a request that was cut short because others waited: `now` it may be asked
    for again."""
    words = f"cut short after {elapsed:.0f} s, since other hosts' pages waited"
    return FetchRow(
        page_id=page.page_id,
        url=page.url,
        attempt=page.attempts + 1,
        final_url=None,
        status=None,
        elapsed=elapsed,
        error=PageError(ErrorClass.TRANSIENT, SET_ASIDE, words),
        retry_at=now,
        cut=True,
    )


def redirected_row(page: HeldPage, answer: Answer, *, inside: bool) -> FetchRow:
    """The ledger row of a page that leads elsewhere; `inside`: within the source's scope."""
    code = "redirected" if inside else "redirected_out_of_scope"
    status = _redirect_status(answer)
    return FetchRow(
        page_id=page.page_id,
        url=page.url,
        attempt=page.attempts + 1,
        final_url=answer.final_url,
        status=status,
        elapsed=answer.elapsed,
        error=PageError(ErrorClass.INVALID, code, f"leads to {answer.final_url}"),
        redirected=True,
        robots_ignored=answer.robots_ignored,
        target=answer.final_url if inside else None,
        permanent=status in PERMANENT,
    )


def _redirect_status(answer: Answer) -> int:
    """The status of the first hop that is not permanent, else of the first hop: in the ledger, 301
    and 308 are evidence that a page moved, so every hop must be permanent."""
    hops = [hop.status for hop in answer.redirects]
    return next((status for status in hops if status not in PERMANENT), [*hops, answer.status][0])
