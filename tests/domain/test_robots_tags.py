"""What pages and servers ask of crawlers, by header and meta element."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.robots_tags import NOTHING_ASKED, RobotsTags, asked_by_header, asked_by_meta

pytestmark = pytest.mark.fault(16)

BOTH, NOINDEX, NOFOLLOW = (
    RobotsTags(True, True),
    RobotsTags(noindex=True),
    RobotsTags(nofollow=True),
)


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
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"], NOINDEX),
        (["unavailable_after: Wed, 15:00:00 25 Jun 2030, noindex"], NOINDEX),
        (["unavailable_after: Wednesday, 25-Jun-30 15:00:00 GMT, none"], BOTH),
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
    ],
)
def test_meta_elements(values: list[str], asked: RobotsTags) -> None:
    assert asked_by_meta(values) == asked


@given(st.builds(RobotsTags, st.booleans(), st.booleans()))
def test_what_is_written_is_read_again(asked: RobotsTags) -> None:
    assert asked_by_header([str(asked)]) == asked


@given(st.lists(st.text()))
def test_nothing_is_too_broken(values: list[str]) -> None:
    asked_by_header(values)
    asked_by_meta(values)
