"""The forwarder's limiter as it is read, and the clock that it runs on."""

from dataclasses import dataclass, replace
from itertools import pairwise

# The coming period is looked at in so many steps.
STEPS = 10

# Two looks no further apart than this (seconds) tell how the forwarder's clock differs from
# Redis': an alert that one of them found and the other did not was taken between them. A larger
# difference than the second number is no clock's.
_CLOSE_LOOKS, _LARGEST_SKEW = 0.3, 3600.0

# A replay is in the limiter so many seconds after it went, where no queue stands.
_TAKEN_SECONDS = 0.1


@dataclass(frozen=True)
class Limiter:
    """The forwarder's limiter: at most `limit` alerts in any `period` seconds.

    Of the alerts that it took, `kept[i]` are still in its window when i STEPS-ths of a period have
    passed; empty when its sorted set is not there. The newest was taken at `newest` by the
    forwarder's clock, in seconds since 1970, and the oldest that is still in its set at `oldest`
    (0: there is none).
    """

    limit: int
    period: float
    kept: tuple[int, ...] = ()
    newest: float = 0.0
    oldest: float = 0.0

    @property
    def used(self) -> int:
        """How many alerts it took in the last period."""
        return self.kept[0] if self.kept else 0

    @property
    def longest_gap(self) -> float:
        """The longest stretch of the last period without an alert, 1 if they came evenly.

        It is told in average distances between two alerts, to a STEPS-th of the period. The
        stretches at both ends of the period count as one.
        """
        is_empty = [older == younger for older, younger in pairwise(self.kept)]
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
        found = replace(self, newest=limiter.newest, looked_at=now)
        is_close = 0 < now - self.looked_at <= _CLOSE_LOOKS
        is_fresh = limiter.newest != self.newest and abs(limiter.newest - now) < _LARGEST_SKEW
        if not (is_close and is_fresh):
            return found
        skew = min(max(self.skew, limiter.newest - now), limiter.newest - self.looked_at)
        return replace(found, skew=skew)

    def judged_from(self, limiter: Limiter, now: float) -> float:
        """From when on (seconds since 1970) a replay must be in the set, if it was not dropped.

        The forwarder forgets alerts that have left its window, which may be shorter than it is
        believed to be.
        """
        oldest = limiter.oldest - self.skew - _TAKEN_SECONDS if limiter.oldest else 0.0
        return max(oldest, now - limiter.period)
