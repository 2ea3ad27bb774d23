"""What is remembered of a drop at the forwarder's limiter: how much it takes, and when to go on."""

from dataclasses import dataclass, replace

# After a drop nothing goes for this many seconds, doubling with each drop in a row.
HOLD_SECONDS, LONGEST_HOLD = 10.0, 600.0

# The estimate of the limiter is used this far, and forgotten after this many seconds without a
# drop, doubling as well.
SAFE_SHARE, MEMORY_SECONDS, LONGEST_MEMORY = 0.9, 3600.0, 86_400.0

# The forwarder's clock is known this well, in seconds.
CLOCK_SECONDS = 0.1


@dataclass(frozen=True)
class Drop:
    """Moments are seconds since 1970, 0 for never.

    `ceiling` is what the limiter takes (-1: no drop is remembered). Nothing goes before
    `holds_until`; then one replay goes as a canary, at `canary_at`, and nothing else until it
    `has_passed`. `drops` counts drops in a row; `dropped` is how many replays the last one, which
    was found at `dropped_at`, is believed to have cost.
    """

    ceiling: int = -1
    dropped_at: float = 0.0
    holds_until: float = 0.0
    has_passed: bool = True
    canary_at: float = 0.0
    drops: int = 0
    dropped: int = 0

    @property
    def is_dropping(self) -> bool:
        """Whether a drop was seen and no canary has passed since."""
        return self.ceiling >= 0 and not self.has_passed

    def is_held(self, now: float) -> bool:
        """Whether nothing may go: a drop is too recent, or its canary has not arrived yet."""
        return now < self.holds_until or bool(self.canary_at)

    def limit(self, believed: int) -> int:
        """How many alerts the limiter takes in a period, given what is `believed`."""
        if self.ceiling < 0:
            return believed
        return min(believed, max(1, int(SAFE_SHARE * self.ceiling)))

    def found(self, missing: float, ceiling: int, now: float) -> "Drop":
        """After one more drop: `missing` replays, at a limiter that takes `ceiling` alerts."""
        drops = self.drops + 1
        return Drop(
            ceiling=ceiling,
            dropped_at=now,
            holds_until=now + min(LONGEST_HOLD, HOLD_SECONDS * 2.0 ** min(drops - 1, 32)),
            has_passed=False,
            drops=drops,
            dropped=max(1, round(missing)),
        )

    def is_forgotten(self, disproved_by: float, now: float) -> bool:
        """Whether the estimate is too old, or the limiter has taken more than `disproved_by`."""
        if self.ceiling < 0:
            return False
        memory = min(LONGEST_MEMORY, MEMORY_SECONDS * 2.0 ** min(self.drops - 1, 32))
        return disproved_by > self.ceiling or now - self.dropped_at > memory

    def canary_sent(self, now: float) -> "Drop":
        """After the replay that is a canary went."""
        return replace(self, canary_at=now)

    def without_canary(self) -> "Drop":
        """After the canary was lost from sight: another one may go."""
        return replace(self, canary_at=0.0)

    def canary_passed(self) -> "Drop":
        """After the canary was taken."""
        return replace(self, canary_at=0.0, has_passed=True)
