"""What holds a route, in words that a person reads."""

from collections.abc import Iterable

from mutt_tasks.core import breaker, limits, policy

PAUSED, WAITING = "paused", "waiting"

# The names are those of metrics, journal and logs; docs/operations.md has a longer table.
WORDS = {
    limits.EMPTY: "nothing to replay",
    WAITING: "what is left waits for its next replay",
    "unhealthy": "Moogsoft is not healthy",
    breaker.BREAKER_OPEN: "the forwarder's breaker is open",
    PAUSED: "paused by an operator",
    "disabled": "REMEDIATION_ENABLED is false",
    limits.BACKOFF: "what was replayed came back, the route backs off",
    limits.BACKPRESSURE: "the target or the alert queue is too long",
    limits.RATE_LIMITED: "the rate or the forwarder's limiter is used up",
    limits.WINDOW: "what was sent last is still on its way",
    limits.NOT_TAKEN: "nobody takes from the target",
    limits.QUEUE_STANDING: "a queue stands before the forwarder",
    limits.DROPPING: "the forwarder drops what it is sent",
    limits.NO_ROOM: "live alerts alone fill the forwarder's limiter",
    limits.CHECKING: "a moment to see whether replays arrive",
    policy.SUSPECT: "alerts that failed alone wait for quiet traffic",
    "job": "messages deep inside the list are being taken out of it, or to its old end",
    "contended": "somebody else changes the queue",
}

# Those that hold everything, until somebody or something ends them.
LASTING = frozenset({"unhealthy", breaker.BREAKER_OPEN, PAUSED, "disabled", limits.BACKOFF})

# Those that are over in a moment: a route that they hold still has its speed.
MOMENTARY = frozenset({limits.RATE_LIMITED, limits.WINDOW, limits.CHECKING, "contended"})


def in_words(reasons: Iterable[str]) -> str:
    """What holds the routes, as a person reads it; empty when nothing does.

    A reason that has no words here, as of another version, is told as it is.
    """
    reasons = list(reasons)
    # A route with nothing to do is no news while another has a reason.
    telling = [reason for reason in reasons if reason != limits.EMPTY] or reasons
    return ", ".join(WORDS.get(reason, reason) for reason in telling)
