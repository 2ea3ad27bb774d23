"""What the console remembers of depths, and how pages write numbers and curves."""

from mutt_tasks.console.history import KEPT_SECONDS, History, Sample
from mutt_tasks.console.pages.words import age, area, clock, line, rate, share, shell, time_of_day


def history(*samples: tuple[float, int]) -> History:
    found = History()
    for at, depth in samples:
        found = found.with_sample(Sample(at, {"dlq": depth}))
    return found


def test_a_sample_is_kept_every_ten_seconds_and_the_newest_always() -> None:
    found = history(*((second, 100 - second) for second in range(26)))
    assert [at for at, _ in found.points("dlq")] == [0, 10, 20, 25]
    assert found.points("dlq")[-1] == (25, 75)


def test_what_is_older_than_an_hour_is_forgotten() -> None:
    found = history((0, 1), (10, 2), (20, 3), (KEPT_SECONDS + 15, 4))
    assert found.points("dlq") == [(20, 3), (KEPT_SECONDS + 15, 4)]


def test_the_speed_is_that_of_the_last_half_minute() -> None:
    found = history((0, 1000), (10, 1000), (20, 1000), (30, 990), (40, 980), (50, 970))
    assert found.speed("dlq") == -1.0
    assert found.change("dlq") == -30
    assert history((0, 5)).speed("dlq") is None
    assert found.speed("another") is None
    assert found.change("another") == 0


def test_numbers_and_moments_are_short() -> None:
    assert [rate(0), rate(2.25), rate(41.2)] == ["0/s", "2.2/s", "41/s"]
    assert [age(None), age(30), age(7200), age(3 * 86_400)] == ["–", "30 s", "2.0 h", "3.0 d"]
    assert clock("2026-11-27T03:14:15.926Z") == "2026-11-27 03:14:15"
    assert time_of_day("2026-11-27T03:14:15.926Z") == "03:14:15"
    assert shell("host:rtr* x") == "'host:rtr* x'"


def test_a_bar_is_never_longer_than_its_box_and_full_without_a_limit() -> None:
    assert [share(5, 10), share(20, 10), share(0, 10), share(None, 10)] == [50, 100, 0, 100]


def test_a_curve_keeps_to_its_box_and_stands_on_its_ground() -> None:
    points = [(0.0, 0), (5.0, 10), (10.0, 5)]
    assert line(points) == "M0.0 31.0L60.0 2.0L120.0 16.5"
    assert area(points).endswith("L120.0 32L0.0 32Z")
    assert line([(3.0, 7)]) == "M0.0 2.0"
