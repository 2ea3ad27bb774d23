"""How fast replays may go: a token bucket, and the room that the forwarder's limiter has.

The forwarder drops for good what meets a full window of its limiter. What it has taken, and when
each of these leaves the window again, is read from its own sorted set. A replay that goes now
stays in the window for a whole period, so there has to be room for it beside the live alerts that
may come until then; live alerts are what the limiter took and was not ours.
"""

from dataclasses import dataclass, replace
from math import inf, sqrt

from mutt_tasks.core.congestion import Congestion, stands
from mutt_tasks.core.limiter import STEPS, ForwarderClock, Limiter
from mutt_tasks.core.live_traffic import LiveTraffic, Load
from mutt_tasks.core.own_sends import OwnSends
from mutt_tasks.core.token_bucket import TokenBucket

# Where no forwarder's limiter was ever seen, `auto` keeps to this many messages a second. Once
# this many replays have gone and it still is not there, perhaps it has another key than we believe,
# and drops what we cannot see: from then on as many seconds pass before the next replay as there
# have been replays, at most this many.
AUTO_RATE = 10.0
UNSEEN_REPLAYS, UNSEEN_SECONDS = 10, 600.0

# This share of the limiter (at least one alert) is never used.
RESERVE_SHARE = 0.02
# The bucket fills a little faster than the limiter has room on average: the room is the limit.
FASTER_THAN_ROOM = 1.2

# However little room chance leaves, this share of what live traffic leaves on average is used, at
# least one alert a period, while the window is not nearly full: a backlog behind heavy traffic
# drains slowly, not never.
TRICKLE_SHARE = 0.1


@dataclass(frozen=True)
class Pace:
    """What is known of the rate that the forwarder carries.

    `seen_at` is when its limiter was last there, 0 when it never was: `unseen` replays have gone
    since.
    """

    bucket: TokenBucket = TokenBucket()
    traffic: LiveTraffic = LiveTraffic()
    load: Load = Load()
    congestion: Congestion = Congestion()
    clock: ForwarderClock = ForwarderClock()
    sends: OwnSends = OwnSends()
    seen_at: float = 0.0
    unseen: int = 0

    def observed(self, limiter: Limiter, queued: int, now: float) -> "Pace":
        """The pace after a look at the limiter; `queued` alerts have not reached it yet."""
        pace = replace(
            self,
            sends=self.sends.since_last_period(limiter, now),
            clock=self.clock.looked(limiter, now),
            seen_at=now if limiter.kept else self.seen_at,
            unseen=0 if limiter.kept else self.unseen,
        )
        if not self.traffic.is_due(limiter.period, now):
            return pace
        if stands(limiter, queued):
            # What the forwarder takes off a queue tells nothing of live traffic.
            return replace(
                pace,
                traffic=self.traffic.passed_over(now),
                congestion=self.congestion.stood(is_ours=bool(pace.sends.all)),
            )
        live = pace.live_now(limiter, queued, now)
        age = now - self.traffic.sampled_at if self.traffic.samples else inf
        return replace(
            pace,
            congestion=self.congestion.flowed(),
            load=self.load.sampled(live / limiter.period, age, now),
            traffic=self.traffic.sampled(live, limiter.period, now),
        )

    def forgotten(self) -> "Pace":
        """The pace without what was learnt of live traffic."""
        return replace(self, traffic=LiveTraffic(low_below=self.traffic.low_below))

    def live_now(self, limiter: Limiter, queued: int, now: float) -> float:
        """How many alerts of the last period were not ours; `queued` of ours may still wait."""
        ours = self.sends.all_in_window(limiter, now)
        return float(max(0, limiter.used - max(0, ours - queued)))

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
        left = max(0.0, limiter.limit - self.traffic.mean)
        return self.congestion.share * FASTER_THAN_ROOM * left / limiter.period

    def room(self, limiter: Limiter, queued: int) -> float:
        """How many more alerts may go so that the limiter's window never fills with them in it.

        `queued` alerts have not reached it yet. Where they stand longer than the forwarder works
        off in a moment it does not keep up, and would meet a full window once it does: no room.
        Where live traffic leaves none by this measure, there is TRICKLE_SHARE's.
        No bound where no limiter was ever seen.
        """
        if not self.seen_at:
            return inf
        if stands(limiter, queued):
            return 0.0
        usable = limiter.limit - max(1.0, RESERVE_SHARE * limiter.limit)
        return max(usable - self._fullest(limiter), self._trickle(limiter, usable)) - queued

    def _fullest(self, limiter: Limiter) -> float:
        """How many alerts may be in the window at its fullest moment of the coming period."""
        kept = limiter.kept or (0,)
        fullest = float(kept[0])
        for step in range(1, STEPS + 1):
            coming = self.traffic.most(step / STEPS)
            fullest = max(fullest, coming + (kept[step] if step < len(kept) else 0))
        return fullest

    def _trickle(self, limiter: Limiter, usable: float) -> float:
        """What goes in any case, while the window is not nearly full."""
        live = self.traffic.mean
        free = usable - limiter.used - 2 * sqrt(live)
        return min(max(1.0, TRICKLE_SHARE * (limiter.limit - live)) - self.sends.total, free)

    def refilled(self, rate: float, now: float) -> "Pace":
        """The bucket at `now`, when `rate` tokens a second flow in."""
        return replace(self, bucket=self.bucket.refilled(rate, now))

    def spent(self, messages: int, period: float, now: float, is_sure: bool = True) -> "Pace":
        """The pace after `messages` were replayed, remembered for a limiter's `period` (s).

        `is_sure` says that they went straight to the forwarder's queue.
        """
        if not messages:
            return self
        return replace(
            self,
            bucket=self.bucket.spent(messages),
            unseen=0 if self.seen_at else self.unseen + messages,
            sends=self.sends.spent(messages, period, now, is_sure),
        )
