"""How fast replays may go: a token bucket, and the room that the forwarder's limiter has.

The forwarder drops for good what meets a full window of its limiter. What it has taken, and when
each of these leaves the window again, is read from its own sorted set. A replay that goes now
stays in the window for a whole period, so there has to be room for it beside the live alerts that
may come until then; live alerts are what the limiter took and was not ours.
"""

from dataclasses import dataclass, replace
from math import sqrt

# Where no forwarder's limiter was ever seen, `auto` keeps to this many messages a second.
AUTO_RATE = 10.0

# The bucket holds this much time's worth, at least one message: no pause is followed by a burst.
BURST_SECONDS = 0.2

# Room is kept, at every moment of the coming period, for as many live alerts as chance exceeds
# three times in a hundred thousand: that quantile of the normal distribution, in standard
# deviations. The trade-off is measured in docs/recovery.md.
HEADROOM_SIGMAS = 4.0
# ... and this share of the limiter (at least one alert), which is never used.
RESERVE_SHARE = 0.02
# The bucket fills a little faster than the limiter has room on average: the room is the limit.
SMOOTHING = 1.2

# However little room chance leaves, this share of what live traffic leaves on average is used, at
# least one alert a period, while the window is not nearly full: a backlog behind heavy traffic
# drains slowly, not never.
TRICKLE_SHARE = 0.1

# A queue in front of the limiter may hold this much time's worth of alerts, or a few.
STANDING_SECONDS, FEW = 0.25, 3
# Each period in which it holds more makes the rate smaller by this factor. It grows again quickly
# up to the same factor of where it was when that last happened, and slowly from there, as TCP
# does: so the pace finds what a forwarder can carry that is slower than its limiter.
_SLOWER, _QUICKLY, _SLOWLY, _LEAST_SHARE = 0.7, 0.05, 0.005, 0.02

# The coming period is looked at in so many steps.
STEPS = 10

# How much the newest period counts, at least, in the averages of live traffic. The first ones
# count more; the guess that the spread begins with counts as several.
_MEAN_WEIGHT, _SPREAD_WEIGHT, _GUESSES = 0.03, 0.01, 5
# A variance between these multiples of the mean counts as a Poisson process' own, the mean: an
# estimate that wanders about it would narrow the room again and again.
_LIKE_POISSON = (0.5, 1.7)

# What was measured so many periods ago says nothing any more.
_STALE_PERIODS = 60.0

# Our own sends of one period are remembered in so many parts, and until they have left the
# limiter's window, which they reach some hundredths of a second after they were sent.
_PARTS, _LAG_SECONDS = 50, 0.02


@dataclass(frozen=True)
class Limiter:
    """The forwarder's limiter: at most `limit` alerts in any `period` seconds.

    Of the alerts that it took, `kept[i]` are still in its window when i STEPS-ths of a period have
    passed; empty when its sorted set is not there.
    """

    limit: int
    period: float
    kept: tuple[int, ...] = ()

    @property
    def used(self) -> int:
        """How many alerts it took in the last period."""
        return self.kept[0] if self.kept else 0


@dataclass(frozen=True)
class Pace:
    """A token bucket as of `at` (seconds), and what is known of the traffic beside ours.

    `live` and `spread` are mean and variance of live alerts in one period, measured `samples`
    times, last at `sampled_at`; `sent` tells moments and numbers of our own replays of the last
    period; `seen_at` is when the limiter was last there, 0 when it never was. `share` of the full
    rate is what the forwarder has lately carried without a queue, `peak` the share at which one
    began to stand, and `is_standing` says whether it does.
    """

    tokens: float = 1.0
    at: float = 0.0
    live: float = 0.0
    spread: float = 0.0
    samples: int = 0
    sampled_at: float = 0.0
    seen_at: float = 0.0
    share: float = 1.0
    peak: float = 1.0
    is_standing: bool = False
    sent: tuple[tuple[float, int], ...] = ()

    def observed(self, limiter: Limiter, queued: int, now: float) -> "Pace":
        """The pace after a look at the limiter; `queued` alerts have not reached it yet.

        Live traffic is sampled once a period. Until its own spread is known it is taken for
        random (a Poisson process, whose variance is its mean).
        """
        oldest = now - limiter.period - _LAG_SECONDS
        sent = tuple((at, n) for at, n in self.sent if oldest < at <= now)
        pace = replace(self, sent=sent, seen_at=now if limiter.kept else self.seen_at)
        age = now - self.sampled_at
        if 0 <= age < limiter.period:
            return pace
        if self._stands(limiter, queued):
            # What the forwarder takes off a queue tells nothing of live traffic.
            return replace(
                pace,
                share=max(_LEAST_SHARE, _SLOWER * self.share),
                peak=self.peak if self.is_standing else self.share,
                is_standing=True,
                sampled_at=now if self.samples else 0.0,
            )
        growth = _QUICKLY if self.share < _SLOWER * self.peak else _SLOWLY
        pace = replace(pace, share=min(1.0, self.share + growth), is_standing=False)
        live = pace.live_now(limiter, queued, now)
        # More than chance explains is other traffic than before, as after an outage.
        has_risen = live > self.live + HEADROOM_SIGMAS * sqrt(max(self.spread, self.live, 1.0))
        if has_risen or not 0 <= age < _STALE_PERIODS * limiter.period:
            return replace(pace, live=live, spread=live, samples=1, sampled_at=now)
        off = live - self.live
        # One sample far off, as when the forwarder has just been started, is not taken whole.
        squared = min(off * off, 9 * max(live, self.live, self.spread))
        samples = self.samples + 1
        mean_weight = max(_MEAN_WEIGHT, 1 / samples)
        spread_weight = max(_SPREAD_WEIGHT, 1 / (samples + _GUESSES))
        return replace(
            pace,
            live=self.live + mean_weight * off,
            spread=self.spread + spread_weight * (squared - self.spread),
            samples=samples,
            sampled_at=now,
        )

    def live_now(self, limiter: Limiter, queued: int, now: float) -> float:
        """How many alerts of the last period were not ours; `queued` of ours may still wait."""
        newest = now - _LAG_SECONDS
        ours = sum(n for at, n in self.sent if newest - limiter.period < at <= newest)
        return float(max(0, limiter.used - max(0, ours - queued)))

    def rate(self, max_rate: float | None, limiter: Limiter) -> float | None:
        """The rate in force, messages/s; None means no limit.

        `max_rate` is a number, 0 for no limit, or None for `auto`: about what the limiter has left
        beside live traffic (`room` is exact), or AUTO_RATE where none was ever seen.
        """
        if max_rate is not None:
            return max_rate or None
        if not self.seen_at:
            return AUTO_RATE
        return self.share * SMOOTHING * max(0.0, limiter.limit - self.live) / limiter.period

    def room(self, limiter: Limiter, queued: int) -> float:
        """How many more alerts may go so that the limiter's window never fills with them in it.

        `queued` alerts have not reached it yet. Where they stand longer than STANDING_SECONDS the
        forwarder does not keep up, and would meet a full window once it does: no room. Where live
        traffic leaves none by this measure, there is TRICKLE_SHARE's.
        No bound where no limiter was ever seen.
        """
        if not self.seen_at:
            return float("inf")
        kept = limiter.kept or (0,)
        fullest = float(kept[0])
        for step in range(1, STEPS + 1):
            coming = self.most_live(step / STEPS)
            fullest = max(fullest, coming + (kept[step] if step < len(kept) else 0))
        reserve = max(1.0, RESERVE_SHARE * limiter.limit)
        if self._stands(limiter, queued):
            return 0.0
        trickle = max(1.0, TRICKLE_SHARE * (limiter.limit - self.live))
        free = limiter.limit - reserve - kept[0] - 2 * sqrt(self.live)
        trickle = min(trickle - sum(n for _, n in self.sent), free)
        return max(limiter.limit - reserve - fullest, trickle) - queued

    def most_live(self, periods: float) -> float:
        """How many live alerts may come in so many periods, but for HEADROOM_SIGMAS' rare cases.

        The quantile of a Poisson distribution by its Cornish-Fisher expansion, scaled by how much
        more, or less, the measured traffic varies than such a one.
        """
        dispersion = self.spread / self.live if self.live else 0.0
        if _LIKE_POISSON[0] <= dispersion <= _LIKE_POISSON[1]:
            dispersion = 1.0
        skew = dispersion * (HEADROOM_SIGMAS**2 - 1) / 6
        spread = dispersion * self.live * periods
        return self.live * periods + HEADROOM_SIGMAS * sqrt(spread) + skew

    def _stands(self, limiter: Limiter, queued: int) -> bool:
        return queued > max(FEW, STANDING_SECONDS * limiter.used / limiter.period)

    def refilled(self, rate: float, now: float) -> "Pace":
        """The bucket at `now`, when `rate` tokens a second flow in.

        It never holds more than BURST_SECONDS' worth (at least one message). A clock that went
        back adds nothing; one that jumped back makes it start anew, full.
        """
        capacity = max(1.0, rate * BURST_SECONDS)
        elapsed = now - self.at
        has_jumped = elapsed < -1.0
        tokens = capacity if has_jumped else max(0.0, self.tokens) + rate * max(0.0, elapsed)
        return replace(self, tokens=min(capacity, tokens), at=now)

    def spent(self, messages: int, period: float, now: float) -> "Pace":
        """The pace after `messages` were replayed, remembered for a limiter's `period` (s)."""
        if not messages:
            return self
        sent = self.sent
        if sent and 0 <= now - sent[-1][0] < period / _PARTS:
            sent = (*sent[:-1], (sent[-1][0], sent[-1][1] + messages))
        else:
            sent = (*sent, (now, messages))
        return replace(self, tokens=self.tokens - messages, sent=sent)
