"""Whether the forwarder keeps up with us: the share of the full rate that it carries.

Each period in which our replays leave a queue standing makes the rate smaller. It grows again
quickly up to about where that last happened, and slowly from there, as TCP's rate does: so the pace
finds what a forwarder, or Moogsoft, can carry that is slower than the limiter. Each time costs live
alerts that wait behind the queue some seconds. So the more often it happens at about the same
share, the more slowly that is tried again.
"""

from dataclasses import dataclass, replace

from mutt_tasks.core.limiter import Limiter

# A queue in front of the limiter may hold this much time's worth of alerts, or a few.
STANDING_SECONDS, FEW = 0.25, 3

# The factors by which a period makes the share smaller, the first one and all that follow it while
# the queue goes on standing; what it gains in a period below and above the first factor of the
# peak, and the least that is left of it.
_SLOWER, _STILL, _QUICKLY, _SLOWLY, _LEAST_SHARE = 0.7, 0.5, 0.05, 0.004, 0.02

# What it gains above that is halved so many times at most; a share that is so many times the last
# peak is another one.
_MOST_TIMES, _OTHER_PEAK = 3, 1.5

# However long nobody looked, at most so many periods count as having passed without a queue.
_MOST_PERIODS = 60


def at_once(limiter: Limiter, queued: int) -> float:
    """How many alerts may go at once: live ones that come behind them wait for a moment at most.

    The queues, which hold `queued` alerts, get no longer than what the forwarder works off in a
    moment, or one alert. So after a silence the pace grows as the forwarder takes what went.
    """
    return max(1.0, STANDING_SECONDS * limiter.used / limiter.period) - queued


def stands(limiter: Limiter, queued: int) -> bool:
    """Whether the queues are longer than the forwarder works off within a moment."""
    if limiter.is_failing:
        return queued > 0
    return queued > max(FEW, STANDING_SECONDS * limiter.used / limiter.period)


@dataclass(frozen=True)
class Congestion:
    """`share` of the full rate is what the forwarder has lately carried without a queue.

    `peak` is the share at which one began to stand, for the so many `times` on end at about that
    share or less, and `is_standing` says whether it does.
    """

    share: float = 1.0
    peak: float = 1.0
    times: int = 0
    is_standing: bool = False

    def stood(self, is_ours: bool, is_telling: bool) -> "Congestion":
        """After a period with a queue; where we sent nothing it tells nothing of our rate.

        It `is_telling` unless live alerts alone were too many: then the share is no peak.
        """
        if not is_ours:
            return replace(self, is_standing=True)
        share = max(_LEAST_SHARE, (_STILL if self.is_standing else _SLOWER) * self.share)
        if self.is_standing or not is_telling:
            return replace(self, share=share, is_standing=True)
        is_again = self.share < min(1.0, _OTHER_PEAK * self.peak)
        return Congestion(share, self.share, self.times + 1 if is_again else 1, is_standing=True)

    def flowed(self, periods: float) -> "Congestion":
        """After so many periods without a queue."""
        share = self.share
        for _ in range(max(1, int(min(periods, _MOST_PERIODS)))):
            share = min(1.0, share + self._growth(share))
        return replace(self, share=share, is_standing=False)

    def _growth(self, share: float) -> float:
        """What the share gains in a period."""
        if share < _SLOWER * self.peak:
            return _QUICKLY
        is_near = share < _OTHER_PEAK * self.peak
        return _SLOWLY / float(2 ** min(_MOST_TIMES, max(0, self.times - 1) * is_near))
