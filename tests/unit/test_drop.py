"""What is remembered of a drop, by numbers."""

import pytest

from mutt_tasks.core.drop import Drop

NOW = 1_800_000_000.0


def test_after_a_drop_nothing_goes_for_ten_seconds_and_twice_as_long_each_time() -> None:
    first = Drop().found(3.4, 20, NOW)

    assert first == Drop(20, NOW, NOW + 10, has_passed=False, drops=1, dropped=3)
    again = first.found(1, 20, NOW + 60)
    assert (again.holds_until, again.drops) == (NOW + 60 + 20, 2)
    assert Drop(drops=5).found(1, 20, NOW).holds_until == NOW + 320
    assert Drop(drops=6).found(1, 20, NOW).holds_until == NOW + 600
    assert Drop(drops=10_000).found(1, 20, NOW).holds_until == NOW + 600


def test_a_drop_costs_one_replay_at_least() -> None:
    assert [Drop().found(lost, 20, NOW).dropped for lost in (-2, 0.4, 1.6)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("ceiling", "believed", "limit"),
    [(-1, 50, 50), (20, 50, 18), (20, 10, 10), (19, 50, 17), (1, 50, 1), (0, 50, 1), (100, 50, 50)],
)
def test_nine_tenths_of_the_estimate_are_used_and_never_more_than_is_believed(
    ceiling: int, believed: int, limit: int
) -> None:
    assert Drop(ceiling=ceiling).limit(believed) == limit


def test_it_is_held_until_its_time_is_over_and_while_a_canary_is_under_way() -> None:
    drop = Drop().found(1, 20, NOW)

    assert drop.is_held(NOW + 9.9)
    assert not drop.is_held(NOW + 10)
    assert drop.canary_sent(NOW + 10).is_held(NOW + 10)
    assert not drop.canary_sent(NOW + 10).without_canary().is_held(NOW + 10)


def test_it_is_dropping_until_a_canary_has_passed() -> None:
    assert not Drop().is_dropping
    found = Drop().found(1, 0, NOW)
    assert found.is_dropping
    assert found.canary_sent(NOW + 10).is_dropping
    passed = found.canary_sent(NOW + 10).canary_passed()
    assert (passed.is_dropping, passed.canary_at, passed.ceiling) == (False, 0.0, 0)


def test_the_estimate_is_forgotten_after_an_hour_and_later_each_time_to_a_day() -> None:
    hour = 3600.0
    once, twice = Drop(20, NOW, drops=1), Drop(20, NOW, drops=2)

    assert not once.is_forgotten(0, NOW + hour)
    assert once.is_forgotten(0, NOW + hour + 1)
    assert not twice.is_forgotten(0, NOW + 2 * hour)
    assert twice.is_forgotten(0, NOW + 2 * hour + 1)
    assert not Drop(20, NOW, drops=10_000).is_forgotten(0, NOW + 24 * hour)
    assert Drop(20, NOW, drops=10_000).is_forgotten(0, NOW + 24 * hour + 1)


def test_more_than_the_estimate_disproves_it_and_as_much_does_not() -> None:
    assert not Drop(20, NOW, drops=1).is_forgotten(20, NOW)
    assert Drop(20, NOW, drops=1).is_forgotten(20.1, NOW)
    assert not Drop(dropped_at=1.0).is_forgotten(99, NOW)
