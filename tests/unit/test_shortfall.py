"""Replays that are missing, suddenly or a few in each period: look by look, by numbers."""

import pytest

from mutt_tasks.core.shortfall import Missing, Shortfall
from mutt_tasks.core.sight import Sight
from tests.unit.sights import sight

NOW = 1_800_000_000.0


def missing_of(certain: int, missing: int, period: float = 1.0) -> Sight:
    return sight(certain - missing, certain=certain, period=period)


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
    assert Shortfall(owed, NOW).is_certain(missing_of(certain, missing)) is is_certain


def test_all_but_one_that_are_missing_in_a_period_are_owed_and_fade_by_a_fifth() -> None:
    owed = Shortfall(2.0, NOW)

    assert owed.looked(missing_of(9, 5), NOW + 0.9) == owed
    assert owed.looked(missing_of(9, 5), NOW + 1.0) == Shortfall(5.6, NOW + 1)
    assert owed.looked(missing_of(9, 0), NOW + 1.0) == Shortfall(1.6, NOW + 1)
    assert owed.looked(missing_of(9, 5, period=2.0), NOW + 1.0) == owed


def test_what_is_missing_for_a_tenth_of_a_second_is_not_on_its_way() -> None:
    missing = Missing().looked(True, NOW).looked(True, NOW + 0.05)

    assert missing.since == NOW
    assert not missing.is_lasting(NOW + 0.09)
    assert missing.is_lasting(NOW + 0.1)
    assert not missing.looked(False, NOW + 0.1).is_lasting(NOW + 9)
    assert Missing(NOW + 9).looked(True, NOW).since == NOW
