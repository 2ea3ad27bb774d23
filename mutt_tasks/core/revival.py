"""A dead letter made ready for another try."""

from collections.abc import Sequence
from typing import NamedTuple

from mutt_tasks.core.message import HEADER_FIELD, Header, parse
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.plain_message import NoJsonError, decoded, is_ordinary
from mutt_tasks.core.policy import MALFORMED, STALE, Action, Policy, decide
from mutt_tasks.core.routes import Route
from mutt_tasks.core.simple_bytes import LARGEST

COUNTERS = ("_retry_count", "_moog_retry_count")

# Its header names no route that is on.
NO_ROUTE = "no route"


class Revived(NamedTuple):
    """The bytes to put back, and the route to whose source they belong."""

    route: Route
    payload: bytes


class Refusal(NamedTuple):
    """Why a dead letter cannot be revived, in a word or two and in a sentence."""

    reason: str
    why: str


def revived(
    raw: bytes, routes: Sequence[Route], policy: Policy, request: str, now: float
) -> Revived | Refusal:
    """A message of the dead letter list as if it had never been replayed; or why it cannot be.

    It gets a fresh header that keeps the old one as `before`, and 0 in the counters that it has;
    all other bytes stay. `request` is the id that the header carries, `now` the moment. What would
    go straight back to the dead letter list is refused.
    """
    message = parse(raw)
    if message is None:
        return Refusal(MALFORMED, "it is malformed (no JSON object), and was set aside as it came")
    route = _named(message.header_route(), routes)
    if route is None:
        known = " or ".join(route.name for route in routes)
        return Refusal(NO_ROUTE, f"its header names no route that is on ({known})")
    counters = tuple(field for field in COUNTERS if message.value(field) is not None)
    header = Header(before=message.header_before())
    payload = message.stamped(header.encode(route.name, request), counters)
    decision = decide(payload, route, policy, request, now)
    if decision.action is Action.QUARANTINE:
        reason = decision.reason
        return Refusal(reason, f"it is {reason}, and would be set aside again")
    return Revived(route, payload)


def why_not_revived(raw: bytes, routes: Sequence[Route], policy: Policy, now: float) -> str:
    """Why `revived` refuses a message, in a word or two; empty when it does not."""
    known = _plainly_known(raw, routes, policy, now)
    if known is None:
        found = revived(raw, routes, policy, "", now)
        known = found.reason if isinstance(found, Refusal) else ""
    return known


def _plainly_known(raw: bytes, routes: Sequence[Route], policy: Policy, now: float) -> str | None:
    """The same for nearly all messages, ten times as fast; None when a closer look has to tell.

    With a fresh header and counters of 0 an ordinary message can only be too old.
    """
    try:
        event = decoded(raw) if len(raw) <= LARGEST and policy.max_retries > 0 else None
    except NoJsonError:
        return MALFORMED
    header = event.get(HEADER_FIELD) if event else None
    if event is None or not isinstance(header, dict):
        return None
    route = _named(header.get("route"), routes)
    if route is None or not is_ordinary(event, route):
        return None
    moment = moment_of(event.get("timestamp"))
    is_stale = moment is not None and 0 < policy.max_age < now - moment
    return STALE if is_stale else ""


def _named(name: object, routes: Sequence[Route]) -> Route | None:
    return next((route for route in routes if route.name == name), None)
