"""What a cycle reads before it decides: the operator's pause, runtime configuration, depths."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.breaker import Marks
from mutt_tasks.core.consumer_limits import FollowedLimits
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.limits import Depths
from mutt_tasks.core.moments import iso
from mutt_tasks.core.pace import STEPS, Pace
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.watch import Watch
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.queues import JOURNAL_LENGTH
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.states import decoded, number

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
class Pause:
    """An operator's pause: who, why, since when (ISO 8601), and for how many seconds more."""

    actor: str
    reason: str
    since: str
    seconds_left: float


@dataclass(frozen=True)
class RouteReading:
    """One route as it is now; its `cursor` oldest messages are known to wait until `cursor_until`.

    That was found by `cursor_rules`; other rules may say otherwise. `speed` (messages/s) is the
    smoothed pace of its batches, the last of them at `moved_at`; `queued` messages lie before the
    forwarder. `kept` says how many of its limiter's alerts are still in the window at STEPS moments
    of the coming period (empty: there is no limiter), `newest` when it took the last one, by its
    own clock. The forwarder has counted so many `failures` in a row (None: it does not count).
    `consumer_limits` is what runtime configuration says of the limiter's alerts, its period and
    the alerter's shedding.
    """

    depths: Depths
    queued: int
    cursor: int
    cursor_until: float
    speed: float
    moved_at: float
    cursor_rules: str
    flow: Flow
    suspects: Suspects
    pace: Pace
    watch: Watch
    limits: FollowedLimits
    kept: tuple[int, ...]
    newest: float
    consumer_limits: tuple[bytes | None, bytes | None, bytes | None]
    failures: int | None
    is_paused: bool
    breaker: Marks


class Controls:
    """Readings, and the operator's switches."""

    def __init__(self, client: redis.Redis, scripts: Scripts) -> None:
        self._client = client
        self._scripts = scripts

    def now(self) -> float:
        """Redis' own clock, in seconds since 1970: one clock for every worker and beat."""
        with translated():
            seconds, microseconds = self._client.time()
        return float(seconds) + float(microseconds) / 1_000_000

    def runtime_config(self, names: Iterable[str]) -> dict[str, bytes]:
        """The pipeline's runtime configuration, as far as it holds these names."""
        names = list(names)
        with translated():
            found: list[Any] = self._client.mget([keys.config(name) for name in names])
        return {name: raw for name, raw in zip(names, found, strict=True) if raw is not None}

    def breaker(self) -> Marks:
        """What stands in Redis of the forwarder's own circuit breaker."""
        with translated(), self._client.pipeline(transaction=False) as looks:
            # MGET finds nothing where something else than a string stands.
            looks.mget(keys.BREAKER, keys.BREAKER_OPEN_TIME)
            looks.exists(keys.OLD_BREAKER)
            looks.hget(keys.HEALTH, "breaker_seen_at")
            (state, open_time), old_mark, seen_at = looks.execute()
        return Marks(state, open_time, bool(old_mark), number(seen_at))

    def paused(self) -> Pause | None:
        """The operator's pause, if one is in force."""
        with translated(), self._client.pipeline(transaction=True) as both:
            both.hgetall(keys.PAUSED)
            both.pttl(keys.PAUSED)
            fields, milliseconds = both.execute()
        if not fields:
            return None
        texts = {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}
        return Pause(
            actor=texts.get("actor", "unknown"),
            reason=texts.get("reason", ""),
            since=texts.get("since", ""),
            seconds_left=max(0, milliseconds) / 1000,
        )

    def pause(self, actor: str, reason: str, seconds: float) -> None:
        """Hold every replay for so many seconds, and journal who said so."""
        since = iso(self.now())
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.delete(keys.PAUSED)
            steps.hset(keys.PAUSED, mapping={"actor": actor, "reason": reason, "since": since})
            steps.pexpire(keys.PAUSED, round(seconds * 1000))
            journal: dict[Any, Any] = {
                "event": "paused",
                "by": actor,
                "reason": reason,
                "seconds": f"{seconds:g}",
            }
            steps.xadd(keys.JOURNAL, journal, maxlen=JOURNAL_LENGTH, approximate=True)
            steps.execute()

    def resume(self, actor: str) -> bool:
        """End a pause, and journal who said so; False when there was none."""
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.delete(keys.PAUSED)
            journal: dict[Any, Any] = {"event": "resumed", "by": actor}
            steps.xadd(keys.JOURNAL, journal, maxlen=JOURNAL_LENGTH, approximate=True)
            return bool(steps.execute()[0])

    def reading(
        self, route: Route, queues: tuple[str, ...], limiter_key: str, window: Window, now: float
    ) -> RouteReading:
        """A route's depths, its state, and what the pipeline says of itself at the moment `now`.

        `queues` are the alert queue and all others that replays go to; the forwarder's limiter is
        the sorted set at `limiter_key`, and counts alerts over this `window`.
        """
        start = now + window.skew - window.period
        steps = [start + window.period * step / STEPS for step in range(STEPS)]
        answers = self._scripts.call(
            "reading",
            [
                *(route.source, keys.route_state(route.name), keys.PACE, keys.PAUSED),
                *(keys.BREAKER, limiter_key, *map(keys.config, LIMIT_NAMES)),
                *(keys.FAILURES, keys.BREAKER_OPEN_TIME, keys.OLD_BREAKER, keys.HEALTH, *queues),
            ],
            [f"{moment * 1000:.0f}" for moment in steps],
        )
        source, state, pace, is_paused, breaker, *limiter, lengths, configured, failures = answers
        is_seen, kept, newest = limiter
        by_queue = dict(zip(queues, lengths, strict=True))
        flow, cursor, cursor_until, cursor_rules, speed, moved_at, suspects = state
        alerts, period, shed_above = configured
        return RouteReading(
            depths=Depths(
                source,
                by_queue[route.target],
                by_queue[queues[0]],
                is_direct=route.target == queues[0],
            ),
            queued=sum(lengths),
            cursor=int(number(cursor)),
            cursor_until=number(cursor_until),
            speed=number(speed),
            moved_at=number(moved_at),
            cursor_rules=(cursor_rules or b"").decode("utf-8", "replace"),
            flow=decoded(Flow, flow),
            suspects=decoded(Suspects, suspects),
            pace=decoded(Pace, pace[0]),
            watch=decoded(Watch, pace[1]),
            limits=decoded(FollowedLimits, pace[2]),
            kept=tuple(kept) if is_seen else (),
            newest=number(newest) / 1000,
            consumer_limits=(alerts, period, shed_above),
            failures=int(number(failures)) if failures else None,
            is_paused=bool(is_paused),
            breaker=_marks(breaker),
        )


def _marks(found: list[Any]) -> Marks:
    """The forwarder's circuit breaker as `reading.lua` returns it."""
    state, open_time, old_mark, seen_at = found
    return Marks(state, open_time, bool(old_mark), number(seen_at))
