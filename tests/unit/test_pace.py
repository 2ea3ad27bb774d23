"""The rate: a token bucket, and what the forwarder's limiter leaves beside live traffic."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.congestion import at_once, stands
from mutt_tasks.core.limiter import Accepted, ForwarderClock, Limiter
from mutt_tasks.core.live_traffic import LOWS, LiveTraffic
from mutt_tasks.core.own_sends import OwnSends
from mutt_tasks.core.pace import (
    AUTO_RATE,
    ENOUGH_SAMPLES,
    MOST_SHARE,
    SPREAD,
    UNSEEN_REPLAYS,
    UNSEEN_SECONDS,
    Pace,
)
from mutt_tasks.core.room import room
from mutt_tasks.core.token_bucket import BURST_SECONDS, TokenBucket


def limiter_of(used: int = 0, limit: int = 50, period: float = 1.0) -> Limiter:
    """A limiter that took so many alerts, evenly over its last period."""
    leaving = tuple(period * (n + 1) / used for n in range(used))
    recent = round(used * min(1.0, 1.0 / period))
    return Limiter(limit, period, Accepted(used, recent, leaving, is_there=True))


LIMITER = limiter_of()
NOW = 1_800_000_000.0


def empty_at(moment: float) -> Pace:
    return Pace(bucket=TokenBucket(0.0, moment))


def after_traffic(counts: list[int], limit: int = 50) -> Pace:
    """The pace after live alerts came in these numbers, one number a period."""
    pace = Pace()
    for second, count in enumerate(counts):
        pace = pace.observed(limiter_of(count, limit), 0, NOW + second)
    return pace


def fits(pace: Pace, limiter: Limiter = LIMITER) -> int:
    """How many replays the limiter has room for, whatever lies in the queues."""
    return room(limiter, 0, pace.traffic)


def test_what_must_be_in_the_limiter_is_told_by_redis_clock() -> None:
    ahead = Accepted(1, newest=NOW + 5, oldest=NOW + 5 - 0.4)

    assert ForwarderClock(skew=5.0).judged_from(Limiter(50, 1.0, ahead), NOW) == pytest.approx(
        NOW - 0.5, abs=1e-3
    )
    assert (
        ForwarderClock().judged_from(Limiter(50, 1.0, replace(ahead, oldest=0.0)), NOW) == NOW - 1
    )


def test_the_rate_is_the_set_one_or_none_for_zero() -> None:
    assert Pace().rate(2.5, LIMITER) == 2.5
    assert Pace().rate(0.0, LIMITER) is None


def test_auto_keeps_to_ten_where_no_limiter_was_ever_seen() -> None:
    unseen = Limiter(50, 1.0)

    pace = Pace().observed(unseen, 0, NOW)

    assert pace.rate(None, unseen) == AUTO_RATE == 10.0
    assert pace.room(unseen, queued=10**6) == float("inf")


def test_auto_takes_what_the_limiter_leaves_beside_live_traffic() -> None:
    pace = after_traffic([20] * 300)

    assert pace.rate(None, LIMITER) == math.inf
    assert fits(pace, limiter_of(20)) == pytest.approx(50 - 1 - 20, abs=2)


def test_a_limiter_that_was_seen_once_counts_while_it_is_idle() -> None:
    pace = after_traffic([0] * 100)
    gone = Limiter(50, 1.0)

    assert pace.observed(gone, 0, NOW + 101).rate(None, gone) == math.inf
    assert room(gone, 0, pace.traffic) == 49


def test_before_a_limiter_with_a_long_period_traffic_is_known_within_seconds() -> None:
    minute = limiter_of(240, limit=600, period=60.0)
    pace = Pace()
    for second in range(10):
        pace = pace.observed(minute, 0, NOW + second)

    assert pace.traffic.samples == 10
    assert pace.traffic.mean == pytest.approx(4)  # a second


def test_random_traffic_is_left_more_room_than_steady_traffic() -> None:
    chance = random.Random(7)
    irregular = after_traffic([chance.randint(5, 35) for _ in range(300)])

    assert fits(irregular) < fits(after_traffic([20] * 300)) - 5


def test_traffic_counts_as_random_until_its_spread_is_known() -> None:
    assert after_traffic([20]).traffic.spread == 20
    assert after_traffic([20] * 10).traffic.spread > 5
    assert after_traffic([20] * 200).traffic.spread < 1


@pytest.mark.parametrize("mean", [0.5, 2, 7, 20, 100])
def test_random_traffic_exceeds_what_is_expected_three_times_in_a_hundred_thousand(
    mean: float,
) -> None:
    most = LiveTraffic(mean=mean * 4, spread=mean * 4, samples=99).most(0.25)
    term, below = math.exp(-mean), 0.0
    for count in range(int(most) + 1):
        below += term
        term *= mean / (count + 1)

    assert 5e-7 < 1 - below < 6e-5


def test_whether_there_is_room_is_not_judged_before_live_traffic_is_known() -> None:
    traffic = LiveTraffic(45, 45, ENOUGH_SAMPLES - 1, NOW)

    assert Pace(traffic=traffic, seen_at=NOW).limit_needed(Limiter(50, 1.0)) == 0
    assert Pace(traffic=replace(traffic, samples=99)).limit_needed(Limiter(50, 1.0)) == 0


@pytest.mark.parametrize(("before", "after"), [(0, 20), (50, 20), (20, 0), (100, 20)])
def test_another_level_of_traffic_as_after_an_outage_starts_the_estimate_anew(
    before: int, after: int
) -> None:
    # Less is believed after a while: between two bursts there is nothing either.
    pace = after_traffic([before] * 3000 + [after] * (1 if after > before else LOWS))

    assert (pace.traffic.mean, pace.traffic.spread) == (after, after)


def test_what_the_forwarder_took_off_a_queue_between_two_looks_is_no_live_traffic() -> None:
    pace = Pace()
    for look in range(3):
        pace = pace.observed(limiter_of(50), 40, NOW + 0.5 * look)
    # Half a second later the queue is gone, since when nobody knows: a whole second has to pass.
    pace = pace.observed(limiter_of(50), 0, NOW + 1.5)
    pace = pace.observed(limiter_of(30), 0, NOW + 2.4)
    assert pace.traffic.samples == 0
    for moment in (2.6, 3.45):
        pace = pace.observed(limiter_of(20), 0, NOW + moment)
    assert (pace.traffic.samples, pace.traffic.mean) == (1, 20)


def test_between_two_bursts_the_first_one_is_not_forgotten() -> None:
    bursts = after_traffic([30, 0, 0, 0] * 100)

    assert bursts.traffic.spread > 50
    assert fits(bursts) <= 20


def test_bursts_are_learnt_although_each_one_looks_like_more_traffic_than_before() -> None:
    chance = random.Random(7)
    fives = after_traffic([5 * sum(chance.random() < 0.04 for _ in range(100)) for _ in range(300)])
    single = after_traffic([sum(chance.random() < 0.2 for _ in range(100)) for _ in range(300)])

    assert fives.traffic.dispersion > 2.5
    assert single.traffic.dispersion == 1


def test_few_samples_vary_by_chance_and_many_do_not() -> None:
    assert LiveTraffic(20, 34, samples=5).dispersion == 1
    assert LiveTraffic(20, 34, samples=100).dispersion == 1.7
    assert LiveTraffic(20, 26, samples=100).dispersion == 1


def test_a_long_average_of_live_traffic_remembers_its_peak() -> None:
    quiet = after_traffic([30] * 200 + [0] * 100)

    assert quiet.load.average < 3
    assert quiet.load.peak > 20
    assert after_traffic([0] * 100).load.peak == 0


def test_a_queue_that_stands_after_an_outage_does_not_slow_down_what_comes_later() -> None:
    pace = after_traffic([20] * 100)
    for second in range(60):
        pace = pace.observed(limiter_of(50), 2000 - 30 * second, NOW + 100 + second)
    pace = pace.observed(limiter_of(50), 0, NOW + 160)
    for second in range(LOWS + 10):
        pace = pace.observed(limiter_of(20), 0, NOW + 161 + second)

    assert pace.rate(None, LIMITER) == math.inf
    assert fits(pace, limiter_of(20)) > 5


def test_without_a_limiter_the_rate_falls_once_replays_should_have_shown_it() -> None:
    unseen = Limiter(50, 1.0)
    pace = Pace().observed(unseen, 0, NOW).spent(9, 1.0, NOW)
    assert pace.rate(None, unseen) == AUTO_RATE
    pace = pace.spent(1, 1.0, NOW)

    assert pace.rate(None, unseen) == 1 / 20
    assert pace.spent(50, 1.0, NOW).rate(None, unseen) == 1 / 120
    assert pace.spent(5000, 1.0, NOW).rate(None, unseen) == 1 / UNSEEN_SECONDS
    assert pace.rate(7.0, unseen) == 7.0  # an operator's number is taken at its word
    assert pace.observed(limiter_of(1), 0, NOW + 1).rate(None, LIMITER) > 10  # type: ignore[operator]


@pytest.mark.parametrize("skew", [-30.0, -1.2, -0.5, 0.0, 0.8, 40.0])
def test_two_close_looks_tell_how_the_forwarders_clock_differs(skew: float) -> None:
    pace = Pace()
    for tick in range(100):
        now = NOW + tick / 20
        taken = Limiter(50, 1.0, Accepted(1, newest=now - 0.01 + skew, is_there=True))
        pace = pace.observed(taken, 0, now)

    assert pace.clock.skew == pytest.approx(skew, abs=0.06)


def test_a_clock_that_agrees_is_not_corrected_however_rarely_alerts_come() -> None:
    pace = Pace()
    for tick in range(100):
        now = NOW + tick * 7
        pace = pace.observed(Limiter(50, 1.0, Accepted(1, newest=now - 5, is_there=True)), 0, now)

    assert pace.clock.skew == 0


def test_a_forwarder_that_is_slower_than_its_limiter_makes_the_rate_smaller() -> None:
    pace = after_traffic([10] * 100)
    full = 50 - 10
    for second in range(3):
        pace = pace.spent(1, 1.0, NOW + 99.5 + second)
        pace = pace.observed(limiter_of(10), 40, NOW + 100 + second)
    assert pace.rate(None, LIMITER) == pytest.approx(SPREAD * 0.7 * 0.5**2 * full)
    assert pace.traffic.mean == pytest.approx(10)

    rates = []
    for second in range(60):
        pace = pace.observed(limiter_of(10), 0, NOW + 103 + second)
        rates.append((pace.rate(None, LIMITER) or 0) / full / SPREAD)

    assert 0.6 < rates[10] < 0.8  # back to where the queue began to stand, less a third, soon
    assert rates[10] < rates[40] < 1  # and beyond slowly


def test_a_forwarder_that_sleeps_after_a_failure_is_sent_nothing_behind_what_waits() -> None:
    pace = after_traffic([10] * 100)
    asleep = replace(limiter_of(10), is_failing=True)

    assert pace.room(limiter_of(10), 1) >= 1
    assert pace.room(asleep, 1) == 0
    assert pace.room(asleep, 0) >= 1  # else nobody would find out that it is awake


def test_a_forwarder_that_sleeps_tells_nothing_of_live_traffic_and_slows_us_down() -> None:
    pace = after_traffic([10] * 100).spent(1, 1.0, NOW + 99.5)
    found = pace.observed(replace(limiter_of(0), is_failing=True), 0, NOW + 100)

    assert found.traffic.mean == pace.traffic.mean
    assert found.congestion.share < 1


def test_no_more_goes_at_once_than_is_worked_off_in_a_quarter_of_a_second() -> None:
    assert [at_once(limiter_of(used), 0) for used in (0, 3, 20, 40)] == [1, 1, 5, 10]
    assert [at_once(limiter_of(20), queued) for queued in (1, 5, 9)] == [4, 0, -4]
    assert at_once(limiter_of(1200, limit=3000, period=60.0), 0) == 5


def test_what_a_smaller_limiter_drops_opens_no_room_for_more() -> None:
    """Nothing that was sent is in the window, so the room alone would let go as much again."""
    pace, gone = after_traffic([20] * 100), 0
    for tick in range(50):
        now = NOW + 100 + tick / 50
        going = max(0, int(pace.room(limiter_of(20), 0)))
        pace = pace.spent(going, 1.0, now)
        gone += going

    assert 50 - 20 <= gone <= MOST_SHARE * (50 - 20)


def test_our_own_replays_are_no_live_traffic() -> None:
    pace = after_traffic([20] * 100)
    for tenth in range(100):
        now = NOW + 100 + tenth / 10
        ours = sum(n for at, n in pace.sends.all if now - 1 < at)
        pace = pace.observed(limiter_of(20 + ours), 0, now).spent(2, 1.0, now)

    assert pace.traffic.mean == pytest.approx(20, abs=0.5)


def test_replays_that_still_lie_in_a_queue_have_not_used_the_limiter() -> None:
    pace = Pace().spent(10, 1.0, NOW)

    assert pace.sends.others_in_window(limiter_of(25), queued=0, now=NOW + 0.5) == 15
    assert pace.sends.others_in_window(limiter_of(25), queued=10, now=NOW + 0.5) == 25
    assert pace.sends.others_in_window(limiter_of(25), queued=0, now=NOW + 0.01) == 25
    assert pace.sends.others_in_window(limiter_of(25), queued=0, now=NOW + 1.1) == 25


def test_live_traffic_that_fills_the_limiter_leaves_nothing() -> None:
    pace = after_traffic([60] * 200)

    assert pace.room(limiter_of(45), 0) == 0


def test_what_lies_in_the_queues_has_its_place_in_the_window_already() -> None:
    pace = after_traffic([20] * 300)

    assert pace.room(limiter_of(20), 3) == pytest.approx(pace.room(limiter_of(20), 0) - 3)


def test_what_stands_is_measured_by_seconds_whatever_the_limiters_period() -> None:
    assert not stands(limiter_of(40), queued=10)
    assert stands(limiter_of(40), queued=11)
    assert stands(limiter_of(2400, limit=3000, period=60.0), queued=11)


def test_a_queue_that_stands_before_the_limiter_leaves_no_room() -> None:
    pace = after_traffic([20] * 300)

    assert pace.room(limiter_of(20), 4) > 0
    assert pace.room(limiter_of(20), 6) == 0
    assert pace.room(limiter_of(0), 4) == 0


def test_a_bucket_fills_with_time_up_to_a_short_burst() -> None:
    assert empty_at(100.0).refilled(20, 100.1).bucket.tokens == pytest.approx(2.0)
    assert empty_at(100.0).refilled(20, 9999.0).bucket.tokens == pytest.approx(20 * BURST_SECONDS)
    assert Pace(TokenBucket(5.0, 100.0)).spent(7, 1.0, 100.0).bucket.tokens == -2.0


def test_a_slow_rate_still_lets_one_message_through_in_time() -> None:
    assert empty_at(100.0).refilled(0.1, 109.0).bucket.tokens == pytest.approx(0.9)
    assert empty_at(100.0).refilled(0.1, 9999.0).bucket.tokens == 1.0


def test_a_clock_that_goes_back_adds_nothing_and_one_that_jumped_does_not_stop_the_bucket() -> None:
    assert TokenBucket(1.0, 100.0).refilled(10, 99.5).tokens == 1.0
    assert empty_at(1e12).refilled(10, 50.0) == Pace(TokenBucket(2.0, 50.0))


@pytest.mark.parametrize("moment", [NOW + 1e9, NOW - 1e6])
def test_measurements_from_the_future_or_long_ago_are_taken_anew(moment: float) -> None:
    stale = Pace(
        traffic=LiveTraffic(5000, 1e9, sampled_at=moment),
        sends=OwnSends(((moment, 99),)),
        seen_at=NOW,
    )

    found = stale.observed(limiter_of(20), 0, NOW)

    assert (found.traffic.mean, found.traffic.spread, found.sends.all) == (20, 20, ())


@given(
    rate=st.floats(0.1, 1000),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 2000)), max_size=30),
)
def test_over_any_time_no_more_goes_than_the_rate(
    rate: float, steps: list[tuple[float, int]]
) -> None:
    pace, now, gone = empty_at(0.0), 0.0, 0
    for pause, wanted in steps:
        now += pause
        pace = pace.refilled(rate, now)
        going = min(wanted, int(pace.bucket.tokens))
        pace = pace.spent(going, 1.0, now)
        gone += going
        assert pace.bucket.tokens >= 0
    assert gone <= rate * now + 1e-6


@given(st.lists(st.tuples(st.floats(0.01, 0.5), st.integers(1, 50)), max_size=100))
def test_what_is_remembered_of_our_sends_stays_small_and_true(
    sends: list[tuple[float, int]],
) -> None:
    pace, now, all_sent = Pace(), NOW, []
    for pause, number in sends:
        now += pause
        pace = pace.observed(LIMITER, 0, now).spent(number, 1.0, now)
        all_sent.append((now, number))

    kept = sum(n for _, n in pace.sends.all)
    assert len(pace.sends.all) <= 53
    assert kept <= sum(n for at, n in all_sent if at > now - 1.5)
    assert kept >= sum(n for at, n in all_sent if at > now - 0.9)


def test_what_came_back_did_not_vanish_at_a_limiter_that_was_never_seen() -> None:
    vanished = Pace().spent(UNSEEN_REPLAYS, 1.0, NOW)

    assert vanished.is_unseen
    assert not vanished.came_back(UNSEEN_REPLAYS).is_unseen
    assert vanished.came_back(UNSEEN_REPLAYS + 1).unseen == 0


def test_replays_have_vanished_once_they_lie_in_no_queue_either() -> None:
    nowhere = Limiter(50, 1.0, Accepted())
    sent = Pace().spent(UNSEEN_REPLAYS, 1.0, NOW)

    def vanished(queued: int, seconds: float, limiter: Limiter = nowhere) -> bool:
        return sent.observed(limiter, queued, NOW + seconds).have_vanished

    assert not vanished(0, 0.5)  # they may be on their way
    assert not vanished(UNSEEN_REPLAYS, 99)  # nobody has taken them
    assert vanished(0, 1.5)
    assert not vanished(0, 1.5, limiter_of(9))
    fewer = sent.came_back(1).observed(nowhere, 0, NOW + 1.5)
    assert not fewer.have_vanished
    # It is found once: what goes later, or lies in a queue, does not take it back.
    known = sent.observed(nowhere, 0, NOW + 1.5).spent(1, 1.0, NOW + 2)
    assert known.observed(nowhere, 3, NOW + 2.1).have_vanished
    assert not known.observed(limiter_of(9), 0, NOW + 2.1).have_vanished


def test_one_odd_sample_before_hardly_any_live_traffic_is_no_burst_to_keep_room_for() -> None:
    limiter, odd = limiter_of(0, limit=5), LiveTraffic(0.124, 2.0, samples=56)
    pace = Pace(traffic=odd, seen_at=NOW)

    assert pace.limit_needed(limiter) == 0
    assert pace.room(limiter, 0) >= 1
