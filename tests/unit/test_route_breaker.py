"""A route's own breaker: for how long it is open, and when it forgets."""

from mutt_tasks.core.route_breaker import Breaker

NOW = 1_800_000_000.0


def test_it_is_open_for_the_backoff_and_twice_as_long_each_time() -> None:
    first = Breaker().tripped(60.0, NOW)

    assert first == Breaker(1, NOW, NOW + 60)
    assert first.tripped(60.0, NOW + 90) == Breaker(2, NOW + 90, NOW + 90 + 120)
    assert Breaker(trips=5).tripped(60.0, NOW).open_until == NOW + 1920
    assert Breaker(trips=6).tripped(60.0, NOW).open_until == NOW + 3600
    assert Breaker(trips=10_000).tripped(60.0, NOW).open_until == NOW + 3600
    assert Breaker().tripped(0.0, NOW).open_until == NOW + 1


def test_it_is_open_until_its_time_is_over() -> None:
    breaker = Breaker().tripped(60.0, NOW)

    assert breaker.is_open(NOW)
    assert breaker.is_open(NOW + 59.9)
    assert not breaker.is_open(NOW + 60)
    assert not breaker.is_open(NOW - 0.1)  # a clock went back


def test_no_opening_holds_for_longer_than_an_hour() -> None:
    odd = Breaker(1, NOW, NOW + 9999)

    assert odd.is_open(NOW + 3599.9)
    assert not odd.is_open(NOW + 3600)


def test_it_may_close_early_after_ten_seconds() -> None:
    breaker = Breaker().tripped(60.0, NOW)

    assert not breaker.may_close_early(NOW + 9.9)
    assert breaker.may_close_early(NOW + 10)
    assert not breaker.may_close_early(NOW + 60)
    assert breaker.closed_early(NOW + 10) == Breaker(1, NOW, NOW + 10)


def test_it_forgets_its_trips_when_it_was_closed_for_long_enough() -> None:
    breaker = Breaker(3, NOW, NOW + 60)

    assert breaker.calmed(120.0, NOW + 180) == breaker
    assert breaker.calmed(120.0, NOW + 181) == Breaker(0, NOW, NOW + 60)
    assert breaker.calmed(120.0, NOW + 181).tripped(60.0, NOW + 200).open_until == NOW + 260
