"""The forwarder's limiter, its clock, our sends before it, and the room that it has."""

from dataclasses import replace
from math import inf

import pytest

from mutt_tasks.core.congestion import Congestion, at_once, stands
from mutt_tasks.core.limiter import Accepted, ForwarderClock, Limiter
from mutt_tasks.core.live_traffic import LiveTraffic
from mutt_tasks.core.own_sends import OwnSends
from mutt_tasks.core.pace import SPREAD, Pace
from mutt_tasks.core.token_bucket import TokenBucket

NOW = 1_800_000_000.0
SECOND = Limiter(50, 1.0)
MINUTE = Limiter(50, 60.0)


def gap(*leaving: float, period: float = 1.0, stride: int = 1) -> float:
    found = Accepted(used=len(leaving) * stride, leaving=leaving, stride=stride)
    return Limiter(50, period, found).longest_gap


def test_live_traffic_is_counted_over_a_second_or_a_shorter_period() -> None:
    assert [Limiter(9, period).span for period in (0.2, 1.0, 60.0)] == [0.2, 1.0, 1.0]


def test_the_longest_gap_is_told_in_average_distances() -> None:
    # Five alerts, and six tenths without one: three times the average distance.
    assert gap(0.05, 0.15, 0.25, 0.35, 0.36) == 5 * 6 / 10
    assert gap(0.5, 1.5, 2.5, 3.5, 3.6, period=10.0) == 5 * 6 / 10
    assert gap(0.05, 0.95) == 2 * 8 / 10
    # Both ends of the period count as one stretch: 0 to 0.3 and 0.8 to 1.
    assert gap(0.35, 0.45, 0.55, 0.65, 0.75) == 5 * 5 / 10
    assert gap(*[0.1 * n + 0.05 for n in range(10)]) == 0
    assert gap() == 0
    assert gap(0.05, stride=4) == 4 * 9 / 10


# --- clocks ---


def clock(newest: float, ago: float, known: ForwarderClock) -> float:
    """How far ahead the forwarder's clock is, after a look at its newest alert."""
    before = replace(known, newest=1.0, looked_at=NOW - ago)
    limiter = Limiter(50, 1.0, Accepted(1, newest=newest))
    found = before.looked(limiter, NOW)
    assert (found.newest, found.looked_at) == (newest, NOW)
    return found.skew


def test_an_alert_between_two_close_looks_tells_the_difference_of_the_clocks() -> None:
    unknown = ForwarderClock()
    assert clock(NOW + 5, 0.2, unknown) == pytest.approx(5.0)
    assert clock(NOW - 5, 0.2, unknown) == pytest.approx(-4.8)
    assert clock(NOW - 0.1, 0.2, unknown) == 0.0
    # What is known is moved no further than it has to be.
    assert clock(NOW + 5, 0.2, ForwarderClock(skew=5.1)) == pytest.approx(5.1)
    assert clock(NOW + 5, 0.2, ForwarderClock(skew=9.0)) == pytest.approx(5.2)


def test_looks_further_apart_and_wild_differences_tell_nothing() -> None:
    unknown = ForwarderClock()
    assert clock(NOW + 5, 0.31, unknown) == 0.0
    assert clock(NOW + 5, 0.29, unknown) == pytest.approx(5.0)
    assert clock(NOW + 3600, 0.2, unknown) == 0.0
    assert clock(NOW + 3599, 0.2, unknown) == pytest.approx(3599.0)
    assert clock(NOW + 5, 0.0, unknown) == 0.0
    assert clock(1.0, 0.2, unknown) == 0.0


def test_replays_are_judged_that_the_forwarder_cannot_have_forgotten() -> None:
    def since(oldest: float, skew: float = 0.0) -> float:
        limiter = Limiter(50, 1.0, Accepted(1, oldest=oldest))
        return NOW - ForwarderClock(skew=skew).judged_from(limiter, NOW)

    assert since(NOW - 0.5) == pytest.approx(0.6)
    assert since(NOW - 0.5 + 7, skew=7.0) == pytest.approx(0.6)
    assert since(NOW - 5) == 1.0
    assert since(0.0) == 1.0


# --- what we sent ---


def test_sends_within_a_fiftieth_of_a_period_are_one_entry_and_a_tenth_of_a_second_at_most() -> (
    None
):
    def entries(apart: float, period: float) -> int:
        first = OwnSends().spent(3, period, NOW, is_sure=True)
        return len(first.spent(4, period, NOW + apart, is_sure=True).all)

    assert (entries(0.019, 1.0), entries(0.021, 1.0)) == (1, 2)
    assert (entries(0.09, 60.0), entries(0.11, 60.0)) == (1, 2)
    assert entries(-0.01, 1.0) == 2
    together = OwnSends().spent(3, 1.0, NOW, True).spent(4, 1.0, NOW + 0.01, False)
    assert (together.all, together.sure, together.total) == (((NOW, 7),), ((NOW, 3),), 7)


def test_a_send_is_in_the_window_from_fifteen_milliseconds_on_for_a_period() -> None:
    sends = OwnSends(all=((NOW, 5),), sure=((NOW, 2),))

    def at(seconds: float, limiter: Limiter = SECOND) -> tuple[int, int, int]:
        now = NOW + seconds
        return (
            sends.all_in_window(limiter, now),
            sends.all_recent(limiter, now),
            sends.sure_in_window(limiter, now),
        )

    assert at(0.014) == (0, 0, 0)
    assert at(0.016) == at(1.014) == (5, 5, 2)
    assert at(1.016) == (0, 0, 0)
    assert at(1.016, MINUTE) == at(60.014, MINUTE) == (5, 0, 2)
    assert at(60.016, MINUTE) == (0, 0, 0)


def test_sends_are_forgotten_with_the_window_and_so_are_those_of_the_future() -> None:
    sends = OwnSends(all=((NOW, 5),), sure=((NOW, 2),))

    assert sends.since_last_period(SECOND, NOW) == sends
    assert sends.since_last_period(SECOND, NOW + 1.014) == sends
    assert sends.since_last_period(SECOND, NOW + 1.016) == OwnSends()
    assert sends.since_last_period(MINUTE, NOW + 60.014) == sends
    assert sends.since_last_period(SECOND, NOW - 0.01) == OwnSends()


def test_sure_sends_count_behind_a_moment_once_they_have_had_time_to_arrive() -> None:
    sends = OwnSends(sure=((NOW, 2), (NOW + 1, 4)))

    assert sends.sure_since(NOW - 1, NOW + 5) == 6
    assert sends.sure_since(NOW, NOW + 5) == 4
    assert sends.sure_since(NOW - 1, NOW + 1.014) == 2
    assert sends.sure_since(NOW - 1, NOW + 1.016) == 6


def test_what_is_taken_back_is_the_newest() -> None:
    sends = OwnSends(all=((1.0, 5), (2.0, 3)), sure=((1.0, 2),))

    assert sends.taken_back(2) == OwnSends(((1.0, 5), (2.0, 1)), ())
    assert sends.taken_back(3) == OwnSends(((1.0, 5),), ())
    assert sends.taken_back(4) == OwnSends(((1.0, 4),), ())
    assert sends.taken_back(99) == OwnSends()
    assert sends.taken_back(1) == OwnSends(((1.0, 5), (2.0, 2)), ((1.0, 1),))
    assert sends.taken_back(0) == sends


# --- whether the forwarder keeps up ---


def taking(used: int, period: float = 1.0, failing: bool = False) -> Limiter:
    return Limiter(50, period, Accepted(used), is_failing=failing)


def test_a_queue_stands_that_is_longer_than_a_quarter_of_a_second_or_three() -> None:
    assert [stands(taking(40), queued) for queued in (10, 11)] == [False, True]
    assert [stands(taking(40, 2.0), queued) for queued in (5, 6)] == [False, True]
    assert [stands(taking(0), queued) for queued in (3, 4)] == [False, True]
    assert [stands(taking(40, failing=True), queued) for queued in (0, 1)] == [False, True]


def test_a_quarter_of_a_second_may_go_at_once_and_one_alert_at_least() -> None:
    assert at_once(taking(40), 4) == 6.0
    assert at_once(taking(40, 2.0), 4) == 1.0
    assert at_once(taking(0), 0) == 1.0
    assert at_once(taking(0), 1) == 0.0


def test_the_share_falls_by_three_tenths_and_then_by_half_while_a_queue_stands() -> None:
    first = Congestion().stood(is_ours=True, is_telling=True)
    assert first == Congestion(0.7, 1.0, 1, is_standing=True)
    assert first.stood(is_ours=True, is_telling=True) == Congestion(0.35, 1.0, 1, is_standing=True)
    assert Congestion(0.03, 1.0, 1, True).stood(is_ours=True, is_telling=True).share == 0.02
    # Another queue: its peak is where that one began to stand.
    again = Congestion(0.5, 1.0, 1).stood(is_ours=True, is_telling=True)
    assert (again.share, again.peak) == (0.35, 0.5)
    assert Congestion(0.5, 0.9, 2).stood(is_ours=False, is_telling=True) == Congestion(
        0.5, 0.9, 2, True
    )


def test_the_share_grows_quickly_up_to_seven_tenths_of_the_peak_and_slowly_above() -> None:
    assert Congestion(0.5, 1.0, 1, True).flowed(1) == Congestion(0.55, 1.0, 1)
    assert Congestion(0.7, 1.0).flowed(1).share == pytest.approx(0.704)
    assert Congestion(0.5, 0.6).flowed(1).share == pytest.approx(0.504)
    assert Congestion(0.999, 1.0).flowed(1).share == 1.0


@pytest.mark.parametrize(
    ("share", "times"), [(0.1, 3), (0.2, 3), (0.29, 3), (0.31, 1), (0.4, 1), (1.0, 1)]
)
def test_a_queue_that_stands_again_at_about_the_same_share_counts(share: float, times: int) -> None:
    assert Congestion(share, 0.2, 2).stood(is_ours=True, is_telling=True).times == times


def test_what_live_alerts_alone_made_too_much_lowers_the_share_and_is_no_peak() -> None:
    live = Congestion(0.2, 0.3, 2).stood(is_ours=True, is_telling=False)
    assert (live.peak, live.times) == (0.3, 2)
    assert live.share == pytest.approx(0.14)
    assert live.is_standing


def test_periods_in_which_nobody_looked_count_up_to_a_minute_or_so() -> None:
    slowed = Congestion(0.1, 0.2, 9)
    each = [slowed.flowed(periods).share for periods in (0.5, 1, 1.9, 2, 60, 9999)]

    assert each[:3] == pytest.approx([0.15] * 3)
    # Up to the peak quickly, and slowly from there.
    assert each[3] == pytest.approx(0.15 + 0.0005)
    assert each[4] == each[5] == pytest.approx(0.15 + 59 * 0.0005)


def test_the_full_share_is_always_reached_as_quickly() -> None:
    assert Congestion(1.0, 1.0, 4).stood(is_ours=True, is_telling=True).times == 1
    assert Congestion(0.99, 1.0, 4).stood(is_ours=True, is_telling=True).times == 5


def test_the_more_often_it_stood_there_the_more_slowly_the_same_share_is_tried_again() -> None:
    def growth(times: int, share: float = 0.2) -> float:
        return Congestion(share, 0.2, times).flowed(1).share - share

    halves = [0.004, 0.002, 0.001, 0.0005, 0.0005]
    assert [growth(times) for times in range(1, 6)] == pytest.approx(halves)
    # Below it, and well above, as quickly as ever.
    assert growth(9, share=0.13) == pytest.approx(0.05)
    assert (growth(9, share=0.29), growth(9, share=0.31)) == pytest.approx((0.0005, 0.004))


# --- the bucket ---


def test_a_bucket_fills_with_its_rate_up_to_a_fifth_of_a_second_or_one_message() -> None:
    assert TokenBucket(0.0, NOW).refilled(100.0, NOW + 0.125) == TokenBucket(12.5, NOW + 0.125)
    assert TokenBucket(0.0, NOW).refilled(100.0, NOW + 9).tokens == 20.0
    assert TokenBucket(0.0, NOW).refilled(2.0, NOW + 9).tokens == 1.0
    assert TokenBucket(-5.0, NOW).refilled(100.0, NOW + 0.125).tokens == 12.5


def test_a_clock_that_went_back_a_second_adds_nothing_and_further_fills_the_bucket() -> None:
    assert TokenBucket(3.0, NOW).refilled(100.0, NOW - 1) == TokenBucket(3.0, NOW - 1)
    assert TokenBucket(3.0, NOW).refilled(100.0, NOW - 1.1) == TokenBucket(20.0, NOW - 1.1)


def test_the_next_token_comes_when_the_rate_has_filled_what_lacks() -> None:
    assert TokenBucket(0.5).delay(2.0) == 0.25
    assert TokenBucket(1.5).delay(2.0) == 0.0
    assert TokenBucket(-1.0).delay(4.0) == 0.5
    assert TokenBucket(5.0, NOW).spent(7) == TokenBucket(-2.0, NOW)


# --- the pace ---


def steady(mean: float, samples: int = 50, at: float = NOW) -> LiveTraffic:
    return LiveTraffic(mean, mean, samples, at)


def pace(mean: float = 0.0, **more: object) -> Pace:
    return replace(Pace(traffic=steady(mean), seen_at=NOW), **more)  # type: ignore[arg-type]


def test_no_more_goes_in_a_period_than_eleven_tenths_of_what_live_traffic_leaves() -> None:
    # Live traffic leaves 50, of which 55 may go, however wide the room is.
    sent = replace(pace(), sends=OwnSends(all=((NOW, 20),)))

    assert sent.room(SECOND, 0) == pytest.approx(35.0)
    assert pace().room(SECOND, 0) == 49


def test_what_lies_in_the_queues_has_its_room_already() -> None:
    assert pace().room(SECOND, 3) == pytest.approx(46.0, abs=1e-5)
    assert pace().room(SECOND, 4) == 0.0
    assert Pace().room(SECOND, 99) == inf


def test_the_rate_goes_by_the_share_of_what_live_traffic_leaves_in_a_second() -> None:
    slowed = pace(10.0, congestion=Congestion(0.5, 1.0))

    # While fewer live alerts come than usual they go faster.
    assert slowed.rate(None, Limiter(50, 1.0)) == SPREAD * 20.0
    assert slowed.rate(None, Limiter(50, 2.0)) == SPREAD * 7.5
    assert pace(10.0).rate(None, SECOND) == inf
    assert pace(60.0, congestion=Congestion(0.5, 1.0)).rate(None, SECOND) == 0.0


def test_what_a_slower_forwarder_carries_is_for_live_alerts_and_ours_together() -> None:
    slowed = pace(10.0, congestion=Congestion(0.1, 0.2))

    def room(used: int, queued: int = 0) -> float:
        taken = Accepted(used=used, recent=used, is_there=True)
        return slowed.room(Limiter(200, 1.0, taken), queued)

    assert [room(used) for used in (20, 28, 29, 40)] == [9, 1, 0, -11]
    assert room(20, queued=3) == 6
    # The limiter's own room bounds them still.
    full = Limiter(30, 1.0, Accepted(used=29, recent=5, is_there=True))
    assert pace(2.0, congestion=Congestion(0.9, 1.0)).room(full, 0) == pace(2.0).room(full, 0) < 5
    # However little that is, something goes: else nobody would see that it carries more now.
    silent = pace(0.0, congestion=Congestion(0.02, 0.6))
    assert silent.room(Limiter(10, 1.0, Accepted(is_there=True)), 0) == 1


@pytest.mark.parametrize(
    ("unseen", "rate"), [(9, 10.0), (10, 1 / 20), (299, 1 / 598), (900, 1 / 600)]
)
def test_before_a_limiter_that_was_never_seen_two_seconds_pass_for_each_that_has_gone(
    unseen: int, rate: float
) -> None:
    found = Pace(unseen=unseen)

    assert found.rate(None, SECOND) == pytest.approx(rate)
    assert found.is_unseen is (unseen >= 10)
    assert not replace(found, seen_at=NOW).is_unseen


def test_unseen_replays_are_those_that_went_and_did_not_come_back() -> None:
    assert Pace().spent(7, 1.0, NOW).came_back(3).unseen == 4
    assert Pace().spent(2, 1.0, NOW).came_back(3).unseen == 0
    assert pace().spent(7, 1.0, NOW).unseen == 0
    assert Pace().spent(7, 1.0, NOW).bucket.tokens == -6.0
    assert Pace().spent(0, 1.0, NOW) == Pace()


def test_a_limiter_that_is_there_has_been_seen_and_one_that_is_not_keeps_the_last_time() -> None:
    there = Limiter(50, 1.0, Accepted(is_there=True))

    assert Pace(unseen=9).observed(there, 0, NOW).seen_at == NOW
    assert Pace(unseen=9).observed(there, 0, NOW).unseen == 0
    gone = Pace(seen_at=NOW - 9).observed(SECOND, 0, NOW)
    assert (gone.seen_at, Pace(unseen=9).observed(SECOND, 0, NOW).unseen) == (NOW - 9, 9)


def test_live_alerts_are_what_was_accepted_and_not_ours_but_for_ours_that_still_wait() -> None:
    sends = OwnSends(all=((NOW - 0.5, 8),))
    limiter = Limiter(50, 1.0, Accepted(used=20, recent=20))
    known = Pace(traffic=LiveTraffic(sampled_at=NOW - 1), sends=sends)

    assert known.sends.others_in_window(limiter, 0, NOW) == 12
    assert known.sends.others_in_window(limiter, 3, NOW) == 15
    assert known.sends.others_in_window(limiter, 99, NOW) == 20
    assert known.sends.others_in_window(Limiter(50, 1.0, Accepted(used=5)), 0, NOW) == 0
    assert known.observed(limiter, 0, NOW).traffic.mean == 12
    assert known.observed(limiter, 3, NOW).traffic.mean == 15


def busy(used: int) -> Limiter:
    return Limiter(50, 1.0, Accepted(used=used, recent=used, is_there=True))


def test_the_first_period_behind_a_forwarder_that_slept_teaches_nothing() -> None:
    asleep = replace(busy(1), is_failing=True)
    known = pace(20.0, traffic=steady(20.0, at=NOW - 2)).observed(asleep, 1, NOW)

    # It has been back for a fifth of a second, then for nearly one, and has not taken all yet.
    known = known.observed(asleep, 1, NOW + 0.8)
    early = known.observed(busy(4), 0, NOW + 1.0).observed(busy(39), 0, NOW + 1.79)
    assert (early.traffic.mean, early.traffic.spread) == (20.0, 20.0)
    assert early.observed(busy(31), 0, NOW + 2.0).traffic.mean > 20.0


def test_nor_does_the_first_one_behind_a_queue_which_disturbs_until_it_is_gone() -> None:
    stood = pace(20.0, traffic=steady(20.0, at=NOW - 2)).observed(busy(20), 9, NOW)
    assert stood.congestion.is_standing

    gone = stood.observed(busy(29), 9, NOW + 0.1).observed(busy(38), 0, NOW + 1.05)
    assert (gone.traffic.mean, gone.congestion.is_standing) == (20.0, False)
    assert gone.observed(busy(31), 0, NOW + 2.05).traffic.mean > 20.0


def test_a_sample_or_two_of_before_an_outage_say_nothing_of_the_time_behind_it() -> None:
    asleep = replace(busy(1), is_failing=True)

    def left(samples: int) -> int:
        known = pace(traffic=steady(20.0, samples, at=NOW - 2))
        return known.observed(asleep, 1, NOW).traffic.samples

    assert [left(samples) for samples in (1, 4, 5, 50)] == [0, 0, 5, 50]


def test_a_queue_that_stands_between_two_samples_is_a_burst_and_hides_none() -> None:
    burst = pace(20.0).observed(busy(20), 9, NOW + 0.5)

    assert burst.observed(busy(31), 0, NOW + 1.0).traffic.mean > 20.0


def test_before_live_traffic_was_measured_there_is_no_room() -> None:
    assert pace().forgotten(NOW).room(SECOND, 0) == 0.0
    # That takes a period without our replays of before.
    anew = pace().forgotten(NOW).observed(busy(30), 0, NOW + 0.9)
    assert anew.room(busy(30), 0) == 0.0
    assert anew.observed(busy(20), 0, NOW + 1.9).room(busy(0), 0) > 1.0


def test_before_a_long_period_what_came_in_the_last_second_is_the_sample() -> None:
    limiter = Limiter(500, 60.0, Accepted(used=300, recent=9))

    found = Pace(sends=OwnSends(all=((NOW - 30, 200), (NOW - 0.5, 4)))).observed(limiter, 0, NOW)
    assert (found.traffic.mean, found.load.average) == (5.0, 5.0)


def test_a_limit_is_needed_once_five_samples_tell_that_there_is_no_room() -> None:
    def needed(samples: int, seen_at: float = NOW, limit: int = 50) -> int:
        found = Pace(traffic=steady(45.0, samples), seen_at=seen_at)
        return found.limit_needed(Limiter(limit, 1.0))

    assert needed(4) == 0
    assert needed(50) == 60  # P(N >= 60) is 0.02
    assert needed(50, seen_at=0.0) == 0
    assert needed(50, limit=60) == 0
    assert needed(5) > 50


def test_before_a_period_shorter_or_longer_than_a_span_rates_and_rooms_keep_their_units() -> None:
    short, long = Limiter(50, 0.5), Limiter(50, 4.0)
    sample = Limiter(50, 0.5, Accepted(used=3, recent=3))

    # Three in half a second are six a second.
    assert Pace().observed(sample, 0, NOW).load.average == 6.0
    # 4 a span are 16 in four spans: 34 are left in them, and 46 in one.
    slowed = pace(4.0, congestion=Congestion(0.5, 1.0))
    assert slowed.rate(None, long) == SPREAD * 0.5 * 34 / 4
    assert slowed.rate(None, short) == SPREAD * 0.5 * 46 / 0.5
    # A tenth of what is left in a span, and the live ones, may have been taken in the last one.
    slowed = pace(4.0, congestion=Congestion(0.1, 1.0))
    assert slowed.room(Limiter(500, 4.0), 0) == 4 + 12
    assert slowed.room(Limiter(500, 0.5), 0) == 4 + 49
    before = Limiter(500, 4.0, Accepted(used=90, recent=9, is_there=True))
    assert slowed.room(before, 0) == 4 + 12 - 9


def test_what_is_forgotten_of_live_traffic_is_not_what_was_too_low() -> None:
    known = Pace(traffic=replace(steady(9.0), lows=2, low_below=4.0), unseen=3)

    anew = LiveTraffic(low_below=4.0, disturbed_at=NOW, is_disturbed=True)
    assert known.forgotten(NOW) == Pace(traffic=anew, unseen=3)


def test_replays_count_as_sure_unless_they_went_to_the_alerter() -> None:
    assert Pace().spent(2, 1.0, NOW).sends.sure == ((NOW, 2),)
    assert Pace().spent(2, 1.0, NOW, is_sure=False).sends == OwnSends(all=((NOW, 2),))
