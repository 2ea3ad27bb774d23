"""What MUTT's alerter and forwarder do to a message: the facts that all our stand-ins share.

They were read in MUTT's source (alerter_service.py, moog_forwarder_service.py, rate_limiter.py).
"""

import json
from typing import Any

REQUIRED = ("hostname", "timestamp", "message")
ALERTER_COUNT, FORWARDER_COUNT = "_retry_count", "_moog_retry_count"

# A message whose counter is larger goes to the dead letter queue untried.
ALERTER_MAX_RETRIES = 3
FORWARDER_MAX_RETRIES = 5

# A forwarder sleeps so many seconds after the first failure of an alert, doubling with each further
# one, before it puts the alert back. It has one thread, so everything behind the alert waits too.
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0

# The statuses that the forwarder counts as delivered; 202 and 204 are not among them.
DELIVERED = (200, 201)

# While more alerts than this wait, the alerter sheds an event, or defers, instead of working.
SHED_THRESHOLD = 2000
SHED_TO_DLQ, SHED_BY_DEFERRING = "dlq", "defer"
DEFER_SECONDS, AFTER_SHEDDING_SECONDS = 0.25, 0.05

# An alert that meets a full window of this limiter is dropped for good.
RATE_LIMIT, RATE_PERIOD = 50, 1

# An idle consumer waits so long for a message, and rests so long after an error it did not expect.
BLOCK_SECONDS = 5.0
STRANDED_SECONDS = 1.0


class Destroyed(Exception):
    """A consumer throws the message away, and no list keeps it; the text says why."""


class Stranded(Exception):
    """A consumer fails at the message and leaves it on its processing list until it restarts."""


def decoded(raw: bytes) -> dict[str, Any]:
    """The object that a consumer gets from the bytes. Raises Destroyed and Stranded.

    Of what the decoder refuses only bad syntax is destroyed: an integer with thousands of digits,
    too deep a nesting and bytes that are not UTF-8 raise errors that nobody catches close by.
    """
    try:
        found = json.loads(raw.decode())
    except json.JSONDecodeError:
        raise Destroyed("for it was no JSON") from None
    except (ValueError, RecursionError) as error:
        raise Stranded(type(error).__name__) from None
    if not isinstance(found, dict):
        raise Stranded("not an object")
    return found


def failures(message: dict[str, Any], field: str) -> int:
    """A message's retry counter. Raises Stranded for what cannot be compared with a number."""
    value = message.get(field, 0)
    if not isinstance(value, int | float):
        raise Stranded(f"{field} is not a number")
    return int(value)


def is_complete(event: dict[str, Any]) -> bool:
    """Whether the alerter takes an event; one with a required field missing or empty is destroyed.

    The retry counter is looked at first.
    """
    return all(event.get(name) for name in REQUIRED)


def alert(event: dict[str, Any], api_key: str, team: str) -> dict[str, Any]:
    """The event as the alerter wraps it for the alert queue: an object in `raw_json`."""
    return {
        "api_key": api_key,
        "hostname": event.get("hostname"),
        "team_assignment": team,
        "severity": "Warning",
        "message_body": event.get("message", ""),
        "raw_json": event,
        "_correlation_id": event.get("_correlation_id", "unknown"),
    }


def shed(event: dict[str, Any], depth: int, threshold: int) -> dict[str, Any]:
    """The event as the alerter sets it aside untried while `depth` alerts wait."""
    return event | {"shedding_reason": f"queue_depth_exceeded:{depth}>{threshold}"}


def retry_delay(failed: int, first: float = FIRST_DELAY, longest: float = LONGEST_DELAY) -> float:
    """How many seconds a forwarder sleeps after a failure; `failed` counts those before it."""
    return min(first * 2.0**failed, longest)


def is_tried_again(status: int) -> bool:
    """Whether an alert is tried again after this answer; 0 stands for no answer at all.

    Only such an answer counts for the breaker. After any other that is not in DELIVERED the alert
    goes to the dead letter queue at once.
    """
    return status == 0 or status == 429 or status >= 500


def limiter_member(now_ms: int) -> str:
    """The sorted-set member of a place that was taken at this moment.

    Redis seeds Lua's `math.random` alike for every script run: alerts admitted in
    the same millisecond share one member, and one place. Valkey does not.
    """
    return f"{now_ms}:0.17082803611217"


def limiter_expiry(period_ms: int) -> int:
    """After how many idle seconds the limiter's key is gone: MUTT gives milliseconds as seconds."""
    return period_ms
