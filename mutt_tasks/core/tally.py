"""How many replays of a trial went and appeared, and how likely chance alone explains that."""

from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class Tally:
    """How many replays went as first and as second parts, and how many of them appeared."""

    low: int = 0
    low_seen: int = 0
    high: int = 0
    high_seen: int = 0

    @property
    def share(self) -> float:
        """The share of the first parts that appeared."""
        return self.low_seen / self.low if self.low else 1.0

    @property
    def missing(self) -> int:
        """How many did not appear."""
        return self.low - self.low_seen + self.high - self.high_seen

    @property
    def chance(self) -> float:
        """How likely so few of the second parts appear if they are no other than the first ones.

        The lower tail of the hypergeometric distribution (Fisher's exact test).
        """
        seen = self.low_seen + self.high_seen
        least = max(0, seen - self.low)
        counts = range(least, self.high_seen + 1)
        ways = sum(comb(self.high, k) * comb(self.low, seen - k) for k in counts)
        return ways / comb(self.low + self.high, seen)
