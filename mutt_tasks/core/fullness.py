"""Whether a limiter's window stays at its highest number of alerts, as a full one's does.

The number in a window that is not full goes up and down by chance. In a full one it stays where it
is: whatever leaves is replaced at once by what would otherwise be dropped.
"""

from dataclasses import dataclass, replace

# A window counts as full if, over one or two stretches of this many periods and at least this many
# looks each, this share of the looks found it within one alert of the highest number. Simulated
# with Poisson traffic over three periods: full limiters 0.6 to 1, streams that are only filtered
# 0.02 to 0.2, of very few alerts 0.5.
FULL_PERIODS, FULL_LOOKS, FULL_SHARE = 1.5, 10, 0.55
# ... or if it held the same number, within one alert, all through this many periods,
LEVEL_PERIODS = 0.8
# ... and was not above it in longer stretches of this many periods: a limiter seldom changes.
TOP_PERIODS = 5.0

# Of so many alerts, one less is as good as the highest number.
_MANY = 10


@dataclass(frozen=True)
class Stretch:
    """Looks since a moment (seconds since 1970).

    Of `looks` looks `at` found the `highest` number of alerts, and `below` one less.
    """

    since: float = 0.0
    looks: int = 0
    highest: int = 0
    at: int = 0
    below: int = 0

    def looked(self, used: int) -> "Stretch":
        """The stretch with one more look."""
        found = replace(self, looks=self.looks + 1)
        if used > self.highest:
            below = self.at if used == self.highest + 1 else 0
            return replace(found, highest=used, at=1, below=below)
        below = self.below + (used == self.highest - 1)
        return replace(found, at=self.at + (used == self.highest), below=below)

    def near(self, highest: int) -> int:
        """How many looks found about so many alerts, the most of this stretch or one more."""
        if self.highest == highest:
            return self.at + (self.below if highest >= _MANY else 0)
        return self.at if self.highest == highest - 1 and highest >= _MANY else 0


@dataclass(frozen=True)
class Fullness:
    """What the looks at a window have shown.

    `stretch` goes on, `last` is the one before. All of `level_looks` looks since `level_since`
    found about `level` alerts. `top` is the highest number since
    `top_at`, `last_top` that of the time before.
    """

    stretch: Stretch = Stretch()
    last: Stretch = Stretch()
    level: int = 0
    level_since: float = 0.0
    level_looks: int = 0
    top: int = 0
    last_top: int = 0
    top_at: float = 0.0

    @property
    def highest(self) -> int:
        """The highest number of both stretches."""
        return max(self.stretch.highest, self.last.highest)

    def looked(self, used: int, period: float, now: float) -> "Fullness":
        """The same after a look that found `used` alerts."""
        found = self
        if now - self.stretch.since >= FULL_PERIODS * period:
            found = replace(found, last=self.stretch, stretch=Stretch(since=now))
        if now - self.top_at > TOP_PERIODS * period:
            found = replace(found, last_top=self.top, top=0, top_at=now)
        if not found.level - (found.level >= _MANY) <= used <= found.level:
            found = replace(found, level=used, level_since=now, level_looks=0)
        return replace(
            found,
            stretch=found.stretch.looked(used),
            top=max(found.top, used),
            level_looks=found.level_looks + 1,
        )

    def is_full(self, period: float, now: float) -> bool:
        """Whether the window seems to be full."""
        if not self.highest or max(self.top, self.last_top) > self.highest + 1:
            return False
        return self._is_level(period, now) or self._stays_high

    @property
    def _stays_high(self) -> bool:
        if min(self.stretch.looks, self.last.looks) < FULL_LOOKS:
            return False
        near = self.stretch.near(self.highest) + self.last.near(self.highest)
        return near >= FULL_SHARE * (self.stretch.looks + self.last.looks)

    def _is_level(self, period: float, now: float) -> bool:
        is_long = now - self.level_since >= LEVEL_PERIODS * period
        is_highest = self.level > 0 and self.level >= self.stretch.highest - 1
        return is_long and is_highest and self.level_looks >= FULL_LOOKS
