"""The end of a cycle: what it did in one entry, and whether its drain goes on, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mutt_tasks.core import limits
from mutt_tasks.core.breaker import BREAKER_OPEN
from mutt_tasks.core.policy import SUSPECT
from mutt_tasks.errors import LeaseLost
from mutt_tasks.replay import level_books
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.result import (
    CONTENDED,
    HELD,
    JOB,
    REPLAYED,
    UNHEALTHY,
    WAITING,
    CycleResult,
    Pending,
    RouteResult,
)
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.store.counters import DROPPED, DROPS
from mutt_tasks.store.ledger import CycleEnd, RouteEnd

# A drain that is held looks again after this many seconds, however short its interval.
HELD_DELAY = 0.5
JOB_DELAY = 0.05

# Held for a moment only: a drain goes on trying, at its own pace.
_PASSING = frozenset(
    {
        limits.BACKOFF,
        limits.BACKPRESSURE,
        limits.WINDOW,
        limits.NOT_TAKEN,
        limits.QUEUE_STANDING,
        limits.DROPPING,
        limits.CHECKING,
        limits.RATE_LIMITED,
        limits.NO_ROOM,
        WAITING,
        SUSPECT,
        CONTENDED,
        JOB,
    }
)
# The drain waits for Moogsoft, and asks.
ASKING = frozenset({UNHEALTHY, BREAKER_OPEN})


@dataclass(frozen=True)
class Ran:
    """A cycle that has done its work: its routes' results, and what is still to be written.

    It started at `started_at` (monotonic seconds) and waited `waited` seconds between slices;
    `probed` is what the check found. A drain that is held rests for `held_delay` seconds.
    """

    routes: Mapping[str, RouteResult]
    started_at: float
    probed: str = ""
    waited: float = 0.0
    pending: Mapping[str, Pending] = field(default_factory=dict)
    traffic: Traffic | None = None
    held_delay: float = HELD_DELAY

    @property
    def outcome(self) -> str:
        """`replayed` if any route moved something."""
        is_any = any(each.outcome == REPLAYED for each in self.routes.values())
        return REPLAYED if is_any else HELD

    @property
    def reason(self) -> str:
        """What held the cycle; empty when it replayed."""
        reasons = dict.fromkeys(each.reason for each in self.routes.values() if each.reason)
        # A route with nothing to do is no news beside one that is held.
        telling = [each for each in reasons if each != limits.EMPTY] or list(reasons)
        return ", ".join(telling) if self.outcome == HELD else ""

    @property
    def health(self) -> str:
        """Moogsoft's health; the forwarder's breaker may have opened after the probe."""
        is_open = any(each.reason == BREAKER_OPEN for each in self.routes.values())
        return BREAKER_OPEN if self.outcome == HELD and is_open else self.probed

    @property
    def at_work(self) -> list[RouteResult]:
        """The routes that have work left."""
        return [each for each in self.routes.values() if each.more]

    @property
    def goes_on(self) -> bool:
        """Whether a drain has reason to go on."""
        passing = _PASSING | ASKING
        return any(each.outcome == REPLAYED or each.reason in passing for each in self.at_work)

    def delay(self, seconds: float, drain_interval: float) -> float:
        """How long a drain rests after a cycle that took `seconds`.

        Where jobs hold all that is left they go on at once: Redis rests between their steps, and
        the drain can do nothing before they let go.
        """
        if self.at_work and all(each.reason == JOB for each in self.at_work):
            return JOB_DELAY
        return max(
            drain_interval - max(self.waited, seconds),
            self.held_delay if self.outcome == HELD else 0.0,
            min((each.delay for each in self.at_work), default=0.0),
            0.0,
        )


def end(context: CycleContext, ran: Ran) -> CycleResult:
    """Count and journal the cycle; pass the lease on when the drain goes on, else drop it."""
    settings, surroundings, traffic = context.settings, context.surroundings, ran.traffic
    next_cycle = surroundings.new_id() if settings.pace.drain and ran.goes_on else ""
    seconds = surroundings.monotonic() - ran.started_at
    result = CycleResult(
        cycle=context.cycle,
        outcome=ran.outcome,
        reason=ran.reason,
        routes=dict(ran.routes),
        next_cycle=next_cycle,
        seconds=seconds,
        health=ran.health,
        delay=ran.delay(seconds, settings.pace.drain_interval),
        dropped=traffic.found_dropping if traffic else 0,
        limiter_accepts=max(0, traffic.watch.drop.ceiling) if traffic else 0,
        limit_needed=traffic.limit_needed if traffic else 0,
    )
    try:
        context.store.ledger.finish(_entry(context, ran, result))
    except LeaseLost:
        # What was moved is moved and counted; only the drain's next step is no longer ours.
        return replace(result, next_cycle="")
    return result


def _entry(context: CycleContext, ran: Ran, result: CycleResult) -> CycleEnd:
    """What the books keep of it."""
    pending = ran.pending
    dropped = {DROPS.of(): 1, DROPPED.of(): result.dropped} if result.dropped else {}
    increments = {name: n for each in pending.values() for name, n in each.increments.items()}
    return CycleEnd(
        token=context.token,
        cycle=context.cycle,
        outcome=result.outcome,
        reason=result.reason,
        seconds=result.seconds,
        routes={
            name: RouteEnd(
                each.outcome, each.reason, each.limit, pending.get(name, Pending()).state
            )
            for name, each in result.routes.items()
        },
        pace=ran.traffic.unwritten() if ran.traffic else {},
        increments=increments | dropped,
        levels=level_books.entered(context, (each.reason for each in ran.routes.values())),
        probed=result.health,
        actor=context.settings.process.pod_name,
        next_cycle=result.next_cycle,
        delay=result.delay,
        asks=any(each.reason in ASKING for each in ran.at_work),
    )
