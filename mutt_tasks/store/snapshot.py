"""Everything that metrics and people are shown, read from Redis at the moment of asking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.breaker import Marks
from mutt_tasks.core.consumer_limits import FollowedLimits
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.jobs import Job
from mutt_tasks.core.message import parse
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.pace import Pace
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.watch import Watch
from mutt_tasks.store import keys
from mutt_tasks.store.balance import Checks
from mutt_tasks.store.connection import seconds_of, translated
from mutt_tasks.store.counters import CAME_BACK, Counters
from mutt_tasks.store.fields import text
from mutt_tasks.store.job_fields import job_of
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
    """What the last probe found, and when (seconds since 1970; 0: that cannot be read)."""

    healthy: bool
    reason: str
    at: float = 0.0


@dataclass(frozen=True)
class PauseSpan:
    """From when to when a pause lasts, in seconds since 1970; None where that cannot be told."""

    since: float | None
    until: float | None


@dataclass(frozen=True)
class Snapshot:
    """The lists and the books at one moment; times in seconds since 1970.

    `jobs` are those of the jobs asked for that there are.
    """

    now: float
    depths: Mapping[str, int]
    counters: Counters
    health: Probed | None
    pause: PauseSpan | None
    is_draining: bool
    active_jobs: int
    jobs: Mapping[str, Job]
    routes: Mapping[str, RouteSnapshot]
    pace: Pace
    watch: Watch
    limits: FollowedLimits
    breaker: Marks
    checks: Checks

    @property
    def is_paused(self) -> bool:
        """Whether an operator's pause is in force."""
        return self.pause is not None


class Snapshots:
    """Take snapshots."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def take(
        self, routes: tuple[Route, ...], lists: tuple[str, ...], jobs: Sequence[str] = ()
    ) -> Snapshot:
        """Read all in one transaction.

        `lists` are those whose depths are wanted, `jobs` the ids of those that are. What lies
        beside a route's source for a few seconds belongs to it.
        """
        beside = [key(route.name) for route in routes for key in (keys.aside, keys.front)]
        with translated(), self._client.pipeline(transaction=True) as steps:
            _ask(steps)
            for name in (*lists, *beside):
                steps.llen(name)
            for route in routes:
                steps.hmget(keys.route_state(route.name), "flow", "suspects", "speed", "moved_at")
            for job in jobs:
                steps.hgetall(keys.job(job))
            answers: list[Any] = steps.execute()
        time, stats, health, breaker, old_mark, since, pttl, checks, *answers = answers
        lease, active, (pace, watch, limits), *rest = answers
        many = len(lists) + len(beside)
        states = zip(routes, rest[many:], strict=False)
        now, counters = seconds_of(time), Counters.read(stats)
        return Snapshot(
            now=now,
            depths=_depths(routes, lists, rest[:many]),
            counters=counters,
            health=_probed(*health[:3]),
            pause=_pause_span(since, pttl, now),
            is_draining=bool(lease),
            active_jobs=active,
            jobs=_jobs(dict(zip(jobs, rest[many + len(routes) :], strict=True)), counters),
            routes={route.name: self._route(route, state) for route, state in states},
            pace=decoded(Pace, pace),
            watch=decoded(Watch, watch),
            limits=decoded(FollowedLimits, limits),
            breaker=Marks(breaker[0], breaker[1], bool(old_mark), number(health[3])),
            checks=Checks.read(checks),
        )

    def _route(self, route: Route, state: list[bytes | None]) -> RouteSnapshot:
        flow, suspects, speed, moved_at = state
        return RouteSnapshot(
            decoded(Flow, flow),
            decoded(Suspects, suspects),
            number(speed),
            number(moved_at),
            self.oldest(route.source),
        )

    def oldest(self, name: str) -> float | None:
        """The time of the event of a list's oldest message; None when there is none that tells."""
        raw = self._scripts.call("oldest", [name], [_OLDEST_BYTES])
        message = parse(raw, frozenset({"timestamp"})) if raw else None
        return message.timestamp() if message else None


def _ask(steps: redis.client.Pipeline) -> None:
    """Ask for what there is once."""
    steps.time()
    steps.hgetall(keys.STATS)
    steps.hmget(keys.HEALTH, "healthy", "reason", "checked_at", "breaker_seen_at")
    # MGET finds nothing where something else than a string stands.
    steps.mget(keys.BREAKER, keys.BREAKER_OPEN_TIME)
    steps.exists(keys.OLD_BREAKER)
    steps.hget(keys.PAUSED, "since")
    steps.pttl(keys.PAUSED)
    steps.hgetall(keys.CHECKS)
    steps.exists(keys.LEASE)
    steps.zcard(keys.ACTIVE_JOBS)
    steps.hmget(keys.PACE, "pace", "watch", "limits")


def _probed(healthy: bytes | None, reason: bytes | None, at: bytes | None) -> Probed | None:
    return None if healthy is None else Probed(healthy == b"1", text(reason), number(at))


def _pause_span(since: bytes | None, pttl: int, now: float) -> PauseSpan | None:
    """The pause whose key lives for `pttl` ms more, as Redis says it."""
    if pttl == -2:  # there is no such key
        return None
    return PauseSpan(moment_of(text(since)), None if pttl < 0 else now + pttl / 1000)


def _jobs(hashes: Mapping[str, Mapping[bytes, bytes]], counters: Counters) -> dict[str, Job]:
    """The jobs that these hashes tell, by their ids."""
    found = {name: job_of(raw, counters.value(CAME_BACK.of(name))) for name, raw in hashes.items()}
    return {name: job for name, job in found.items() if job is not None}


def _depths(
    routes: tuple[Route, ...], lists: tuple[str, ...], lengths: list[int]
) -> dict[str, int]:
    """The depths of the lists, by the lengths of these and of two beside each route's source."""
    depths = dict(zip(lists, lengths, strict=False))
    beside = lengths[len(lists) :]
    for at, route in enumerate(routes):
        if route.source in depths:
            depths[route.source] += sum(beside[2 * at : 2 * at + 2])
    return depths
