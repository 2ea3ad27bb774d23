"""A route's own circuit breaker: open while everything fails, longer each time in a row."""

from dataclasses import dataclass, replace

# The longest that it stays open, in seconds.
LONGEST_OPEN = 3600.0
# When it may close early because failures have stopped while live traffic flows, in seconds.
EARLIEST_CLOSE = 10.0


@dataclass(frozen=True)
class Breaker:
    """Opened at `tripped_at`, it stays open until `open_until` (seconds since 1970).

    It did so `trips` times in a row.
    """

    trips: int = 0
    tripped_at: float = 0.0
    open_until: float = 0.0

    def is_open(self, now: float) -> bool:
        """Whether it holds the route; an opening in the future is a clock that went back."""
        return now < self.open_until and 0 <= now - self.tripped_at < LONGEST_OPEN

    def tripped(self, backoff: float, now: float) -> "Breaker":
        """Open: at first for `backoff` seconds, then twice as long each time."""
        trips = self.trips + 1
        seconds = min(LONGEST_OPEN, max(1.0, backoff) * 2.0 ** min(trips - 1, 32))
        return Breaker(trips, now, now + seconds)

    def closed_early(self, now: float) -> "Breaker":
        """Closed, because the trouble is visibly over."""
        return replace(self, open_until=now)

    def may_close_early(self, now: float) -> bool:
        """Whether it is open, and has been for long enough to look whether the trouble is over."""
        return now < self.open_until and now - self.tripped_at >= EARLIEST_CLOSE

    def calmed(self, seconds: float, now: float) -> "Breaker":
        """The same, which forgets its trips when it has been closed for so many seconds."""
        is_calm = self.trips and now - self.open_until > seconds
        return replace(self, trips=0) if is_calm else self
