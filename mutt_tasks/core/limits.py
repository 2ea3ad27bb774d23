"""What bounds a batch, by name, and how much may go at once: the smallest of all limits."""

from dataclasses import dataclass, replace

BACKOFF, BACKPRESSURE, WINDOW = "backoff", "backpressure", "window"
RATE_LIMITED, EMPTY = "rate_limited", "empty"
# The last canary still lies in a queue: nobody takes from it.
NOT_TAKEN = "not_taken"
# A queue stands before the forwarder's limiter and would meet it as a wall.
QUEUE_STANDING = "queue_standing"
# Live traffic alone fills the forwarder's limiter: there is no room for replays beside it.
NO_ROOM = "no_room"
# What was sent did not reach the forwarder's limiter, or it seems so: a moment to look closely.
DROPPING, CHECKING = "dropping", "checking"

# Above this length of the alert queue the alerter sheds, unless its operators set another one.
SHED_ABOVE = 2000
# Events become alerts one by one, so this many times as many may wait for the alerter.
THROUGH_ALERTER = 10
# Replays fill the alert queue up to this share of that length: the rest is for live alerts.
SHED_SHARE = 0.5


@dataclass(frozen=True)
class Depths:
    """Lengths of the lists that a route moves messages between, and of the alert queue.

    `is_direct` says that this is the target itself.
    """

    source: int
    target: int
    alert_queue: int
    is_direct: bool = True


@dataclass(frozen=True)
class Allowance:
    """How many messages may move, the limit that allows no more, and when to ask again (seconds).

    `messages` is 0 when the limit holds the route.
    """

    messages: int
    limit: str = ""
    delay: float = 0.0


def credit(high_water: int, shed_above: int, depths: Depths) -> int:
    """How many messages may be added to a route's queues.

    No queue gets longer than `high_water`, and replays never fill the alert queue so far that the
    alerter sheds, which it does above `shed_above`.
    """
    below_shedding = max(min(1, shed_above), int(SHED_SHARE * shed_above)) - depths.alert_queue
    if not depths.is_direct:
        below_shedding *= THROUGH_ALERTER
    return min(high_water - max(depths.target, depths.alert_queue), below_shedding)


def allowance(left: Allowance, credit: int, source: int, rate: Allowance | None) -> Allowance:
    """How much may go at once: the smallest of what is `left` of the batch, credit and rate.

    `source` is how many messages there are; `rate` is None when it is not limited. The smallest
    limit is named; if several leave nothing, the first in the order of the gate.
    """
    limits = [Allowance(credit, BACKPRESSURE), left]
    if rate is not None:
        limits.append(rate)
    limits.append(Allowance(source, EMPTY))
    for each in limits:
        if each.messages <= 0:
            return replace(each, messages=0)
    return min(limits, key=lambda each: each.messages)
