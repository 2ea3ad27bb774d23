"""What is going on at one moment, read from Redis, as a person wants to see it."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import redis

from mutt_tasks.core.policy import QUARANTINE_REASONS
from mutt_tasks.settings import Settings
from mutt_tasks.store import keys
from mutt_tasks.store.connection import translated
from mutt_tasks.store.snapshot import Snapshot
from mutt_tasks.store.store import Store

RATE_SECONDS = 5.0
# A drain rests between two batches; only after this many seconds without one it is told why.
STEADY_SECONDS = 2.5
# Except for these, which are told at once.
_FIRM = frozenset({"unhealthy", "breaker_open", "paused", "disabled", "backoff"})

REPLAYING = "replaying"

_WORDS = {
    "empty": "nothing to replay",
    "waiting": "what is left rests before its next replay",
    "unhealthy": "held: Moogsoft is not healthy",
    "breaker_open": "held: the forwarder's breaker is open",
    "paused": "held: paused by an operator",
    "disabled": "held: REMEDIATION_ENABLED is false",
    "backoff": "held: what was replayed came back, the route backs off",
    "backpressure": "held: the target or the alert queue is too long",
    "rate_limited": "held: the rate is used up, or the forwarder's limiter is",
    "window": "held: what was sent last is still on its way",
    "between ticks": "waits for the next tick",
    "contended": "held: somebody else changes the queue",
}


@dataclass(frozen=True)
class Status:
    """The lists and what this run has done so far.

    `has_begun` says whether a cycle has ended yet; `dlqs`, `targets` and `dead` hold lengths by
    list, `in_hand` counts what the stand-ins work on just now and `destroyed` what they threw away;
    `doing` says in words what the program does, or why it does nothing; `rate` is in messages/s.
    """

    elapsed: float
    has_begun: bool = False
    dlqs: dict[str, int] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)
    in_hand: int = 0
    replayed: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    came_back: int | None = None
    accepted: int | None = None
    destroyed: int = 0
    health: str = "not asked yet"
    is_healthy: bool | None = None
    doing: str = "starting"
    rate: float = 0.0

    @property
    def waiting(self) -> int:
        """How many messages lie in the dead letter queues that are served."""
        return sum(self.dlqs.values())

    @property
    def on_the_way(self) -> int:
        """How many messages lie between a dead letter queue and Moogsoft."""
        return sum(self.targets.values()) + self.in_hand

    @property
    def to_empty(self) -> float | None:
        """Seconds until the dead letter queues are empty, at the present rate."""
        if not self.waiting:
            return 0.0
        return self.waiting / self.rate if self.rate > 0 else None


class Reader:
    """Reads one status after the other, and remembers what it takes to tell rates and reasons."""

    def __init__(
        self, client: redis.Redis, settings: Settings, processing: tuple[str, ...]
    ) -> None:
        self._client = client
        self._store = Store(client)
        self._settings = settings
        self._processing = processing
        self._dlqs = tuple(route.source for route in settings.routes)
        self._targets = (settings.ingest_queue, settings.alert_queue)
        before = self._take()
        self._counters = before.counters
        self._had_lease = before.is_draining
        self._cycle_before, _ = self._last_cycle()
        self._seen: deque[tuple[float, int]] = deque()
        self._moved_at = float("-inf")

    def read(self, elapsed: float) -> Status:
        """The status now, `elapsed` seconds after the start. Raises StoreError."""
        found = self._take()
        replayed = self._since_start(found, "replayed")
        quarantined = {reason: self._since_start(found, reason) for reason in QUARANTINE_REASONS}
        rate = self._rate(elapsed, replayed + sum(quarantined.values()))
        entry, cycle = self._last_cycle()
        has_begun = entry != self._cycle_before
        is_healthy = found.health.get("healthy") == "1" if has_begun and found.health else None
        return Status(
            elapsed=elapsed,
            has_begun=has_begun,
            dlqs={name: found.depths[name] for name in self._dlqs},
            targets={name: found.depths[name] for name in self._targets},
            dead={self._settings.dead_letter_queue: found.depths[self._settings.dead_letter_queue]},
            in_hand=sum(found.depths[name] for name in self._processing),
            replayed=replayed,
            quarantined=quarantined,
            is_healthy=is_healthy,
            health=_health(is_healthy, found),
            doing=self._doing(elapsed, found, has_begun, cycle.get("reason", "")),
            rate=rate,
        )

    def _take(self) -> Snapshot:
        dead = self._settings.dead_letter_queue
        lists = (*self._dlqs, *self._targets, dead, *self._processing)
        return self._store.snapshots.take(self._settings.routes, lists)

    def _since_start(self, found: Snapshot, kind: str) -> int:
        return sum(
            value - self._counters.get(name, 0)
            for name, value in found.counters.items()
            if name.startswith(kind + ":")
        )

    def _rate(self, elapsed: float, moved: int) -> float:
        if self._seen and moved > self._seen[-1][1]:
            self._moved_at = elapsed
        self._seen.append((elapsed, moved))
        while elapsed - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return (moved - before) / (elapsed - since) if elapsed > since else 0.0

    def _doing(self, elapsed: float, found: Snapshot, has_begun: bool, reason: str) -> str:
        reasons = [part for part in reason.split(", ") if part] or ["between ticks"]
        is_firm = has_begun and not _FIRM.isdisjoint(reasons)
        if elapsed - self._moved_at < STEADY_SECONDS and not is_firm:
            return REPLAYING
        if not has_begun:
            if self._had_lease and found.is_draining:
                return "starting: the lease of an earlier run must end first (10 s at most)"
            return "starting"
        # A route with nothing to do is no news while another has a reason.
        telling = [part for part in reasons if part != "empty"] or reasons
        return ", ".join(_WORDS.get(part, part) for part in telling)

    def _last_cycle(self) -> tuple[str, dict[str, str]]:
        """The journal's last cycle: its entry's id and its fields."""
        with translated():
            found: Any = self._client.xrevrange(keys.JOURNAL, count=20)
        for entry, raw in found:
            if raw.get(b"event") == b"cycle":
                texts = {name.decode(): value.decode() for name, value in raw.items()}
                return entry.decode(), texts
        return "", {}


def _health(is_healthy: bool | None, found: Snapshot) -> str:
    if is_healthy is None:
        return "not asked yet"
    reason = found.health.get("reason", "")
    return f"{'healthy' if is_healthy else 'NOT healthy'} ({reason})"
