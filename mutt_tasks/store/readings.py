"""Everything that a slice of a batch is decided by, read at one moment."""

from dataclasses import dataclass, replace
from typing import Any

import redis

from mutt_tasks.core.flow import Flow
from mutt_tasks.core.limiter import span_of
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.store import keys
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.connection import translated
from mutt_tasks.store.route_reading import RouteReading, reading_of
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import FIELDS, decoded, encoded

# Of at most this many alerts in the limiter's window it is read when they leave it. Of more it is
# every second, third ... one: that is exact enough for the room, and little work for Redis.
MOST_MOMENTS = 100

# What is known of messages that wait at the old end, when it holds no more.
NO_CURSOR = {"cursor": 0, "cursor_until": 0}

# Keys of the pipeline's runtime configuration that its consumers follow.
LIMIT_NAMES = ("moog_rate_limit", "moog_rate_period", "alerter_queue_shed_threshold")


@dataclass(frozen=True)
class Window:
    """What the forwarder's limiter counts over: a `period` in seconds, on a clock that is `skew`
    seconds ahead of Redis'.
    """

    period: float
    skew: float = 0.0


class Readings:
    """Read routes."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def read(
        self,
        route: Route,
        queues: tuple[str, ...],
        limiter_key: str,
        window: Window,
        now: float | None = None,
    ) -> RouteReading:
        """A route's depths, its state, and what the pipeline says of itself.

        That is at the moment `now`, in seconds since 1970 (None: by Redis' own clock). `queues` are
        the alert queue and all others that replays go to; the forwarder's limiter is the sorted set
        at `limiter_key`, and counts alerts over this `window`.
        """
        whole, recent = window.period - window.skew, span_of(window.period) - window.skew
        answer = self._scripts.call(
            "reading",
            [
                *(route.source, keys.route_state(route.name), keys.PACE, keys.PAUSED),
                *(keys.BREAKER, limiter_key, *map(keys.config, LIMIT_NAMES)),
                *(keys.FAILURES, keys.BREAKER_OPEN_TIME, keys.OLD_BREAKER, keys.HEALTH),
                *(keys.aside(route.name), keys.front(route.name), *queues),
            ],
            [
                *(f"{whole * 1000:.3f}", f"{recent * 1000:.3f}", MOST_MOMENTS),
                "" if now is None else f"{now:.6f}",
            ],
        )
        return reading_of(route, queues, answer, whole)

    def flow(self, route: str) -> Flow:
        """What is known of a route between its batches."""
        with translated():
            found: Any = self._client.hget(keys.route_state(route), FIELDS[Flow])
        return decoded(Flow, found)

    def shifted(self, route: str, batch: Batch, *, is_back: bool) -> dict[str, Any]:
        """The fields of a route's state after an operator's job takes messages from its source.

        `is_back` says that it puts the batch back instead, at the old end. What was known of
        messages that wait there holds no more; the rest is kept in step, so that the next look
        takes it neither for arrivals nor for what has left by itself.
        """
        with translated():
            found: Any = self._client.hmget(keys.route_state(route), FIELDS[Flow], FIELDS[Suspects])
        flow, suspects = decoded(Flow, found[0]), decoded(Suspects, found[1])
        state: dict[str, Any] = dict(NO_CURSOR)
        many = len(batch.messages) if is_back else -batch.going
        if found[0] and flow.depth is not None:
            state |= encoded(replace(flow, depth=max(0, flow.depth + many)))
        if found[1]:
            if is_back:
                suspects = replace(suspects, cleared=suspects.cleared + many)
            else:
                suspects = suspects.moved(batch.places, sent=False, now=0.0)
            state |= encoded(suspects)
        return state

    def brought(self, route: str, older: int, count: int) -> dict[str, Any]:
        """The fields of a route's state when `count` messages come before the `older` ones.

        What is known of an outage that the oldest of these came in holds for the others, too.
        """
        with translated():
            found: Any = self._client.hget(keys.route_state(route), FIELDS[Suspects])
        known = decoded(Suspects, found)
        if not known.cleared:
            return dict(NO_CURSOR)
        cleared = max(known.cleared, min(known.cleared, older) + count)
        return NO_CURSOR | encoded(replace(known, cleared=cleared))
