"""The forwarder's limiter as it is read, and the clock that it runs on."""

from dataclasses import dataclass, replace

# Live traffic is counted over one period, or over this many seconds where a period is longer.
LONGEST_SPAN = 1.0

# Gaps between alerts are told to this part of a period.
STEPS = 10

# Two looks no further apart than this (seconds) tell how the forwarder's clock differs from
# Redis': an alert that one of them found and the other did not was taken between them. A larger
# difference than the second number is no clock's.
_CLOSE_LOOKS, _LARGEST_SKEW = 0.3, 3600.0

# A replay is in the limiter this many seconds after it went, where no queue stands.
_TAKEN_SECONDS = 0.1


def span_of(period: float) -> float:
    """Over how many seconds live traffic is counted, before a limiter with this period."""
    return min(period, LONGEST_SPAN)


@dataclass(frozen=True)
class Accepted:
    """What the limiter has accepted: `used` alerts in the last period, `recent` in the last span.

    `leaving` says, in ascending order, in how many seconds they leave its window again: one number
    for each `stride` of them, that of the last one to leave. The newest was accepted at `newest` by
    the forwarder's clock, in seconds since 1970, and the oldest that is still in its sorted set at
    `oldest` (0: there is none). `is_there` says that this set exists.
    """

    used: int = 0
    recent: int = 0
    leaving: tuple[float, ...] = ()
    stride: int = 1
    newest: float = 0.0
    oldest: float = 0.0
    is_there: bool = False


@dataclass(frozen=True)
class Limiter:
    """The forwarder's limiter: at most `limit` alerts in any `period` seconds.

    The forwarder behind it `is_failing` after a failure: it sleeps before it tries again.
    """

    limit: int
    period: float
    accepted: Accepted = Accepted()
    is_failing: bool = False

    @property
    def used(self) -> int:
        """How many alerts it accepted in the last period."""
        return self.accepted.used

    @property
    def span(self) -> float:
        """Over how many seconds live traffic is counted."""
        return span_of(self.period)

    @property
    def longest_gap(self) -> float:
        """The longest stretch of the last period without an alert, 1 if they came evenly.

        It is told in average distances between two alerts, to a STEPS-th of the period. The
        stretches at both ends of the period count as one.
        """
        taken = {int(STEPS * seconds / self.period) for seconds in self.accepted.leaving}
        is_empty = [step not in taken for step in range(STEPS)]
        if all(is_empty):
            return 0.0
        after_an_alert = is_empty.index(False)
        gap = longest = 0
        for each in is_empty[after_an_alert:] + is_empty[:after_an_alert]:
            gap = gap + 1 if each else 0
            longest = max(longest, gap)
        return longest * self.used / STEPS


@dataclass(frozen=True)
class ForwarderClock:
    """The forwarder's clock is `skew` seconds ahead of Redis'.

    Its newest alert was `newest` (by its own clock) at the last look, which was at `looked_at`
    (seconds since 1970).
    """

    skew: float = 0.0
    newest: float = 0.0
    looked_at: float = 0.0

    def looked(self, limiter: Limiter, now: float) -> "ForwarderClock":
        """The clock after one more look, as far as it can tell."""
        newest = limiter.accepted.newest
        found = replace(self, newest=newest, looked_at=now)
        is_close = 0 < now - self.looked_at <= _CLOSE_LOOKS
        is_fresh = newest != self.newest and abs(newest - now) < _LARGEST_SKEW
        if not (is_close and is_fresh):
            return found
        skew = min(max(self.skew, newest - now), newest - self.looked_at)
        return replace(found, skew=skew)

    def judged_from(self, limiter: Limiter, now: float) -> float:
        """From when on (seconds since 1970) a replay must be in the set, if it was not dropped.

        The forwarder forgets alerts that have left its window, which may be shorter than it is
        believed to be.
        """
        oldest = limiter.accepted.oldest
        forgotten_at = oldest - self.skew - _TAKEN_SECONDS if oldest else 0.0
        return max(forgotten_at, now - limiter.period)
