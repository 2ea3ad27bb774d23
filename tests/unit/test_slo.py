"""Levels by counts with known answers: budget, burn rate, state."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.slo import (
    BURSTS,
    DAY,
    HOUR,
    MINUTE,
    STRETCHES,
    Level,
    Measured,
    Objective,
    State,
    judged,
    unknown,
)
from mutt_tasks.core.slo_books import Count

PROMISED = Objective("landed", "of replays stick", 0.99, 30 * DAY, "", "")
ALL = Objective("conserved", "of messages are where they should be", 1.0, 30 * DAY, "", "")


def level(counted: Count, objective: Objective = PROMISED, **stretches: Count) -> Level:
    """The level when so much was counted; `s300` is what was in the last 300 s."""
    given = {float(name[1:]): count for name, count in stretches.items()}
    return judged(objective, Measured(counted, objective.window, given))


def test_half_of_the_budget_used_up() -> None:
    found = level(Count(1000, 5))

    assert found.actual == pytest.approx(0.995)
    assert found.budget_left == pytest.approx(0.5)
    assert found.burn == pytest.approx(0.5)
    assert found.state is State.OK


def test_nothing_that_happened_is_kept() -> None:
    found = level(Count(0, 0))

    assert (found.actual, found.budget_left, found.burn) == (1.0, 1.0, 0.0)
    assert found.state is State.OK
    assert level(Count(0, 0), ALL).state is State.OK


def test_no_data_is_never_critical() -> None:
    found = unknown(PROMISED, "Prometheus is away")

    assert found.state is State.NO_DATA
    assert (found.actual, found.burn, found.why) == (None, None, "Prometheus is away")
    assert list(State).index(found.state) < list(State).index(State.OK)


def test_exactly_what_is_allowed_is_kept_and_one_more_is_missed() -> None:
    assert level(Count(1000, 10)).state is State.OK
    assert level(Count(1000, 10)).budget_left == pytest.approx(0.0)

    missed = level(Count(1000, 11))
    assert missed.state is State.CRITICAL
    assert missed.budget_left == pytest.approx(-0.1)
    assert "missed" in missed.why


def test_where_no_failure_is_allowed_one_is_too_many() -> None:
    found = level(Count(1_000_000, 1), ALL)

    assert found.state is State.CRITICAL
    assert (found.burn, found.budget_left) == (inf, 0.0)


@pytest.mark.parametrize(
    ("hour", "five", "state"),
    [
        (Count(100, 15), Count(10, 2), State.CRITICAL),
        (Count(100, 14), Count(10, 2), State.OK),  # 14 times is not above 14.4
        (Count(100, 15), Count(10, 1), State.OK),  # it is over
        (Count(20, 4), Count(5, 4), State.OK),  # four failures are too few to tell
        (Count(20, 5), Count(5, 4), State.CRITICAL),
    ],
)
def test_a_fast_burn_is_one_over_an_hour_that_still_goes_on(
    hour: Count, five: Count, state: State
) -> None:
    assert level(Count(100_000, 15), s3600=hour, s300=five).state is state


@pytest.mark.parametrize(
    ("six_hours", "half", "state"),
    [
        (Count(1000, 61), Count(100, 7), State.WARNING),
        (Count(1000, 60), Count(100, 7), State.OK),
        (Count(1000, 61), Count(100, 6), State.OK),
    ],
)
def test_a_slow_burn_is_one_over_six_hours_that_still_goes_on(
    six_hours: Count, half: Count, state: State
) -> None:
    found = level(Count(100_000, 61), s21600=six_hours, s1800=half)

    assert found.state is state
    assert found.stretches[6 * HOUR] == pytest.approx(six_hours.failures / 10)


def test_the_bursts_are_those_of_the_workbook() -> None:
    told = {(burst.rate, burst.long, burst.short) for burst in BURSTS}

    assert told == {(14.4, HOUR, 5 * MINUTE), (6.0, 6 * HOUR, 30 * MINUTE)}
    assert STRETCHES == (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)
    # 2 % of a 30 days' budget in an hour, 5 % in six.
    assert [burst.rate * burst.long / (30 * DAY) for burst in BURSTS] == pytest.approx([0.02, 0.05])


targets = st.sampled_from([0.5, 0.9, 0.99, 0.995, 0.999, 0.9999])


@given(targets, st.integers(0, 10**9), st.integers(0, 10**9))
def test_budget_burn_and_actual_say_the_same(target: float, events: int, failures: int) -> None:
    failures = min(events, failures)
    objective = Objective("x", "", target, DAY, "", "")
    found = level(Count(events, failures), objective)

    assert found.actual is not None
    assert found.burn is not None
    assert 0 <= found.actual <= 1
    assert found.budget_left == pytest.approx(1 - found.burn)
    assert found.burn * (1 - target) == pytest.approx(1 - found.actual)
    is_missed = failures > (1 - target) * events * (1 + 1e-9)
    assert (found.state is State.CRITICAL) == is_missed


@given(targets, st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_failures_never_look_better(target: float, events: int, one: int, other: int) -> None:
    few, many = sorted((min(one, events), min(other, events)))
    objective = Objective("x", "", target, DAY, "", "")
    better, worse = (level(Count(events, each), objective) for each in (few, many))

    assert list(State).index(better.state) <= list(State).index(worse.state)
    assert better.burn is not None
    assert worse.burn is not None
    assert better.burn <= worse.burn


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_counts_that_prometheus_extrapolates_stay_shares(events: float, failures: float) -> None:
    found = level(Count(events, failures))

    assert found.actual is not None
    assert 0 <= found.actual <= 1
