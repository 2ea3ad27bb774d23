"""How many live alerts may come: mean, spread and what is believed of both, by numbers."""

from dataclasses import replace
from math import exp, sqrt
from typing import Any

import pytest

from mutt_tasks.core.limiter import Limiter
from mutt_tasks.core.live_traffic import LiveTraffic, Load

NOW = 1_800_000_000.0
LIMITER = Limiter(1000, 1.0)


def known(mean: float, spread: float = -1, samples: int = 200, **more: Any) -> LiveTraffic:
    """Traffic that was measured often, the last time a second ago; random without a `spread`."""
    found = LiveTraffic(mean, mean if spread < 0 else spread, samples, NOW - 1)
    return replace(found, **more)


def test_a_sample_is_due_once_a_span_and_behind_a_clock_that_went_back() -> None:
    traffic = LiveTraffic(sampled_at=NOW)

    assert [traffic.is_due(0.5, NOW + at) for at in (0, 0.4, 0.5, -0.1)] == [
        *(False, False, True, True)
    ]


def test_a_span_that_teaches_nothing_moves_the_next_sample_only() -> None:
    assert known(5.0).passed_over(NOW) == replace(known(5.0), sampled_at=NOW)
    assert LiveTraffic().passed_over(NOW) == LiveTraffic()


def test_the_mean_is_that_of_all_samples_up_to_fifty() -> None:
    assert known(10.0, samples=3).sampled(14.0, LIMITER, NOW).mean == 11.0
    assert known(10.0, samples=200).sampled(15.0, LIMITER, NOW).mean == 10.1
    # Before a limiter whose period is twenty spans, five periods are a hundred samples.
    assert known(10.0, samples=200).sampled(15.0, Limiter(9, 20.0), NOW).mean == 10.05
    assert known(10.0, samples=200).sampled(15.0, Limiter(9, 5.0), NOW).mean == 10.1


def test_the_spread_is_that_of_a_hundred_samples_of_which_the_guess_counts_as_five() -> None:
    def spread(samples: int) -> float:
        return known(16.0, samples=samples).sampled(22.0, LIMITER, NOW).spread

    # (6² / (1 + 1/4) - 16) / 10: of five samples and the five of the guess, and the mean of four
    # samples is off by a quarter of the variance itself.
    assert spread(4) == pytest.approx(16 + 1.28)
    assert spread(900) == pytest.approx(16 + (36 / 1.02 - 16) / 100)


def test_one_sample_far_off_counts_as_three_deviations_at_most() -> None:
    # 4 instead of 20 is 16 off; 9 * 20 = 180 of its square of 256 count.
    found = known(20.0, spread=20.0, samples=900).sampled(4.0, LIMITER, NOW)

    assert found.spread == pytest.approx(20 + (180 - 20) / 100)


def test_more_than_chance_brings_is_another_level_at_once() -> None:
    # 25 + 4 * sqrt(25 * 1.02) + 15 / 6 = 47.7: random traffic exceeds it in one hour of ten.
    kept = known(25.0).sampled(47.0, LIMITER, NOW)
    assert (kept.samples, kept.mean) == (201, 25.44)

    anew = known(25.0).sampled(48.0, LIMITER, NOW)
    assert (anew.samples, anew.mean, anew.sampled_at) == (1, 48.0, NOW)
    # Perhaps bursts: the spread is no smaller than these.
    assert anew.spread == 48.0
    assert known(25.0, spread=100.0).sampled(66.0, LIMITER, NOW).spread > 100.0


def test_without_traffic_four_alerts_are_chance() -> None:
    assert known(0.0).sampled(4.0, LIMITER, NOW).samples == 201
    assert known(0.0).sampled(5.0, LIMITER, NOW).samples == 1


def test_five_samples_in_a_row_that_are_too_low_are_another_level() -> None:
    traffic, now = known(36.0), NOW
    for lows in range(1, 5):
        traffic = traffic.sampled(11.0, LIMITER, now)  # below 36 - 4 * 6
        assert (traffic.lows, traffic.low_below) == (lows, 12.0)
        now += 1
    traffic = traffic.sampled(11.0, LIMITER, now)
    assert (traffic.mean, traffic.spread, traffic.samples, traffic.lows) == (11.0, 11.0, 1, 0)


def test_one_sample_that_is_high_enough_ends_the_row() -> None:
    low = known(36.0).sampled(11.0, LIMITER, NOW)

    assert low.sampled(12.0, LIMITER, NOW + 1).lows == 0
    assert known(36.0).sampled(12.0, LIMITER, NOW).lows == 0


def test_what_was_measured_a_minute_ago_says_nothing() -> None:
    def samples(ago: float, limiter: Limiter = LIMITER) -> int:
        return known(5.0, sampled_at=NOW - ago).sampled(5.0, limiter, NOW).samples

    assert (samples(59.9), samples(60), samples(-1)) == (201, 1, 1)
    assert (samples(29.9, Limiter(9, 0.5)), samples(30, Limiter(9, 0.5))) == (201, 1)


@pytest.mark.parametrize(("samples", "spans"), [(0, 1.0), (1, 1.0), (7, 7.0), (50, 50), (90, 50)])
def test_the_mean_is_known_for_as_many_spans_as_were_measured_up_to_fifty(
    samples: int, spans: float
) -> None:
    assert known(5.0, samples=samples).known_for == spans


@pytest.mark.parametrize(
    ("mean", "spread", "dispersion"),
    [
        *((10, 10, 1), (10, 5, 1), (10, 4.9, 0.49), (10, 14, 1), (10, 14.1, 1.41), (10, 99, 9.9)),
        *((10, 101, 10), (0, 9, 0), (10, 0, 0)),
        # Fewer than three bursts in 50 spans are not believed: 50 * 0.12 / 3 = 2.
        *((0.12, 9, 2), (0.06, 9, 1)),
    ],
)
def test_traffic_varies_as_it_was_measured_within_what_is_believed(
    mean: float, spread: float, dispersion: float
) -> None:
    assert known(mean, spread).dispersion == pytest.approx(dispersion)


def test_few_samples_may_wander_further_from_random_traffic() -> None:
    # Of 20 samples and the guess of five a quarter of a hundred: 1 + 0.4 / sqrt(0.25).
    assert known(10, 17.9, samples=20).dispersion == 1.0
    assert known(10, 18.1, samples=20).dispersion == pytest.approx(1.81)


def test_what_is_expected_grows_with_the_spans_and_with_how_badly_the_mean_is_known() -> None:
    assert known(10.0).expected(2.0) == pytest.approx((20.0, 20 * (1 + 2 / 50), 1 / 6))
    assert known(10.0, samples=4).expected(2.0) == pytest.approx((20.0, 30.0, 1 / 6))
    assert known(10.0, 30.0).expected(1.0) == pytest.approx((10.0, 30 * 1.02, 0.5))


def test_four_deviations_more_than_the_mean_may_come_and_the_skew_of_a_poisson_stream() -> None:
    assert known(100.0).most(1.0) == pytest.approx(100 + 4 * sqrt(102) + 15 / 6)


# --- the long average ---


def test_a_long_average_takes_what_half_a_minute_tells() -> None:
    load = Load(average=2.0, peak=2.0, since=NOW - 99).sampled(5.0, 33.0, NOW)

    assert load.average == pytest.approx(5 - 3 * exp(-1))
    assert (load.peak, load.since) == (load.average, NOW - 99)


def test_its_peak_fades_over_five_minutes() -> None:
    load = Load(average=0.0, peak=8.0, since=NOW - 99).sampled(0.0, 30.0, NOW)

    assert load.peak == pytest.approx(8 * exp(-0.1))


def test_a_long_average_begins_anew_after_two_minutes_without_a_sample() -> None:
    known_load = Load(average=2.0, peak=9.0, since=NOW - 999)

    assert known_load.sampled(5.0, 119.9, NOW).since == NOW - 999
    assert known_load.sampled(5.0, 120.0, NOW) == Load(5.0, 5.0, NOW)
    assert Load(2.0, 9.0, NOW + 1).sampled(5.0, 1.0, NOW) == Load(5.0, 5.0, NOW)
    assert Load(2.0, 9.0, NOW).sampled(5.0, 1.0, NOW).since == NOW
