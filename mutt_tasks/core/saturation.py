"""What the looks at a limiter have shown: stretches of time, each judged by itself.

Two stretches overlap, so that what was seen just before a new one began is not forgotten at once.
"""

from dataclasses import dataclass, replace

from mutt_tasks.core.sight import Sight
from mutt_tasks.core.stretch import Span, Stretch

# Replays are under way for so many seconds, where no queue stands.
UNDER_WAY_SECONDS = 0.06

# A longer time between two looks that found the queues empty tells nothing (in periods).
LONGEST_SPAN_PERIODS = 0.2

# Moments are told to a millisecond.
SAME_SECONDS = 0.0005

# Two stretches are looked at; a new one begins after so many periods.
STRETCH_PERIODS = 3.0


@dataclass(frozen=True)
class Saturation:
    """What the looks at a window have shown.

    `newer` goes on, and so does `older`, which began before it. At the last look, at `looked_at`
    (seconds since 1970) that found the queues empty, `used` alerts were in the window, the last of
    which was taken at `newest`. `coming` replays went since, the last of all at `sent_at`. `unseen`
    alerts should have come since the last one that was taken.
    """

    older: Stretch = Stretch()
    newer: Stretch = Stretch()
    looked_at: float = 0.0
    newest: float = 0.0
    used: int = 0
    coming: int = 0
    sent_at: float = 0.0
    unseen: float = 0.0

    def sent(self, replays: int, now: float) -> "Saturation":
        """The same after so many replays went."""
        return replace(self, coming=self.coming + replays, sent_at=now)

    def span(self, seen: Sight, now: float) -> Span:
        """What has happened since the last look that found the queues empty."""
        seconds = now - self.looked_at
        older = self.newest + SAME_SECONDS - now + seen.period
        fresh = sum(left > older for left in seen.leaving)
        took = max(seen.stride * (fresh - 1) + 1 if fresh else 0, seen.used - self.used)
        # What waits in a queue is not refused, and a long time ago nobody looked.
        if seen.queued or not 0 < seconds <= LONGEST_SPAN_PERIODS * seen.period:
            return Span(0.0, self.used, seen.used, took)
        is_quiet = not self.coming and self.looked_at - self.sent_at >= UNDER_WAY_SECONDS
        return Span(seconds, self.used, seen.used, took, ours=self.coming, is_quiet=is_quiet)

    def looked(self, span: Span, seen: Sight, expected: float, now: float) -> "Saturation":
        """The same after this span, in which `expected` alerts should have been taken."""
        older, newer = self.older.looked(span), self.newer.looked(span)
        if now - newer.since >= STRETCH_PERIODS * seen.period:
            older, newer = newer, Stretch(since=now)
        found = replace(self, older=older, newer=newer)
        if seen.queued:
            return found
        unseen = 0.0 if span.took else self.unseen + (expected if span.seconds else 0.0)
        newest = now - seen.period + seen.leaving[-1] if seen.leaving else self.newest
        return replace(found, looked_at=now, newest=newest, used=seen.used, coming=0, unseen=unseen)

    def fullest(self, dispersion: float) -> tuple[float, int]:
        """How likely chance alone explains what was seen, and at which level the window is full."""
        chances = (stretch.chance(dispersion) for stretch in (self.older, self.newer))
        return min(zip(chances, (self.older.level, self.newer.level), strict=True))

    def missing(self, share: float) -> float:
        """How many replays too few were taken at the level, where this share is forwarded."""
        stretches = self.older, self.newer
        return max(share * stretch.ours_full - stretch.seen_full for stretch in stretches)
