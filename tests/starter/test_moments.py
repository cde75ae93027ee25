"""Moments as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from starter.cli.framework.moments import moment
from starter.errors import InvalidRequest


def test_how_long_ago() -> None:
    before = datetime.now(UTC)
    found = moment("--since", " 2d ")
    assert before - timedelta(days=2) <= found <= datetime.now(UTC) - timedelta(days=2)


def test_a_time_with_its_zone_and_one_of_this_machine() -> None:
    assert moment("--at", "2026-11-28T10:00+01:00") == datetime(2026, 11, 28, 9, tzinfo=UTC)
    assert moment("--at", "2026-11-28T10:00Z") == datetime(2026, 11, 28, 10, tzinfo=UTC)
    assert moment("--at", "2026-11-28") == datetime(2026, 11, 28).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "--since: 'soon' is no moment"),
        ("", "--since: '' is no moment"),
        ("2026-13-01", "'2026-13-01' is no moment"),
        ("0001-01-01T00:00+23:00", "is no moment"),
        ("5 parsecs", "--since: '5 parsecs' is not a duration"),
        ("99999999d", "is not a duration"),
    ],
)
def test_what_is_none(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        moment("--since", text)
