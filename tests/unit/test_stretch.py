"""Whether a window is full at its highest number of alerts: span by span, and by chance."""

import random
from dataclasses import replace
from math import exp, factorial
from operator import mul

import pytest

from mutt_tasks.core.stretch import NOTHING, Span, Stretch
from mutt_tasks.core.tally import Tally

NOW = 1_800_000_000.0


# --- one span ---

# Five replays and four live alerts brought the window to ten.
TEN = Stretch(NOW, level=10, quiet=0.5, live=4, under_way=0.1, ours=5, seen=5)


def quiet(before: int, after: int, took: int = 0) -> Span:
    return Span(0.02, before, after, took)


def busy(before: int, after: int, took: int, ours: int) -> Span:
    return Span(0.02, before, after, took, ours, is_quiet=False)


def test_below_the_level_time_and_alerts_count_for_live_ones_or_for_ours() -> None:
    live = TEN.looked(quiet(8, 9, took=1))
    assert (live.quiet, live.live) == (0.52, 5)
    assert replace(live, quiet=0.5, live=4) == TEN

    ours = TEN.looked(busy(7, 9, took=2, ours=3))
    assert (round(ours.under_way, 2), ours.ours, ours.seen) == (0.12, 8, 7)


def test_at_the_level_only_the_time_counts_in_which_no_alert_left() -> None:
    assert TEN.looked(quiet(10, 10)).quiet_full == 0.02
    assert TEN.looked(quiet(10, 9)) == TEN
    assert TEN.looked(quiet(10, 10, took=1)) == TEN
    # The window is still emptying from what it held before its limiter was lowered.
    assert TEN.looked(quiet(14, 14)).quiet_full == 0.02


def test_our_replays_met_the_level_if_at_most_half_of_them_had_room_below_it() -> None:
    met = TEN.looked(busy(10, 10, took=0, ours=4))
    assert (met.ours_full, met.seen_full) == (4, 0)
    refilled = TEN.looked(busy(10, 10, took=2, ours=4))
    assert (refilled.ours_full, refilled.seen_full) == (4, 2)


def test_a_burst_that_began_below_the_level_met_it_all_the_same() -> None:
    large = replace(TEN, level=300)
    burst = large.looked(busy(238, 300, took=79, ours=291))
    assert (burst.ours_full, burst.seen_full, burst.ours) == (291, 79, 5)
    twelve = large.looked(busy(294, 300, took=6, ours=12))
    assert (twelve.ours_full, twelve.seen_full, twelve.ours) == (12, 6, 5)
    # Fewer are no burst.
    eleven = large.looked(busy(295, 300, took=5, ours=11))
    assert (eleven.ours_full, eleven.ours, eleven.seen) == (0, 16, 10)
    assert TEN.looked(busy(9, 10, took=1, ours=5)).ours == 10


def test_our_replays_say_nothing_if_more_of_them_had_room_but_not_all() -> None:
    assert TEN.looked(busy(10, 10, took=3, ours=4)) == TEN
    assert TEN.looked(busy(10, 10, took=11, ours=20)) == TEN
    large = replace(TEN, level=300)
    assert large.looked(busy(290, 299, took=10, ours=15)) == large
    assert TEN.looked(busy(10, 9, took=3, ours=4)).ours == 9


def test_what_rises_above_the_level_was_not_stopped_by_it() -> None:
    full = replace(TEN, quiet_full=0.4, under_way_full=0.2, ours_full=3, seen_full=1)
    raised = full.looked(busy(10, 12, took=2, ours=2))

    assert raised == Stretch(
        *(NOW, 12), quiet=0.9, live=4, under_way=raised.under_way, ours=10, seen=8
    )
    assert raised.under_way == pytest.approx(0.32)
    # Behind a queue nothing is known but that.
    queued = full.looked(Span(0.0, 10, 12, 2))
    assert (queued.level, queued.ours, queued.seen, queued.live) == (12, 8, 6, 4)
    assert full.looked(Span(0.0, 10, 10, 0)) == full


def test_a_burst_that_raised_the_level_counts_once_the_level_is_raised_again() -> None:
    # If the limiter takes sixteen, six of these twelve found it full.
    cut_off = replace(TEN, under_way_full=0.2, ours_full=3, seen_full=1).looked(
        busy(10, 16, took=6, ours=12)
    )
    assert (cut_off.level, cut_off.ours, cut_off.seen) == (16, 8, 6)
    assert cut_off.under_way == pytest.approx(0.3)
    assert cut_off.looked(quiet(15, 15)).ours == 8

    went_on = cut_off.looked(quiet(16, 17, took=1))
    assert (went_on.level, went_on.ours, went_on.seen) == (17, 20, 12)
    assert went_on.under_way == pytest.approx(0.32)
    assert went_on.looked(quiet(17, 18, took=1)).ours == 20
    # It is forgotten with all others if those of another route are compared next.
    other = cut_off.without_ours().looked(quiet(16, 17, took=1))
    assert (other.ours, other.seen, other.under_way) == (0, 0, 0.0)


def test_a_few_that_raised_the_level_may_have_been_cut_off_if_hardly_any_was_taken() -> None:
    # Of six, fewer than three.
    cut_off = TEN.looked(busy(10, 11, took=2, ours=6))
    assert (cut_off.ours, cut_off.looked(quiet(11, 12, took=1)).ours) == (5, 11)
    assert TEN.looked(busy(10, 12, took=3, ours=6)).ours == 11
    # Where half is forwarded, one or two of six are enough.
    half = replace(TEN, ours=20, seen=10)
    assert half.looked(busy(10, 11, took=1, ours=6)).ours == 20
    assert half.looked(busy(10, 11, took=2, ours=6)).ours == 26
    # Behind a queue nothing is known of them.
    assert TEN.looked(Span(0.0, 10, 30, 20, ours=20, is_quiet=False)).cut_off == NOTHING


def test_before_anything_was_taken_there_is_no_level() -> None:
    assert Stretch(NOW).looked(quiet(30, 29)) == Stretch(NOW)
    assert Stretch(NOW).looked(quiet(29, 29, took=1)).level == 29


# --- by chance ---


def test_live_alerts_tell_by_the_time_in_which_they_came_and_did_not() -> None:
    full = Stretch(NOW, level=10, quiet=1.0, live=12, quiet_full=1.0)

    assert full.chance(1.0) == pytest.approx(0.5**12)
    # Bursts count as one each, and what comes evenly, or is not known, does not count.
    assert full.chance(4.0) == pytest.approx(0.5**3)
    assert full.chance(0.4) == 1.0
    assert replace(full, quiet_full=0.0).chance(1.0) == 1.0


def test_replays_tell_by_fishers_exact_test() -> None:
    full = Stretch(NOW, level=10, ours=8, seen=8, ours_full=8)

    assert full.chance(0.0) == pytest.approx(1 / 12_870)
    assert replace(full, seen=0).chance(0.0) == 1.0
    live_as_well = replace(full, quiet=1.0, live=1, quiet_full=1.0)
    assert live_as_well.chance(1.0) == pytest.approx(0.5 / 12_870)


def test_nobody_knows_which_were_live_so_each_number_counts_as_far_as_it_is_likely() -> None:
    # Nine live ones a second: in a ninth of a second one came on average.
    full = Stretch(NOW, level=10, quiet=1.0, live=9, under_way=1 / 9, ours=8, seen=8, ours_full=8)
    weights = [exp(-1) / factorial(came) for came in range(5)]
    chances = [Tally(8, 8 - came, 8, 0).chance for came in range(5)]
    by_hand = sum(map(mul, weights, chances)) / sum(weights)

    assert full.chance(0.0) == pytest.approx(by_hand)
    # Bursts of three: a third as many of them, each as large.
    thirds = [exp(-1 / 3) * (1 / 3) ** came / factorial(came) for came in range(3)]
    by_hand = sum(map(mul, thirds, [Tally(8, 8 - 3 * came, 8, 0).chance for came in range(3)]))
    assert full.chance(3.0) == pytest.approx(by_hand / sum(thirds))


def test_live_alerts_should_have_come_at_the_level_as_well() -> None:
    full = Stretch(
        *(NOW, 10), quiet=1.0, live=9, under_way=1 / 9, ours=8, seen=4,
        under_way_full=1 / 9, ours_full=8,
    )  # fmt: skip
    weights = [exp(-2) * 2**came / factorial(came) for came in range(5)]
    chances = [Tally(8, 4 - came, 8, 0).chance * 0.5**came for came in range(5)]

    assert full.chance(1.0) == pytest.approx(sum(map(mul, weights, chances)) / sum(weights))
    # What comes evenly may have come elsewhere.
    assert full.chance(0.0) > 2 * full.chance(1.0)


def test_more_alerts_than_replays_went_were_not_all_replays() -> None:
    full = Stretch(NOW, level=10, quiet=1.0, live=20, under_way=0.1, ours=3, seen=9, ours_full=9)
    assert full.chance(0.0) == pytest.approx(Tally(3, 3, 9, 0).chance * 0.75, rel=0.4)
    # Before live alerts were counted alone the most that can be replays are.
    assert replace(full, quiet=0.0, live=0).chance(0.0) == Tally(3, 3, 9, 0).chance


def test_the_share_that_is_forwarded_leaves_live_alerts_out() -> None:
    full = Stretch(NOW, level=10, quiet=1.0, live=9, under_way=1 / 9, ours=8, seen=8)

    assert full.share == full.forwarded == pytest.approx(7 / 8)
    assert (Stretch().share, replace(full, seen=0).share) == (1.0, 0.0)
    assert replace(full, seen=20).share == 1.0
    # Of fewer than eight nothing is known, and a fifth is the least that is believed.
    assert (replace(full, ours=7, seen=3).forwarded, replace(full, seen=2).forwarded) == (1.0, 0.2)


def test_a_turn_is_that_some_are_taken_below_the_level_after_others_were_not_at_it() -> None:
    half = Stretch(NOW, level=100, ours=60, seen=30)

    refused = half.looked(busy(100, 100, took=9, ours=40))
    assert (refused.is_refused, refused.turns) == (True, 0)
    # Fewer than a quarter of these tell nothing, more are a turn.
    still = refused.looked(busy(60, 69, took=9, ours=40))
    assert (still.is_refused, still.turns) == (True, 0)
    turned = refused.looked(busy(60, 72, took=12, ours=40))
    assert (turned.is_refused, turned.turns) == (False, 1)
    assert turned.looked(busy(72, 92, took=20, ours=40)).turns == 1
    assert turned.looked(quiet(72, 74, took=2)).turns == 1
    again = turned.looked(busy(100, 100, took=0, ours=40)).looked(busy(60, 80, took=20, ours=40))
    assert again.turns == 2
    assert (again.without_ours().turns, again.looked(busy(100, 104, 4, 40)).turns) == (0, 0)


def test_a_comparison_is_sorted_if_all_may_be_forwarded_or_after_two_turns() -> None:
    most = Stretch(NOW, level=100, ours=100, seen=90)
    less = replace(most, seen=89)

    assert (most.is_sorted, less.is_sorted) == (True, False)
    assert [replace(less, turns=turns).is_sorted for turns in (1, 2)] == [False, True]
    # By chance two more live ones than usual came among these.
    assert replace(less, quiet=1.0, live=1, under_way=1.0).is_sorted
    assert not replace(less, seen=88, quiet=1.0, live=1, under_way=1.0).is_sorted


def test_where_a_part_is_forwarded_only_that_part_meets_the_level() -> None:
    half = Stretch(NOW, level=100, ours=60, seen=30)

    # Twenty are forwarded on average, and thirty at most.
    met = half.looked(busy(90, 100, took=10, ours=40))
    assert (met.ours_full, met.seen_full, round(met.under_way_full, 2)) == (40, 10, 0.02)
    assert half.looked(busy(89, 100, took=11, ours=40)) == half
    assert half.looked(busy(74, 94, took=20, ours=40)) == half
    assert half.looked(busy(73, 93, took=20, ours=40)).ours == 100


@pytest.mark.parametrize(
    ("tally", "chance"),
    [
        (Tally(1, 1, 1, 0), 0.5),
        (Tally(8, 8, 8, 0), 1 / 12_870),
        (Tally(5, 2, 5, 2), 31 / 42),
        (Tally(5, 0, 5, 5), 1.0),
        (Tally(2, 2, 3, 1), 0.3),
    ],
)
def test_the_chance_is_that_of_fishers_exact_test(tally: Tally, chance: float) -> None:
    assert tally.chance == pytest.approx(chance)


def poisson_windows(limit: int, seed: int, rate: float = 10.0) -> float:
    """How a minute of live alerts before a limiter is explained by chance."""
    chance, stretch = random.Random(seed), Stretch(NOW)
    window: list[float] = []
    coming = chance.expovariate(rate)
    for look in range(1, 3001):
        now, before, took = look * 0.02, len(window), 0
        while coming <= now:
            window = [moment for moment in window if moment > coming - 1]
            if len(window) < limit:
                window.append(coming)
                took += 1
            coming += chance.expovariate(rate)
        window = [moment for moment in window if moment > now - 1]
        stretch = stretch.looked(quiet(before, len(window), took))
    return stretch.chance(1.0)


def test_a_limiter_near_live_traffic_is_told_from_none() -> None:
    # A limiter of ten or eleven before ten alerts a second, and one that is never reached.
    assert all(poisson_windows(limit, seed) < 1e-9 for limit in (10, 11) for seed in range(10))
    unlikely = [poisson_windows(1000, seed) < 0.1 for seed in range(60)]
    assert sum(unlikely) <= 0.2 * len(unlikely)
