"""How many replays come back, whether others fail too, and what is forgiven for that."""

import pytest

from mutt_tasks.core.failures import Failures, Moments

NOW = 1_800_000_000.0
HALF_A_MINUTE = Moments(NOW, 30.0)
# What an average over 30 s takes of a sample of 30 s: 1 - 1/e.
TAKEN = 0.632_120_558_8


def failing(fresh: float, live: float = 0.0, ago: float = 0.0) -> Failures:
    """So many first-time failures and live alerts a second, the last failure so long ago."""
    return Failures(fresh_at=NOW - ago, fresh_rate=fresh, live_rate=live, live_now=live)


def test_fewer_than_two_and_a_half_failures_in_half_a_minute_say_nothing() -> None:
    assert failing(0.084).is_general(NOW)  # 2.52 in 30 s
    assert not failing(0.083).is_general(NOW)  # 2.49 in 30 s


def test_trouble_is_general_from_a_tenth_of_all_traffic_on() -> None:
    assert failing(0.2, live=1.79).is_general(NOW)
    assert not failing(0.2, live=1.81).is_general(NOW)
    assert not failing(1.0, live=9.5).is_general(NOW)


def test_failures_of_more_than_five_seconds_ago_are_no_trouble_now() -> None:
    assert failing(1.0, ago=5.0).is_general(NOW)
    assert not failing(1.0, ago=5.1).is_general(NOW)


def test_failures_have_stopped_after_five_seconds_in_which_three_should_have_come() -> None:
    assert failing(0.6, live=1.0, ago=5.0).have_stopped(NOW)
    assert not failing(0.59, live=1.0, ago=5.0).have_stopped(NOW)
    assert not failing(10.0, live=1.0, ago=4.9).have_stopped(NOW)
    assert failing(0.101, live=1.0, ago=30.0).have_stopped(NOW)
    assert not failing(0.099, live=1.0, ago=30.0).have_stopped(NOW)


def test_a_silence_without_any_live_alert_is_no_end_of_the_trouble() -> None:
    silent = Failures(fresh_at=NOW - 60, fresh_rate=1.0, live_rate=5.0, live_now=0.0)

    assert not silent.have_stopped(NOW)


def test_what_was_sent_and_came_back_counts_four_fifths_at_the_next_look() -> None:
    found = Failures(sent=20, returned=10).looked(2, 1, 0, 0.0, HALF_A_MINUTE)

    assert (found.sent, found.returned) == (18.0, 9.0)
    assert found.share == 0.5


@pytest.mark.parametrize(
    ("sent", "returned", "share"),
    [(0.0, 0.0, 0.0), (10.0, 4.0, 0.4), (2.0, 4.0, 1.0), (0.4, 0.2, 0.2), (0.0, 0.5, 0.5)],
)
def test_less_than_one_message_is_no_whole_share(
    sent: float, returned: float, share: float
) -> None:
    assert Failures(sent=sent, returned=returned).share == pytest.approx(share)


def test_rates_are_averages_over_half_a_minute() -> None:
    found = Failures().looked(0, 0, fresh=60, live=4.0, moments=HALF_A_MINUTE)

    assert found.fresh_rate == pytest.approx(2 * TAKEN)
    assert found.live_rate == pytest.approx(4 * TAKEN)
    assert found.live_now == 4.0


def test_two_short_looks_say_as_much_as_one_long_one() -> None:
    long = Failures().looked(0, 0, 60, 4.0, HALF_A_MINUTE)
    short = Failures().looked(0, 0, 30, 4.0, Moments(NOW - 15, 15.0))
    short = short.looked(0, 0, 30, 4.0, Moments(NOW, 15.0))

    assert short.fresh_rate == pytest.approx(long.fresh_rate)
    assert short.live_rate == pytest.approx(long.live_rate)


def test_an_average_falls_towards_what_comes_now() -> None:
    found = Failures(fresh_rate=2.0, live_rate=5.0).looked(0, 0, 0, 1.0, HALF_A_MINUTE)

    assert found.fresh_rate == pytest.approx(2 * (1 - TAKEN))
    assert found.live_rate == pytest.approx(5 - 4 * TAKEN)


def test_the_last_failure_is_that_of_the_last_look_that_found_one() -> None:
    assert Failures().looked(0, 0, 1, 0.0, HALF_A_MINUTE).fresh_at == NOW
    assert Failures(fresh_at=NOW - 8).looked(0, 0, 0, 0.0, HALF_A_MINUTE).fresh_at == NOW - 8
    # A moment in the future is one before a clock went back.
    assert Failures(fresh_at=NOW + 8).looked(0, 0, 0, 0.0, HALF_A_MINUTE).fresh_at == NOW


def test_a_stretch_that_meets_the_last_one_continues_it() -> None:
    known = Failures().forgiving(NOW - 10, NOW)

    assert known.spans == ((NOW - 10, NOW),)
    assert known.forgiving(NOW - 5, NOW + 20).spans == ((NOW - 10, NOW + 20),)
    assert known.forgiving(NOW, NOW + 20).spans == ((NOW - 10, NOW + 20),)
    assert known.forgiving(NOW - 30, NOW + 20).spans == ((NOW - 30, NOW + 20),)
    assert known.forgiving(NOW + 1, NOW + 20).spans == ((NOW - 10, NOW), (NOW + 1, NOW + 20))


def test_trouble_is_remembered_for_a_day_and_in_thirty_two_stretches() -> None:
    day = 86_400.0
    known = Failures(spans=((NOW - day - 9, NOW - day), (NOW - day - 1, NOW - day + 1)))
    assert known.forgiving(NOW - 1, NOW).spans == ((NOW - day - 1, NOW - day + 1), (NOW - 1, NOW))

    many = Failures()
    for minute in range(40):
        many = many.forgiving(NOW + 60 * minute, NOW + 60 * minute + 1)
    assert len(many.spans) == 32
    assert many.spans[0][0] == NOW + 60 * 8


def test_a_stretch_that_ends_in_the_future_is_one_before_a_clock_went_back() -> None:
    assert Failures(spans=((NOW, NOW + 9),)).forgiving(NOW - 1, NOW).spans == ((NOW - 1, NOW),)


def test_after_an_outage_neither_what_was_sent_nor_what_came_back_counts() -> None:
    found = Failures(sent=9, returned=5, fresh_rate=1.0, spans=((1.0, 2.0),)).forgotten()

    assert found == Failures(fresh_rate=1.0, spans=((1.0, 2.0),))


def test_a_first_look_and_one_behind_a_clock_that_went_back_count_as_half_a_minute() -> None:
    assert Moments.of(NOW - 7, NOW) == Moments(NOW, 7.0)
    assert Moments.of(0.0, NOW) == Moments(NOW, 30.0)
    assert Moments.of(NOW, NOW) == Moments(NOW, 30.0)
    assert Moments.of(NOW + 1, NOW) == Moments(NOW, 30.0)
