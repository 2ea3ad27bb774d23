"""What no causal policy can beat: known cases, and what the bound must do."""

from math import exp, inf

import pytest

from benchmarks.recovery_model.causal_bound import (
    Limited,
    bound_of,
    drops_a_second,
    times_least,
)
from benchmarks.recovery_model.scenario import EVEN, Scenario

FIFTY = Limited(50, 1.0, 20.0)


@pytest.mark.parametrize(("drops", "least"), [(10, 1.17), (1, 1.245), (0.1, 1.345)])
def test_fifty_a_second_under_twenty_is_as_a_study_of_policies_found_it(
    drops: float, least: float
) -> None:
    assert times_least(FIFTY, drops) == pytest.approx(least, abs=0.01)


def test_a_window_that_is_free_for_one_alert_drops_what_comes_with_it() -> None:
    """Within a moment, before anything leaves, a second arrival is dropped."""
    rare = Limited(2, 1.0, 0.01)

    # One alert a second leaves. Two arrivals so close that it has not left, in the first second:
    # at distance d the second one lacks 1 - d of its place.
    two = exp(-0.01) * 0.01**2 / 2
    assert drops_a_second(rare, 1.0) == pytest.approx(two / 3, rel=0.3)


def test_more_room_drops_less_and_bursts_drop_more() -> None:
    drops = [drops_a_second(FIFTY, free) for free in (0, 3, 6, 9)]

    assert drops == sorted(drops, reverse=True)
    assert drops_a_second(Limited(50, 1.0, 20.0, burst=2), 6) > 10 * drops[2]


def test_a_larger_limiter_costs_less_time_and_live_traffic_alone_may_be_too_much() -> None:
    assert 1 < times_least(Limited(200, 1.0, 80.0), 1) < times_least(FIFTY, 1)
    assert times_least(Limited(10, 1.0, 3.0), 1) == inf
    assert times_least(Limited(50, 1.0, 60.0), 1) == inf


@pytest.mark.parametrize(
    "other",
    [
        Scenario("slow", alerter_seconds=0.1),
        Scenario("slow", moogsoft_rate=25.0),
        Scenario("slow", post_seconds=0.05),
        Scenario("even", live_pattern=EVEN),
        Scenario("quiet", live_rate=0.0),
    ],
)
def test_there_is_a_bound_where_the_limiter_is_the_narrowest_part_and_chance_plays(
    other: Scenario,
) -> None:
    assert bound_of(Scenario("usual"), 1) == times_least(FIFTY, 1)
    assert bound_of(other, 1) is None
