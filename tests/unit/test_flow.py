"""The pace of a route: the smallest limit wins, and is named when it leaves nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.flow import (
    AUTO_RATE,
    BACKPRESSURE,
    EMPTY,
    RATE_LIMITED,
    Allowance,
    Bucket,
    Depths,
    allowance,
    rate_per_second,
)

counts = st.integers(0, 5000)


def test_the_smallest_of_window_credit_and_rate_is_allowed() -> None:
    assert allowance(10, 1000, Depths(500, 0, 0), None) == Allowance(10)
    assert allowance(100, 50, Depths(500, 0, 0), None) == Allowance(50)
    assert allowance(100, 50, Depths(500, 20, 0), None) == Allowance(30)
    assert allowance(100, 50, Depths(500, 20, 45), None) == Allowance(5)
    assert allowance(100, 50, Depths(500, 20, 45), Bucket(99, 0)) == Allowance(5)
    assert allowance(100, 1000, Depths(500, 0, 0), Bucket(7.9, 0)) == Allowance(7)


def test_the_first_limit_that_leaves_nothing_is_named() -> None:
    nothing = Bucket(0.99, 0)

    assert allowance(10, 50, Depths(0, 50, 0), nothing) == Allowance(0, BACKPRESSURE)
    assert allowance(10, 50, Depths(0, 0, 50), nothing) == Allowance(0, BACKPRESSURE)
    assert allowance(10, 50, Depths(0, 9999, 0), nothing) == Allowance(0, BACKPRESSURE)
    assert allowance(10, 50, Depths(0, 49, 49), nothing) == Allowance(0, RATE_LIMITED)
    assert allowance(10, 50, Depths(0, 49, 49), Bucket(1, 0)) == Allowance(0, EMPTY)
    assert allowance(10, 50, Depths(0, 49, 49), None) == Allowance(0, EMPTY)


@given(
    window=st.integers(1, 1000),
    high_water=st.integers(1, 5000),
    depths=st.builds(Depths, counts, counts, counts),
    tokens=st.floats(-10, 5000),
)
def test_a_batch_never_lifts_a_queue_over_its_mark_nor_exceeds_the_rate(
    window: int, high_water: int, depths: Depths, tokens: float
) -> None:
    allowed = allowance(window, high_water, depths, Bucket(tokens, 0))

    assert bool(allowed.held_by) == (allowed.messages == 0)
    assert 0 <= allowed.messages <= window
    if allowed.messages:
        assert max(depths.target, depths.alert_queue) + allowed.messages <= high_water
        assert allowed.messages <= tokens


def test_the_rate_is_the_set_one_or_ten_for_auto_or_none_for_zero() -> None:
    assert rate_per_second(2.5) == 2.5
    assert rate_per_second(None) == AUTO_RATE == 10.0
    assert rate_per_second(0.0) is None


def test_a_bucket_fills_with_time_up_to_one_seconds_worth() -> None:
    empty = Bucket(0.0, at=100.0)

    assert empty.refilled(20, 100.5) == Bucket(10.0, 100.5)
    assert empty.refilled(20, 101.0) == Bucket(20.0, 101.0)
    assert empty.refilled(20, 9999.0) == Bucket(20.0, 9999.0)
    assert Bucket(5.0, 100.0).refilled(20, 100.5).spent(7) == Bucket(8.0, 100.5)


def test_a_slow_rate_still_lets_one_message_through_in_time() -> None:
    bucket = Bucket(0.0, at=100.0)

    assert bucket.refilled(0.1, 109.0).tokens == pytest.approx(0.9)
    assert bucket.refilled(0.1, 110.0).tokens == pytest.approx(1.0)
    assert bucket.refilled(0.1, 9999.0).tokens == 1.0


def test_a_clock_that_goes_back_adds_nothing() -> None:
    assert Bucket(3.0, at=100.0).refilled(10, 99.5) == Bucket(3.0, 99.5)


def test_a_clock_that_jumped_back_does_not_stop_the_bucket() -> None:
    assert Bucket(0.0, at=1e12).refilled(10, 50.0) == Bucket(10.0, 50.0)


def test_a_rate_that_was_lowered_takes_away_what_it_would_not_have_given() -> None:
    assert Bucket(50.0, at=100.0).refilled(2, 100.0) == Bucket(2.0, 100.0)


@given(
    rate=st.floats(0.1, 1000),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 2000)), max_size=30),
)
def test_over_any_time_no_more_goes_than_the_rate_and_one_second_more(
    rate: float, steps: list[tuple[float, int]]
) -> None:
    bucket, now, gone = Bucket(0.0, at=0.0), 0.0, 0
    for pause, wanted in steps:
        now += pause
        bucket = bucket.refilled(rate, now)
        going = allowance(wanted, 1_000_000, Depths(1_000_000, 0, 0), bucket).messages
        bucket = bucket.spent(going)
        gone += going
        assert bucket.tokens >= 0
    assert gone <= rate * now + 1e-6
