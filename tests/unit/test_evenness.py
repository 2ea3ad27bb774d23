"""How evenly live alerts come: seen in a window without replays."""

import random

import pytest

from mutt_tasks.core.evenness import Evenness
from tests.unit.sights import BURSTS, EVEN, RANDOM, sight


def test_even_alerts_are_told_from_random_ones_and_from_bursts() -> None:
    even, chance, bursts = (Evenness().looked(look).mean for look in (EVEN, RANDOM, BURSTS))

    assert 0 < even < 0.1 < 0.5 < chance < 1 < 2 < bursts


def test_of_several_looks_the_mean_counts_and_too_few_alerts_tell_nothing() -> None:
    even, chance = (Evenness().looked(look).mean for look in (EVEN, RANDOM))
    both = Evenness().looked(EVEN).looked(RANDOM)

    assert both.looks == 2
    assert both.mean == pytest.approx((even + chance) / 2)
    assert both.looked(sight(3, leaving=(0.1, 0.5, 0.8))) == both
    four = Evenness().looked(sight(4, leaving=(0.1, 0.35, 0.6, 0.85)))
    assert 0 < four.mean < 0.2


@pytest.mark.parametrize("stride", [1, 4])
def test_a_poisson_process_is_about_one_however_many_of_its_alerts_are_told(stride: int) -> None:
    numbers, evenness = random.Random(1), Evenness()
    for _ in range(200):
        moments = sorted(numbers.random() for _ in range(80))
        leaving = tuple(moments[stride - 1 :: stride])
        evenness = evenness.looked(sight(80, leaving=leaving, stride=stride))

    assert evenness.mean == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("before", "mean", "dispersion"),
    [
        (4.0, 0.1, 0.0),
        (4.0, 0.7, 1.0),
        (4.0, 2.5, 2.5),
        (1.5, 2.5, 1.5),  # a drain shows no less than there is
        (0.0, 2.5, 2.5),  # nothing was known
        (0.0, 0.1, 0.0),
        (0.4, 2.5, 0.4),  # known to come evenly
    ],
)
def test_what_is_seen_in_the_rest_corrects_what_was_known(
    before: float, mean: float, dispersion: float
) -> None:
    assert Evenness(3, mean).dispersion(before) == dispersion


def test_before_any_look_nothing_is_known_whatever_a_drain_has_shown() -> None:
    # Events that match no rule were under way in it.
    assert [Evenness().dispersion(before) for before in (0.0, 0.4, 1.0, 4.0)] == [0.0] * 4
