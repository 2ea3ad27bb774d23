"""One look at the forwarder's limiter, as those see it who judge it."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pvariance

# Fewer alerts than this do not tell how evenly they come.
FEW_ALERTS = 5


@dataclass(frozen=True)
class Sight:
    """One look at the limiter, which is believed to take `limit` alerts.

    `used` are in its window, `queued` have not reached it yet. `sure` replays were sent straight
    to its queue within the last period, `certain` ones of them lately enough to be there although
    the clocks of several forwarders differ; `unsure` ones went through the alerter. `live` is how
    many alerts of the window were not ours. The last alert was taken at `newest` (seconds since
    1970, by Redis' clock); `longest_gap` is the longest stretch of the window without one, in
    average distances between two. Of each `stride` of its alerts the youngest is `leaving` in so
    many seconds, in ascending order. Live traffic varies as told by its `dispersion` (variance over
    mean; 0: not known). The forwarder `is_failing` while it sleeps after a failure.
    """

    used: int
    queued: int
    sure: int
    certain: int
    unsure: int
    live: float
    period: float
    limit: int
    newest: float = 0.0
    longest_gap: float = 0.0
    leaving: tuple[float, ...] = ()
    stride: int = 1
    dispersion: float = 1.0
    is_failing: bool = False

    @property
    def sent(self) -> int:
        """Every replay of the last period."""
        return self.sure + self.unsure

    @property
    def unevenness(self) -> float | None:
        """How unevenly the alerts of the window came; None where they are too few to tell.

        It is the squared coefficient of variation of the times between them: about 1 for a Poisson
        process, 0 for alerts that come evenly, and more for bursts.
        """
        if len(self.leaving) < FEW_ALERTS:
            return None
        moments = (0.0, *self.leaving, self.period)
        gaps = [later - sooner for sooner, later in pairwise(moments)]
        mean = fmean(gaps)
        return self.stride * pvariance(gaps, mean) / (mean * mean)

    @property
    def missing(self) -> int:
        """How many replays that must have arrived are neither in a queue nor in the window."""
        return self.certain - self.queued - self.used
