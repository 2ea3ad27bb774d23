"""One look at a route: its lists, its state and the forwarder's limiter at the same moment."""

from dataclasses import dataclass

from mutt_tasks.core.routes import Route
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.store.route_reading import RouteReading


@dataclass(frozen=True)
class Look:
    """What was read, and when, in seconds since 1970 by Redis' clock."""

    reading: RouteReading
    now: float


def look_at(context: CycleContext, route: Route, traffic: Traffic) -> Look:
    """Read a route as it is now."""
    surroundings, window = context.surroundings, None
    now = None if surroundings.has_redis_clock else surroundings.now()
    # What is read may say that the limiter counts over another time than was assumed.
    while window != traffic.window:
        window = traffic.window
        reading = context.store.readings.read(
            route, context.queues, context.settings.forwarder.rate_limit_key, window, now
        )
        traffic.read(reading, reading.now)
    return Look(reading, reading.now)
