"""A watch over the forwarder's limiter, look by look and at the bounds of each rule."""

from dataclasses import replace
from typing import Any

import pytest

from mutt_tasks.core.drop import Drop
from mutt_tasks.core.fullness import Fullness, Stretch
from mutt_tasks.core.shortfall import Missing, Shortfall
from mutt_tasks.core.tally import Tally
from mutt_tasks.core.trial import Trial
from mutt_tasks.core.watch import Sight, Watch

NOW = 1_800_000_000.0
# Of 10 live alerts a period, known for long.
KNOWN = Watch(live=10.0, sampled_at=NOW)
TRIAL = Trial(NOW - 0.1, 30)


def sight(**found: Any) -> Sight:
    nothing = {"used": 0, "queued": 0, "sure": 0, "certain": 0, "unsure": 0, "live": 0.0}
    return Sight(**(nothing | {"period": 1.0, "limit": 50} | found))


def test_a_sight_adds_up_what_was_sent_and_what_is_missing_of_what_is_certain() -> None:
    seen = sight(sure=5, unsure=7, certain=9, queued=2, used=3)

    assert (seen.sent, seen.missing) == (12, 4)


# --- live traffic ---


def test_the_first_look_tells_live_traffic_and_each_period_changes_it_by_a_tenth() -> None:
    first = Watch().looked(sight(live=20.0, used=20), NOW)
    assert (first.live, first.sampled_at) == (20.0, NOW)

    early = first.looked(sight(live=30.0, used=30), NOW + 0.9)
    assert (early.live, early.sampled_at) == (20.0, NOW)
    later = first.looked(sight(live=30.0, used=30), NOW + 1.0)
    assert (later.live, later.sampled_at) == (21.0, NOW + 1)
    slow = first.looked(sight(live=30.0, used=30, period=2.0), NOW + 1.0)
    assert slow.live == 20.0


def is_short(**found: Any) -> bool:
    return KNOWN.looked(sight(**found), NOW + 0.5).missing.since > 0


def test_less_arrives_than_expected_by_more_than_three_a_twentieth_and_a_deviation() -> None:
    # 40 sent, 10 live: 3 + 2 + sqrt(10) = 8.16 may be missing.
    assert not is_short(unsure=40, used=42)
    assert is_short(unsure=40, used=41)
    assert not is_short(unsure=40, used=40, queued=2)
    assert is_short(unsure=40, used=40, queued=1)


def test_where_every_replay_must_arrive_live_alerts_fall_short_by_more_than_chance() -> None:
    # 40 sent, 10 live: 3 + 2 + 4 * sqrt(10) = 17.65 may be missing.
    assert not is_short(sure=40, used=33)
    assert is_short(sure=40, used=32)


def test_of_events_the_usual_share_is_expected() -> None:
    half = replace(KNOWN, share=0.5)

    def short(used: int) -> bool:
        return half.looked(sight(unsure=40, used=used), NOW + 0.5).missing.since > 0

    # 20 of 40 and 10 live: 30 - 8.16 are enough.
    assert not short(22)
    assert short(21)


# --- when a trial begins ---


def suspecting(watch: Watch = KNOWN, **found: Any) -> Watch:
    """After a look at replays that have been missing for a second."""
    watch = replace(watch, missing=Missing(NOW - 1))
    return watch.looked(sight(**({"unsure": 40, "used": 20} | found)), NOW + 0.5)


def test_what_is_missing_for_long_makes_a_trial_of_the_highest_level() -> None:
    found = suspecting()

    begun = Trial(NOW + 0.5, 20, usual=10.0, missing=20.0)
    assert (found.trial, found.missing) == (begun, Missing())
    assert found.is_checking(NOW + 0.5)
    assert (
        not replace(KNOWN, missing=Missing())
        .looked(sight(unsure=40, used=20), NOW + 0.5)
        .trial.is_on
    )


def test_there_is_no_trial_in_the_quiet_time_nor_behind_a_queue_nor_of_live_alerts_alone() -> None:
    assert not suspecting(replace(KNOWN, quiet_until=NOW + 0.6)).trial.is_on
    assert suspecting(replace(KNOWN, quiet_until=NOW + 0.5)).trial.is_on
    assert suspecting(queued=3, used=18).trial.is_on
    assert not suspecting(queued=4, used=17).trial.is_on
    assert not suspecting(unsure=0, used=0, sure=0).trial.is_on


def test_a_trial_needs_room_of_more_than_four_below_what_is_usable() -> None:
    # 50 less a deviation of 10 live alerts, rounded up: 46.
    high = replace(KNOWN, window=Fullness(Stretch(NOW, 3, 41, 3), top=41, top_at=NOW))
    higher = replace(KNOWN, window=Fullness(Stretch(NOW, 3, 42, 3), top=42, top_at=NOW))

    assert suspecting(high).trial.is_on
    assert not suspecting(higher).trial.is_on
    assert not suspecting(limit=28).trial.is_on
    assert suspecting(limit=29).trial.is_on


def test_a_window_that_is_full_teaches_nothing_of_live_traffic() -> None:
    level = Fullness(
        Stretch(NOW, 20, 30, 20), level=30, level_since=NOW - 5, level_looks=20, top=30
    )
    full = replace(KNOWN, window=replace(level, top_at=NOW), sampled_at=NOW - 9)

    found = full.looked(sight(used=30, live=30.0, sure=20), NOW)
    assert (found.live, found.trial.is_on) == (10.0, True)


# --- when it drops ---


def test_sure_replays_that_are_missing_for_a_tenth_of_a_second_were_dropped() -> None:
    lost = sight(sure=9, certain=9, used=2)
    first = KNOWN.looked(lost, NOW)
    assert (first.missing.since, first.drop.drops) == (NOW, 0)

    found = first.looked(lost, NOW + 0.11)
    assert (found.drop.dropped, found.drop.ceiling) == (7, 2)
    assert found.drop.holds_until == NOW + 0.11 + 10
    # What was learnt of live traffic stays.
    assert (found.live, found.share) == (10.0, 1.0)


def test_while_it_is_held_nothing_is_judged() -> None:
    held = replace(KNOWN, drop=Drop(20, NOW, NOW + 10, has_passed=False, drops=1))
    lost = sight(sure=9, certain=9, used=2)

    assert held.looked(lost, NOW + 5).looked(lost, NOW + 9).drop.drops == 1
    assert not replace(held, trial=TRIAL).is_checking(NOW + 9.9)
    assert replace(held, trial=TRIAL).is_checking(NOW + 10)


def canary(after: float, **found: Any) -> Watch:
    """The watch so long after a canary went behind a drop at a limiter of 20."""
    drop = Drop(20, NOW - 20, NOW - 10, has_passed=False, canary_at=NOW, drops=1, dropped=5)
    return replace(KNOWN, drop=drop).looked(sight(**found), NOW + after)


def test_a_canary_has_passed_if_half_a_period_later_something_was_taken() -> None:
    assert canary(0.5, used=1).drop.has_passed
    assert not canary(0.49, used=1).drop.has_passed
    assert not canary(0.5, used=1, queued=1).drop.has_passed
    assert canary(0.5, newest=NOW - 0.05).drop.has_passed
    assert not canary(0.5, newest=NOW - 0.2).drop.has_passed
    assert not canary(0.9, used=1, period=2.0).drop.has_passed


def test_a_canary_that_was_not_taken_a_second_after_its_period_is_one_more_drop() -> None:
    assert canary(1.9).drop.drops == 1
    late = canary(2.0)
    assert (late.drop.drops, late.drop.dropped, late.drop.ceiling) == (2, 1, 20)
    assert late.drop.holds_until == NOW + 2 + 20
    assert canary(2.9, period=2.0).drop.drops == 1
    assert canary(3.0, period=2.0).drop.drops == 2


def test_a_replay_behind_a_drop_is_a_canary_and_one_in_a_trial_is_not() -> None:
    drop = Drop(20, NOW - 20, NOW - 10, has_passed=False, drops=1)

    assert replace(KNOWN, drop=drop).sent(1, True, NOW).drop.canary_at == NOW
    assert KNOWN.sent(1, True, NOW) == KNOWN
    trying = replace(KNOWN, drop=drop, trial=replace(TRIAL, may_send=5)).sent(5, True, NOW)
    assert (trying.drop.canary_at, trying.trial.part, trying.trial.may_send) == (0.0, 5, 0)


def test_more_than_the_estimate_in_the_window_disproves_it() -> None:
    drop = Drop(20, NOW, NOW, has_passed=True, drops=1)
    known = replace(KNOWN, drop=drop)

    # (24 - 3) / 1.05 is as much as the estimate, 25 surely more.
    assert known.looked(sight(used=24, live=24.0), NOW).drop.ceiling == 20
    assert known.looked(sight(used=25, live=25.0), NOW).drop == Drop()


# --- what is forgotten ---

FULL_OF_KNOWLEDGE = Watch(
    live=10.0,
    sampled_at=NOW,
    share=0.5,
    window=Fullness(Stretch(NOW, 5, 20, 5)),
    missing=Missing(NOW),
    shortfall=Shortfall(3.0, NOW),
    trial=TRIAL,
    innocents=2,
    quiet_until=NOW + 30,
    drop=Drop(20, NOW, NOW + 10, has_passed=False, canary_at=NOW, drops=1),
)


def test_changed_settings_leave_what_is_known_of_live_traffic() -> None:
    assert FULL_OF_KNOWLEDGE.forgotten() == Watch(live=10.0, sampled_at=NOW, share=0.5)


def test_an_interruption_leaves_the_drop_without_its_canary_and_the_quiet_time() -> None:
    drop = Drop(20, NOW, NOW + 10, has_passed=False, drops=1)

    assert FULL_OF_KNOWLEDGE.interrupted() == Watch(
        *(10.0, NOW, 0.5), innocents=2, quiet_until=NOW + 30, drop=drop
    )


def test_after_a_failure_there_is_no_trial_for_two_periods_and_a_minute_at_most() -> None:
    def quiet(period: float, before: float = 0.0) -> float:
        watch = replace(KNOWN, quiet_until=before, trial=TRIAL, missing=Missing(NOW))
        found = watch.looked(sight(is_failing=True, period=period), NOW)
        assert (found.trial.is_on, found.missing) == (False, Missing())
        return found.quiet_until - NOW

    assert (quiet(1.0), quiet(10.0), quiet(60.0)) == (2.0, 20.0, 60.0)
    assert quiet(1.0, before=NOW + 50) == 50.0


def test_a_clock_that_went_back_by_more_than_a_second_makes_it_start_anew() -> None:
    def live(**odd: Any) -> float:
        return replace(KNOWN, **odd).looked(sight(live=7.0, used=7), NOW).live

    assert live(sampled_at=NOW + 1) == 10.0
    assert live(sampled_at=NOW + 1.1) == 7.0
    assert live(shortfall=Shortfall(0.0, NOW + 2)) == 7.0
    assert live(window=Fullness(Stretch(NOW + 2))) == 7.0
    assert live(trial=Trial(NOW + 2, 30)) == 7.0
    assert live(trial=replace(TRIAL, part_at=NOW + 2)) == 7.0
    assert live(drop=Drop(20, NOW + 2)) == 7.0
    assert live(drop=Drop(20, NOW, canary_at=NOW + 2)) == 7.0
    assert live(drop=Drop(20, NOW, holds_until=NOW + 600)) == 10.0
    assert live(drop=Drop(20, NOW, holds_until=NOW + 601)) == 7.0
    assert live(quiet_until=NOW + 60) == 10.0
    assert live(quiet_until=NOW + 61) == 7.0


# --- how a trial ends ---


def judged(low_seen: int, high_seen: int, innocents: int = 0, peak: int = 20) -> Watch:
    """After the last look of a trial whose second part of 10 has landed, so many of it seen."""
    trial = Trial(
        NOW - 2,
        20,
        Tally(low=10, low_seen=low_seen),
        *(1, NOW - 0.4, True, 10, NOW - 0.2, 10),
        peak=peak,
    )
    watch = replace(KNOWN, trial=trial, innocents=innocents, window=Fullness(Stretch(NOW, 1, 9)))
    return watch.looked(sight(used=10 + high_seen, unsure=20), NOW)


def test_a_trial_that_blames_the_limiter_holds_and_knows_its_ceiling() -> None:
    found = judged(10, 3)

    # 7 of 20 are missing; chance leaves so few in 0.15 % of all cases.
    assert (found.drop.dropped, found.drop.ceiling, found.drop.drops) == (7, 20, 1)
    assert not found.trial.is_on
    # It takes the most that was seen, which may be one above the level.
    assert judged(10, 3, peak=21).drop.ceiling == 21


@pytest.mark.parametrize(("innocents", "quiet"), [(0, 5), (1, 10), (3, 40), (4, 60), (9999, 60)])
def test_a_trial_that_blames_nobody_is_followed_by_a_quiet_time(
    innocents: int, quiet: float
) -> None:
    found = judged(5, 5, innocents)

    assert (found.quiet_until - NOW, found.innocents) == (quiet, innocents + 1)
    assert (found.trial, found.window, found.share) == (Trial(), Fullness(), 0.5)


def test_a_canary_that_has_passed_begins_a_new_picture_of_the_window() -> None:
    drop = Drop(20, NOW - 20, NOW - 10, has_passed=False, canary_at=NOW, drops=1)
    known = replace(KNOWN, drop=drop, window=Fullness(Stretch(NOW, 9, 20, 9), top=20))

    assert known.looked(sight(used=1), NOW + 0.5).window == Fullness()
    assert known.looked(sight(used=1), NOW + 0.4).window == known.window
