"""What the console remembers of the last hour: depths for the curves, and how fast they change."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

# A sample is kept every so many seconds, for so long.
EVERY_SECONDS, KEPT_SECONDS = 10.0, 3600.0
# Rates are those of so many seconds.
RATE_SECONDS = 30.0


@dataclass(frozen=True)
class Sample:
    """Depths by list, and by route how many messages have left it since counting began."""

    at: float
    depths: Mapping[str, int]
    left: Mapping[str, int]


@dataclass
class History:
    """The samples of the last hour, the oldest first."""

    samples: deque[Sample] = field(default_factory=deque)

    def add(self, sample: Sample) -> None:
        """Remember a sample; one that comes early takes the place of the newest."""
        kept = self.samples
        if len(kept) > 1 and sample.at - kept[-2].at < EVERY_SECONDS:
            kept.pop()
        kept.append(sample)
        while kept[0].at < sample.at - KEPT_SECONDS:
            kept.popleft()

    def points(self, name: str) -> list[tuple[float, int]]:
        """The depths of a list, each with its moment in seconds since 1970."""
        return [(each.at, each.depths[name]) for each in self.samples if name in each.depths]

    def change(self, name: str) -> int:
        """How much longer a list has become in what is remembered."""
        points = self.points(name)
        return points[-1][1] - points[0][1] if points else 0

    def arriving(self, name: str) -> float | None:
        """Messages/s that came into a route's list lately; None while that cannot be known yet."""
        recent = [each for each in self.samples if each.at >= self.samples[-1].at - RATE_SECONDS]
        if len(recent) < 2 or name not in recent[0].depths or name not in recent[0].left:
            return None
        first, last = recent[0], recent[-1]
        came = last.depths[name] - first.depths[name] + last.left[name] - first.left[name]
        return max(0.0, came / (last.at - first.at))
