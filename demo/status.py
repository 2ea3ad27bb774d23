"""How a run of the demo stands: the program's status, and what this run has done so far."""

from dataclasses import dataclass, field

import redis

from mutt_tasks.operations import reasons
from mutt_tasks.operations import status as operations
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store

# A drain rests between two batches; only after this many seconds without one it is told why,
# except for what lasts, which is told at once.
STEADY_SECONDS = 2.5

REPLAYING = "replaying"


@dataclass(frozen=True)
class Status:
    """The lists and what this run has done so far.

    `has_begun` says whether a cycle has ended yet; `dlqs`, `targets` and `dead` hold lengths by
    list, `in_hand` counts what the stand-ins work on just now and `destroyed` what they threw away;
    `sheltered` alerts were moved aside before they could be destroyed, of which
    `would_be_destroyed` is a reckoning (None while live events come);
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
    sheltered: int = 0
    would_be_destroyed: int | None = None
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
    """Reads one status after the other, and remembers how things stood at the start."""

    def __init__(
        self, client: redis.Redis, settings: Settings, processing: tuple[str, ...]
    ) -> None:
        self._store = Store(client)
        self._settings = settings
        self._processing = processing
        self._targets = (settings.lists.ingest_queue, settings.lists.alert_queue)
        self._start = self._last = self._read()
        self._moved_at = float("-inf")

    def read(self, elapsed: float) -> Status:
        """The status now, `elapsed` seconds after the start. Raises StoreError."""
        found, books, before = self._read(), self._last.books, self._start.books
        if (found.books.replayed, found.books.quarantined) != (books.replayed, books.quarantined):
            self._moved_at = elapsed
        self._last = found
        dead = self._settings.lists.dead_letter_queue
        has_begun = found.cycle != self._start.cycle
        is_healthy = found.moogsoft.healthy if has_begun else None
        return Status(
            elapsed=elapsed,
            has_begun=has_begun,
            dlqs={route.source: found.depths[route.source] for route in self._settings.routes},
            targets={name: found.depths[name] for name in self._targets},
            dead={dead: found.dead_depth},
            in_hand=sum(found.depths[name] for name in self._processing),
            replayed=found.books.replayed - before.replayed,
            sheltered=found.books.sheltered - before.sheltered,
            quarantined={
                reason: amount - before.quarantined[reason]
                for reason, amount in found.books.quarantined.items()
            },
            is_healthy=is_healthy,
            health=_health(is_healthy, found.moogsoft.reason),
            doing=self._doing(elapsed, found, has_begun),
            rate=sum(route.rate for route in found.routes.values()),
        )

    def _read(self) -> operations.Status:
        settings, beside = self._settings, (*self._targets, *self._processing)
        return operations.read(
            self._store, settings.routes, settings.lists.dead_letter_queue, beside
        )

    def _doing(self, elapsed: float, found: operations.Status, has_begun: bool) -> str:
        lasts = has_begun and not reasons.LASTING.isdisjoint(found.reasons)
        if elapsed - self._moved_at < STEADY_SECONDS and not lasts:
            return REPLAYING
        if not has_begun:
            if self._start.is_draining and found.is_draining:
                return "starting: the lease of an earlier run must end first (10 s at most)"
            return "starting"
        words = reasons.in_words(found.reasons)
        if found.books.waiting and words:
            return f"held: {words}"
        return words or "waits for the next tick"


def _health(is_healthy: bool | None, reason: str) -> str:
    if is_healthy is None:
        return "not asked yet"
    return f"{'healthy' if is_healthy else 'NOT healthy'} ({reason})"
