"""What a cycle reads before it decides: the operator's pause, runtime configuration, depths."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import redis

from mutt_tasks.core.flow import Depths, Flow
from mutt_tasks.core.moments import iso
from mutt_tasks.core.pace import STEPS, Limiter, Pace
from mutt_tasks.core.routes import Route
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.queues import JOURNAL_LENGTH
from mutt_tasks.store.states import decoded


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
    smoothed pace of its batches, the last of them at `moved_at`.
    """

    depths: Depths
    cursor: int
    cursor_until: float
    speed: float
    moved_at: float
    cursor_rules: str
    flow: Flow
    pace: Pace
    limiter: Limiter
    is_paused: bool
    breaker_is_open: bool


class Controls:
    """Readings, and the operator's switches."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

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

    def breaker_is_open(self) -> bool:
        """Whether the forwarder's own circuit breaker is open."""
        with translated():
            state: Any = self._client.get(keys.BREAKER)
        return _is_open(state)

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
        self, route: Route, alert_queue: str, limiter: Limiter, limiter_key: str, now: float
    ) -> RouteReading:
        """A route's depths, its state, and what the pipeline says of itself at the moment `now`.

        `limiter` says how large the forwarder's limiter is, whose sorted set has this key.
        """
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.llen(route.source)
            steps.llen(route.target)
            steps.llen(alert_queue)
            steps.exists(limiter_key)
            steps.exists(keys.PAUSED)
            steps.get(keys.BREAKER)
            steps.hgetall(keys.PACE)
            steps.hgetall(keys.route_state(route.name))
            for step in range(STEPS):
                since = now - limiter.period * (1 - step / STEPS)
                steps.zcount(limiter_key, f"({since * 1000:.0f}", "+inf")
            answers: list[Any] = steps.execute()
        source, target, alerts, is_seen, paused, breaker, pace, state, *kept = answers
        return RouteReading(
            depths=Depths(source, target, alerts),
            cursor=int(_number(state.get(b"cursor"))),
            cursor_until=_number(state.get(b"cursor_until")),
            speed=_number(state.get(b"speed")),
            moved_at=_number(state.get(b"moved_at")),
            cursor_rules=state.get(b"cursor_rules", b"").decode("utf-8", "replace"),
            flow=decoded(Flow, state),
            pace=decoded(Pace, pace),
            limiter=replace(limiter, kept=tuple(kept) if is_seen else ()),
            is_paused=bool(paused),
            breaker_is_open=_is_open(breaker),
        )


def _is_open(state: Any) -> bool:
    """Whether the forwarder's circuit breaker, as it stands in Redis, is open."""
    return bool(state) and state.strip(b'" \n').upper() == b"OPEN"


def _number(raw: bytes | None) -> float:
    """A number of our own state; 0 for anything else, which only costs pace, never a message."""
    try:
        value = float(raw or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
