"""What may go at once: the smallest limit wins, and is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.limits import (
    BACKPRESSURE,
    EMPTY,
    NOT_TAKEN,
    RATE_LIMITED,
    SHED_ABOVE,
    WINDOW,
    Allowance,
    Depths,
    allowance,
    credit,
)

counts = st.integers(0, 5000)


def left(messages: int) -> Allowance:
    return Allowance(messages, WINDOW)


def rate(messages: int) -> Allowance:
    return Allowance(messages, RATE_LIMITED)


def test_the_smallest_of_window_credit_and_rate_is_allowed_and_named() -> None:
    assert allowance(left(10), 1000, 500, None) == Allowance(10, WINDOW)
    assert allowance(left(100), 50, 500, None) == Allowance(50, BACKPRESSURE)
    assert allowance(left(100), 30, 500, rate(99)) == Allowance(30, BACKPRESSURE)
    assert allowance(left(100), 1000, 500, rate(7)) == Allowance(7, RATE_LIMITED)
    assert allowance(left(100), 1000, 5, rate(7)) == Allowance(5, EMPTY)


def test_the_first_limit_that_leaves_nothing_is_named() -> None:
    assert allowance(left(0), 0, 0, rate(0)) == Allowance(0, BACKPRESSURE)
    assert allowance(left(0), -5, 0, rate(0)) == Allowance(0, BACKPRESSURE)
    assert allowance(left(0), 1, 0, rate(0)) == Allowance(0, WINDOW)
    assert allowance(Allowance(0, NOT_TAKEN, 1.0), 1, 9, None) == Allowance(0, NOT_TAKEN, 1.0)
    assert allowance(left(10), 1, 0, rate(0)) == Allowance(0, RATE_LIMITED)
    assert allowance(left(10), 1, 0, rate(1)) == Allowance(0, EMPTY)


def test_the_credit_is_what_the_longer_queue_has_below_the_high_water_mark() -> None:
    assert credit(50, SHED_ABOVE, Depths(500, 20, 0)) == 30
    assert credit(50, SHED_ABOVE, Depths(500, 20, 45)) == 5
    assert credit(50, SHED_ABOVE, Depths(500, 60, 0)) == -10


@pytest.mark.parametrize(
    ("shed_above", "alerts", "allowed"),
    [(2000, 0, 1000), (2000, 999, 1), (2000, 1000, 0), (5, 0, 2), (5, 2, 0), (1, 0, 1), (0, 0, 0)],
)
def test_replays_alone_never_fill_the_alert_queue_so_far_that_the_alerter_sheds(
    shed_above: int, alerts: int, allowed: int
) -> None:
    assert max(0, credit(10**6, shed_above, Depths(9, 0, alerts))) == allowed


@given(
    batch=st.integers(0, 1000),
    high_water=st.integers(1, 5000),
    shed_above=st.integers(0, 5000),
    depths=st.builds(Depths, counts, counts, counts),
    tokens=st.integers(-10, 5000),
)
def test_a_batch_never_lifts_a_queue_over_its_mark_nor_exceeds_window_and_rate(
    batch: int, high_water: int, shed_above: int, depths: Depths, tokens: int
) -> None:
    allowed = allowance(
        left(batch), credit(high_water, shed_above, depths), depths.source, rate(tokens)
    )

    assert 0 <= allowed.messages <= max(0, batch)
    if allowed.messages:
        assert max(depths.target, depths.alert_queue) + allowed.messages <= high_water
        assert depths.alert_queue + allowed.messages <= shed_above
        assert allowed.messages <= tokens


def test_ten_times_as_many_events_as_alerts_may_wait_before_the_alerter() -> None:
    def allowed(alerts: int, is_direct: bool, high_water: int = 10**6) -> int:
        return credit(high_water, 2000, Depths(9, 0, alerts, is_direct))

    assert (allowed(900, True), allowed(900, False)) == (100, 1000)
    assert allowed(1001, False) == -10
    assert allowed(900, False, high_water=950) == 50


def test_the_limit_that_holds_says_when_to_ask_again() -> None:
    held = Allowance(0, WINDOW, 2.5)

    assert allowance(held, 10, 10, None) == held
    assert allowance(left(5), 10, 10, Allowance(-3, RATE_LIMITED, 0.4)) == (
        Allowance(0, RATE_LIMITED, 0.4)
    )


def test_the_alerter_sheds_above_two_thousand_unless_told_otherwise() -> None:
    assert SHED_ABOVE == 2000
