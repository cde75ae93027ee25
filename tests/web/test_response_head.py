"""Reading headers that servers get wrong."""

from datetime import UTC, datetime

import httpx
import pytest

from atlas.domain.fetch import Validators
from atlas.web import response_head

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/html", ("text/html", None)),
        ('Text/HTML; boundary=x; CHARSET="Shift_JIS"', ("text/html", "Shift_JIS")),
        ("application/rss+xml;charset=utf-8", ("application/rss+xml", "utf-8")),
        ("text/html, text/plain", ("text/html", None)),
        ("html", ("", None)),
        ("", ("", None)),
        ("; charset=latin1", ("", "latin1")),
    ],
)
def test_content_type(value: str, expected: tuple[str, str | None]) -> None:
    assert response_head.content_type_of(httpx.Headers({"content-type": value})) == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("9" * 400, 30 * 86400.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Tue, 24 Nov 2026 12:01:30 GMT", 90.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 99 Nov 2026 11:00:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert response_head.retry_after_of(httpx.Headers({"retry-after": value}), NOW) == seconds


def test_retry_after_is_measured_by_the_servers_own_clock() -> None:
    headers = {
        "retry-after": "Tue, 24 Nov 2026 10:00:10 GMT",
        "date": "Tue, 24 Nov 2026 10:00:00 GMT",
    }
    assert response_head.retry_after_of(httpx.Headers(headers), NOW) == 10.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "public, max-age=60"}, 60.0),
        ({"cache-control": 'Max-Age="60"'}, 60.0),
        ({"cache-control": "no-cache, max-age=60"}, 0.0),
        ({"cache-control": "max-age=60", "age": "20"}, 40.0),
        ({"cache-control": "max-age=60", "age": "90"}, 0.0),
        ({"cache-control": "max-age=60", "age": "-5"}, 60.0),
        ({"age": "20"}, None),
        ({"cache-control": "no-store"}, 0.0),
        ({"cache-control": "max-age=x"}, None),
        ({"cache-control": "max-age=" + "9" * 400}, 30 * 86400.0),
        ({"expires": "0", "date": "Tue, 24 Nov 2026 12:00:00 GMT"}, None),
        (
            {
                "expires": "Tue, 24 Nov 2026 12:05:00 GMT",
                "date": "Tue, 24 Nov 2026 12:00:00 GMT",
            },
            300.0,
        ),
        ({}, None),
    ],
)
def test_max_age(headers: dict[str, str], seconds: float | None) -> None:
    assert response_head.max_age_of(httpx.Headers(headers)) == seconds


def test_only_validators_that_can_be_sent_back_are_kept() -> None:
    raw = [(b"etag", 'W/"é"'.encode()), (b"last-modified", b"x" * 600)]
    assert response_head.validators_of(httpx.Headers(raw)) == Validators()
    raw = [(b"etag", b'W/"1"'), (b"last-modified", b"yesterday")]
    assert response_head.validators_of(httpx.Headers(raw)) == Validators('W/"1"', "yesterday")
