"""Everything that the metrics show, read from Redis at the moment of asking."""

from dataclasses import dataclass
from typing import Any

import redis

from mutt_tasks.core.message import parse
from mutt_tasks.core.routes import Route
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.scripts import Scripts

_OLDEST_BYTES = 64 << 10


@dataclass(frozen=True)
class Snapshot:
    """The lists and the books at one moment; times in seconds since 1970."""

    now: float
    depths: dict[str, int]
    counters: dict[str, int]
    health: dict[str, str]
    is_paused: bool
    is_draining: bool
    states: dict[str, dict[str, str]]
    pace: dict[str, str]
    oldest: dict[str, float | None]


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
            steps.hgetall(keys.HEALTH)
            steps.exists(keys.PAUSED)
            steps.exists(keys.LEASE)
            steps.hgetall(keys.PACE)
            for name in lists:
                steps.llen(name)
            for route in routes:
                steps.hgetall(keys.route_state(route.name))
            answers: list[Any] = steps.execute()
        (seconds, microseconds), stats, health, paused, lease, pace, *rest = answers
        depths = dict(zip(lists, rest, strict=False))
        states = [_texts(state) for state in rest[len(lists) :]]
        return Snapshot(
            now=float(seconds) + float(microseconds) / 1_000_000,
            depths=depths,
            counters={
                name: int(value) for name, value in _texts(stats).items() if value.isdecimal()
            },
            health=_texts(health),
            is_paused=bool(paused),
            is_draining=bool(lease),
            states={route.name: state for route, state in zip(routes, states, strict=True)},
            pace=_texts(pace),
            oldest={route.name: self._oldest(route) for route in routes},
        )

    def _oldest(self, route: Route) -> float | None:
        raw = self._scripts.call("oldest", [route.source], [_OLDEST_BYTES])
        message = parse(raw, route.read_fields) if raw else None
        return message.timestamp() if message else None


def _texts(found: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode("utf-8", "replace") for name, value in found.items()}
