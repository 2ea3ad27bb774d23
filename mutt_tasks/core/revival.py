"""A dead letter made ready for another try."""

from collections.abc import Sequence
from dataclasses import dataclass

from mutt_tasks.core.message import Header, parse
from mutt_tasks.core.policy import Action, Policy, decide
from mutt_tasks.core.routes import Route

COUNTERS = ("_retry_count", "_moog_retry_count")


@dataclass(frozen=True)
class Revived:
    """The bytes to put back, and the route to whose source they belong."""

    route: Route
    payload: bytes


def revived(
    raw: bytes, routes: Sequence[Route], policy: Policy, request: str, now: float
) -> Revived | str:
    """A message of the dead letter list as if it had never been replayed; or why it cannot be.

    It gets a fresh header that keeps the old one as `before`, and 0 in the counters that it has;
    all other bytes stay. `request` is the id that the header carries, `now` the moment. What would
    go straight back to the dead letter list is refused.
    """
    message = parse(raw)
    if message is None:
        return "it is malformed (no JSON object), and was set aside as it came"
    name = message.header_route()
    route = next((route for route in routes if route.name == name), None)
    if route is None:
        known = " or ".join(route.name for route in routes)
        return f"its header names no route that is on ({known})"
    counters = tuple(field for field in COUNTERS if message.value(field) is not None)
    header = Header(before=message.header_before())
    payload = message.stamped(header.encode(route.name, request), counters)
    decision = decide(payload, route, policy, request, now)
    if decision.action is Action.QUARANTINE:
        return f"it is {decision.reason}, and would be set aside again"
    return Revived(route, payload)
