"""The room in a limiter: what a replay may cost live alerts, moment by moment."""

from math import exp, factorial
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.limiter import Accepted, Limiter
from mutt_tasks.core.live_traffic import LiveTraffic
from mutt_tasks.core.room import (
    DROPS_A_SECOND,
    MOST_WITHOUT_US,
    TIMES_WITHOUT_US,
    limit_needed,
    room,
)

NOW = 1_800_000_000.0
SECOND = Limiter(50, 1.0)
# As many spans as count: the mean is known to one part in fifty of a Poisson process' variance.
KNOWN_FOR = 50


def steady(mean: float) -> LiveTraffic:
    return LiveTraffic(mean, mean, KNOWN_FOR, NOW)


def window(*leaving: float, limit: int = 50, stride: int = 1) -> Limiter:
    """A limiter whose window holds alerts that leave in so many seconds."""
    return Limiter(limit, 1.0, Accepted(stride * len(leaving), 0, tuple(sorted(leaving)), stride))


def at_least(count: int, mean: float) -> float:
    """The chance that a Poisson number with this mean is `count` or more, term by term."""
    return 1 - sum(exp(-mean) * mean**n / factorial(n) for n in range(count))


def exactly(count: int, mean: float) -> float:
    return exp(-mean) * mean**count / factorial(count)


def drops_of_the_last(limiter: Limiter, replays: int, rate: float) -> float:
    """How many live alerts the last of so many replays is expected to cost, in small steps.

    It costs one that comes while the window would just have had a place for it.
    """
    steps, drops = 4000, 0.0
    for step in range(steps):
        moment = (step + 0.5) / steps
        left = sum(until > moment for until in limiter.accepted.leaving)
        places = limiter.limit - left - replays
        drops += rate / steps * (exactly(places, rate * moment) if places >= 0 else 1.0)
    return drops


# --- what a replay may cost ---


@given(
    rate=st.floats(5.0, 25.0),
    leaving=st.lists(st.floats(0.01, 1.0), max_size=45),
)
def test_the_last_replay_that_goes_is_worth_what_it_costs(
    rate: float, leaving: list[float]
) -> None:
    limiter = window(*leaving)
    worth = DROPS_A_SECOND / (50 - rate)
    fits = room(limiter, 0, steady(rate))

    if fits:
        assert drops_of_the_last(limiter, fits, rate) <= worth


def test_one_more_than_goes_would_cost_more_than_it_is_worth() -> None:
    # Before a window that alerts leave evenly, as in a drain.
    limiter = window(*(n / 40 for n in range(1, 41)))
    fits = room(limiter, 0, steady(20.0))

    assert fits == 1
    assert drops_of_the_last(limiter, fits, 20.0) > 0.2 * DROPS_A_SECOND / 30
    assert drops_of_the_last(limiter, fits + 2, 20.0) > DROPS_A_SECOND / 30


def test_an_empty_limiter_without_traffic_has_room_for_all_but_one() -> None:
    assert room(SECOND, 0, LiveTraffic()) == 49
    assert room(window(0.5, 0.7), 0, LiveTraffic()) == 47
    assert room(window(*[0.5] * 49), 0, LiveTraffic()) == 0


def test_a_replay_waits_for_the_very_moment_at_which_alerts_leave() -> None:
    assert room(window(*[0.5] * 45), 0, steady(20.0)) == 0
    assert room(window(*[0.01] * 45), 0, steady(20.0)) > 0


def test_what_waits_in_a_queue_takes_its_place_for_a_whole_period() -> None:
    limiter = window(0.1, 0.2, 0.3)

    assert room(limiter, 4, steady(10.0)) == room(limiter, 0, steady(10.0)) - 4
    assert room(limiter, 400, steady(10.0)) == 0


def test_of_a_large_window_the_youngest_of_each_few_counts_for_all_of_them() -> None:
    each = window(*(n / 900 for n in range(1, 901)), limit=1000)
    tenth = window(*(n / 90 for n in range(1, 91)), limit=1000, stride=10)

    assert 0 < room(tenth, 0, steady(400.0)) <= room(each, 0, steady(400.0))


def test_traffic_that_comes_in_bursts_is_left_more_room_and_even_traffic_less() -> None:
    bursts, even = LiveTraffic(10, 50, 99, NOW), LiveTraffic(10, 0, 99, NOW)

    assert room(SECOND, 0, bursts) < room(SECOND, 0, steady(10.0)) - 5
    assert room(SECOND, 0, steady(10.0)) + 5 < room(SECOND, 0, even) < 40


def test_few_samples_tell_the_mean_badly() -> None:
    few = LiveTraffic(20, 20, 2, NOW)

    assert room(SECOND, 0, few) == 6
    assert room(SECOND, 0, steady(20.0)) == 10


def test_a_period_of_more_or_less_than_a_span_keeps_its_units() -> None:
    # Eighty in a span of a tenth of a second, which is the period; ten a second, forty in four.
    leaving = tuple(n / 1000 for n in range(1, 101))
    short = Limiter(200, 0.1, Accepted(100, 0, leaving))

    assert room(Limiter(200, 0.1), 0, steady(80.0)) == 74
    assert room(short, 0, steady(80.0)) == 68
    assert room(Limiter(100, 4.0), 0, steady(10.0)) == 34


def test_the_last_few_to_leave_may_be_fewer_than_a_stride() -> None:
    # Five alerts, told two by two: no more leave than there are.
    five = Limiter(50, 1.0, Accepted(5, 0, (0.01, 0.02, 0.03), stride=2))

    assert room(five, 4, steady(20.0)) == room(SECOND, 4, steady(20.0))


def test_what_a_replay_may_cost_is_told_to_the_place() -> None:
    # By DROPS_A_SECOND; by the time that each moment lasts; and by TIMES_WITHOUT_US.
    large = Limiter(200, 1.0)
    draining = window(*(n / 100 for n in range(1, 101)), limit=200)

    assert room(large, 0, steady(80.0)) == 80
    assert room(draining, 0, steady(80.0)) == 72
    assert room(SECOND, 0, steady(36.0)) == 5


def test_traffic_that_never_varied_is_still_left_a_few_places_more_than_it_took() -> None:
    even = LiveTraffic(300, 0, KNOWN_FOR, NOW)

    assert room(Limiter(1000, 1.0), 0, even) == 1000 - 300 - 6


# --- a small limiter, and heavy traffic ---


@pytest.mark.parametrize(("limit", "mean"), [(10, 3), (20, 8), (30, 15), (5, 1), (50, 35)])
def test_before_a_small_limiter_a_replay_may_cost_some_times_the_chance_of_a_drop_without_us(
    limit: int, mean: float
) -> None:
    worth = min(TIMES_WITHOUT_US, limit**0.5) * at_least(limit, mean)
    assert worth > DROPS_A_SECOND / (limit - mean)
    fits = room(Limiter(limit, 1.0), 0, steady(mean))

    assert fits >= 1
    assert at_least(limit - fits + 1, mean) < 2 * worth


def test_where_live_alerts_fill_more_than_one_window_of_44_nothing_goes() -> None:
    assert at_least(49, 35) < MOST_WITHOUT_US < at_least(50, 39)
    assert room(SECOND, 0, steady(35.0)) >= 1
    assert room(SECOND, 0, steady(39.0)) == 0
    assert room(SECOND, 0, steady(60.0)) == 0
    assert room(Limiter(1, 1.0), 0, LiveTraffic()) == 0


@pytest.mark.parametrize("mean", [39.0, 45.0, 60.0])
def test_the_limit_that_is_needed_is_the_smallest_with_room(mean: float) -> None:
    needed = limit_needed(SECOND, steady(mean))

    assert mean < needed < mean + 4 * mean**0.5
    assert room(Limiter(needed, 1.0), 0, steady(mean)) >= 1
    assert room(Limiter(needed - 1, 1.0), 0, steady(mean)) == 0
    assert limit_needed(Limiter(needed, 1.0), steady(mean)) == 0


def test_the_limit_that_is_needed_is_found_at_once_however_far_it_is() -> None:
    # Looked for one by one it took seconds, at each look at the limiter.
    hour, heavy = Limiter(50, 3600.0), LiveTraffic(1000, 1000, KNOWN_FOR, NOW)
    began = process_time()
    needed = limit_needed(hour, heavy)

    assert process_time() - began < 0.5
    assert room(Limiter(needed, 3600.0), 0, heavy) >= 1
    assert room(Limiter(needed - 1, 3600.0), 0, heavy) == 0
