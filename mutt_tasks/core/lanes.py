"""How a message came into its list: its consumer failed at it, or set it aside untried, or we did.

Most messages show it by their decoded members; those that do not are read member by member.
"""

from collections.abc import Sequence
from typing import Any

from mutt_tasks.core.message import HEADER_FIELD, SHELTERED_LANE, parse
from mutt_tasks.core.policy import MALFORMED, Arrival, arrival
from mutt_tasks.core.routes import Route

FAILED, SHED = "failed", "shed"
_LANES = {
    Arrival.FRESH: FAILED,
    Arrival.RETURNED: FAILED,
    Arrival.SHED: SHED,
    Arrival.SHELTERED: SHELTERED_LANE,
    Arrival.MALFORMED: MALFORMED,
}
LANES = tuple(dict.fromkeys(_LANES.values()))


def lane_of(raw: bytes, members: dict[str, Any], route: Route, *, is_simple: bool) -> str:
    """The lane of a message in the route's source, from its bytes and its decoded members."""
    if HEADER_FIELD not in members and route.shed_field not in members:
        return FAILED
    found = _by_members(members, route) if is_simple else ""
    return found or _LANES[arrival(raw, route)]


def route_named(
    raw: bytes, members: dict[str, Any], routes: Sequence[Route], *, is_simple: bool
) -> Route | None:
    """The route that the header in a message names; None when it names none of these."""
    if HEADER_FIELD not in members:
        return None
    if is_simple:
        header = members[HEADER_FIELD]
        name = header.get("route") if isinstance(header, dict) else ""
    else:
        message = parse(raw)
        name = message.header_route() if message else ""
    return next((route for route in routes if route.name == name), None)


def _by_members(members: dict[str, Any], route: Route) -> str:
    """The lane, of a message that is simple; empty when a closer look has to tell."""
    header = members.get(HEADER_FIELD)
    if isinstance(header, dict) and header.get("lane") == SHELTERED_LANE:
        return SHELTERED_LANE
    if not route.shed_field or route.shed_field not in members:
        return FAILED
    counts = [members.get(field, 0) for field in route.reset_fields]
    if any(type(count) is not int for count in counts):
        return ""
    return FAILED if any(count > 0 for count in counts) else SHED
