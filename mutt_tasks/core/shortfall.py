"""Replays that were sent and have not appeared in the limiter, summed up over the last periods."""

from dataclasses import dataclass
from typing import Protocol

# Replays that may be on their way between a queue and the limiter, and the share of alerts that
# have their millisecond in common with another one: in the limiter's set both count once.
FEW, SHARED = 3, 0.05

# This share of what was missing still counts a period later.
_KEPT = 0.8


class Seen(Protocol):
    """What a look tells about missing replays: see core/watch.py."""

    @property
    def certain(self) -> int: ...
    @property
    def missing(self) -> int: ...
    @property
    def period(self) -> float: ...


@dataclass(frozen=True)
class Shortfall:
    """So many replays were `owed` by the limiter at the moment `at` (seconds since 1970)."""

    owed: float = 0.0
    at: float = 0.0

    def looked(self, seen: Seen, now: float) -> "Shortfall":
        """The same after a look: a few that are missing each period are many in the end."""
        if now - self.at < seen.period:
            return self
        return Shortfall(_KEPT * self.owed + max(0, seen.missing - 1), now)

    def is_certain(self, seen: Seen) -> bool:
        """Whether so many are missing that the limiter must have dropped some."""
        many = FEW + SHARED * seen.certain
        return seen.missing > many or (seen.missing > 0 and self.owed > FEW)
