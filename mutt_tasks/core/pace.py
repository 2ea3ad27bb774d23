"""How fast replays may go: a token bucket, and the room that the forwarder's limiter has.

The forwarder drops for good what meets a full window of its limiter. What it has taken, and when
each of these leaves the window again, is read from its own sorted set. A replay that goes now
stays in the window for a whole period, so there has to be room for it beside the live alerts that
may come until then; live alerts are what the limiter took and was not ours.
"""

from dataclasses import dataclass, replace
from math import inf

from mutt_tasks.core.congestion import Congestion, stands
from mutt_tasks.core.limiter import ForwarderClock, Limiter
from mutt_tasks.core.live_traffic import LiveTraffic, Load
from mutt_tasks.core.own_sends import OwnSends
from mutt_tasks.core.room import limit_needed, room
from mutt_tasks.core.token_bucket import TokenBucket

# Where no forwarder's limiter was ever seen, `auto` keeps to this many messages a second. Once
# this many replays have gone and it still is not there, perhaps it has another key than we believe,
# and drops what we cannot see: from then on this many seconds pass before the next replay for each
# one that has gone, at most this many in all.
AUTO_RATE = 10.0
UNSEEN_REPLAYS, UNSEEN_SECONDS_EACH, UNSEEN_SECONDS = 10, 2.0, 600.0

# In a period no more replays go than this many times what live traffic leaves on average. A limiter
# that is smaller than we believe drops replays, and what is dropped leaves its room open. It costs
# a fiftieth of the time of a drain (simulated); at 1.3 a quarter more replays are lost before such
# a limiter is found.
MOST_SHARE = 1.1

# Where a forwarder does not keep up, replays go at so many times its share while fewer live alerts
# come than usual: in a period both together are no more than it carries.
SPREAD = 1.8

# After this many samples of live traffic it is certain that there is no room, and said.
ENOUGH_SAMPLES = 5


@dataclass(frozen=True)
class Pace:
    """What is known of the rate that the forwarder carries.

    `seen_at` is when its limiter was last there, 0 when it never was: `unseen` replays have gone
    since. They `have_vanished` once none of these was found in a queue either.
    """

    bucket: TokenBucket = TokenBucket()
    traffic: LiveTraffic = LiveTraffic()
    load: Load = Load()
    congestion: Congestion = Congestion()
    clock: ForwarderClock = ForwarderClock()
    sends: OwnSends = OwnSends()
    seen_at: float = 0.0
    unseen: int = 0
    have_vanished: bool = False

    def observed(self, limiter: Limiter, queued: int, now: float) -> "Pace":
        """The pace after a look at the limiter; `queued` alerts have not reached it yet."""
        pace = replace(
            self,
            sends=self.sends.since_last_period(limiter, now),
            clock=self.clock.looked(limiter, now),
            seen_at=now if limiter.accepted.is_there else self.seen_at,
            unseen=0 if limiter.accepted.is_there else self.unseen,
        )
        is_standing = stands(limiter, queued)
        # Once a queue was found standing, it disturbs until it is gone.
        is_disturbed = limiter.is_failing or (is_standing and self.congestion.is_standing)
        traffic = self.traffic.disturbed(now) if is_disturbed else self.traffic.calmed(now)
        is_nowhere = self.have_vanished or not (queued or pace.sends.all)
        pace = replace(pace, traffic=traffic, have_vanished=pace.is_unseen and is_nowhere)
        if not self.traffic.is_due(limiter.span, now):
            return pace
        if limiter.is_failing or is_standing:
            return pace._held_up(limiter, queued, now)
        if not pace.traffic.is_clear(limiter.span, now):
            traffic = pace.traffic.passed_over(now)
            return replace(pace, traffic=traffic, congestion=self._uncongested(limiter, now))
        live = pace.sends.others_recent(limiter, queued, now)
        age = now - self.traffic.sampled_at if self.traffic.samples else inf
        return replace(
            pace,
            congestion=self._uncongested(limiter, now),
            load=self.load.sampled(live / limiter.span, age, now),
            traffic=pace.traffic.sampled(live, limiter, now),
        )

    def _held_up(self, limiter: Limiter, queued: int, now: float) -> "Pace":
        """The pace after a period in which the forwarder slept, or a queue stood before it."""
        # What the forwarder takes off a queue tells nothing of live traffic.
        traffic = self.traffic.passed_over(now)
        if limiter.is_failing and traffic.samples < ENOUGH_SAMPLES:
            # Nor do one or two samples of before an outage tell of the time behind it.
            traffic = LiveTraffic(sampled_at=now, low_below=traffic.low_below)
        live = self.sends.others_recent(limiter, queued, now)
        is_telling = self.congestion.share >= 1 or live <= self._carried(limiter)
        return replace(
            self,
            traffic=traffic.disturbed(now),
            congestion=self.congestion.stood(bool(self.sends.all), is_telling),
        )

    def forgotten(self, now: float) -> "Pace":
        """The pace without what was learnt of live traffic, until it is measured anew."""
        return replace(self, traffic=LiveTraffic(low_below=self.traffic.low_below).disturbed(now))

    def came_back(self, replays: int) -> "Pace":
        """The pace after so many replays lie in a dead letter queue again: they did not vanish."""
        return replace(self, unseen=max(0, self.unseen - replays))

    @property
    def is_unseen(self) -> bool:
        """Whether replays should have shown the limiter by now, and have not."""
        return not self.seen_at and self.unseen >= UNSEEN_REPLAYS

    def rate(self, max_rate: float | None, limiter: Limiter) -> float | None:
        """The rate in force, messages/s; None means no limit.

        `max_rate` is a number, 0 for no limit, or None for `auto`. That is infinite, for the room
        is what bounds the pace; or, where the forwarder carries only a share of what its limiter
        has left beside live traffic, SPREAD times that; or AUTO_RATE where no limiter was ever
        seen, and less and less once replays should have shown it.
        """
        if max_rate is not None:
            return max_rate or None
        if not self.seen_at:
            seconds = min(UNSEEN_SECONDS_EACH * self.unseen, UNSEEN_SECONDS)
            return 1 / seconds if self.is_unseen else AUTO_RATE
        if self.congestion.share >= 1:
            return inf
        return SPREAD * self.congestion.share * self._left(limiter) / limiter.period

    def room(self, limiter: Limiter, queued: int) -> float:
        """How many more alerts may go so that the limiter's window never fills with them in it.

        `queued` alerts have not reached it yet. Where they stand longer than the forwarder works
        off in a moment it does not keep up, and would meet a full window once it does: no room.
        No bound where no limiter was ever seen; no room before live traffic was measured.
        """
        if not self.seen_at:
            return inf
        if not self.traffic.samples:
            return 0.0
        if stands(limiter, queued):
            return 0.0
        fits = room(limiter, queued, self.traffic)
        if self.congestion.share < 1:
            fits = min(fits, int(self._carried(limiter)) - limiter.accepted.recent - queued)
        return min(fits, max(1.0, MOST_SHARE * self._left(limiter)) - self.sends.total)

    def _carried(self, limiter: Limiter) -> float:
        """How many alerts, live ones and ours, the forwarder carries in a span at this share."""
        ours = self.congestion.share * self._left(limiter) * limiter.span / limiter.period
        return max(1.0, self.traffic.mean + ours)

    def _uncongested(self, limiter: Limiter, now: float) -> Congestion:
        """After the time since the last sample, in which no queue stood."""
        since = self.traffic.sampled_at
        return self.congestion.flowed((now - since) / limiter.span if since else 1.0)

    def _left(self, limiter: Limiter) -> float:
        """How many alerts live traffic leaves in a period on average."""
        return max(0.0, limiter.limit - self.traffic.mean * limiter.period / limiter.span)

    def limit_needed(self, limiter: Limiter) -> int:
        """With which limit replays would have room, where live traffic alone fills it.

        0 where it does not, as far as is known.
        """
        is_known = self.seen_at and self.traffic.samples >= ENOUGH_SAMPLES
        return limit_needed(limiter, self.traffic) if is_known else 0

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
