"""What pages and servers ask of crawlers, by header and meta element."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.politeness.robots_tags import (
    NOTHING_ASKED,
    RobotsTags,
    asked_by_header,
    asked_by_meta,
)

pytestmark = pytest.mark.fault(16)

BOTH, NOINDEX, NOFOLLOW = (
    RobotsTags(True, True),
    RobotsTags(noindex=True),
    RobotsTags(nofollow=True),
)


def until(moment: str, noindex: bool = False, nofollow: bool = False) -> RobotsTags:
    return RobotsTags(noindex, nofollow, datetime.fromisoformat(moment).replace(tzinfo=UTC))


BOUND = until("2030-06-25T13", nofollow=True)
LAST_DAY = until("2030-06-26T00")


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ([], NOTHING_ASKED),
        (["noindex"], NOINDEX),
        (["NoIndex , NOFOLLOW"], BOTH),
        (["none"], BOTH),
        (["all", "index, follow"], NOTHING_ASKED),
        (["noarchive", "nofollow"], NOFOLLOW),
        (["googlebot: noindex"], NOTHING_ASKED),
        (["googlebot: nofollow, noindex"], NOTHING_ASKED),
        (["googlebot: nofollow", "noindex"], NOINDEX),
        (["otherbot: noindex", "atlas: nofollow"], NOFOLLOW),
        (["otherbot: noindex, Atlas: none"], BOTH),
        (["ATLAS/0.3: noindex"], NOINDEX),
        (["atlasbot: noindex", "at: noindex", "a: none"], NOTHING_ASKED),
        (["*: noindex"], NOINDEX),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"], until("2030-06-25T23", True)),
        (["unavailable_after: Wed, 15:00:00 of 25 Jun 2030, noindex"], NOINDEX),
        (["Unavailable_After: Wednesday, 25-Jun-30 15:00:00 GMT"], until("2030-06-25T15")),
        (["nofollow, unavailable_after: Tue, 25 Jun 2030 15:00:00 +0200"], BOUND),
        (["unavailable_after: 2030-06-25T15:00:00+02:00, nofollow"], BOUND),
        (["unavailable_after: 2030-06-25"], until("2030-06-26T00")),
        (["unavailable_after: 25 Jun 2030"], until("2030-06-26T00")),
        (["unavailable_after: 2030-06-25T15:00"], until("2030-06-25T15")),
        (["unavailable_after: 2031-01-01", "unavailable_after: 2030-06-25"], LAST_DAY),
        (["otherbot: unavailable_after: 2020-01-01", "unavailable_after: 2030-06-25"], LAST_DAY),
        (["otherbot: none, atlas: unavailable_after: 2030-06-25"], LAST_DAY),
        (["unavailable_after: soon", "unavailable_after:", "unavailable_after"], NOTHING_ASKED),
        (["unavailable_after: 9999-12-31"], NOTHING_ASKED),
        (["unavailable_after: " + "2030-06-25" * 9], NOTHING_ASKED),
        (["otherbot: unavailable_after: 15:00, noindex"], NOTHING_ASKED),
        (["max-snippet: 20, noindex", "max-image-preview:large"], NOINDEX),
        (["noindexing, no-index, index"], NOTHING_ASKED),
        ([",,:,: noindex"], NOTHING_ASKED),
    ],
)
def test_headers(values: list[str], asked: RobotsTags) -> None:
    assert asked_by_header(values) == asked


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        (["noindex,nofollow"], BOTH),
        (["max-image-preview:large", "noindex"], NOINDEX),
        (["noindex nofollow"], BOTH),
        (["index, follow"], NOTHING_ASKED),
        (["NONE"], BOTH),
        (["noindex; unavailable_after: 25-Jun-2030 15:00:00 GMT"], until("2030-06-25T15", True)),
        (["unavailable_after: Tue, 25 Jun 2030 15:00:00 +0200; nofollow"], BOUND),
        (["max-snippet:5, unavailable_after=2030-06-25"], LAST_DAY),
    ],
)
def test_meta_elements(values: list[str], asked: RobotsTags) -> None:
    assert asked_by_meta(values) == asked


@given(
    st.builds(
        RobotsTags, st.booleans(), st.booleans(), st.none() | st.datetimes(timezones=st.just(UTC))
    )
)
def test_what_is_written_is_read_again(asked: RobotsTags) -> None:
    assert asked_by_header([str(asked)]) == asked


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)), st.booleans())
def test_a_date_asks_for_no_index_from_its_moment_on(
    until: datetime, now: datetime, noindex: bool
) -> None:
    asked = RobotsTags(noindex=noindex, nofollow=True, unavailable_after=until).at(now)
    assert asked.noindex == (noindex or until <= now)
    assert asked.nofollow and asked.unavailable_after == until
    assert RobotsTags(noindex, True).at(now) == RobotsTags(noindex, True)


@given(st.from_regex(r"unavailable_after[:=] ?[\w ,:+-]{0,40}", fullmatch=True))
def test_no_date_is_too_broken(value: str) -> None:
    for asked in (asked_by_header([value]), asked_by_meta([value])):
        assert asked.unavailable_after is None or asked.unavailable_after.tzinfo is UTC


@given(st.lists(st.text()))
def test_nothing_is_too_broken(values: list[str]) -> None:
    asked_by_header(values)
    asked_by_meta(values)
