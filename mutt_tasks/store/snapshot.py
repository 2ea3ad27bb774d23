"""Everything that metrics and people are shown, read from Redis at the moment of asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.consumer_limits import FollowedLimits
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.message import parse
from mutt_tasks.core.pace import Pace
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.watch import Watch
from mutt_tasks.store import keys
from mutt_tasks.store.connection import seconds_of, translated
from mutt_tasks.store.counters import Counters
from mutt_tasks.store.fields import text
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import decoded, number

_OLDEST_BYTES = 64 << 10


@dataclass(frozen=True)
class RouteSnapshot:
    """One route's state; `speed` in messages/s is that of its last batches, up to `moved_at`.

    `oldest` is the time of the oldest message's event; None when there is none that tells it.
    """

    flow: Flow
    suspects: Suspects
    speed: float
    moved_at: float
    oldest: float | None


@dataclass(frozen=True)
class Probed:
    """What the last probe found."""

    healthy: bool
    reason: str


@dataclass(frozen=True)
class Snapshot:
    """The lists and the books at one moment; times in seconds since 1970."""

    now: float
    depths: Mapping[str, int]
    counters: Counters
    health: Probed | None
    is_paused: bool
    is_draining: bool
    active_jobs: int
    routes: Mapping[str, RouteSnapshot]
    pace: Pace
    watch: Watch
    limits: FollowedLimits


class Snapshots:
    """Take snapshots."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def take(self, routes: tuple[Route, ...], lists: tuple[str, ...]) -> Snapshot:
        """Read all in one transaction; `lists` are those whose depths are wanted."""
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.time()
            steps.hgetall(keys.STATS)
            steps.hmget(keys.HEALTH, "healthy", "reason")
            steps.exists(keys.PAUSED)
            steps.exists(keys.LEASE)
            steps.zcard(keys.ACTIVE_JOBS)
            steps.hmget(keys.PACE, "pace", "watch", "limits")
            for name in lists:
                steps.llen(name)
            for route in routes:
                steps.hmget(keys.route_state(route.name), "flow", "suspects", "speed", "moved_at")
            answers: list[Any] = steps.execute()
        time, stats, (healthy, reason), paused, lease, jobs, (pace, watch, limits), *rest = answers
        states = zip(routes, rest[len(lists) :], strict=True)
        return Snapshot(
            now=seconds_of(time),
            depths=dict(zip(lists, rest, strict=False)),
            counters=Counters.read(stats),
            health=None if healthy is None else Probed(healthy == b"1", text(reason)),
            is_paused=bool(paused),
            is_draining=bool(lease),
            active_jobs=jobs,
            routes={route.name: self._route(route, state) for route, state in states},
            pace=decoded(Pace, pace),
            watch=decoded(Watch, watch),
            limits=decoded(FollowedLimits, limits),
        )

    def _route(self, route: Route, state: list[bytes | None]) -> RouteSnapshot:
        flow, suspects, speed, moved_at = state
        return RouteSnapshot(
            decoded(Flow, flow),
            decoded(Suspects, suspects),
            number(speed),
            number(moved_at),
            self._oldest(route),
        )

    def _oldest(self, route: Route) -> float | None:
        raw = self._scripts.call("oldest", [route.source], [_OLDEST_BYTES])
        message = parse(raw, route.read_fields) if raw else None
        return message.timestamp() if message else None
