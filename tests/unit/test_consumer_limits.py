"""The limits that the consumers obey: set twice, changed at run time, and seen in the limiter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.consumer_limits import (
    CACHE_SECONDS,
    ConsumerLimits,
    FollowedLimits,
    with_runtime_values,
)

NOW = 1_800_000_000.0
STATIC = ConsumerLimits(50, 1.0, 2000)


def limits(alerts: int = 50, period: float = 1.0, shed_above: int = 2000) -> ConsumerLimits:
    return ConsumerLimits(alerts, period, shed_above)


def followed(
    before: FollowedLimits, runtime: ConsumerLimits, now: float, used: int = 0
) -> FollowedLimits:
    return before.followed(STATIC, runtime, used, now)


@pytest.mark.parametrize(
    ("raw", "alerts"),
    [
        *((b"5", 5), (b" 7 ", 7), (b"+5", 5), (b"0", 0), (b"-3", 0), (b"1_000", 1000)),
        *((b"5.0", 50), (b"", 50), (b"many", 50), (b"\xff", 50), (b"9" * 5000, 50), (None, 50)),
        (b"99999999999999", 1_000_000_000),
    ],
)
def test_a_value_is_read_as_the_consumers_read_it(raw: bytes | None, alerts: int) -> None:
    assert with_runtime_values(STATIC, raw, None, None) == limits(alerts)


@pytest.mark.parametrize(("raw", "period"), [(b"60", 60.0), (b"x", 1.0)])
def test_a_period_is_read_as_the_consumers_read_it(raw: bytes, period: float) -> None:
    assert with_runtime_values(STATIC, None, raw, None) == limits(period=period)


@pytest.mark.parametrize("raw", [b"0", b"-5"])
def test_a_period_that_is_not_positive_switches_the_limiter_off(raw: bytes) -> None:
    found = with_runtime_values(STATIC, None, raw, None)

    assert found == ConsumerLimits(50, 1.0, 2000, is_off=True)
    state = followed(FollowedLimits(), found, NOW)
    assert state.may_be_off(NOW)
    state = followed(state, limits(), NOW + 1)
    assert state.may_be_off(NOW + CACHE_SECONDS)  # a consumer may not have noticed yet
    assert not state.may_be_off(NOW + 1 + CACHE_SECONDS + 1)


@given(*(st.integers(0, 100),) * 2, *(st.integers(1, 60),) * 2, *(st.integers(0, 5000),) * 2)
def test_of_two_settings_the_stricter_counts_limit_by_limit(
    a: int, b: int, p: int, q: int, s: int, t: int
) -> None:
    static, runtime = limits(a, float(p), s), limits(b, float(q), t)
    found = FollowedLimits().followed(static, runtime, 0, NOW).in_force

    assert found == limits(min(a, b), float(max(p, q)), min(s, t))


def test_a_stricter_limit_holds_at_once_and_a_looser_one_when_the_consumers_must_know() -> None:
    state = followed(FollowedLimits(), limits(50), NOW)
    state = followed(state, limits(5, 10.0, 20), NOW + 100)
    assert state.in_force == limits(5, 10.0, 20)

    state = followed(state, limits(50), NOW + 200)
    assert state.in_force == limits(5, 10.0, 20)
    state = followed(state, limits(50), NOW + 200 + CACHE_SECONDS - 0.1)
    assert state.in_force == limits(5, 10.0, 20)
    state = followed(state, limits(50), NOW + 200 + CACHE_SECONDS)
    assert state.in_force == limits(50)


def test_a_limit_that_goes_up_and_down_within_the_consumers_cache_is_the_lower_one() -> None:
    state = followed(FollowedLimits(), limits(10), NOW)
    for tick in range(40):
        state = followed(state, limits(40 if tick % 2 else 20), NOW + tick)
        assert state.in_force.alerts == 10


def test_a_limiter_that_takes_more_than_the_stricter_setting_obeys_the_looser_one() -> None:
    state = followed(FollowedLimits(), limits(200), NOW)
    assert state.in_force.alerts == 50
    state = followed(state, limits(200), NOW + 5, used=120)
    assert state.in_force.alerts == 50  # what came before a change may still be there
    state = followed(state, limits(200), NOW + 10, used=120)
    assert state.in_force.alerts == 200
    assert followed(state, limits(200), NOW + 11, used=3).in_force.alerts == 200
    assert followed(state, limits(30), NOW + 12, used=120).in_force.alerts == 30


def test_a_window_that_was_filled_before_the_limit_fell_proves_nothing() -> None:
    state = FollowedLimits().followed(limits(50, 30.0), limits(50, 30.0), 50, NOW)
    for second in range(100, 100 + round(CACHE_SECONDS) + 30):
        state = state.followed(limits(50, 30.0), limits(10, 30.0), 50, NOW + second)
        assert state.in_force.alerts == 10


def test_a_clock_that_went_back_does_not_keep_an_old_limit_for_ever() -> None:
    state = followed(FollowedLimits(), limits(5), NOW + 10_000)
    state = followed(state, limits(50), NOW + 10_001)
    for second in range(10):
        state = followed(state, limits(50), NOW + second)

    assert state.in_force.alerts == 50


# --- at the bounds ---


@pytest.mark.parametrize(
    ("raw", "shed_above"), [(b"5", 5), (b"-1", 0), (b"x", 2000), (None, 2000), (b"0", 0)]
)
def test_where_the_alerter_sheds_is_read_as_it_reads_it(raw: bytes | None, shed_above: int) -> None:
    assert with_runtime_values(STATIC, None, None, raw) == limits(shed_above=shed_above)


def test_without_a_limiter_in_one_setting_the_other_one_counts() -> None:
    off = ConsumerLimits(50, 1.0, 2000, is_off=True)

    assert not off.stricter(limits()).is_off
    assert not limits().stricter(off).is_off
    assert off.stricter(off).is_off


def test_more_than_three_beyond_the_limit_show_that_more_is_taken() -> None:
    def alerts(used: int, after: float, period: float = 1.0) -> int:
        static, runtime = limits(50, period), limits(200, period)
        state = FollowedLimits().followed(static, runtime, 0, NOW)
        return state.followed(static, runtime, used, NOW + after).in_force.alerts

    assert (alerts(53, 7.0), alerts(54, 7.0)) == (50, 200)
    assert (alerts(54, 6.9), alerts(54, 15.9, 10.0), alerts(54, 16.0, 10.0)) == (50, 50, 200)


def test_a_limiter_may_be_off_until_every_consumer_knows_better_and_a_period_is_over() -> None:
    off = FollowedLimits(period=10.0, off_at=NOW)

    assert off.may_be_off(NOW)
    assert off.may_be_off(NOW + 15.9)
    assert not off.may_be_off(NOW + 16.0)
    assert not off.may_be_off(NOW - 0.1)


def test_a_change_of_any_limit_starts_the_waiting_anew() -> None:
    state = followed(FollowedLimits(), limits(), NOW)
    assert state.changed_at == NOW
    assert followed(state, limits(), NOW + 1).changed_at == NOW
    assert followed(state, limits(alerts=5), NOW + 1).changed_at == NOW + 1
    assert followed(state, limits(period=9.0), NOW + 1).changed_at == NOW + 1
    assert followed(state, limits(shed_above=5), NOW + 1).changed_at == NOW + 1
    # What makes no setting stricter changes nothing.
    assert followed(state, limits(alerts=500), NOW + 1).changed_at == NOW
