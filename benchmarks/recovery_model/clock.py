"""Virtual time: what happens next, and when."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

# Moments that messages and Redis see: the run's start as seconds since 1970.
EPOCH = 1_800_000_000.0


class Clock:
    """A heap of moments; `now` is in seconds since the start of the run."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    @property
    def epoch(self) -> float:
        """Now, in seconds since 1970."""
        return EPOCH + self.now

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Do something at a moment, in seconds since the start."""
        heappush(self._heap, (moment, next(self._order), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        heappush(self._heap, (self.now + seconds, next(self._order), action))

    def advance_to(self, moment: float) -> None:
        """Let everything happen up to a moment, in seconds since the start."""
        heap = self._heap
        while heap and heap[0][0] <= moment:
            self.now, _, action = heappop(heap)
            action()
        self.now = max(self.now, moment)
