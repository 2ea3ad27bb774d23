"""How many replays went and appeared, and how likely chance alone explains that."""

from dataclasses import dataclass
from math import ceil, comb, exp, lgamma, log, sqrt

# Terms this much smaller than the sum are left out.
_NEGLIGIBLE = 1e-6

# A Poisson number is looked at so many standard deviations to both sides of its mean, in steps of
# this share of one: with every number, of hundreds of live alerts, a look would take too long.
_SIGMAS, _STEP_SIGMAS = 3.0, 0.6


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

    def chance_among(self, bursts: float, size: float, share_high: float) -> float:
        """The same where nobody knows which of the alerts that were seen are live ones.

        That many `bursts` of live alerts came on average, as a Poisson process, each of that many
        alerts, and this share of them where the window had no room. So the chance is an average
        over the numbers that may have come, and each counts as little as it is likely: if so many
        came, that few of them came where there was no room, and that few replays were taken there.
        """
        if not self.high:
            return 1.0
        seen = self.low_seen + self.high_seen
        deviation = sqrt(bursts)
        # More replays than went were not taken.
        least = max(0, ceil((seen - self.low - self.high) / size)) if bursts else 0
        first = max(least, int(bursts - _SIGMAS * deviation))
        last = max(first, min(int(seen / size), int(bursts + _SIGMAS * deviation)))
        weight_of_all = chance = 0.0
        for came in range(first, last + 1, max(1, int(_STEP_SIGMAS * deviation))):
            weight = _poisson(came, bursts)
            live = round(came * size)
            ours = Tally(
                *(self.low, min(self.low, max(0, self.low_seen - live))),
                *(self.high, min(self.high, self.high_seen)),
            )
            live_chance = _binomial(int(self.high_seen / size), came, share_high)
            weight_of_all += weight
            chance += weight * live_chance * ours.chance
        return chance / weight_of_all if weight_of_all else 1.0


def _log_ways(of: int, taken: int) -> float:
    """The logarithm of the number of ways to take so many of so many."""
    return lgamma(of + 1) - lgamma(taken + 1) - lgamma(of - taken + 1)


def _poisson(number: int, mean: float) -> float:
    """How likely a Poisson process of this mean has this number."""
    return exp(number * log(mean) - mean - lgamma(number + 1)) if mean else float(not number)


def _binomial(most: int, of: int, share: float) -> float:
    """How likely at most so many of so many are taken, each with this likelihood."""
    if most >= of:
        return 1.0
    return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(most + 1))
