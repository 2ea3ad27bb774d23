"""How many replays went and appeared, and how likely chance alone explains that."""

from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class Tally:
    """How many replays went where the window had room, and of `high` ones where it had none.

    So many of them were `seen` there.
    """

    low: int
    low_seen: int
    high: int
    high_seen: int

    @property
    def chance(self) -> float:
        """How likely so few of the high ones are seen if they are no other than the low ones.

        The lower tail of the hypergeometric distribution (Fisher's exact test).
        """
        seen = self.low_seen + self.high_seen
        least = max(0, seen - self.low)
        counts = range(least, self.high_seen + 1)
        ways = sum(comb(self.high, k) * comb(self.low, seen - k) for k in counts)
        return ways / comb(self.low + self.high, seen)
