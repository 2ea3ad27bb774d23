"""One route as it was read, and what of it is decoded when."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mutt_tasks.core.breaker import Marks
from mutt_tasks.core.consumer_limits import FollowedLimits
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.limiter import Accepted
from mutt_tasks.core.limits import Depths
from mutt_tasks.core.pace import Pace
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.watch import Watch
from mutt_tasks.store import landing
from mutt_tasks.store.fields import text
from mutt_tasks.store.landing import QueueSight
from mutt_tasks.store.states import FIELDS, decoded, number

# What reading.lua answers, in its order, and which fields of the two hashes.
_ANSWER = (
    *("now", "source", "state", "pace", "is_paused", "breaker", "opened_at", "old_breaker"),
    *("breaker_seen_at", "has_limiter", "used", "recent", "moments", "stride", "newest", "oldest"),
    *("lengths", "configured", "failures"),
)
_STATE = (
    *(FIELDS[Flow], "cursor", "cursor_until", "cursor_rules", "speed", "moved_at"),
    *(FIELDS[Suspects], landing.FIELD),
)
_PACE = (FIELDS[Pace], FIELDS[Watch], FIELDS[FollowedLimits])


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
    """One route at the moment `now`, in seconds since 1970.

    The queues have these `lengths`, and `queued` messages lie before the forwarder. `accepted` is
    what the forwarder's limiter holds.
    The forwarder has counted `failures` in a row (None: it does not count). `consumer_limits` is
    what runtime configuration says of the limiter's alerts, its period and the alerter's shedding.
    What was `kept` is decoded when it is asked for: a cycle reads many times a second, and asks
    once, for while it holds the lease nobody else changes it.
    """

    now: float
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


def reading_of(
    route: Route, queues: tuple[str, ...], answer: list[Any], window: float
) -> RouteReading:
    """The reading that an answer of reading.lua tells.

    It was asked for these `queues`, and a window of the limiter that began `window` seconds before.
    """
    found = _named(_ANSWER, answer)
    alerts, period, shed_above = found["configured"]
    now, failures = number(found["now"]), found["failures"]
    return RouteReading(
        now=now,
        depths=_depths(route, queues, found["source"], found["lengths"]),
        lengths=dict(zip(queues, found["lengths"], strict=True)),
        queued=sum(found["lengths"]),
        kept=_named(_STATE, found["state"]) | _named(_PACE, found["pace"]),
        accepted=_accepted(found, now - window),
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


def _named(names: tuple[str, ...], values: list[Any]) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


def _accepted(found: dict[str, Any], start: float) -> Accepted:
    return Accepted(
        used=found["used"],
        recent=found["recent"],
        leaving=tuple(
            max(0.0, number(moment) / 1000 - start) for moment in found["moments"].split()
        ),
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
