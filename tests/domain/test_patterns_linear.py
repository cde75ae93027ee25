"""Every accepted pattern runs in an engine whose work is bounded by the length of the address."""

import re
import string

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.addresses.patterns import Linear, Timed, check_pattern, pattern_of

HOSTILE = st.sampled_from(
    [
        r"(a+)+$",
        r"(a|aa)+b",
        r"\w*\w*\w*!",
        r".*a.*b.*c",
        r"(?:.*x){3}!",
        r"([^/]+/)*z",
        r"(a?){9}a",
    ]
)
PATTERNS = st.one_of(
    st.text(string.ascii_lowercase + r".*+?()[]|\/^$-{},0123456789wdsS=!<:", max_size=40),
    st.tuples(HOSTILE, HOSTILE).map("".join),
)


@given(PATTERNS)
def test_what_is_accepted_is_re2s_alone(pattern: str) -> None:
    """RE2 keeps no stack of choices to come back to: its work is the length of the text times the
    size of the program, for every pattern that it compiles. So it is enough that a pattern which
    may be declared compiles there, and is searched there (`test_patterns.py` looks at the time)."""
    try:
        check_pattern("exclude", pattern)
    except ValueError as error:
        assert str(error).startswith(f"exclude: {pattern!r} ")
        return
    found = pattern_of("exclude", pattern)
    assert isinstance(found, Linear)
    engine = found._search.__self__
    assert isinstance(engine, re2._Regexp)
    assert engine.programsize <= 1 << 15  # instructions, whatever is counted in its braces


@pytest.mark.parametrize("pattern", [r"(?!x)a", r"(a)\1", r"(?<=/)b", r"a{,3}"])
def test_what_re2_lacks_is_refused_anew_and_kept_under_a_time_limit(pattern: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(pattern))) as raised:
        check_pattern("include", pattern)
    assert "with exclude" in str(raised.value)  # the fix
    assert isinstance(pattern_of("include", pattern), Timed)
