"""A trial step by step: how many may go, what has landed, and what it says at each bound."""

from dataclasses import dataclass, replace

import pytest

from mutt_tasks.core.tally import Tally
from mutt_tasks.core.trial import Trial, Verdict

NOW = 1_800_000_000.0
OPEN, FULL = Verdict.OPEN, Verdict.FULL
INNOCENT, NOTHING = Verdict.INNOCENT, Verdict.NOTHING


@dataclass(frozen=True)
class Look:
    used: int
    queued: int = 0
    sent: int = 0
    period: float = 1.0
    limit: int = 50
    longest_gap: float = 1.0


# --- live alerts are left alone ---


def rested(look: Look, periods: float, full_at: int = 30, **known: object) -> tuple[Trial, Verdict]:
    """A trial after a look so many periods after it began."""
    trial = replace(Trial(NOW - periods * look.period, full_at), **known)  # type: ignore[arg-type]
    return trial.looked(look, NOW)


def first_part(look: Look, periods: float = 1.2, full_at: int = 30) -> int:
    trial, verdict = rested(look, periods, full_at)
    assert verdict is OPEN
    assert trial.used == (look.used if trial.may_send else 0)
    return trial.may_send


def test_live_alerts_are_left_alone_for_a_period_and_a_tenth() -> None:
    assert first_part(Look(10), periods=1.09) == 0
    assert first_part(Look(10), periods=1.11) == 8
    assert first_part(Look(10, period=2.0), periods=1.09) == 0
    assert first_part(Look(10, period=2.0), periods=1.11) == 8


@pytest.mark.parametrize(
    ("used", "full_at", "may_send"),
    [(27, 30, 2), (26, 30, 3), (20, 30, 7), (10, 30, 8), (28, 30, 0), (0, 2, 2), (0, 1, 2)],
)
def test_the_first_part_takes_seven_tenths_of_the_room_from_two_to_eight(
    used: int, full_at: int, may_send: int
) -> None:
    assert first_part(Look(used), full_at=full_at) == may_send


def test_nothing_goes_while_ours_are_still_in_the_window_or_in_a_queue() -> None:
    assert first_part(Look(10, sent=1)) == 0
    assert first_part(Look(10, queued=1)) == 0


def test_live_alerts_that_rise_above_the_level_by_more_than_one_acquit_the_limiter() -> None:
    assert rested(Look(31), 1.2)[1] is OPEN
    assert rested(Look(32), 1.2)[1] is INNOCENT
    assert rested(Look(32, sent=1), 1.2)[1] is OPEN


def test_each_look_at_live_alerts_alone_counts_and_those_with_gaps_and_no_room_are_tight() -> None:
    def counted(look: Look) -> tuple[int, int]:
        trial, _ = rested(look, 1.0, looks=5, tight=2)
        return trial.looks, trial.tight

    assert counted(Look(28, longest_gap=1.06)) == (6, 3)
    assert counted(Look(28, longest_gap=1.05)) == (6, 2)
    assert counted(Look(27, longest_gap=2.0)) == (6, 2)
    assert counted(Look(28, longest_gap=2.0, sent=1)) == (5, 2)


def test_room_is_waited_for_for_four_periods_and_gaps_in_a_quarter_of_looks_are_a_crowd() -> None:
    def after(periods: float, tight: int) -> tuple[bool, Verdict]:
        trial, verdict = rested(Look(30), periods, looks=19, tight=tight)
        return trial.is_crowded, verdict

    assert after(3.9, 19) == (False, OPEN)
    assert after(4.1, 5) == (False, NOTHING)
    assert after(4.1, 6) == (True, OPEN)
    crowded, _ = rested(Look(30), 4.1, looks=19, tight=9, attempts=2, tally=Tally(8, 8))
    assert crowded == Trial(NOW, 30, Tally(8, 8), attempts=2, is_crowded=True)


def test_a_crowd_that_leaves_room_is_looked_at_anew() -> None:
    trial, verdict = rested(Look(27), 2.0, is_crowded=True, attempts=1)

    assert (trial, verdict) == (Trial(NOW, 30, attempts=1), OPEN)
    assert rested(Look(28), 2.0, is_crowded=True)[0].is_crowded


def short(periods: float, full_at: int, **known: object) -> tuple[Trial, Verdict]:
    """A trial after a look at seven live alerts where twelve are usual."""
    return rested(Look(7), periods, full_at, usual=12.0, missing=9.0, **known)


def test_where_live_alerts_come_short_of_their_usual_number_nothing_goes() -> None:
    assert short(3.9, 30)[0].may_send == 0
    # A standard deviation below twelve are 8.5.
    assert rested(Look(7), 1.2, 30, usual=12.0, alone=9)[0].may_send == 8
    lower, verdict = short(4.1, 30)
    assert (lower, verdict) == (Trial(NOW, 7, usual=12.0, missing=9.0), OPEN)


def test_few_live_alerts_that_stay_at_their_highest_number_with_gaps_fill_the_limiter() -> None:
    full, verdict = short(4.1, 7, looks=9, tight=7, alone=7)
    assert (full.peak, verdict) == (7, FULL)
    # In fewer looks, or of hardly any, it is a fall of live traffic: tried as any other.
    fallen = Trial(NOW, 7, missing=9.0)
    assert short(4.1, 7, looks=9, tight=5, alone=7) == (fallen, OPEN)
    few = rested(Look(3, longest_gap=2.0), 4.1, 3, usual=12.0, looks=9, tight=9, alone=3)
    assert few == (Trial(NOW, 3), OPEN)


# --- a part is under way ---

# Eight went a fifth of a second ago, when ten alerts were in the window.
FIRST = Trial(NOW - 2, 30, began_at=NOW - 0.2, part=8, part_at=NOW - 0.2, used=10, peak=10)


def test_a_replay_that_goes_is_under_way_since_then() -> None:
    went = Trial(NOW - 2, 30, used=10, may_send=8).sent(8, True, NOW)

    assert went == Trial(NOW - 2, 30, began_at=NOW, part=8, part_at=NOW, used=10, is_sure=True)
    more = replace(went, part=0, parts=1).sent(5, True, NOW + 1)
    assert (more.began_at, more.part_at, more.is_mixed) == (NOW, NOW + 1, False)
    assert replace(went, part=0, parts=1).sent(5, False, NOW + 1).is_mixed
    assert not replace(went, part=0, parts=0).sent(5, False, NOW + 1).is_mixed


@pytest.mark.parametrize(
    ("ago", "period", "has_landed"),
    [
        (0.14, 1.0, False),
        (0.16, 1.0, True),
        (0.16, 2.0, True),
        (0.07, 0.5, False),
        (0.08, 0.5, True),
    ],
)
def test_a_part_has_landed_after_a_sixth_of_a_second_or_of_a_short_period(
    ago: float, period: float, has_landed: bool
) -> None:
    trial = replace(FIRST, began_at=NOW - ago, part_at=NOW - ago)
    found, verdict = trial.looked(Look(18, period=period), NOW)

    assert (found.part == 0, verdict) == (has_landed, OPEN)


def test_a_part_that_waits_in_a_queue_for_nearly_half_a_period_says_nothing() -> None:
    def verdict(ago: float, period: float = 1.0) -> Verdict:
        trial = replace(FIRST, part_at=NOW - ago)
        return trial.looked(Look(10, queued=8, period=period), NOW)[1]

    assert (verdict(0.44), verdict(0.46), verdict(0.89, 2.0), verdict(0.91, 2.0)) == (
        *(OPEN, NOTHING, OPEN, NOTHING),
    )


def test_both_parts_have_nine_tenths_of_a_period() -> None:
    def verdict(ago: float, period: float = 1.0) -> Verdict:
        return replace(FIRST, began_at=NOW - ago).looked(Look(18, period=period), NOW)[1]

    assert (verdict(0.89), verdict(0.91), verdict(1.79, 2.0), verdict(1.81, 2.0)) == (
        *(OPEN, NOTHING, OPEN, NOTHING),
    )


def test_what_appeared_is_what_the_window_gained_and_no_more_than_went() -> None:
    def seen(used: int) -> Tally:
        return FIRST.looked(Look(used), NOW)[0].tally

    assert seen(15) == Tally(8, 5)
    assert seen(25) == Tally(8, 8)
    # Of fewer than three tenths nothing more is learnt.
    assert FIRST.looked(Look(9), NOW)[1] is INNOCENT


def test_where_hardly_any_of_the_first_part_appears_the_level_is_brought_down() -> None:
    low, verdict = FIRST.looked(Look(12), NOW)
    assert (low, verdict) == (Trial(NOW, 12, attempts=1), OPEN)
    # Three of eight are enough, and so is a window just below the level.
    assert FIRST.looked(Look(13), NOW)[0].full_at == 30
    assert replace(FIRST, full_at=13).looked(Look(12), NOW)[1] is INNOCENT
    assert replace(FIRST, full_at=14).looked(Look(12), NOW)[0].full_at == 12
    # That is tried four times in all.
    assert replace(FIRST, attempts=2).looked(Look(12), NOW)[1] is OPEN
    assert replace(FIRST, attempts=3).looked(Look(12), NOW)[1] is INNOCENT


def test_more_of_the_first_part_goes_where_there_is_room_for_it() -> None:
    # 12 below the level: seven tenths of it, but no more than twice what appeared.
    assert FIRST.looked(Look(18), NOW)[0].may_send == 8
    wide = replace(FIRST, full_at=45).looked(Look(18), NOW)[0]
    assert (wide.may_send, wide.used, wide.parts, wide.is_second) == (16, 18, 1, False)
    few = replace(FIRST, full_at=45).looked(Look(14), NOW)[0]
    assert few.may_send == 8


def second_part(look: Look, **known: object) -> tuple[int, bool]:
    """How many go after the whole first part has landed, and whether they are the second one."""
    trial = replace(FIRST, parts=1, **known)  # type: ignore[arg-type]
    found, verdict = trial.looked(look, NOW)
    assert verdict is OPEN
    return found.may_send, found.is_second


def test_the_second_part_would_rise_ten_above_the_level() -> None:
    assert second_part(Look(18)) == (22, True)  # 12 up to the level, and 10
    assert second_part(Look(18, limit=36)) == (17, True)  # one below the limit: 5 above
    # Of events of which half is forwarded twice as many go, as far as the limit allows.
    assert second_part(Look(14)) == (35, True)
    assert second_part(Look(14, limit=90)) == (52, True)
    assert FIRST.looked(Look(22), NOW)[0].is_second  # eight of room are no reason for more


def test_without_four_above_the_level_there_is_no_second_part() -> None:
    trial = replace(FIRST, parts=1)

    assert trial.looked(Look(18, limit=35), NOW)[1] is OPEN
    assert trial.looked(Look(18, limit=34), NOW)[1] is NOTHING


# --- the verdict ---


def verdict(tally: Tally, used: int = 30, peak: int = 0, attempts: int = 0) -> Verdict:
    """The verdict once a second part of ten has landed in a window that now holds `used`."""
    trial = Trial(
        *(NOW - 2, 30, replace(tally, high=tally.high - 10), 1, NOW - 0.4, True, 10, NOW - 0.2),
        used=used - tally.high_seen,
        peak=peak,
        attempts=attempts,
    )
    trial = replace(trial, tally=replace(trial.tally, high_seen=0))
    return trial.looked(Look(used), NOW)[1]


def test_the_limiter_is_blamed_where_chance_explains_less_than_half_a_percent() -> None:
    assert verdict(Tally(8, 8, 10, 2)) is FULL  # 0.1 %
    assert verdict(Tally(8, 8, 10, 3)) is FULL  # 0.38 %
    assert verdict(Tally(8, 8, 10, 4)) is OPEN  # 1.1 %: tried again
    assert verdict(Tally(8, 8, 10, 7)) is OPEN  # 14.7 %
    assert verdict(Tally(8, 8, 10, 8)) is OPEN  # 29.4 %
    assert verdict(Tally(8, 8, 10, 9)) is INNOCENT  # 55.6 %


def test_a_window_that_rose_above_the_level_by_more_than_one_is_tried_at_a_higher_one() -> None:
    assert verdict(Tally(8, 8, 10, 2), used=31) is FULL
    assert verdict(Tally(8, 8, 10, 2), used=32) is OPEN
    assert verdict(Tally(8, 8, 10, 2), peak=32) is OPEN


def test_doubt_is_tried_four_times_with_all_counts_added() -> None:
    assert verdict(Tally(8, 8, 10, 4), attempts=2) is OPEN
    assert verdict(Tally(8, 8, 10, 4), attempts=3) is INNOCENT
    trial = Trial(NOW - 2, 30, Tally(8, 8), 1, NOW - 0.4, True, 10, NOW - 0.2, used=26)
    again, _ = trial.looked(Look(30), NOW)
    assert again == Trial(NOW, 30, Tally(8, 8, 10, 4), attempts=1)


def test_a_tally_tells_shares_and_what_is_missing() -> None:
    assert (Tally(8, 6, 10, 3).share, Tally(8, 6, 10, 3).missing) == (0.75, 9)
    assert Tally().share == 1.0
    assert Tally(2, 2, 3, 1).chance == pytest.approx(0.3)  # 3 of 10 ways
