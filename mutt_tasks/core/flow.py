"""How much may be moved now: the pace of a route, as pure arithmetic.

A batch is as large as the smallest of three limits allows: the window, the credit that the
target's high-water mark leaves, and the rate. Today the window is a fixed batch size; what
makes it adapt to what the pipeline carries belongs here too.
"""

from dataclasses import dataclass

BACKPRESSURE, RATE_LIMITED, EMPTY = "backpressure", "rate_limited", "empty"

# Where no forwarder's limiter tells what is left, `auto` keeps to this many messages a second.
AUTO_RATE = 10.0


@dataclass(frozen=True)
class Bucket:
    """A token bucket: how many messages may still be replayed, as of `at` (seconds)."""

    tokens: float
    at: float

    def refilled(self, rate: float, now: float) -> "Bucket":
        """The bucket at `now`, when `rate` tokens a second flow in.

        It never holds more than one second's worth (at least one message), so that a pause
        is not followed by a burst. A clock that went back adds nothing; one that jumped back
        makes it start anew, full.
        """
        capacity = max(1.0, rate)
        elapsed = now - self.at
        has_jumped = elapsed < -1.0
        tokens = capacity if has_jumped else max(0.0, self.tokens) + rate * max(0.0, elapsed)
        return Bucket(min(capacity, tokens), now)

    def spent(self, messages: int) -> "Bucket":
        """The bucket after `messages` were replayed."""
        return Bucket(self.tokens - messages, self.at)


@dataclass(frozen=True)
class Depths:
    """Lengths of the lists that a route moves messages between, and of the alert queue."""

    source: int
    target: int
    alert_queue: int


@dataclass(frozen=True)
class Allowance:
    """How many messages a batch may take off, or the limit that holds it."""

    messages: int
    held_by: str = ""


def rate_per_second(max_rate: float | None) -> float | None:
    """The rate in force; None means no limit. `max_rate` None stands for `auto`, 0 for none."""
    if max_rate is None:
        return AUTO_RATE
    return max_rate or None


def allowance(window: int, high_water: int, depths: Depths, bucket: Bucket | None) -> Allowance:
    """The size of the next batch: the smallest of window, credit and rate.

    `bucket` is None when the rate is not limited. The first limit that leaves nothing, in the
    order of the gate, is named.
    """
    credit = high_water - max(depths.target, depths.alert_queue)
    if credit <= 0:
        return Allowance(0, BACKPRESSURE)
    tokens = credit if bucket is None else int(bucket.tokens)
    if tokens <= 0:
        return Allowance(0, RATE_LIMITED)
    if depths.source == 0:
        return Allowance(0, EMPTY)
    return Allowance(min(window, credit, tokens))
