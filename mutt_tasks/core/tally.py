"""How many replays went and appeared, and how likely chance alone explains that."""

from dataclasses import dataclass
from math import exp, lgamma

# Terms this much smaller than the sum are left out.
_NEGLIGIBLE = 1e-12


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

        The lower tail of the hypergeometric distribution (Fisher's exact test), from its largest
        number on; each term follows from the one before, for with exact ones of thousands of
        replays a look would take too long.
        """
        seen, k = self.low_seen + self.high_seen, self.high_seen
        ways = _log_ways(self.high, k) + _log_ways(self.low, self.low_seen)
        chance = term = exp(ways - _log_ways(self.low + self.high, seen))
        while k > max(0, seen - self.low) and term > _NEGLIGIBLE * chance:
            term *= k * (self.low - seen + k) / ((self.high - k + 1) * (seen - k + 1))
            chance += term
            k -= 1
        return min(1.0, chance)


def _log_ways(of: int, taken: int) -> float:
    """The logarithm of the number of ways to take so many of so many."""
    return lgamma(of + 1) - lgamma(taken + 1) - lgamma(of - taken + 1)
