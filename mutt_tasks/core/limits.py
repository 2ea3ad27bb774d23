"""What bounds a batch, by name, and how much may go at once: the smallest of all limits."""

from dataclasses import dataclass

BACKOFF, BACKPRESSURE, WINDOW = "backoff", "backpressure", "window"
RATE_LIMITED, EMPTY = "rate_limited", "empty"

# From this length of the alert queue on the alerter sheds, whatever our high-water mark is.
SHED_ABOVE = 2000


@dataclass(frozen=True)
class Depths:
    """Lengths of the lists that a route moves messages between, and of the alert queue."""

    source: int
    target: int
    alert_queue: int


@dataclass(frozen=True)
class Allowance:
    """How many messages may move, the limit that allows no more, and when to ask again (seconds).

    `messages` is 0 when the limit holds the route.
    """

    messages: int
    limit: str = ""
    pause: float = 0.0


def allowance(left: int, high_water: int, depths: Depths, tokens: float | None) -> Allowance:
    """How much may go at once: the smallest of what is `left` of the batch, credit and rate.

    `tokens` is None when the rate is not limited. The smallest limit is named; if several leave
    nothing, the first in the order of the gate.
    """
    credit = high_water - max(depths.target, depths.alert_queue)
    if depths.alert_queue >= SHED_ABOVE:
        credit = 0
    limits = [(credit, BACKPRESSURE), (left, WINDOW)]
    if tokens is not None:
        limits.append((int(min(tokens, 1e9)), RATE_LIMITED))
    limits.append((depths.source, EMPTY))
    for messages, limit in limits:
        if messages <= 0:
            return Allowance(0, limit)
    return Allowance(*min(limits, key=lambda each: each[0]))
