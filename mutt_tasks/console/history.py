"""What the console remembers of the last hour: depths for the curves, and how fast they change."""

from collections.abc import Mapping
from dataclasses import dataclass

# A sample is kept every so many seconds, for so long.
EVERY_SECONDS, KEPT_SECONDS = 10.0, 3600.0
# A speed is that of so many seconds.
SPEED_SECONDS = 30.0


@dataclass(frozen=True)
class Sample:
    """The depths of the lists at a moment of this process' clock, in seconds."""

    at: float
    depths: Mapping[str, int]


@dataclass(frozen=True)
class History:
    """The samples of the last hour, the oldest first."""

    samples: tuple[Sample, ...] = ()

    def with_sample(self, sample: Sample) -> "History":
        """The history with one more; one that comes early takes the place of the newest."""
        kept = self.samples
        if len(kept) > 1 and sample.at - kept[-2].at <= EVERY_SECONDS:
            kept = kept[:-1]
        return History((*(each for each in kept if each.at >= sample.at - KEPT_SECONDS), sample))

    def points(self, name: str) -> list[tuple[float, int]]:
        """The depths of a list, each with its moment."""
        return [(each.at, each.depths[name]) for each in self.samples if name in each.depths]

    def change(self, name: str) -> int:
        """How much longer a list has become in what is remembered."""
        points = self.points(name)
        return points[-1][1] - points[0][1] if points else 0

    def speed(self, name: str) -> float | None:
        """Messages/s by which a list grows lately; None while that cannot be known yet."""
        points = self.points(name)
        recent = [each for each in points if each[0] >= points[-1][0] - SPEED_SECONDS]
        if len(recent) < 2 or recent[-1][0] <= recent[0][0]:
            return None
        return (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])
