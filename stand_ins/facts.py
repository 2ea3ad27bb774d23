"""What MUTT's alerter and forwarder do to a message: names, limits and rules, each stated once.

They were read in MUTT's source (alerter_service.py, moog_forwarder_service.py, rate_limiter.py).
"""

import json
from collections.abc import Hashable
from typing import Any

# The lists, as MUTT names them where nothing else is configured.
INGEST_QUEUE, ALERT_QUEUE = "mutt:ingest_queue", "mutt:alert_queue"
ALERTER_DLQ, MOOG_DLQ, DEAD_LIST = "mutt:dlq:alerter", "mutt:dlq:moog", "mutt:dlq:dead"
# Each consumer has a list of what it has in hand and, while it lives, a heartbeat; both end in the
# consumer's name.
PROCESSING, HEARTBEAT = "mutt:processing:", "mutt:heartbeat:"

REQUIRED = ("hostname", "timestamp", "message")
ALERTER_COUNT, FORWARDER_COUNT = "_retry_count", "_moog_retry_count"
CORRELATION_ID = "_correlation_id"
SHED_REASON = "shedding_reason"
# The event lies in the alert under the first name, and in what Moogsoft gets under the second.
WRAPPED, POSTED = "raw_json", "custom_info"
# In clear in every alert; never sent to Moogsoft in the body.
KEY = "api_key"

# A message whose counter is larger goes to the dead letter queue untried.
ALERTER_MAX_RETRIES = 3
FORWARDER_MAX_RETRIES = 5

# A forwarder sleeps this many seconds after the first failure of an alert, doubling with each
# further one, before it puts the alert back. It has one thread, so all behind the alert waits too.
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0

# The statuses that the forwarder counts as delivered; 202 and 204 are not among them.
DELIVERED = (200, 201)
# In place of a status: Moogsoft did not answer (refused, cut off, timed out); or the alert could
# not be posted at all, for it cannot be encoded or its severity cannot be looked up.
NO_ANSWER, NOT_POSTED = 0, -1

SEVERITIES = {"Critical": 5, "Major": 4, "Warning": 3, "Minor": 2, "Info": 1, "Clear": 0}
USUAL_SEVERITY = "Warning"

# While more alerts than this wait, the alerter sheds an event, or defers, instead of working.
SHED_THRESHOLD = 2000
SHED_TO_DLQ, SHED_BY_DEFERRING = "dlq", "defer"
DEFER_MS, AFTER_SHEDDING_SECONDS = 250, 0.05

# An alert that meets a full window of this limiter is dropped for good.
LIMITER_KEY = "mutt:rate_limit:moog"
RATE_LIMIT, RATE_PERIOD = 50, 1

# An idle consumer waits this long for a message, and rests this long after an error that it did
# not expect.
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


def failures(message: dict[str, Any], field: str) -> int | float:
    """A message's retry counter. Raises Stranded for what cannot be compared with a number."""
    value = message.get(field, 0)
    if not isinstance(value, int | float):
        raise Stranded(f"{field} is not a number")
    return value


def is_complete(event: dict[str, Any]) -> bool:
    """Whether the alerter accepts an event; with a required field missing or empty it does not."""
    return all(event.get(name) for name in REQUIRED)


def can_be_looked_up(event: dict[str, Any]) -> bool:
    """Whether the alerter can look for the host in its caches; at a list or an object it fails."""
    return isinstance(event.get("hostname"), Hashable)


def alert(event: dict[str, Any], api_key: str, team: str) -> dict[str, Any]:
    """The event as the alerter wraps it for the alert queue."""
    return {
        KEY: api_key,
        "hostname": event.get("hostname"),
        "team_assignment": team,
        "severity": USUAL_SEVERITY,
        "message_body": event.get("message", ""),
        WRAPPED: event,
        CORRELATION_ID: event.get(CORRELATION_ID, "unknown"),
    }


def posted(alert: dict[str, Any], now: float) -> dict[str, Any]:
    """What the forwarder posts for an alert at `now` (seconds since 1970).

    Raises TypeError for a severity that cannot be looked up.
    """
    body = {
        "signature": alert.get("hostname", "unknown"),
        "source_id": alert.get("hostname", "unknown"),
        "external_id": alert.get(CORRELATION_ID, "unknown"),
        "manager": "MUTT",
        "source": "MUTT Alerter",
        "class": alert.get("team_assignment", "Unknown"),
        "agent": "MUTT v2.3",
        "agent_location": "Alerter Service",
        "type": "Alert",
        "severity": SEVERITIES.get(alert.get("severity", USUAL_SEVERITY), 3),
        "description": alert.get("message_body", ""),
        "agent_time": int(now),
    }
    return body | ({POSTED: alert[WRAPPED]} if WRAPPED in alert else {})


def shed(event: dict[str, Any], depth: int, threshold: int) -> dict[str, Any]:
    """The event as the alerter sets it aside untried while `depth` alerts wait."""
    return event | {SHED_REASON: f"queue_depth_exceeded:{depth}>{threshold}"}


def retry_delay(failed: float, first: float = FIRST_DELAY, longest: float = LONGEST_DELAY) -> float:
    """How many seconds a forwarder sleeps after a failure; `failed` counts those before it."""
    return min(first * float(2.0**failed), longest)


def is_tried_again(status: int) -> bool:
    """Whether an alert is tried again after this answer.

    After any other that is not in DELIVERED it goes to the dead letter queue at once.
    """
    return status == NOT_POSTED or counts_for_breaker(status)


def counts_for_breaker(status: int) -> bool:
    """Whether the breaker counts this answer as a failure of Moogsoft."""
    return status == NO_ANSWER or status == 429 or status >= 500
