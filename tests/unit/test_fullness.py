"""Whether a window looks full, and how many replays are missing: look by look, by numbers."""

from dataclasses import dataclass, replace

import pytest

from mutt_tasks.core.fullness import Fullness, Stretch
from mutt_tasks.core.shortfall import Missing, Shortfall

NOW = 1_800_000_000.0


def stretch(*used: int) -> Stretch:
    found = Stretch(NOW)
    for each in used:
        found = found.looked(each)
    return found


def test_a_stretch_counts_the_looks_at_its_highest_number_and_at_one_less() -> None:
    assert stretch(20, 19, 20, 18, 19, 19) == Stretch(NOW, looks=6, highest=20, at=2, below=3)
    assert stretch(19, 19, 20) == Stretch(NOW, looks=3, highest=20, at=1, below=2)
    assert stretch(18, 18, 20) == Stretch(NOW, looks=3, highest=20, at=1, below=0)


def test_of_ten_alerts_and_more_one_less_is_as_good_as_the_highest_number() -> None:
    assert stretch(20, 19, 20, 18).near(20) == 3
    assert stretch(10, 9, 9).near(10) == 3
    assert stretch(9, 8, 8).near(9) == 1
    # Where the other stretch was one higher, the highest number of this one is near it.
    assert stretch(20, 19, 20).near(21) == 2
    assert stretch(20, 19, 20).near(22) == 0
    assert stretch(8, 8).near(9) == 0


def fullness(*used: int, gap: float = 0.1) -> tuple[Fullness, float]:
    """What looks at so many alerts show, one each `gap` seconds before a period of one second."""
    found, now = Fullness(), NOW
    for number, each in enumerate(used):
        now = NOW + number * gap
        found = found.looked(each, 1.0, now)
    return found, now


def test_a_stretch_lasts_for_a_period_and_a_half() -> None:
    found, now = fullness(*[5] * 15)

    assert (found.stretch.looks, found.last.looks) == (15, 0)
    found = found.looked(7, 1.0, now + 0.11)
    assert (found.stretch.looks, found.stretch.highest, found.last.looks) == (1, 7, 15)
    assert found.highest == 7


def test_a_window_that_was_level_for_four_fifths_of_a_period_and_ten_looks_is_full() -> None:
    level = Fullness(Stretch(NOW, 12, 20, 12), level=20, level_since=NOW, level_looks=10, top=20)

    assert level.is_full(1.0, NOW + 0.81)
    assert not level.is_full(1.0, NOW + 0.79)
    assert not level.is_full(2.0, NOW + 0.81)
    assert not replace(level, level_looks=9).is_full(1.0, NOW + 5)
    # The level is the highest number, or one less.
    assert replace(level, level=19).is_full(1.0, NOW + 5)
    assert not replace(level, level=18).is_full(1.0, NOW + 5)


def test_a_window_that_was_lately_two_higher_is_not_full() -> None:
    level = Fullness(Stretch(NOW, 12, 20, 12), level=20, level_since=NOW, level_looks=10)

    assert replace(level, top=21, last_top=21).is_full(1.0, NOW + 5)
    assert not replace(level, top=22).is_full(1.0, NOW + 5)
    assert not replace(level, last_top=22).is_full(1.0, NOW + 5)


def test_an_empty_window_is_never_full() -> None:
    found, now = fullness(*[0] * 40)

    assert not found.is_full(1.0, now)


def test_a_window_is_full_if_eleven_looks_of_twenty_found_it_at_its_highest() -> None:
    def is_full(near: int, looks: int = 10) -> bool:
        high = Stretch(NOW, looks, 30, near)
        return Fullness(high, Stretch(NOW - 2, 10, 30, 5), top=30).is_full(1.0, NOW + 1)

    assert is_full(6)
    assert not is_full(5)
    assert not is_full(9, looks=9)
    short = Fullness(Stretch(NOW, 10, 30, 10), Stretch(NOW - 2, 9, 30, 9), top=30)
    assert not short.is_full(1.0, NOW + 1)


def test_a_level_is_left_by_more_or_by_two_less_and_among_few_alerts_by_one_less() -> None:
    def since(level: int, used: int) -> float:
        found = Fullness(level=level, level_since=NOW, level_looks=7).looked(used, 1.0, NOW + 3)
        assert found.level == (level if found.level_since == NOW else used)
        assert found.level_looks == (8 if found.level_since == NOW else 1)
        return found.level_since - NOW

    assert (since(10, 10), since(10, 9), since(10, 8), since(10, 11)) == (0, 0, 3, 3)
    assert (since(9, 9), since(9, 8), since(9, 10)) == (0, 3, 3)


def test_the_highest_number_is_remembered_for_five_periods_and_five_more() -> None:
    found = Fullness(top=40, top_at=NOW)

    assert found.looked(5, 1.0, NOW + 5).top == 40
    later = found.looked(5, 1.0, NOW + 5.1)
    assert (later.top, later.last_top, later.top_at) == (5, 40, NOW + 5.1)
    assert found.looked(5, 2.0, NOW + 5.1).top == 40


# --- what is missing ---


@dataclass(frozen=True)
class Seen:
    certain: int
    missing: int
    period: float = 1.0


@pytest.mark.parametrize(
    ("certain", "missing", "owed", "is_certain"),
    [
        *((0, 3, 0.0, False), (0, 4, 0.0, True), (100, 8, 0.0, False), (100, 9, 0.0, True)),
        *((0, 1, 3.0, False), (0, 1, 3.1, True), (0, 0, 9.0, False)),
    ],
)
def test_more_than_three_and_a_twentieth_that_are_missing_were_dropped(
    certain: int, missing: int, owed: float, is_certain: bool
) -> None:
    assert Shortfall(owed, NOW).is_certain(Seen(certain, missing)) is is_certain


def test_all_but_one_that_are_missing_in_a_period_are_owed_and_fade_by_a_fifth() -> None:
    owed = Shortfall(2.0, NOW)

    assert owed.looked(Seen(9, 5), NOW + 0.9) == owed
    assert owed.looked(Seen(9, 5), NOW + 1.0) == Shortfall(5.6, NOW + 1)
    assert owed.looked(Seen(9, 0), NOW + 1.0) == Shortfall(1.6, NOW + 1)
    assert owed.looked(Seen(9, 5, period=2.0), NOW + 1.0) == owed


def test_what_is_missing_for_a_tenth_of_a_second_is_not_on_its_way() -> None:
    missing = Missing().looked(True, 7, NOW).looked(True, 5, NOW + 0.05)

    assert (missing.since, missing.highest) == (NOW, 7)
    assert not missing.is_lasting(NOW + 0.09)
    assert missing.is_lasting(NOW + 0.1)
    assert not missing.looked(False, 9, NOW + 0.1).is_lasting(NOW + 9)
    assert Missing(NOW + 9).looked(True, 9, NOW).since == NOW


def test_a_stretch_is_as_many_periods_long_whatever_a_period_is() -> None:
    found = Fullness(Stretch(NOW, 5, 9, 5))

    assert found.looked(9, 4.0, NOW + 5.9).stretch.looks == 6
    assert found.looked(9, 4.0, NOW + 6.0).stretch.looks == 1
    assert found.looked(9, 0.5, NOW + 0.76).stretch.looks == 1
