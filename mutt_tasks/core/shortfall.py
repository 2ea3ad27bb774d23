"""Replays that were sent and are missing in the limiter: suddenly, or a few in each period."""

from dataclasses import dataclass

from mutt_tasks.core.sight import Sight

# Replays that may be on their way between a queue and the limiter, and the share of alerts that
# have their millisecond in common with another one: in the limiter's set both count once.
FEW, SHARED = 3, 0.05

# Replays that are missing at one look may be between a queue and the limiter. Those that are
# missing at every look for this many seconds are not.
LASTING_SECONDS = 0.1
# Differences between two floating-point numbers that should be equal.
_ROUNDING = 1e-6

# This share of what was missing still counts a period later.
_KEPT = 0.8


@dataclass(frozen=True)
class Missing:
    """Replays are missing `since` then (seconds since 1970); 0: at the last look none were."""

    since: float = 0.0

    def looked(self, is_missing: bool, now: float) -> "Missing":
        """The same after a look; a moment in the future is one before a clock went back."""
        if not is_missing:
            return Missing()
        return Missing(min(self.since or now, now))

    def is_lasting(self, now: float) -> bool:
        """Whether they are missing for so long that they are not on their way."""
        return 0 < self.since <= now - LASTING_SECONDS + _ROUNDING


@dataclass(frozen=True)
class Shortfall:
    """So many replays were `owed` by the limiter at the moment `at` (seconds since 1970)."""

    owed: float = 0.0
    at: float = 0.0

    def looked(self, seen: Sight, now: float) -> "Shortfall":
        """The same after a look: a few that are missing each period are many in the end."""
        if now - self.at < seen.period:
            return self
        return Shortfall(_KEPT * self.owed + max(0, seen.missing - 1), now)

    def is_certain(self, seen: Sight) -> bool:
        """Whether so many are missing that the limiter must have dropped some."""
        many = FEW + SHARED * seen.certain
        return seen.missing > many or (seen.missing > 0 and self.owed > FEW)
