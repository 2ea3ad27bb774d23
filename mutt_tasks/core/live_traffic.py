"""Live alerts: how many come in a span of time, and how many may come by chance.

A span is one period of the limiter, or a second where that is shorter. Until their own spread is
known they count as random (a Poisson process, whose variance is its mean).
"""

from dataclasses import dataclass, replace
from math import exp, sqrt

from mutt_tasks.core.limiter import Limiter

# More than this many standard deviations off is no chance: it happens three times in 100,000.
CHANCE_SIGMAS = 4.0

# The mean looks back over this many samples, or this many periods of the limiter if that is more:
# what it is wrong by counts over a whole period. The spread looks back over more samples, and the
# guess that it begins with counts as several.
_SAMPLES, _PERIODS, _SPREAD_SAMPLES, _GUESSES = 50, 5, 100, 5
# A variance between these multiples of the mean counts as a Poisson process' own, the mean: an
# estimate that wanders about it would narrow the room again and again. The second one is for as
# many samples as the spread looks back over; fewer samples wander further.
_LIKE_POISSON = (0.5, 1.4)
# More than this the spread of live traffic is not believed to exceed its mean.
_LARGEST_DISPERSION = 10.0
# Nor is it believed to come in bursts of which fewer than this many can have been seen: one odd
# sample before little traffic would else keep room for more than the limiter takes.
_BURSTS = 3

# This many samples in a row that are too low are another level of traffic.
LOWS = 5
# What was measured this many spans ago says nothing any more.
_STALE_SPANS = 60.0


@dataclass(frozen=True)
class LiveTraffic:
    """`mean` and variance (`spread`) of live alerts in one span.

    They were measured `samples` times, last at `sampled_at` (seconds since 1970). The last `lows`
    samples were too low for chance: below `low_below`. At `disturbed_at` the limiter was last seen
    not to take live alerts as they come, which it `is_disturbed` still, or was until then.
    """

    mean: float = 0.0
    spread: float = 0.0
    samples: int = 0
    sampled_at: float = 0.0
    lows: int = 0
    low_below: float = 0.0
    disturbed_at: float = 0.0
    is_disturbed: bool = False

    def is_due(self, span: float, now: float) -> bool:
        """Whether it is time for a sample: once a span, or after a clock that went back."""
        return not 0 <= now - self.sampled_at < span

    def is_clear(self, span: float, now: float) -> bool:
        """Whether a whole span has passed since the last disturbance.

        In less than that a forwarder that was away has taken fewer alerts than came, or more, if a
        queue had waited for it; and one odd sample keeps room for odd traffic for minutes.
        """
        return not 0 <= now - self.disturbed_at < span

    def disturbed(self, now: float) -> "LiveTraffic":
        """After a look at a forwarder that sleeps, or at a queue before it."""
        return replace(self, disturbed_at=now, is_disturbed=True)

    def calmed(self, now: float) -> "LiveTraffic":
        """After a look that found none: the disturbance may have ended just before."""
        return replace(self, disturbed_at=now, is_disturbed=False) if self.is_disturbed else self

    def passed_over(self, now: float) -> "LiveTraffic":
        """After a span that teaches nothing."""
        return replace(self, sampled_at=now if self.samples else 0.0)

    def sampled(self, live: float, limiter: Limiter, now: float) -> "LiveTraffic":
        """After a span in which `live` alerts were not ours."""
        # More or fewer than chance explains is other traffic than before, as after an outage;
        # fewer only if it goes on, for between two bursts there is nothing either.
        chance = CHANCE_SIGMAS * sqrt(max(self.spread, self.mean, 1.0))
        low_below = self.low_below if self.lows else self.mean - chance
        lows = self.lows + 1 if live < low_below else 0
        is_stale = not 0 <= now - self.sampled_at < _STALE_SPANS * limiter.span
        if is_stale or lows >= LOWS:
            return replace(self, mean=live, spread=live, samples=1, sampled_at=now, lows=0)
        off = live - self.mean
        # A mean of few samples is off itself, which adds to each square. And one sample far off, as
        # when the forwarder has just been started, is not taken whole.
        square = off * off / (1 + 1 / self.known_for)
        squared = min(square, 9 * max(live, self.mean, self.spread))
        samples = self.samples + 1
        spread = self.spread + (squared - self.spread) / min(samples + _GUESSES, _SPREAD_SAMPLES)
        if live > max(self.most(1.0), self.mean + chance):
            # Perhaps these were bursts all along: they count for the spread.
            spread = max(live, spread)
            return replace(self, mean=live, spread=spread, samples=1, sampled_at=now, lows=0)
        memory = max(_SAMPLES, round(_PERIODS * limiter.period / limiter.span))
        return LiveTraffic(
            mean=self.mean + off / min(samples, memory),
            spread=spread,
            samples=samples,
            sampled_at=now,
            lows=lows,
            low_below=low_below,
            disturbed_at=self.disturbed_at,
        )

    @property
    def known_for(self) -> float:
        """Over how many spans the mean was taken, as far as they count."""
        return float(max(1, min(self.samples, _SAMPLES)))

    @property
    def dispersion(self) -> float:
        """Variance over mean: 1 where the measured traffic varies about like a Poisson process."""
        believed = max(1.0, self.known_for * self.mean / _BURSTS)
        most_believed = min(_LARGEST_DISPERSION, believed)
        dispersion = min(most_believed, self.spread / self.mean) if self.mean else 0.0
        least, most = _LIKE_POISSON
        known = min(1.0, (self.samples + _GUESSES) / _SPREAD_SAMPLES)
        return 1.0 if least <= dispersion <= 1 + (most - 1) / sqrt(known) else dispersion

    def expected(self, spans: float) -> tuple[float, float, float]:
        """Mean, variance and skew of the live alerts in that many spans.

        The skew is what the Cornish-Fisher expansion of a Poisson quantile adds to it, for each
        unit of z² - 1. All are scaled by how much more, or less, the measured traffic varies than
        a Poisson process. The variance includes that of the mean, which a few samples tell badly.
        """
        mean, dispersion = self.mean * spans, self.dispersion
        return mean, dispersion * mean * (1 + spans / self.known_for), dispersion / 6

    def most(self, spans: float) -> float:
        """How many live alerts may come in that many spans, but for CHANCE_SIGMAS' rare cases."""
        mean, variance, skew = self.expected(spans)
        return mean + CHANCE_SIGMAS * sqrt(variance) + skew * (CHANCE_SIGMAS**2 - 1)


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
