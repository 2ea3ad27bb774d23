"""Why not faster: the four limits of each route as they stand, and the one that binds."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from mutt_tasks.core import limits
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.limiter import Limiter
from mutt_tasks.core.limits import Depths
from mutt_tasks.core.routes import Route
from mutt_tasks.operations.looking import Looker
from mutt_tasks.store.readings import Window
from mutt_tasks.store.route_reading import RouteReading

# Clocks that are closer than so many seconds show the same room.
_LITTLE_SKEW = 0.02

WINDOW, CREDIT, ROOM, RATE = "window", "credit", "room", "rate"


@dataclass(frozen=True)
class Bounds:
    """How many messages of a route each limit lets go now; None where it sets none.

    `window` is what has proved to stick, less what is on its way; `credit` what the queues may
    hold more; `room` what the forwarder's limiter takes beside live alerts; `rate` messages/s.
    `binding` names the smallest of the first three.
    """

    window: int
    credit: int
    room: int | None
    rate: float | None
    binding: str

    def as_json(self) -> dict[str, Any]:
        """The same by the names that faces keep."""
        return {
            WINDOW: self.window,
            CREDIT: self.credit,
            ROOM: self.room,
            RATE: self.rate,
            "binding": self.binding,
        }


def of(looker: Looker, now: float) -> dict[str, Bounds]:
    """The limits of every route at a moment (seconds since 1970), from one look at the limiter.

    Raises StoreError.
    """
    first, *others = looker.settings.routes
    reading = _read(looker, first, now)
    flows = {first.name: reading.flow} | {
        route.name: looker.store.readings.flow(route.name) for route in others
    }
    return {
        route.name: _bounds(looker, reading, flows[route.name], _depths(looker, reading, route))
        for route in (first, *others)
    }


def _bounds(looker: Looker, reading: RouteReading, flow: Flow, depths: Depths) -> Bounds:
    settings, followed = looker.settings, reading.limits
    alerts = followed.alerts if followed.period else settings.forwarder.rate_limit
    shed_above = followed.shed_above if followed.period else limits.SHED_ABOVE
    limiter = Limiter(
        reading.watch.drop.limit(alerts),
        followed.period or settings.forwarder.rate_period,
        reading.accepted,
        bool(reading.failures),
    )
    window = max(0, (flow.window.size or settings.pace.batch_size) - flow.in_flight.in_queues)
    credit = max(0, limits.credit(settings.pace.high_water, shed_above, depths))
    rate = reading.pace.rate(settings.pace.max_rate, limiter)
    # Without a limit on the rate the forwarder's limiter is not minded.
    room = inf if rate is None else reading.pace.room(limiter, reading.queued)
    found = max(0, int(room)) if isfinite(room) else None
    return Bounds(window, credit, found, _finite(rate), _binding(window, credit, found))


def _depths(looker: Looker, reading: RouteReading, route: Route) -> Depths:
    """What lies in the queues that a route leads to; its own list is no limit."""
    alert_queue = looker.settings.lists.alert_queue
    return Depths(
        0, reading.lengths[route.target], reading.lengths[alert_queue], route.target == alert_queue
    )


def _read(looker: Looker, route: Route, now: float) -> RouteReading:
    """A route as it is; what is read may say that the limiter counts over another time."""
    targets = (each.target for each in looker.settings.routes)
    queues = tuple(dict.fromkeys((looker.settings.lists.alert_queue, *targets)))
    forwarder, read = looker.settings.forwarder, looker.store.readings.read
    found = read(route, queues, forwarder.rate_limit_key, Window(forwarder.rate_period), now)
    period, skew = found.limits.period or forwarder.rate_period, found.pace.clock.skew
    if period == forwarder.rate_period and abs(skew) < _LITTLE_SKEW:
        return found
    return read(route, queues, forwarder.rate_limit_key, Window(period, skew), now)


def _binding(window: int, credit: int, room: int | None) -> str:
    """The first of the smallest, in the order in which the gate asks."""
    known = {CREDIT: credit, WINDOW: window} | ({} if room is None else {ROOM: room})
    return min(known, key=lambda name: known[name])


def _finite(rate: float | None) -> float | None:
    return None if rate is None or not isfinite(rate) else round(rate, 2)
