"""One look at the forwarder's limiter, as those see it who judge it."""

from dataclasses import dataclass


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
    def missing(self) -> int:
        """How many replays that must have arrived are neither in a queue nor in the window."""
        return self.certain - self.queued - self.used
