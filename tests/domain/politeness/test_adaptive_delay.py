"""The delay of a host that struggles: bounds, direction, and the way back."""

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.politeness.adaptive_delay import (
    EASY,
    FACTOR,
    LONGEST,
    Strain,
    after_answer,
    after_refusal,
    paced,
    reason,
)

SECONDS = st.floats(0, 10_000, allow_nan=False)
STRAINS = st.builds(Strain, st.floats(0, 120), st.floats(0, LONGEST))
EVENTS = st.lists(st.none() | SECONDS, max_size=40)
"""Latencies of answers, and refusals (None)."""


def seen(events: list[float | None], declared: float = 0.0) -> Strain:
    strain = Strain()
    for event in events:
        if event is None:
            strain = after_refusal(strain, paced(declared, strain))
        else:
            strain = after_answer(strain, event)
    return strain


@given(SECONDS, EVENTS)
def test_never_below_what_is_declared_and_bounded_above(declared, events) -> None:
    delay = paced(declared, seen(events, declared))
    assert declared <= delay <= max(declared, LONGEST)


@given(SECONDS, STRAINS, SECONDS, SECONDS)
def test_monotone_in_latency(declared, strain, one, other) -> None:
    quick, slow = sorted((one, other))
    quicker, slower = after_answer(strain, quick), after_answer(strain, slow)
    assert paced(declared, quicker) <= paced(declared, slower)


@given(st.lists(st.tuples(SECONDS, SECONDS), max_size=30))
def test_a_host_whose_every_answer_is_slower_is_never_asked_faster(pairs) -> None:
    quick = seen([min(pair) for pair in pairs])
    slow = seen([max(pair) for pair in pairs])
    assert quick.delay <= slow.delay


@given(SECONDS, STRAINS)
def test_a_refusal_never_speeds_up(declared, strain) -> None:
    before = paced(declared, strain)
    after = paced(declared, after_refusal(strain, before))
    assert after >= before
    assert after >= min(2 * before, LONGEST)


@given(STRAINS, st.floats(0, EASY))
def test_a_host_that_recovered_is_asked_at_its_declared_pace_again(strain, latency) -> None:
    delays = [strain.delay]
    while strain:
        strain = after_answer(strain, latency)
        delays.append(strain.delay)
    assert delays == sorted(delays, reverse=True)
    assert delays[-1] == 0 and len(delays) <= 40


@given(st.lists(st.floats(0, EASY), max_size=30))
def test_a_host_that_answers_quickly_is_asked_as_declared(latencies) -> None:
    assert not seen(list(latencies))


def test_refusals_double_from_the_pace_that_was_kept() -> None:
    strain, delays = Strain(), []
    for _ in range(7):
        strain = after_refusal(strain, paced(1.0, strain))
        delays.append(strain.delay)
    assert delays == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert after_refusal(Strain(), 0.0).delay == 1.0


def test_slow_answers_settle_at_twice_what_they_take_beyond_a_second() -> None:
    assert abs(seen([5.0] * 40).delay - FACTOR * (5.0 - EASY)) < 0.01


def test_the_reason_says_which_sign_counts() -> None:
    assert reason(Strain()) == ""
    assert reason(Strain(slow=3.2)) == "answers in 4.2 s"
    assert reason(Strain(slow=1.0, backoff=8.0)) == "429/503"
