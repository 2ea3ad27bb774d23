"""How large a route's next batch may be: a canary first, then twice as many each time it sticks.

It shrinks to what the consumer takes when replays pile up before it, and grows slowly from there,
as TCP's window does.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Bounds:
    """Numbers of the settings.

    `canary` and `largest` are the first and the largest batch, in messages; `backoff` is how long
    the route's breaker stays open at first, and `canary_delay` how long a canary is left alone, in
    seconds. `awaits_canary` says that nothing follows a canary that still lies in a queue.
    """

    canary: int
    largest: int
    backoff: float
    canary_delay: float = 1.0
    awaits_canary: bool = True


@dataclass(frozen=True)
class Window:
    """A batch holds at most `size` messages, 0 before the first one.

    Doubling ends at `steady` (0: not known yet), and while `is_canary` nothing has stuck yet.
    """

    size: int = 0
    steady: int = 0
    is_canary: bool = True

    @classmethod
    def canary(cls, bounds: Bounds) -> "Window":
        """The first batch, and the first one after trouble."""
        return cls(size=min(bounds.canary, bounds.largest))

    def within(self, bounds: Bounds) -> "Window":
        """The same, no larger than the settings allow."""
        return replace(self, size=min(self.size, bounds.largest))

    def halved(self) -> "Window":
        """Some of what was sent came back."""
        size = max(1, self.size // 2)
        return replace(self, size=size, steady=size)

    def is_piling_up(self, in_queues: int) -> bool:
        """Whether the consumer is slower than we are."""
        return in_queues > max(1, self.size // 4)

    def narrowed(self, taken: int, bounds: Bounds) -> "Window":
        """No more than the consumer took since the last look."""
        size = max(1, min(self.size, taken)) if taken > 0 else bounds.canary
        size = min(size, self.size)
        return replace(self, size=size, steady=size)

    def widened(self, batch: int, in_queues: int, bounds: Bounds) -> "Window":
        """After a `batch` of which nothing came back, and of which `in_queues` were not taken."""
        is_canary = self.is_canary and bounds.awaits_canary and in_queues > 0
        window = replace(self, is_canary=is_canary)
        if 4 * batch < 3 * self.size:
            return window  # something else was the limit: nothing is known about a larger one
        if self.steady and in_queues > self.size // 8:
            return window  # as much as the consumer takes
        is_doubling = not self.steady or self.size < self.steady
        wider = 2 * self.size if is_doubling else self.size + max(1, self.size // 10)
        return replace(window, size=min(bounds.largest, wider))
