"""Alerts that failed alone: which they are, and when live traffic can bear another try."""

from dataclasses import replace

import pytest

from mutt_tasks.core.limiter import Limiter
from mutt_tasks.core.live_traffic import LiveTraffic, Load
from mutt_tasks.core.pace import Pace
from mutt_tasks.core.suspects import GIVEN_UP_SECONDS, MANY, PASSED_SECONDS, Suspects

NOW = 1_800_000_000.0
LIMITER = Limiter(50, 1.0)


def traffic(live: float, seconds: float = 100, peak: float = 0.0) -> Pace:
    load = Load(live, max(live, peak), NOW - seconds)
    return Pace(traffic=LiveTraffic(live, live, samples=60), load=load, seen_at=NOW)


def quiet(suspects: Suspects, failures: int | None = 0, now: float = NOW, queued: int = 0) -> bool:
    return suspects.may_go(traffic(0.2), LIMITER, queued, failures, now)


@pytest.mark.parametrize(("live", "bears"), [(0.0, True), (0.5, True), (1.5, False), (15.0, False)])
def test_live_traffic_bears_a_suspect_if_the_limiter_takes_what_comes_in_the_longest_sleep(
    live: float, bears: bool
) -> None:
    assert Suspects().may_go(traffic(live), LIMITER, 0, 0, NOW) is bears


def test_a_larger_limiter_bears_more_and_unknown_traffic_bears_nothing() -> None:
    assert Suspects().may_go(traffic(15.0), Limiter(1000, 1.0), 0, 0, NOW)
    assert not Suspects().may_go(traffic(0.0, seconds=59), LIMITER, 0, 0, NOW)


def test_bursts_of_the_last_minutes_count_though_it_is_quiet_now() -> None:
    assert not Suspects().may_go(traffic(0.0, peak=4.0), LIMITER, 0, 0, NOW)


def test_what_came_between_a_look_in_an_outage_and_the_next_tick_is_cleared() -> None:
    during = Suspects().looked(0, 0, is_first=True, is_trouble=True, now=NOW)
    next_tick = during.looked(10, 10, is_first=False, is_trouble=False, now=NOW + 300)
    assert next_tick.cleared == 10
    assert next_tick.looked(12, 2, False, False, NOW + 600).cleared == 10


def test_one_suspect_is_under_way_at_a_time() -> None:
    sent = Suspects().moved([], True, NOW)

    assert not quiet(sent, failures=None, now=NOW + GIVEN_UP_SECONDS - 1)
    assert quiet(sent, failures=None, now=NOW + GIVEN_UP_SECONDS)
    assert not quiet(sent, failures=1, now=NOW + 60)
    assert not quiet(sent, failures=0, now=NOW + PASSED_SECONDS - 0.1)
    assert quiet(sent, failures=0, now=NOW + PASSED_SECONDS)
    assert not quiet(sent, failures=0, now=NOW + PASSED_SECONDS, queued=1)


def test_a_suspect_is_not_the_one_that_opens_the_forwarders_breaker() -> None:
    assert quiet(Suspects(), failures=3)
    assert not quiet(Suspects(), failures=4)


def test_nobody_waits_in_an_empty_queue() -> None:
    waiting = Suspects().seen([1, 2], True, NOW)
    assert waiting.waiting == 2

    assert waiting.looked(1, 0, False, False, NOW).waiting == 1
    gone = waiting.looked(0, 0, False, False, NOW)
    assert (gone.waiting, gone.since) == (0, ())


def test_what_came_in_an_outage_is_cleared() -> None:
    during = Suspects().looked(5, 0, is_first=True, is_trouble=True, now=NOW)
    assert during.cleared == 5
    shortly_after = during.looked(8, 3, is_first=False, is_trouble=False, now=NOW + 60)
    assert shortly_after.cleared == 8  # a forwarder gives up late
    later = shortly_after.looked(10, 2, is_first=False, is_trouble=False, now=NOW + 300)
    assert later.cleared == 8


def test_many_at_once_are_an_outage_that_nobody_saw() -> None:
    few, many = MANY, MANY + 1

    assert Suspects().looked(few, 0, True, False, NOW).cleared == 0
    assert Suspects().looked(many, 0, True, False, NOW).cleared == many
    assert Suspects().looked(many, few, False, False, NOW).cleared == 0
    assert Suspects().looked(many + 4, many, False, False, NOW).cleared == many + 4


def test_what_leaves_the_old_end_is_no_longer_counted_as_cleared() -> None:
    known = Suspects(cleared=5)

    assert known.moved([0, 1, 4, 5, 9], False, NOW).cleared == 2
    assert known.looked(3, 0, False, False, NOW).cleared == 3


def test_a_suspect_waits_from_the_moment_when_it_was_first_seen() -> None:
    known = Suspects().seen([7, 8], True, NOW).seen([8, 9], True, NOW + 50)

    assert known.waiting_since(8, NOW + 60) == NOW
    assert known.waiting_since(9, NOW + 60) == NOW + 50
    assert known.waiting_since(7, NOW + 60) == NOW + 60  # it was gone meanwhile
    assert known.waiting == 2
    assert known.seen([5], False, NOW + 70).waiting == 3  # not all were looked at
    assert len(Suspects().seen(list(range(1000)), True, NOW).since) == 100


def test_moments_in_the_future_are_a_clock_that_went_back() -> None:
    odd = Suspects(trouble_at=NOW + 900, sent_at=NOW + 900, since=((7, NOW + 900),))

    assert odd.waiting_since(7, NOW) == NOW
    assert quiet(odd)
    assert replace(odd, trouble_at=0.0).looked(1, 0, False, False, NOW).cleared == 0


# --- at the bounds ---


def bears(peak: float, limiter: Limiter, mean: float = 0.0) -> bool:
    """Whether a suspect may go beside such a peak (alerts/s) and such a mean (alerts a span)."""
    load = Load(0.0, peak, NOW - 600)
    pace = Pace(traffic=LiveTraffic(mean, mean, samples=60), load=load, seen_at=NOW)
    return Suspects().may_go(pace, limiter, 0, 0, NOW)


def test_what_comes_in_the_longest_sleep_and_a_period_fits_with_four_deviations() -> None:
    # 28.6 + 4 * sqrt(28.6) = 50: 28.6 alerts come in 33 s at 0.866/s, in 42 s at 0.681/s.
    assert bears(0.86, Limiter(50, 1.0))
    assert not bears(0.87, Limiter(50, 1.0))
    assert bears(0.67, Limiter(50, 10.0))
    assert not bears(0.69, Limiter(50, 10.0))


def test_traffic_of_late_counts_beside_the_long_average() -> None:
    assert bears(0.0, Limiter(50, 1.0), mean=0.4)
    assert not bears(0.0, Limiter(50, 1.0), mean=1.0)


def test_live_traffic_is_known_after_a_minute() -> None:
    assert Suspects().may_go(traffic(0.2, seconds=60), LIMITER, 0, 0, NOW)
    assert not Suspects().may_go(traffic(0.2, seconds=59.9), LIMITER, 0, 0, NOW)
    never = Pace(traffic=LiveTraffic(samples=60), load=Load(0.0, 0.0, 0.0), seen_at=NOW)
    assert not Suspects().may_go(never, LIMITER, 0, 0, NOW)


def test_a_forwarder_that_counts_no_failures_is_waited_for_until_it_has_given_up() -> None:
    sent = Suspects(sent_at=NOW - 60)

    assert not quiet(sent, failures=None)
    assert quiet(sent, failures=0)
    assert quiet(Suspects(sent_at=NOW - 130), failures=2)
    assert not quiet(Suspects(sent_at=NOW - 129.9), failures=2)


def test_two_minutes_after_the_last_trouble_what_comes_is_no_outage_any_more() -> None:
    known = Suspects(cleared=3, trouble_at=NOW)

    assert known.looked(9, 1, False, False, NOW + 119.9).cleared == 9
    assert known.looked(9, 1, False, False, NOW + 120).cleared == 3


def test_a_look_remembers_when_there_was_trouble_and_whether_there_is() -> None:
    during = Suspects().looked(1, 0, False, True, NOW)
    assert (during.trouble_at, during.was_trouble) == (NOW, True)
    after = during.looked(1, 0, False, False, NOW + 500)
    assert (after.trouble_at, after.was_trouble) == (NOW, False)
    assert after.looked(4, 3, False, False, NOW + 501).cleared == 1


def test_a_depth_that_was_there_before_the_first_look_tells_only_then() -> None:
    assert Suspects().looked(500, 0, is_first=False, is_trouble=False, now=NOW).cleared == 0


def test_only_a_suspect_that_was_replayed_is_waited_for() -> None:
    known = Suspects(cleared=2, sent_at=5.0)

    assert known.moved([0], False, NOW) == replace(known, cleared=1)
    assert known.moved([2], True, NOW) == replace(known, sent_at=NOW)


def test_a_suspect_that_is_seen_again_waits_since_then_whatever_the_clock_says() -> None:
    ahead = Suspects(since=((7, NOW + 900),)).seen([7], True, NOW)

    assert ahead.since == ((7, NOW),)
    assert Suspects(since=((7, NOW - 9),)).seen([8], True, NOW).since == ((8, NOW),)


def test_before_a_short_period_traffic_is_counted_in_its_spans() -> None:
    # 0.2 in half a second are 13 in the 32.5 s of the longest sleep and a period.
    assert bears(0.0, Limiter(50, 0.5), mean=0.2)
    # 0.5 in half a second are 32.5, and four deviations more than the limiter takes.
    assert not bears(0.0, Limiter(50, 0.5), mean=0.5)
