"""How fast replays may go: a token bucket, and the room that the forwarder's limiter has.

The forwarder drops for good what meets a full window of its limiter. What it has taken, and when
each of these leaves the window again, is read from its own sorted set. A replay that goes now
stays in the window for a whole period, so there has to be room for it beside the live alerts that
may come until then; live alerts are what the limiter took and was not ours.
"""

from dataclasses import dataclass, replace
from math import exp, inf, sqrt

# Where no forwarder's limiter was ever seen, `auto` keeps to this many messages a second. Once
# this many replays have gone and it still is not there, perhaps it has another key than we believe,
# and drops what we cannot see: from then on as many seconds pass before the next replay as there
# have been replays, at most this many.
AUTO_RATE = 10.0
UNSEEN_REPLAYS, UNSEEN_SECONDS = 10, 600.0

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

# So many samples in a row that are too low are another level of traffic.
LOWS = 5

# Bursts show in an average over this many seconds, whose peak fades over as many; without samples
# for the third it begins anew.
LOAD_SECONDS, PEAK_SECONDS, LOAD_GAP_SECONDS = 33.0, 300.0, 120.0

# More than this the spread of live traffic is not believed to exceed its mean.
_LARGEST_DISPERSION = 10.0

# What was measured so many periods ago says nothing any more.
_STALE_PERIODS = 60.0

# Our own sends of one period are remembered in so many parts, and until they have left the
# limiter's window, which they reach some hundredths of a second after they were sent.
_PARTS, _LAG_SECONDS = 50, 0.02

# Two looks no further apart than this (seconds) tell how the forwarder's clock differs from
# Redis': an alert that one of them found and the other did not was taken between them. A larger
# difference than the second number is no clock's.
_CLOSE_LOOKS, _LARGEST_SKEW = 0.3, 3600.0

Sends = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Limiter:
    """The forwarder's limiter: at most `limit` alerts in any `period` seconds.

    Of the alerts that it took, `kept[i]` are still in its window when i STEPS-ths of a period have
    passed; empty when its sorted set is not there. The newest was taken at `newest` by the
    forwarder's clock, in seconds since 1970 (0: there is none).
    """

    limit: int
    period: float
    kept: tuple[int, ...] = ()
    newest: float = 0.0

    @property
    def used(self) -> int:
        """How many alerts it took in the last period."""
        return self.kept[0] if self.kept else 0


@dataclass(frozen=True)
class Pace:
    """A token bucket as of `at` (seconds), and what is known of the traffic beside ours.

    `live` and `spread` are mean and variance of live alerts in one period, measured `samples`
    times, last at `sampled_at`; `sent` tells moments and numbers of our own replays of the last
    period, `sure` of those that went straight to the forwarder's queue. `seen_at` is when the
    limiter was last there, 0 when it never was: `unseen` replays have gone since. `share` of the
    full rate is what the forwarder has lately carried without a queue, `peak` the share at which
    one began to stand, and `is_standing` says whether it does. The last `lows` samples were too low
    for chance: below `low_below`. `load` is the long average of live alerts a second since
    `load_since`, `peak_load` its lately highest value. The forwarder's clock is `skew` seconds
    ahead of Redis'; `newest` was its newest alert at the last look, at `looked_at`.
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
    lows: int = 0
    low_below: float = 0.0
    load: float = 0.0
    peak_load: float = 0.0
    load_since: float = 0.0
    skew: float = 0.0
    newest: float = 0.0
    looked_at: float = 0.0
    unseen: int = 0
    sent: Sends = ()
    sure: Sends = ()

    def observed(self, limiter: Limiter, queued: int, now: float) -> "Pace":
        """The pace after a look at the limiter; `queued` alerts have not reached it yet.

        Live traffic is sampled once a period. Until its own spread is known it is taken for
        random (a Poisson process, whose variance is its mean).
        """
        oldest = now - limiter.period - _LAG_SECONDS
        pace = replace(
            self,
            sent=tuple((at, n) for at, n in self.sent if oldest < at <= now),
            sure=tuple((at, n) for at, n in self.sure if oldest < at <= now),
            seen_at=now if limiter.kept else self.seen_at,
            unseen=0 if limiter.kept else self.unseen,
            skew=self._skew(limiter, now),
            newest=limiter.newest,
            looked_at=now,
        )
        age = now - self.sampled_at
        if 0 <= age < limiter.period:
            return pace
        if self.stands(limiter, queued):
            # What the forwarder takes off a queue tells nothing of live traffic, and where we sent
            # nothing the queue tells nothing of our rate either.
            pace = replace(pace, is_standing=True, sampled_at=now if self.samples else 0.0)
            if not pace.sent:
                return pace
            return replace(
                pace,
                share=max(_LEAST_SHARE, _SLOWER * self.share),
                peak=self.peak if self.is_standing else self.share,
            )
        growth = _QUICKLY if self.share < _SLOWER * self.peak else _SLOWLY
        pace = replace(pace, share=min(1.0, self.share + growth), is_standing=False)
        live = pace.live_now(limiter, queued, now)
        pace = pace._loaded(live, age if self.samples else inf, limiter.period, now)
        # More or fewer than chance explains is other traffic than before, as after an outage;
        # fewer only if it goes on, for between two bursts there is nothing either.
        chance = HEADROOM_SIGMAS * sqrt(max(self.spread, self.live, 1.0))
        low_below = self.low_below if self.lows else self.live - chance
        lows = self.lows + 1 if live < low_below else 0
        has_changed = live > self.live + chance or lows >= LOWS
        if has_changed or not 0 <= age < _STALE_PERIODS * limiter.period:
            return replace(pace, live=live, spread=live, samples=1, sampled_at=now, lows=0)
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
            lows=lows,
            low_below=low_below,
        )

    def _loaded(self, live: float, age: float, period: float, now: float) -> "Pace":
        """The pace with one more sample in its long average of live traffic."""
        is_known = age < LOAD_GAP_SECONDS and self.load_since <= now
        if not is_known:
            return replace(self, load=live / period, peak_load=live / period, load_since=now)
        weight = 1 - exp(-age / LOAD_SECONDS)
        load = self.load + weight * (live / period - self.load)
        peak = max(load, self.peak_load * exp(-age / PEAK_SECONDS))
        return replace(self, load=load, peak_load=peak)

    def forgotten(self) -> "Pace":
        """The pace without what was learnt of live traffic."""
        return replace(self, live=0.0, spread=0.0, samples=0, sampled_at=0.0, lows=0)

    def live_now(self, limiter: Limiter, queued: int, now: float) -> float:
        """How many alerts of the last period were not ours; `queued` of ours may still wait."""
        ours = self.in_window(self.sent, limiter, now)
        return float(max(0, limiter.used - max(0, ours - queued)))

    def _skew(self, limiter: Limiter, now: float) -> float:
        """How far the forwarder's clock is ahead of Redis', as far as this look can tell."""
        is_close = 0 < now - self.looked_at <= _CLOSE_LOOKS
        is_fresh = limiter.newest != self.newest and abs(limiter.newest - now) < _LARGEST_SKEW
        if not (is_close and is_fresh):
            return self.skew
        return min(max(self.skew, limiter.newest - now), limiter.newest - self.looked_at)

    def in_window(self, sends: Sends, limiter: Limiter, now: float) -> int:
        """How many of our own replays can have reached the limiter within its last period."""
        newest = now - _LAG_SECONDS
        return sum(n for at, n in sends if newest - limiter.period < at <= newest)

    @property
    def is_unseen(self) -> bool:
        """Whether replays should have shown the limiter by now, and have not."""
        return not self.seen_at and self.unseen >= UNSEEN_REPLAYS

    def rate(self, max_rate: float | None, limiter: Limiter) -> float | None:
        """The rate in force, messages/s; None means no limit.

        `max_rate` is a number, 0 for no limit, or None for `auto`: about what the limiter has left
        beside live traffic (`room` is exact), or AUTO_RATE where none was ever seen, and less and
        less once replays should have shown it.
        """
        if max_rate is not None:
            return max_rate or None
        if not self.seen_at:
            return 1 / min(self.unseen, UNSEEN_SECONDS) if self.is_unseen else AUTO_RATE
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
        if self.stands(limiter, queued):
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
        dispersion = min(_LARGEST_DISPERSION, self.spread / self.live) if self.live else 0.0
        if _LIKE_POISSON[0] <= dispersion <= _LIKE_POISSON[1]:
            dispersion = 1.0
        skew = dispersion * (HEADROOM_SIGMAS**2 - 1) / 6
        spread = dispersion * self.live * periods
        return self.live * periods + HEADROOM_SIGMAS * sqrt(spread) + skew

    def stands(self, limiter: Limiter, queued: int) -> bool:
        """Whether the queues are longer than the forwarder works off within a moment."""
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

    def spent(self, messages: int, period: float, now: float, is_sure: bool = True) -> "Pace":
        """The pace after `messages` were replayed, remembered for a limiter's `period` (s).

        `is_sure` says that they went straight to the forwarder's queue.
        """
        if not messages:
            return self
        return replace(
            self,
            tokens=self.tokens - messages,
            unseen=0 if self.seen_at else self.unseen + messages,
            sent=_with(self.sent, messages, period, now),
            sure=_with(self.sure, messages, period, now) if is_sure else self.sure,
        )


def _with(sends: Sends, messages: int, period: float, now: float) -> Sends:
    """The sends with one more; what went at about the same moment is one entry."""
    if sends and 0 <= now - sends[-1][0] < period / _PARTS:
        return (*sends[:-1], (sends[-1][0], sends[-1][1] + messages))
    return (*sends, (now, messages))
