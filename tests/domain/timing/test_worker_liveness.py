"""Whether a worker lives, by its heartbeats: for any error of its clock."""

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.timing.worker_liveness import LOST_AFTER, Pulses, patience

CLOCKS = st.floats(-1e6, 1e6)
DELAYS = st.floats(0.0, 0.5)


def looks(skew: float, delays: list[float], pulses: Pulses) -> float:
    """A worker that beats each second, looked at a moment after each beat; when it was last."""
    now = 1e9
    for count, delay in enumerate(delays):
        now = 1e9 + count + delay
        pulses.look({"worker": 1e9 + count + skew}, now)
    return now


@given(skew=CLOCKS, delays=st.lists(DELAYS, min_size=2, max_size=20))
def test_a_worker_that_beats_is_never_lost_whatever_its_clock_says(
    skew: float, delays: list[float]
) -> None:
    pulses = Pulses()
    now = looks(skew, delays, pulses)
    pulse = pulses.look({"worker": 1e9 + len(delays) - 1 + skew}, now)["worker"]
    assert not pulse.lost(now, 1.0)
    assert pulse.age(now) <= 0.51


@given(skew=CLOCKS, delays=st.lists(DELAYS, min_size=2, max_size=20), silent=st.floats(3.6, 1e4))
def test_a_worker_that_fell_silent_is_lost_whatever_its_clock_says(
    skew: float, delays: list[float], silent: float
) -> None:
    pulses = Pulses()
    looks(skew, delays, pulses)
    last = 1e9 + len(delays) - 1
    pulse = pulses.look({"worker": last + skew}, last + silent)["worker"]
    assert pulse.lost(last + silent, 1.0)


def test_a_first_look_believes_what_is_fresh_and_doubts_the_rest() -> None:
    pulses = Pulses()
    known = pulses.look({"fresh": 99.0, "old": 90.0, "ahead": 200.0}, 100.0)
    assert [known[each].doubtful(100.0, 1.0) for each in known] == [False, True, True]
    assert [known[each].lost(100.0, 1.0) for each in known] == [False, True, True]
    known = pulses.look({"fresh": 100.0, "old": 91.5, "ahead": 200.0}, 101.5)
    assert [known[each].lost(101.5, 1.0) for each in known] == [False, False, True]


def test_workers_of_older_versions_beat_each_minute() -> None:
    assert patience(1.0) == patience(0.0) == LOST_AFTER
    assert patience(60.0) == 121.0


def test_a_worker_that_is_no_longer_told_is_forgotten() -> None:
    pulses = Pulses()
    pulses.look({"gone": 1.0, "stays": 1.0}, 1.0)
    assert list(pulses.look({"stays": 2.0}, 2.0)) == ["stays"]
