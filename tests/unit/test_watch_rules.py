"""A watch over the forwarder's limiter, look by look and at the bounds of each rule."""

from dataclasses import replace
from typing import Any

import pytest

from mutt_tasks.core.drop import Drop
from mutt_tasks.core.saturation import Saturation
from mutt_tasks.core.shortfall import Missing, Shortfall
from mutt_tasks.core.stretch import Stretch
from mutt_tasks.core.trial import Trial
from mutt_tasks.core.watch import Watch
from tests.unit.sights import sight

NOW = 1_800_000_000.0
# Of 10 live alerts a period, known for long.
KNOWN = Watch(live=10.0, sampled_at=NOW)
TRIAL = Trial(NOW - 0.1, 30)


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


# --- what should have been taken ---


def unseen(watch: Watch = KNOWN, **found: Any) -> float:
    """How many should have been taken at a look a tenth of a second after the last one."""
    known = replace(watch, saturation=Saturation(looked_at=NOW, used=20, coming=4))
    return known.looked(sight(**({"used": 20} | found)), NOW + 0.1).saturation.unseen


def test_live_alerts_as_usual_and_the_usual_share_of_ours_are_expected() -> None:
    assert unseen() == pytest.approx(5.0)  # one of ten in a second, and four of ours
    assert unseen(replace(KNOWN, share=0.25)) == pytest.approx(2.0)
    assert unseen(period=2.0) == pytest.approx(4.5)
    assert unseen(used=21, leaving=(0.95,)) == 0.0


# --- when a trial begins ---

# A window of twenty that is full at that, as chance explains in one of 2 ** 11 cases.
FULL = Saturation(newer=Stretch(NOW, level=20, quiet=1.0, live=11, quiet_full=1.0))
SILENT = Saturation(looked_at=NOW + 0.48, used=20, unseen=7.0)


SEEMS_FULL = replace(KNOWN, saturation=FULL)


def suspecting(watch: Watch = SEEMS_FULL, **found: Any) -> Watch:
    return watch.looked(sight(**({"unsure": 40, "used": 20} | found)), NOW + 0.5)


def test_a_window_that_stays_at_its_highest_number_makes_a_trial_of_it() -> None:
    found = suspecting()

    assert found.trial == Trial(NOW + 0.5, 20, 1.0, Stretch(NOW + 0.5))
    assert found.is_checking(NOW + 0.5)
    less = replace(FULL, newer=replace(FULL.newer, live=9))  # one of 512
    assert not suspecting(replace(KNOWN, saturation=less)).trial.is_on
    older = Saturation(older=FULL.newer, newer=Stretch(NOW))
    assert suspecting(replace(KNOWN, saturation=older)).trial.is_on
    # What comes evenly may stay at its highest number.
    assert not suspecting(dispersion=0.4).trial.is_on


def test_seven_that_should_have_been_taken_make_a_trial_of_what_the_window_holds() -> None:
    silent = replace(KNOWN, saturation=SILENT)
    found = suspecting(silent, used=18)

    begun = Trial(NOW + 0.5, 18, 1.0, Stretch(NOW + 0.5), missing=found.trial.missing)
    assert found.trial == begun
    assert found.trial.missing == pytest.approx(7.2)
    fewer = replace(silent, saturation=replace(SILENT, unseen=6.7))
    assert not suspecting(fewer, used=18).trial.is_on


def test_there_is_no_trial_in_the_quiet_time_nor_behind_a_queue_nor_of_live_alerts_alone() -> None:
    known = replace(KNOWN, saturation=FULL)

    assert not suspecting(replace(known, quiet_until=NOW + 0.6)).trial.is_on
    assert suspecting(replace(known, quiet_until=NOW + 0.5)).trial.is_on
    assert suspecting(queued=3).trial.is_on
    assert not suspecting(queued=4).trial.is_on
    assert not suspecting(unsure=0, sure=0).trial.is_on


def test_what_chance_explains_in_one_of_ten_million_cases_ends_a_quiet_time() -> None:
    def begun(live: int) -> bool:
        certain = replace(FULL, newer=replace(FULL.newer, live=live))
        known = replace(KNOWN, saturation=certain, quiet_until=NOW + 60)
        return suspecting(known).trial.is_on

    assert begun(24)  # of 17 million
    assert not begun(23)


@pytest.mark.parametrize(("innocents", "enough"), [(0, 28), (1, 56), (2, 112)])
def test_many_in_a_row_that_were_not_taken_end_a_quiet_time(innocents: int, enough: int) -> None:
    def begun(unseen: float) -> bool:
        silent = replace(SILENT, unseen=unseen)
        known = replace(KNOWN, saturation=silent, innocents=innocents, quiet_until=NOW + 60)
        return suspecting(known).trial.is_on

    assert begun(enough)
    assert not begun(enough - 1)


@pytest.mark.parametrize(("innocents", "enough"), [(0, 28), (1, 56)])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_many_replays_that_were_not_taken_at_the_level_end_a_quiet_time(
    innocents: int, enough: int, share: float
) -> None:
    def begun(missing: int) -> bool:
        level = replace(FULL.newer, ours_full=round((missing + 9) / share), seen_full=9)
        found = Saturation(older=level, newer=Stretch(NOW))
        known = replace(KNOWN, saturation=found, innocents=innocents, share=share)
        return suspecting(replace(known, quiet_until=NOW + 60)).trial.is_on

    assert begun(enough)
    assert not begun(enough - 1)


def test_a_trial_needs_room_of_more_than_four_below_what_is_usable() -> None:
    def begun(level: int, limit: int = 50) -> bool:
        high = replace(FULL, newer=replace(FULL.newer, level=level))
        return suspecting(replace(KNOWN, saturation=high), limit=limit).trial.is_on

    # 50 less a deviation of 10 live alerts, rounded up: 46.
    assert begun(41)
    assert not begun(42)
    assert not begun(20, limit=28)
    assert begun(20, limit=29)


def test_a_window_that_seems_to_be_full_teaches_nothing_of_live_traffic() -> None:
    def live(saturation: Saturation) -> float:
        known = replace(KNOWN, saturation=saturation, sampled_at=NOW - 9)
        return known.looked(sight(used=20, live=30.0), NOW).live

    doubt = replace(FULL, newer=replace(FULL.newer, live=6))  # one of 64
    assert live(doubt) == 10.0
    assert live(replace(FULL, newer=replace(FULL.newer, live=5))) == 12.0
    assert live(replace(SILENT, looked_at=NOW - 0.02, unseen=3.0)) == 10.0
    assert live(replace(SILENT, looked_at=NOW - 0.02, unseen=2.5)) == 12.0


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
    assert not KNOWN.sent(1, True, NOW).drop.canary_at
    assert KNOWN.sent(2, True, NOW).saturation.coming == 2
    trying = replace(KNOWN, drop=drop, trial=replace(TRIAL, may_send=5)).sent(5, True, NOW)
    assert (trying.drop.canary_at, trying.trial.went, trying.trial.may_send) == (0.0, 5, 0)


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
    saturation=Saturation(newer=Stretch(NOW, 20), looked_at=NOW),
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
    assert live(saturation=Saturation(looked_at=NOW + 2)) == 7.0
    assert live(trial=Trial(NOW + 2, 30)) == 7.0
    assert live(trial=replace(TRIAL, part_at=NOW + 2)) == 7.0
    assert live(drop=Drop(20, NOW + 2)) == 7.0
    assert live(drop=Drop(20, NOW, canary_at=NOW + 2)) == 7.0
    assert live(drop=Drop(20, NOW, holds_until=NOW + 600)) == 10.0
    assert live(drop=Drop(20, NOW, holds_until=NOW + 601)) == 7.0
    assert live(quiet_until=NOW + 60) == 10.0
    assert live(quiet_until=NOW + 61) == 7.0


# --- how a trial ends ---


# Ten replays found room below twenty, and so many met that level.
TALLY = Stretch(NOW - 2, level=20, ours=10, seen=10, ours_full=9, seen_full=0)


def judged(stretch: Stretch = TALLY, innocents: int = 0, **known: Any) -> Watch:
    """After the last look of a trial of which these replays were taken or not."""
    trial = replace(Trial(NOW - 2, 20, stretch=stretch, went=19, missing=4.4), **known)
    watch = replace(KNOWN, trial=trial, innocents=innocents, saturation=FULL)
    return watch.looked(sight(used=20, unsure=20), NOW)


def test_a_trial_that_blames_the_limiter_holds_and_knows_its_ceiling() -> None:
    found = judged()

    # Nine in the trial, and those that were missing before it.
    assert (found.drop.dropped, found.drop.ceiling, found.drop.drops) == (13, 20, 1)
    assert not found.trial.is_on
    assert (found.live, found.share) == (10.0, 1.0)


@pytest.mark.parametrize(("innocents", "quiet"), [(0, 5), (1, 10), (3, 40), (4, 60), (9999, 60)])
def test_a_trial_that_blames_nobody_is_followed_by_a_quiet_time(
    innocents: int, quiet: float
) -> None:
    half = Stretch(NOW - 2, level=24, ours=10, seen=5)
    found = judged(half, innocents)

    assert (found.quiet_until - NOW, found.innocents) == (quiet, innocents + 1)
    assert (found.trial, found.saturation, found.share) == (Trial(), Saturation(), 0.5)
    # A share of fewer than eight is none.
    assert judged(replace(half, ours=7)).share == 1.0


def test_a_canary_that_has_passed_begins_a_new_picture_of_the_window() -> None:
    drop = Drop(20, NOW - 20, NOW - 10, has_passed=False, canary_at=NOW, drops=1)
    known = replace(KNOWN, drop=drop, saturation=FULL)

    assert known.looked(sight(used=1), NOW + 0.5).saturation == Saturation()
    assert known.looked(sight(used=1), NOW + 0.4).saturation.newer == FULL.newer
