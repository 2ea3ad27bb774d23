"""Live alerts: how many come in a period of the limiter, and how many may come by chance.

Until their own spread is known they are taken for random (a Poisson process, whose variance is its
mean).
"""

from dataclasses import dataclass, replace
from math import exp, sqrt

# Room is kept, at every moment of the coming period, for as many live alerts as chance exceeds
# three times in a hundred thousand: that quantile of the normal distribution, in standard
# deviations. The trade-off is measured in docs/recovery.md.
HEADROOM_SIGMAS = 4.0

# How much the newest period counts, at least, in the averages of live traffic. The first ones
# count more; the guess that the spread begins with counts as several.
_MEAN_WEIGHT, _SPREAD_WEIGHT, _GUESSES = 0.03, 0.01, 5
# A variance between these multiples of the mean counts as a Poisson process' own, the mean: an
# estimate that wanders about it would narrow the room again and again.
_LIKE_POISSON = (0.5, 1.7)
# More than this the spread of live traffic is not believed to exceed its mean.
_LARGEST_DISPERSION = 10.0

# So many samples in a row that are too low are another level of traffic.
LOWS = 5
# What was measured this many periods ago says nothing any more.
_STALE_PERIODS = 60.0


@dataclass(frozen=True)
class LiveTraffic:
    """`mean` and variance (`spread`) of live alerts in one period.

    They were measured `samples` times, last at `sampled_at` (seconds since 1970). The last `lows`
    samples were too low for chance: below `low_below`.
    """

    mean: float = 0.0
    spread: float = 0.0
    samples: int = 0
    sampled_at: float = 0.0
    lows: int = 0
    low_below: float = 0.0

    def is_due(self, period: float, now: float) -> bool:
        """Whether it is time for a sample: once a period, or after a clock that went back."""
        return not 0 <= now - self.sampled_at < period

    def passed_over(self, now: float) -> "LiveTraffic":
        """After a period that teaches nothing."""
        return replace(self, sampled_at=now if self.samples else 0.0)

    def sampled(self, live: float, period: float, now: float) -> "LiveTraffic":
        """After a period in which `live` alerts were not ours."""
        # More or fewer than chance explains is other traffic than before, as after an outage;
        # fewer only if it goes on, for between two bursts there is nothing either.
        chance = HEADROOM_SIGMAS * sqrt(max(self.spread, self.mean, 1.0))
        low_below = self.low_below if self.lows else self.mean - chance
        lows = self.lows + 1 if live < low_below else 0
        has_changed = live > self.mean + chance or lows >= LOWS
        is_stale = not 0 <= now - self.sampled_at < _STALE_PERIODS * period
        if has_changed or is_stale:
            return replace(self, mean=live, spread=live, samples=1, sampled_at=now, lows=0)
        off = live - self.mean
        # One sample far off, as when the forwarder has just been started, is not taken whole.
        squared = min(off * off, 9 * max(live, self.mean, self.spread))
        samples = self.samples + 1
        mean_weight = max(_MEAN_WEIGHT, 1 / samples)
        spread_weight = max(_SPREAD_WEIGHT, 1 / (samples + _GUESSES))
        return LiveTraffic(
            mean=self.mean + mean_weight * off,
            spread=self.spread + spread_weight * (squared - self.spread),
            samples=samples,
            sampled_at=now,
            lows=lows,
            low_below=low_below,
        )

    def most(self, periods: float) -> float:
        """How many live alerts may come in so many periods, but for HEADROOM_SIGMAS' rare cases.

        The quantile of a Poisson distribution by its Cornish-Fisher expansion, scaled by how much
        more, or less, the measured traffic varies than such a one.
        """
        dispersion = min(_LARGEST_DISPERSION, self.spread / self.mean) if self.mean else 0.0
        if _LIKE_POISSON[0] <= dispersion <= _LIKE_POISSON[1]:
            dispersion = 1.0
        skew = dispersion * (HEADROOM_SIGMAS**2 - 1) / 6
        spread = dispersion * self.mean * periods
        return self.mean * periods + HEADROOM_SIGMAS * sqrt(spread) + skew


# Bursts show in an average over this many seconds, whose peak fades over as many; without samples
# for the third it begins anew.
LOAD_SECONDS, PEAK_SECONDS, LOAD_GAP_SECONDS = 33.0, 300.0, 120.0


@dataclass(frozen=True)
class Load:
    """The long `average` of live alerts a second since `since`, and its lately highest value."""

    average: float = 0.0
    peak: float = 0.0
    since: float = 0.0

    def sampled(self, rate: float, age: float, now: float) -> "Load":
        """With one more sample, `age` seconds after the last one."""
        is_known = age < LOAD_GAP_SECONDS and self.since <= now
        if not is_known:
            return Load(rate, rate, now)
        weight = 1 - exp(-age / LOAD_SECONDS)
        average = self.average + weight * (rate - self.average)
        return replace(
            self, average=average, peak=max(average, self.peak * exp(-age / PEAK_SECONDS))
        )
