"""When a host counts as down: pure rules."""

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.politeness.circuit_breaker import Breaker, state_of

BREAKER = Breaker(threshold=3, first_pause=10.0, longest_pause=60.0)


def test_pauses_double_up_to_the_longest() -> None:
    assert [BREAKER.pause(n) for n in range(8)] == [None, None, None, 10, 20, 40, 60, 60]


@given(st.integers(0, 10_000))
def test_no_pause_before_the_threshold_and_none_beyond_the_longest(failures) -> None:
    pause = BREAKER.pause(failures)
    assert (pause is None) == (failures < BREAKER.threshold)
    assert pause is None or BREAKER.first_pause <= pause <= BREAKER.longest_pause


def test_the_states() -> None:
    assert state_of(None, throttled=False) == "closed"
    assert state_of(5, throttled=False) == "open"
    assert state_of(-1, throttled=False) == "half_open"
    assert state_of(5, throttled=True) == "throttled"
    assert state_of(-1, throttled=True) == "closed"


@given(st.integers(1, 100), st.floats(0.1, 3600), st.floats(0, 86_400))
def test_every_run_tries_a_host_before_it_gives_its_pages_up(threshold, pause, patience) -> None:
    breaker = Breaker.of(threshold, pause, patience)
    assert pause <= breaker.longest_pause <= max(pause, patience)
    assert breaker.longest_asked > breaker.longest_pause
