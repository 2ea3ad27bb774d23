"""A trial: a full limiter is told from events that match no rule, with a known error."""

import random
from dataclasses import replace
from typing import Any

import pytest

from mutt_tasks.core.portion import FILL, LARGE, LEAST, LITTLE, MOST, MOST_RISKED, OVER
from mutt_tasks.core.sight import Sight
from mutt_tasks.core.stretch import Span, Stretch
from mutt_tasks.core.trial import Trial, Verdict
from tests.unit.sights import BURSTS, EVEN, RANDOM, sight

NOW = 1_800_000_000.0
OPEN, FULL = Verdict.OPEN, Verdict.FULL
INNOCENT, NOTHING = Verdict.INNOCENT, Verdict.NOTHING


def tried(
    full_at: int, takes: int, live: int, share: float = 1.0, seed: int = 1
) -> tuple[Verdict, int, int]:
    """A trial before a limiter that `takes` so many: its verdict, what it sent, what was dropped.

    `live` alerts are in the window at any time; the alerter forwards a `share` of the replays,
    which stay in the window.
    """
    chance = random.Random(seed)
    trial, verdict, now = Trial(NOW, full_at, 0.0, Stretch(NOW, level=live)), OPEN, NOW
    ours = coming = forwarded = sent = dropped = 0
    while verdict is OPEN and now < NOW + 30:
        now += 0.1
        took = min(forwarded, takes - live - ours)
        span = Span(0.1, live + ours, live + ours + took, took, coming, is_quiet=not coming)
        ours, dropped = ours + took, dropped + forwarded - took
        trial, verdict = trial.looked(sight(live + ours), span, now)
        coming, forwarded = trial.may_send, 0
        if coming:
            forwarded = sum(chance.random() < share for _ in range(coming))
            sent, trial = sent + coming, trial.sent(coming, is_sure=False, now=now)
    return verdict, sent, dropped


@pytest.mark.parametrize(("takes", "live"), [(30, 10), (30, 20), (20, 5), (16, 2), (35, 8)])
def test_a_limiter_that_is_full_at_the_level_is_blamed_and_costs_little(
    takes: int, live: int
) -> None:
    verdict, _, dropped = tried(full_at=takes, takes=takes, live=live)

    assert verdict is FULL
    assert dropped <= 20


@pytest.mark.parametrize("takes", [15, 20, 25])
def test_a_limiter_far_below_the_level_that_is_tried_is_found_as_well(takes: int) -> None:
    verdict, _, dropped = tried(full_at=42, takes=takes, live=3)

    assert verdict is FULL
    assert dropped <= 39


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("full_at", [16, 22, 30])
def test_events_that_match_no_rule_are_blamed_for_nothing(share: float, full_at: int) -> None:
    verdicts = [
        tried(full_at=full_at, takes=1000, live=10, share=share, seed=seed)[0]
        for seed in range(400)
    ]

    assert verdicts.count(FULL) <= 1


def test_no_part_rises_above_the_limit_that_is_believed() -> None:
    # Of 50 that are believed at most 49 are risked.
    assert after(sight(46), Span(0.1, 46, 46, 0), full_at=48, over=16)[0].may_send == 3
    assert after(sight(49), Span(0.1, 49, 49, 0), full_at=60, over=16)[1] is NOTHING


def test_a_large_window_is_filled_to_its_level_with_as_few_as_it_has_room_for() -> None:
    def more(room: int) -> int:
        look = sight(300 - room, limit=500)
        stretch = Stretch(NOW, level=300, quiet=1.0, live=20, ours=60, seen=60)
        span = Span(0.1, look.used, look.used, 0)
        return after(look, span, full_at=300, stretch=stretch, went=60, over=60)[0].may_send

    assert [more(room) for room in (100, 60, 40, 13)] == [60, 60, 40, 13]
    # A few free places are as good as none: these go to meet the level.
    assert [more(room) for room in (12, 0)] == [60, 60]


@pytest.mark.parametrize(("seen", "most"), [(60, 100), (30, 200), (15, 400), (0, 500)])
def test_where_only_a_part_is_forwarded_more_go_to_fill_a_large_window(
    seen: int, most: int
) -> None:
    def more(room: int, limit: int = 1200) -> int:
        stretch = Stretch(NOW, level=500, quiet=1.0, ours=60, seen=seen)
        look = sight(500 - room, limit=limit)
        span = Span(0.1, look.used, look.used, 0)
        return after(look, span, full_at=500, stretch=stretch, went=60)[0].may_send

    assert more(400) == most
    # Ninety are forwarded of these, as many as it has room for.
    assert more(90) == most * 9 // 10
    # But if all of them are, they do not rise above the limit that is believed.
    assert more(90, limit=520) == min(most * 9 // 10, 109)


def test_where_only_a_part_is_forwarded_a_small_window_is_filled_with_as_few_as_have_room() -> None:
    half = Stretch(NOW - 3, level=12, ours=10, seen=5)
    assert [more(used, 12, full_at=40, stretch=half) for used in (9, 1)] == [3, 11]


def test_where_only_a_part_is_forwarded_more_meet_the_level() -> None:
    def half(ours_full: int) -> Stretch:
        return Stretch(NOW - 3, level=20, ours=80, seen=40, ours_full=ours_full)

    assert [more(20, 20, stretch=half(0), over=over) for over in (3, 8, 14)] == [8, 16, 28]
    # The half of sixty is at risk.
    assert more(20, 20, stretch=replace(half(59), seen_full=30)) == 8
    known: dict[str, Any] = {"went": 90, "part_at": NOW - 0.1, "full_at": 45}
    risked = after(sight(20), stretch=replace(half(60), seen_full=30), **known)
    assert risked[1] is INNOCENT


# --- live alerts are left alone ---


def after(
    look: Sight, span: Span | None = None, periods: float = 1.2, **known: Any
) -> tuple[Trial, Verdict]:
    """A trial after a look so many periods after it began, whose window has held as many alerts."""
    began = NOW - periods * look.period
    stretch = Stretch(began, level=look.used, quiet=1.0, live=10, ours=9, seen=9)
    trial = replace(Trial(began, 30, stretch=stretch, reached_at=NOW - 0.1), **known)
    return trial.looked(look, span or Span(0.02, look.used, look.used, 0), NOW)


def test_live_alerts_are_left_alone_for_a_period_and_a_tenth() -> None:
    assert after(sight(10), periods=1.09)[0].may_send == 0
    assert after(sight(10), periods=1.11)[0].may_send == LEAST
    assert after(sight(10, period=2.0), periods=1.09)[0].may_send == 0
    assert after(sight(10, unsure=1))[0].may_send == 0
    assert after(sight(10, queued=1))[0].may_send == 0


def test_while_live_alerts_alone_tell_that_it_is_full_nothing_goes() -> None:
    # Chance explains 3 % of that, and 6 % of less.
    telling = Stretch(NOW - 2, level=10, quiet=1.0, live=5, quiet_full=1.0)
    less = replace(telling, live=4)

    assert after(RANDOM, stretch=telling)[0].may_send == 0
    assert after(RANDOM, stretch=less)[0].may_send == LEAST
    assert after(RANDOM, stretch=telling, periods=8.1)[0].may_send == LEAST
    # What varies less than a Poisson process may come so evenly, as what nothing is known of may.
    assert after(RANDOM, stretch=telling, dispersion=0.3)[0].may_send == LEAST
    assert after(sight(10), stretch=telling)[0].may_send == LEAST


def test_live_alerts_alone_convict_a_limiter() -> None:
    telling = Stretch(NOW - 2, level=10, quiet=1.0, live=16, quiet_full=1.0)

    assert after(RANDOM, stretch=telling)[1] is FULL
    # Before a whole period has passed nothing is known of how evenly they come.
    assert after(RANDOM, stretch=telling, periods=1.0)[1] is OPEN


def test_live_alerts_that_come_evenly_or_in_bursts_convict_nobody() -> None:
    telling = Stretch(NOW - 2, level=10, quiet=1.0, live=16, quiet_full=1.0)

    def verdict(look: Sight, dispersion: float = 4.0) -> Verdict:
        return after(look, stretch=telling, dispersion=dispersion)[1]

    assert [verdict(look) for look in (EVEN, RANDOM, BURSTS)] == [OPEN, FULL, OPEN]
    # They are no more uneven than a drain in which every replay is forwarded shows them.
    assert verdict(BURSTS, dispersion=1.0) is FULL
    # Nothing was known before.
    assert [verdict(look, 0.0) for look in (EVEN, RANDOM, BURSTS)] == [OPEN, FULL, OPEN]
    # Before the whole drain they were known to come evenly.
    assert verdict(RANDOM, dispersion=0.4) is OPEN


def test_only_a_look_in_the_rest_tells_how_evenly_live_alerts_come() -> None:
    assert after(EVEN)[0].evenness.looks == 1
    assert after(EVEN, periods=1.0)[0].evenness.looks == 0
    assert after(EVEN, went=3, part_at=NOW - 0.1)[0].evenness.looks == 0
    ours = replace(EVEN, unsure=1)
    assert after(ours)[0].evenness.looks == 0


def test_a_window_that_rises_four_above_the_level_acquits_it() -> None:
    assert after(sight(33))[1] is OPEN
    assert after(sight(34))[1] is INNOCENT


# --- how many go ---


def more(used: int, level: int, **known: Any) -> int:
    """How many may go when the window holds so many and was seen to reach a level."""
    stretch = Stretch(NOW - 3, level=level, ours=9, seen=9)
    usual: dict[str, Any] = {"went": 9, "part_at": NOW - 0.1, "stretch": stretch, "full_at": 45}
    trial, verdict = after(sight(used), **(usual | known))
    assert verdict is OPEN
    return trial.may_send


def test_at_most_eight_fill_the_window_to_the_level_or_a_fifth_of_a_large_one() -> None:
    assert [more(used, 12, full_at=40) for used in (9, 7, 4, 1)] == [3, 5, 8, 8]
    assert more(10, 40) == 9  # a fifth of 45
    assert FILL == 8


def test_fewer_than_three_or_a_fifth_of_the_level_are_too_few() -> None:
    assert [more(used, 12) for used in (10, 11)] == [0, 0]
    assert [more(used, 30) for used in (24, 25)] == [6, 0]
    # Before a small limiter there is no more room than that.
    assert more(0, 1) == 1


def test_three_exceed_the_level_then_twice_as_many_each_time_they_appear() -> None:
    assert more(12, 12) == LEAST == 3
    assert more(30, 30) == 6  # a fifth
    raised, _ = after(
        sight(12), Span(0.1, 9, 12, 3, 3, is_quiet=False), full_at=45, went=3, part_at=NOW - 0.1,
        stretch=Stretch(NOW - 3, level=9, ours=9, seen=9),
    )  # fmt: skip
    assert (raised.over, raised.may_send) == (6, 6)
    assert more(12, 12, over=16) == 16 == OVER
    # Half of them are enough, fewer begin anew.
    assert more(12, 12, over=12) == 12
    met, _ = after(
        sight(12), Span(0.1, 12, 12, 4, 12, is_quiet=False), full_at=45, went=30, over=12,
        stretch=Stretch(NOW - 3, level=12, ours=20, seen=20), part_at=NOW - 0.1,
    )  # fmt: skip
    assert (met.over, met.may_send) == (3, 3)


def test_no_more_exceed_the_level_than_reach_the_one_that_is_tried() -> None:
    assert after(sight(20), full_at=26, over=12, went=9, part_at=NOW - 0.1)[0].may_send == 6
    assert after(sight(20), full_at=21, over=12, went=9, part_at=NOW - 0.1)[0].may_send == 4


def test_no_more_meet_the_level_than_had_room_below_it() -> None:
    def full(ours: int, ours_full: int) -> Stretch:
        return Stretch(NOW - 3, level=12, ours=ours, seen=ours, ours_full=ours_full)

    assert more(12, 12, stretch=full(4, 3)) == 3
    assert more(12, 12, stretch=full(3, 3)) == 0
    assert more(12, 12, stretch=full(0, 2)) == 3
    assert more(12, 12, stretch=full(0, 3)) == 0
    gaps = after(sight(12, longest_gap=1.06), stretch=full(0, 0), went=9, part_at=NOW - 0.1)
    assert gaps[0].may_send == 0


# --- a part is under way ---


@pytest.mark.parametrize(
    ("ago", "period", "has_landed"),
    [(0.05, 1.0, False), (0.07, 1.0, True), (0.02, 0.5, False), (0.04, 0.5, True)],
)
def test_a_part_has_landed_after_six_hundredths_of_a_second_or_of_a_short_period(
    ago: float, period: float, has_landed: bool
) -> None:
    known: dict[str, Any] = {"went": 3, "part_at": NOW - ago, "is_under_way": True}
    trial, verdict = after(sight(10, period=period), **known)

    assert (not trial.is_under_way, trial.may_send > 0, verdict) == (has_landed, has_landed, OPEN)


def test_a_part_that_waits_in_a_queue_for_nearly_half_a_period_says_nothing() -> None:
    def verdict(ago: float, period: float = 1.0, is_under_way: bool = True) -> Verdict:
        known: dict[str, Any] = {"went": 3, "part_at": NOW - ago, "is_under_way": is_under_way}
        return after(sight(10, queued=3, period=period), **known)[1]

    assert (verdict(0.44), verdict(0.46), verdict(0.89, 2.0), verdict(0.91, 2.0)) == (
        *(OPEN, NOTHING, OPEN, NOTHING),
    )
    assert verdict(9.0, is_under_way=False) is OPEN  # another alert waits there


def test_parts_of_different_routes_are_not_compared() -> None:
    known = Stretch(NOW, 12, 1.0, 9, 0.5, 0.1, ours=8, seen=8, ours_full=6)
    trial = Trial(NOW, 30, stretch=known, may_send=8).sent(8, True, NOW)
    assert (trial.went, trial.part_at, trial.is_under_way, trial.may_send) == (8, NOW, True, 0)

    assert trial.sent(5, True, NOW + 1).stretch == known
    other = trial.sent(5, False, NOW + 1)
    assert (other.stretch, other.went) == (Stretch(NOW, 12, 1.0, 9, 0.5), 13)


# --- the end ---


def ended(went: int, ours: int, ours_full: int) -> Verdict:
    stretch = Stretch(NOW - 3, level=20, ours=ours, seen=ours, ours_full=ours_full)
    known: dict[str, Any] = {"went": went, "part_at": NOW - 0.1, "stretch": stretch}
    return after(sight(20), full_at=30, **known)[1]


def test_so_many_replays_are_risked_and_no_more() -> None:
    assert ended(MOST, 9, 0) is INNOCENT
    assert ended(MOST - 1, 9, 0) is OPEN
    risked = Stretch(NOW - 3, level=20, ours=40, seen=40, ours_full=MOST_RISKED, seen_full=23)
    known: dict[str, Any] = {"went": 60, "part_at": NOW - 0.1}
    assert after(sight(20), full_at=30, stretch=risked, **known)[1] is INNOCENT
    # Less than a thousandth, which is enough at the end.
    late = replace(risked, seen_full=22)
    assert after(sight(20), full_at=30, stretch=late, **known)[1] is FULL
    fewer = replace(late, ours_full=MOST_RISKED - 1)
    assert after(sight(20), full_at=30, stretch=fewer, **known)[1] is OPEN


def test_the_limiter_is_blamed_where_chance_explains_less_than_three_in_100_000() -> None:
    assert ended(16, 9, 7) is OPEN  # 1 of 11,440
    assert ended(17, 9, 8) is OPEN  # 1 of 24,310
    assert ended(18, 9, 9) is FULL  # 1 of 48,620


def test_runs_of_events_that_match_no_rule_are_told_from_a_full_limiter_by_turns() -> None:
    def judged(turns: int, used: int = 20, **more: Any) -> tuple[Trial, Verdict]:
        # Half of the replays appeared below the level, and none of forty at it.
        half = Stretch(NOW - 3, level=20, ours=40, seen=20, ours_full=40, turns=turns)
        known: dict[str, Any] = {"went": 80, "part_at": NOW - 0.1, "stretch": half} | more
        return after(sight(used), full_at=30, **known)

    assert judged(turns=2)[1] is FULL
    # Until others were taken below the level, twice, no more meet it.
    assert (judged(turns=1)[1], judged(turns=1)[0].may_send) == (OPEN, 0)
    assert (judged(turns=1, used=10)[1], judged(turns=1, used=10)[0].may_send) == (OPEN, 10)
    # But where live alerts alone leave no room for that nothing else explains it.
    assert judged(turns=1, part_at=NOW - 3.1)[1] is FULL
    # Four times as many as otherwise may go below the level.
    assert judged(turns=1, went=4 * 2 * MOST - 8)[1] is OPEN
    assert judged(turns=1, went=4 * 2 * MOST)[1] is INNOCENT


def test_replays_that_had_room_and_were_not_taken_begin_a_trial_of_what_the_window_holds() -> None:
    def fallen(took: int, ours: int = 20, before: int = 280, **more: Any) -> tuple[Trial, Verdict]:
        known = {"dispersion": 2.0, "went": 110, "missing": 7.0} | more
        began = Stretch(NOW - 3, level=480, quiet=1.0, live=20, ours=90, seen=90)
        span = Span(0.1, before, before + took, took, ours, is_quiet=False)
        look = sight(before + took, limit=495)
        return after(look, span, full_at=480, stretch=began, **known)

    anew = Trial(NOW, 281, 2.0, Stretch(NOW), 27.0, is_anew=True)
    assert fallen(took=1) == (anew, OPEN)
    assert fallen(took=2)[0].full_at == 480
    assert fallen(took=1, ours=12)[0].full_at == 281
    assert fallen(took=0, ours=11)[0].full_at == 480
    assert fallen(took=1, before=460)[0].full_at == 461
    assert fallen(took=1, before=461)[0].full_at == 480
    # Only once: what is not taken then is not taken anywhere.
    assert fallen(took=1, is_anew=True)[0].full_at == 480


def test_a_large_window_not_filled_for_long_begins_a_trial_of_what_it_holds() -> None:
    def late(periods: float, used: int = 150, level: int = 480, **more: Any) -> Trial:
        known = {"went": 110, "reached_at": NOW - periods * 2} | more
        began = Stretch(NOW - 9, level=level, quiet=1.0, live=20, ours=90, seen=45)
        look = sight(used, limit=495, period=2.0)
        span = Span(0.1, used, used, 0)
        return after(look, span, full_at=480, stretch=began, **known)[0]

    assert late(1.51) == Trial(NOW, 150, 1.0, Stretch(NOW), is_anew=True)
    assert late(1.49).full_at == 480
    assert late(1.51, is_anew=True).full_at == 480
    # Live alerts alone may leave it as empty as they like.
    assert late(1.51, went=0).full_at == 480
    # A small one is filled again and again within its trial.
    assert late(1.51, level=LARGE - 1).full_at == 480


def test_a_large_window_that_was_near_its_level_goes_on() -> None:
    def reached(used: int, **more: Any) -> float:
        began = Stretch(NOW - 9, level=480, quiet=1.0, live=20, ours=90, seen=45)
        known = {"went": 110, "reached_at": NOW - 1} | more
        span = Span(0.1, used, used, 0)
        return after(sight(used, limit=495), span, full_at=480, stretch=began, **known)[
            0
        ].reached_at

    assert reached(480 - LITTLE) == NOW
    assert reached(479 - LITTLE) == NOW - 1
    assert reached(479 - LITTLE, went=0) == NOW


def test_where_nothing_is_taken_at_all_one_part_is_enough() -> None:
    nothing = Stretch(NOW - 3)

    assert after(sight(0), stretch=nothing)[0].may_send == LEAST
    assert after(sight(0), stretch=nothing, went=3, part_at=NOW - 0.1)[1] is INNOCENT


# --- a crowd ---


def test_of_fewer_than_four_live_alerts_nobody_knows_how_evenly_they_come() -> None:
    def may_send(used: int, refused: int = 0) -> int:
        """After a rest, at the level, with a gap that even traffic has not."""
        look = sight(used, longest_gap=1.2)
        stretch = Stretch(NOW - 2, level=used, quiet=1.0, live=4, ours_full=refused)
        return after(look, stretch=stretch)[0].may_send

    assert [may_send(used) for used in (2, 3, 4, 10)] == [LEAST, LEAST, 0, 0]
    # If these are not taken no more go.
    assert may_send(3, refused=LEAST) == 0


def crowded(used: int, tight: int, since: float, **known: Any) -> tuple[Trial, Verdict]:
    """A trial whose window has been near the level of thirty for so many seconds."""
    known = {"looks": 99, "tight": tight, "blind_since": NOW - since, "went": 9} | known
    stretch = Stretch(NOW - 9, level=30, ours=9, seen=9, ours_full=9, seen_full=9)
    look = sight(used, longest_gap=1.06)
    return after(look, stretch=stretch, part_at=NOW - 0.1, periods=9.0, **known)


def test_gaps_in_a_seventh_of_the_looks_of_three_periods_are_a_crowd() -> None:
    assert crowded(30, 50, since=2.9)[1] is OPEN
    assert not crowded(30, 50, since=2.9)[0].is_crowded
    assert crowded(30, 13, since=3.1)[1] is NOTHING
    assert crowded(30, 15, since=3.1)[0].is_crowded
    assert crowded(29, 15, since=3.1)[0].is_crowded
    # It waits as long as it takes.
    assert crowded(30, 9, since=99.0, is_crowded=True) == (
        *(replace(crowded(30, 9, since=99.0, is_crowded=True)[0], is_crowded=True), OPEN),
    )
    even = sight(30)
    found, _ = after(even, stretch=Stretch(NOW, level=30, ours_full=9), went=9, part_at=NOW - 1)
    assert (found.looks, found.tight, found.blind_since) == (1, 0, NOW)


def test_a_crowd_that_leaves_room_is_tried_anew() -> None:
    trial, verdict = crowded(20, 20, since=9.0, is_crowded=True, missing=4.0)

    assert (trial, verdict) == (Trial(NOW, 30, 1.0, Stretch(NOW), 4.0, is_anew=True), OPEN)


def test_what_rises_above_the_level_ends_a_crowd() -> None:
    known: dict[str, Any] = {"looks": 99, "tight": 50, "blind_since": NOW - 9, "is_crowded": True}
    stretch = Stretch(NOW - 9, level=30)
    trial, _ = after(sight(31), Span(0.02, 30, 31, 1), stretch=stretch, went=9, **known)

    assert (trial.is_crowded, trial.looks, trial.tight, trial.blind_since) == (False, 0, 0, 0.0)
