"""Whether a limiter's window is full at its highest number of alerts: nothing more is taken there.

A limiter that is not full takes what comes, however many alerts its window holds. A full one takes
nothing while it holds its limit. So the looks at it are of two kinds: those that found it at its
highest number, and all others. If what came in the others had come as often at the highest number,
some of it would have raised that number. How likely it is that by chance none did is known exactly,
whatever share of the replays is forwarded and however much live traffic there is: given how many
alerts were taken, live ones (a Poisson process) fall into any time by its length, and ours are any
of those that went.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from mutt_tasks.core.tally import Tally

# A chance above this is not told exactly.
NO_WONDER = 0.05

# A longer time between two looks (periods) tells nothing.
LONGEST_SPAN = 0.2

# Two stretches are looked at; a new one begins after so many periods.
STRETCH_PERIODS = 3.0


class Seen(Protocol):
    """What a look tells of the window: see core/watch.py."""

    @property
    def used(self) -> int: ...
    @property
    def queued(self) -> int: ...
    @property
    def period(self) -> float: ...
    @property
    def leaving(self) -> tuple[float, ...]: ...


@dataclass(frozen=True)
class Span:
    """What happened between two looks that were `seconds` apart.

    The window held `before` alerts and holds `after`; it `took` so many, and `ours` replays came.
    """

    seconds: float
    before: int
    after: int
    took: int
    ours: int

    @property
    def left(self) -> int:
        """How many alerts left the window."""
        return self.before + self.took - self.after


@dataclass(frozen=True)
class Stretch:
    """Looks since a moment (seconds since 1970).

    What was taken raised the window to `level` at most. It stood there for `seconds_full` in which
    `ours_full` replays came and nothing was taken. In the other `seconds` `ours` came, and `taken`
    alerts were.
    """

    since: float = 0.0
    level: int = 0
    seconds_full: float = 0.0
    ours_full: int = 0
    seen_full: int = 0
    seconds: float = 0.0
    ours: int = 0
    taken: int = 0

    def looked(self, span: Span) -> "Stretch":
        """The stretch after one more look."""
        if span.took and span.after > self.level:
            # It was not full below this: what came there counts with the rest.
            return Stretch(
                since=self.since,
                level=span.after,
                seconds=self.seconds + self.seconds_full + span.seconds,
                ours=self.ours + self.ours_full + span.ours,
                taken=self.taken + self.seen_full + (span.took if span.seconds else 0),
            )
        if not (self.level and span.seconds):
            return self
        if span.before >= self.level and not span.left:
            return replace(
                self,
                seconds_full=self.seconds_full + span.seconds,
                ours_full=self.ours_full + span.ours,
            )
        if span.before >= self.level and span.ours:
            # An alert has left the window, and another one could take its place.
            seen = min(span.ours, span.took)
            full, seen_full = self.ours_full + span.ours, self.seen_full + seen
            return replace(self, ours_full=full, seen_full=seen_full)
        return replace(
            self,
            seconds=self.seconds + span.seconds,
            ours=self.ours + span.ours,
            taken=self.taken + span.took,
        )

    def chance(self, dispersion: float) -> float:
        """How likely it is that by chance alone nothing was taken at the level.

        Nobody knows which of the alerts were ours: the likeliest number counts. `dispersion` is how
        much more live traffic varies than a Poisson process; of one that varies less the time tells
        nothing, for it may come as evenly as from a full limiter.
        """
        if not self.taken or not (self.seconds_full or self.ours_full):
            return 1.0
        by_time = self.seconds / (self.seconds + self.seconds_full) if dispersion >= 1 else 1.0

        def explained(ours: int) -> float:
            tally = Tally(self.ours, ours, self.ours_full, self.seen_full)
            return tally.chance * by_time ** ((self.taken - ours) / max(1.0, dispersion))

        least, most = 0, min(self.taken, self.ours)
        ends = max(explained(least), explained(most))
        if ends > NO_WONDER:
            return ends
        while least < most:  # it rises to one number and falls from there
            middle = (least + most) // 2
            if explained(middle) < explained(middle + 1):
                least = middle + 1
            else:
                most = middle
        return explained(least)


@dataclass(frozen=True)
class Saturation:
    """What the looks at a window have shown.

    `newer` goes on, and so does `older`, which began before it. At the last look, at `looked_at`
    (seconds since 1970) that found the queues empty, `used` alerts were in the window. `coming`
    replays went since. `unseen` alerts should have come since the last one that was taken.
    """

    older: Stretch = Stretch()
    newer: Stretch = Stretch()
    looked_at: float = 0.0
    used: int = 0
    coming: int = 0
    unseen: float = 0.0

    def sent(self, replays: int) -> "Saturation":
        """The same after so many replays went."""
        return replace(self, coming=self.coming + replays)

    def span(self, seen: Seen, now: float) -> Span:
        """What has happened since the last look that found the queues empty."""
        seconds = now - self.looked_at
        fresh = seen.period - seconds
        took = max(sum(left > fresh for left in seen.leaving), seen.used - self.used)
        # What waits in a queue is not refused, and a long time ago nobody looked.
        if seen.queued or not 0 < seconds <= LONGEST_SPAN * seen.period:
            return Span(0.0, self.used, seen.used, took, 0)
        return Span(seconds, self.used, seen.used, took, self.coming)

    def looked(self, span: Span, seen: Seen, expected: float, now: float) -> "Saturation":
        """The same after this span, in which `expected` alerts should have been taken."""
        older, newer = self.older.looked(span), self.newer.looked(span)
        if now - newer.since >= STRETCH_PERIODS * seen.period:
            older, newer = newer, Stretch(since=now)
        found = replace(self, older=older, newer=newer)
        if seen.queued:
            return found
        unseen = 0.0 if span.took else self.unseen + (expected if span.seconds else 0.0)
        return replace(found, looked_at=now, used=seen.used, coming=0, unseen=unseen)

    def fullest(self, dispersion: float) -> tuple[float, int]:
        """How likely chance alone explains what was seen, and at which level the window is full."""
        chances = (stretch.chance(dispersion) for stretch in (self.older, self.newer))
        return min(zip(chances, (self.older.level, self.newer.level), strict=True))
