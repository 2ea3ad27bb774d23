"""Why not faster: the four limits of each route as they stand, and the one that binds."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from mutt_tasks.core import limits
from mutt_tasks.core.routes import Route
from mutt_tasks.operations.looking import Looker
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.store.readings import RouteReading

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
    """The limits of every route at a moment (seconds since 1970); raises StoreError."""
    routes = looker.settings.routes
    queues = tuple(dict.fromkeys((looker.settings.lists.alert_queue, *(r.target for r in routes))))
    return {route.name: _of(looker, route, queues, now) for route in routes}


def _of(looker: Looker, route: Route, queues: tuple[str, ...], now: float) -> Bounds:
    settings = looker.settings
    traffic = Traffic(settings)
    key = settings.forwarder.rate_limit_key
    reading = looker.store.readings.read(route, queues, key, traffic.window, now)
    traffic.read(reading, now)
    if traffic.window.period != settings.forwarder.rate_period or traffic.window.skew:
        # What was read says over which time the limiter counts.
        reading = looker.store.readings.read(route, queues, key, traffic.window, now)
    traffic.look(reading, now)
    window = reading.flow.window.size or settings.pace.batch_size
    left = max(0, window - reading.flow.in_flight.in_queues)
    credit = limits.credit(settings.pace.high_water, traffic.shed_above, reading.depths)
    rate = traffic.pace.rate(settings.pace.max_rate, traffic.limiter)
    # Without a limit on the rate the forwarder's limiter is not minded.
    room = None if rate is None else _room(traffic, reading)
    credit = max(0, credit)
    return Bounds(left, credit, room, _finite(rate), _binding(left, credit, room))


def _room(traffic: Traffic, reading: RouteReading) -> int | None:
    room = traffic.pace.room(traffic.limiter, reading.queued)
    return max(0, int(room)) if isfinite(room) else None


def _binding(window: int, credit: int, room: int | None) -> str:
    """The first of the smallest, in the order in which the gate asks."""
    known = {CREDIT: credit, WINDOW: window} | ({} if room is None else {ROOM: room})
    return min(known, key=lambda name: known[name])


def _finite(rate: float | None) -> float | None:
    return None if rate is None or not isfinite(rate) else round(rate, 2)
