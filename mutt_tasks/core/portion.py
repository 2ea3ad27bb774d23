"""How many replays of a trial go at a time: to fill the window to its level, or to exceed it."""

from dataclasses import dataclass

# At least so many replays go at a time, or this share of the level: fewer are hard to tell from
# what comes and leaves meanwhile. In a large window LITTLE free places are enough to fill it to its
# level.
LEAST, LEAST_SHARE, LITTLE = 3, 0.2, 12

# At most so many go to fill the window, and so many above it, or this share of the level that is
# tried; where the alerter forwards only a part, that many more.
FILL, OVER, MOST_SHARE = 8, 16, 0.2

# Alerts leave a window of this many as fast as only as many replays as have room fill it: more may
# go there, if only a part of them is forwarded.
LARGE = 60

# In all so many forwarded ones go, or this many times the level that is tried, and so many of them
# where the window was full.
MOST, MOST_LEVELS, MOST_RISKED = 96, 2, 30


@dataclass(frozen=True)
class Portion:
    """What goes next in a trial of the level `full_at`, before a window seen to hold `level`.

    The alerter forwards this share (`forwarded`) of the replays.
    """

    full_at: int
    level: int
    forwarded: float

    @property
    def least(self) -> int:
        """How many forwarded ones can be told from live alerts."""
        return max(LEAST, int(LEAST_SHARE * self.level))

    @property
    def most_over(self) -> int:
        """How many forwarded ones exceed the level at a time at most."""
        return self._most(OVER)

    def is_spent(self, went: int, ours_full: int) -> bool:
        """Whether no more may be risked after so many, of which `ours_full` met the level."""
        is_risked = self.forwarded * ours_full >= self._most(MOST_RISKED)
        return is_risked or self.forwarded * went >= max(MOST, MOST_LEVELS * self.full_at)

    def is_little(self, room: int) -> bool:
        """Whether so many free places are too few to tell anything."""
        return room < min(self.least, LITTLE, self.level)

    def fill(self, room: int, believed: int) -> int:
        """How many may go where so many places are free below the level.

        The limit that is believed leaves `believed` ones.
        """
        if self.full_at < LARGE:
            return min(room, int(self._most(FILL) / self.forwarded))
        most = int(min(room, self._most(FILL)) / self.forwarded)
        return min(most, max(room, believed))

    def exceed(self, over: int, used: int, believed: int) -> int:
        """How many may go at the level: `over` forwarded ones, but for what limits them."""
        least = self.least
        over = min(max(over, least), max(least, self.full_at - used))
        return min(int(over / self.forwarded), believed)

    def _most(self, replays: int) -> int:
        return max(replays, int(MOST_SHARE * self.full_at))
