"""What MUTT alone would have destroyed is reckoned from the arrivals and the outage."""

from demo.forwarder import Waits
from demo.reckoning import Forwarding, destroyed

FAST = Forwarding(Waits(breaker=3.0), seconds=0.004, limit=100, period=1.0)


def arrivals(seconds: float, rate: float = 15.0, start: float = 1000.0) -> list[float]:
    return [start + number / rate for number in range(round(seconds * rate))]


def test_a_long_queue_before_a_fast_forwarder_meets_the_full_window() -> None:
    found = destroyed(arrivals(25), 1000.0, 1020.0, FAST)
    # Some 280 stand there on the return: a hundred of them find a place.
    assert 100 <= found <= 200


def test_nothing_is_destroyed_without_an_outage_or_after_a_short_one() -> None:
    assert destroyed(arrivals(25), 1010.0, 1010.0, FAST) == 0
    assert destroyed(arrivals(25), 1010.0, 1012.0, FAST) == 0
    assert destroyed([], 1000.0, 1020.0, FAST) == 0


def test_a_forwarder_slower_than_its_limiter_destroys_nothing() -> None:
    slow = Forwarding(FAST.waits, seconds=0.011, limit=100, period=1.0)
    assert destroyed(arrivals(25), 1000.0, 1020.0, slow) == 0


def test_a_longer_outage_costs_more() -> None:
    found = [destroyed(arrivals(10 + n), 1000.0, 1000.0 + n, FAST) for n in (10, 20, 40)]
    assert found == sorted(set(found))
