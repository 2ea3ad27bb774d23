"""What may go at once: the smallest limit wins, and is named."""

from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.limits import (
    BACKPRESSURE,
    EMPTY,
    RATE_LIMITED,
    SHED_ABOVE,
    WINDOW,
    Allowance,
    Depths,
    allowance,
)

counts = st.integers(0, 5000)


def test_the_smallest_of_window_credit_and_rate_is_allowed_and_named() -> None:
    assert allowance(10, 1000, Depths(500, 0, 0), None) == Allowance(10, WINDOW)
    assert allowance(100, 50, Depths(500, 0, 0), None) == Allowance(50, BACKPRESSURE)
    assert allowance(100, 50, Depths(500, 20, 0), None) == Allowance(30, BACKPRESSURE)
    assert allowance(100, 50, Depths(500, 20, 45), None) == Allowance(5, BACKPRESSURE)
    assert allowance(100, 50, Depths(500, 20, 45), 99) == Allowance(5, BACKPRESSURE)
    assert allowance(100, 1000, Depths(500, 0, 0), 7.9) == Allowance(7, RATE_LIMITED)
    assert allowance(100, 1000, Depths(5, 0, 0), 7.9) == Allowance(5, EMPTY)


def test_the_first_limit_that_leaves_nothing_is_named() -> None:
    assert allowance(0, 50, Depths(0, 50, 0), 0.99) == Allowance(0, BACKPRESSURE)
    assert allowance(0, 50, Depths(0, 0, 50), 0.99) == Allowance(0, BACKPRESSURE)
    assert allowance(0, 50, Depths(0, 49, 49), 0.99) == Allowance(0, WINDOW)
    assert allowance(10, 50, Depths(0, 49, 49), 0.99) == Allowance(0, RATE_LIMITED)
    assert allowance(10, 50, Depths(0, 49, 49), 1) == Allowance(0, EMPTY)


def test_nothing_goes_while_the_alerter_sheds_whatever_the_high_water_mark() -> None:
    assert allowance(10, 10**6, Depths(9, 0, SHED_ABOVE), None).limit == BACKPRESSURE
    assert allowance(10, 10**6, Depths(99, 0, SHED_ABOVE - 1), None).messages == 10


@given(
    left=st.integers(0, 1000),
    high_water=st.integers(1, 5000),
    depths=st.builds(Depths, counts, counts, counts),
    tokens=st.floats(-10, 5000),
)
def test_a_batch_never_lifts_a_queue_over_its_mark_nor_exceeds_window_and_rate(
    left: int, high_water: int, depths: Depths, tokens: float
) -> None:
    allowed = allowance(left, high_water, depths, tokens)

    assert 0 <= allowed.messages <= max(0, left)
    if allowed.messages:
        assert max(depths.target, depths.alert_queue) + allowed.messages <= high_water
        assert allowed.messages <= tokens
