"""Everything that a slice of a batch is decided by, read at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import redis

from mutt_tasks.core.breaker import Marks
from mutt_tasks.core.consumer_limits import FollowedLimits
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.limiter import Accepted, span_of
from mutt_tasks.core.limits import Depths
from mutt_tasks.core.pace import Pace
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.watch import Watch
from mutt_tasks.store import keys, landing
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.connection import translated
from mutt_tasks.store.fields import named, text
from mutt_tasks.store.landing import QueueSight
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import FIELDS, decoded, encoded, number

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


@dataclass(frozen=True)
class Cursor:
    """The `messages` oldest of a source are known to wait until `until` (seconds since 1970).

    That was found by `rules`; other rules may say otherwise.
    """

    messages: int
    until: float
    rules: str


@dataclass(frozen=True)
class RouteReading:
    """One route as it is now.

    The queues have these `lengths`, and `queued` messages lie before the forwarder. `accepted` is
    what the forwarder's limiter holds.
    The forwarder has counted `failures` in a row (None: it does not count). `consumer_limits` is
    what runtime configuration says of the limiter's alerts, its period and the alerter's shedding.
    What was `kept` is decoded when it is asked for: a cycle reads many times a second, and asks
    once, for while it holds the lease nobody else changes it.
    """

    depths: Depths
    lengths: Mapping[str, int]
    queued: int
    kept: Mapping[str, bytes | None]
    accepted: Accepted
    consumer_limits: tuple[bytes | None, bytes | None, bytes | None]
    failures: int | None
    is_paused: bool
    breaker: Marks

    @property
    def cursor(self) -> Cursor:
        """Which messages at the old end are known to wait."""
        kept = self.kept
        return Cursor(
            int(number(kept["cursor"])), number(kept["cursor_until"]), text(kept["cursor_rules"])
        )

    @property
    def speed(self) -> float:
        """The smoothed pace of the route's batches, messages/s."""
        return number(self.kept["speed"])

    @property
    def moved_at(self) -> float:
        """When the last of them went, in seconds since 1970."""
        return number(self.kept["moved_at"])

    @cached_property
    def flow(self) -> Flow:
        """What is known of the route between its batches."""
        return decoded(Flow, self.kept[FIELDS[Flow]])

    @cached_property
    def suspects(self) -> Suspects:
        """What is known of alerts that failed alone."""
        return decoded(Suspects, self.kept[FIELDS[Suspects]])

    @property
    def sights(self) -> tuple[QueueSight, ...]:
        """What the last look found of replays in the queues."""
        return landing.decoded(text(self.kept[landing.FIELD]))

    @cached_property
    def pace(self) -> Pace:
        """How fast replays may go."""
        return decoded(Pace, self.kept[FIELDS[Pace]])

    @cached_property
    def watch(self) -> Watch:
        """Whether the forwarder drops what it is sent."""
        return decoded(Watch, self.kept[FIELDS[Watch]])

    @cached_property
    def limits(self) -> FollowedLimits:
        """The consumers' limits, as they were followed."""
        return decoded(FollowedLimits, self.kept[FIELDS[FollowedLimits]])


class Readings:
    """Read routes."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def read(
        self, route: Route, queues: tuple[str, ...], limiter_key: str, window: Window, now: float
    ) -> RouteReading:
        """A route's depths, its state, and what the pipeline says of itself at the moment `now`.

        `queues` are the alert queue and all others that replays go to; the forwarder's limiter is
        the sorted set at `limiter_key`, and counts alerts over this `window`.
        """
        start = now + window.skew - window.period
        recently = now + window.skew - span_of(window.period)
        answer = self._scripts.call(
            "reading",
            [
                *(route.source, keys.route_state(route.name), keys.PACE, keys.PAUSED),
                *(keys.BREAKER, limiter_key, *map(keys.config, LIMIT_NAMES)),
                *(keys.FAILURES, keys.BREAKER_OPEN_TIME, keys.OLD_BREAKER, keys.HEALTH),
                *(keys.aside(route.name), keys.front(route.name), *queues),
            ],
            [f"{start * 1000:.0f}", f"{recently * 1000:.0f}", MOST_MOMENTS],
        )
        return _reading(route, queues, named(answer), start)

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


def _reading(
    route: Route, queues: tuple[str, ...], found: dict[str, Any], start: float
) -> RouteReading:
    """The reading that an answer tells; the limiter's window begins at `start`."""
    alerts, period, shed_above = found["configured"]
    failures = found["failures"]
    return RouteReading(
        depths=_depths(route, queues, found["source"], found["lengths"]),
        lengths=dict(zip(queues, found["lengths"], strict=True)),
        queued=sum(found["lengths"]),
        kept=named(found["state"]) | named(found["pace"]),
        accepted=_accepted(found, start),
        consumer_limits=(alerts, period, shed_above),
        failures=int(number(failures)) if failures else None,
        is_paused=bool(found["is_paused"]),
        breaker=Marks(
            found["breaker"],
            found["opened_at"],
            bool(found["old_breaker"]),
            number(found["breaker_seen_at"]),
        ),
    )


def _accepted(found: dict[str, Any], start: float) -> Accepted:
    return Accepted(
        used=found["used"],
        recent=found["recent"],
        leaving=tuple(max(0.0, number(moment) / 1000 - start) for moment in found["moments"]),
        stride=found["stride"],
        newest=number(found["newest"]) / 1000,
        oldest=number(found["oldest"]) / 1000,
        is_there=bool(found["has_limiter"]),
    )


def _depths(route: Route, queues: tuple[str, ...], source: int, lengths: list[int]) -> Depths:
    by_queue = dict(zip(queues, lengths, strict=True))
    alert_queue = queues[0]
    return Depths(
        source, by_queue[route.target], by_queue[alert_queue], route.target == alert_queue
    )
