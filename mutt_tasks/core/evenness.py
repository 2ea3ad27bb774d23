"""How evenly live alerts come, as a window tells in which there are no others.

While replays are under way of which only a part is forwarded, live traffic looks more uneven than
it is, or nothing is known of it at all.
"""

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pvariance

from mutt_tasks.core.sight import Sight

# Fewer alerts than this in a window do not tell.
LEAST_ALERTS = 4

# They come evenly if the times between them vary by less than this share of a random process'.
EVEN = 0.2


@dataclass(frozen=True)
class Evenness:
    """Of that many `looks` the mean of how uneven the window was.

    That is the squared coefficient of variation of the times between two of its alerts: about 1
    for a Poisson process, 0 for alerts that come evenly, and more for bursts.
    """

    looks: int = 0
    mean: float = 0.0

    def looked(self, seen: Sight) -> "Evenness":
        """The same after a look at a window of live alerts alone."""
        if len(seen.leaving) < LEAST_ALERTS:
            return self
        moments = (0.0, *seen.leaving, seen.period)
        gaps = [later - sooner for sooner, later in pairwise(moments)]
        uneven = seen.stride * pvariance(gaps) / fmean(gaps) ** 2
        looks = self.looks + 1
        return Evenness(looks, self.mean + (uneven - self.mean) / looks)

    def dispersion(self, before: float) -> float:
        """Variance over mean of live traffic, by all that is known; 0 where that is nothing.

        `before` is what the time before these looks has shown.
        """
        if not self.looks:
            return 0.0
        if 0 < before < 1:
            return before
        most = before or self.mean
        return max(1.0, min(most, self.mean)) if self.mean >= EVEN else 0.0
