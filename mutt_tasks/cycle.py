"""One cycle, from lease to commit: may we replay, how much, which messages, done.

The Celery tasks call these three steps in turn; everything a step needs is passed in.

    begin   takes the lease, unless another drain holds it or an operator holds us
    check   asks Moogsoft, or uses an answer that is still fresh
    replay  for each route: look at the oldest messages, decide, commit; then end the cycle
"""

import uuid
from dataclasses import dataclass, field, replace
from time import monotonic

from mutt_tasks import batch, moogsoft
from mutt_tasks.batch import HELD, REPLAYED, RouteResult
from mutt_tasks.core import flow
from mutt_tasks.core.routes import Route
from mutt_tasks.errors import LeaseLost
from mutt_tasks.settings import RUNTIME_KEYS, Settings, overridden
from mutt_tasks.store.lease import Acquired
from mutt_tasks.store.ledger import CycleEnd
from mutt_tasks.store.probes import ProbeRecord
from mutt_tasks.store.store import Store

# Ticks closer together than this share of the interval come from a second beat.
TICK_SHARE = 0.75

DISABLED, PAUSED, UNHEALTHY = "disabled", "paused", "unhealthy"

# Held for a moment only: a drain goes on trying, at its own pace.
_PASSING = frozenset({flow.BACKPRESSURE, flow.RATE_LIMITED, batch.WAITING, batch.CONTENDED})


@dataclass(frozen=True)
class CycleResult:
    """What a cycle did; `next_cycle` is the id of the drain's next one, empty when it ends.

    `outcome` is `replayed` or `held`; of a cycle that never began also `busy` or `early`.
    `health` is what the probe found.
    """

    cycle: str
    outcome: str
    reason: str = ""
    routes: dict[str, RouteResult] = field(default_factory=dict)
    next_cycle: str = ""
    seconds: float = 0.0
    health: str = ""


def new_cycle_id() -> str:
    """An id that no other cycle has."""
    return uuid.uuid4().hex


def current(store: Store, settings: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The settings as the pipeline's runtime configuration has them now, and its bad values."""
    if not settings.dynamic_config:
        return settings, ()
    return overridden(settings, store.controls.runtime_config(RUNTIME_KEYS))


def begin(store: Store, settings: Settings, cycle: str, is_tick: bool) -> CycleResult | None:
    """Take the lease for a new cycle; None when it is ours and the cycle goes on.

    `is_tick` tells beat's ticks, which keep their distance, from calls by hand.
    """
    started = monotonic()
    gap = settings.interval * TICK_SHARE if is_tick else 0.0
    acquired = store.lease.acquire(cycle, gap)
    if acquired is not Acquired.YES:
        return CycleResult(cycle, acquired.value)
    reason = ""
    if not settings.enabled:
        reason = DISABLED
    elif store.controls.paused():
        reason = PAUSED
    if not reason:
        return None
    routes = {route.name: RouteResult(HELD, reason) for route in settings.routes}
    return _end(store, settings, cycle, cycle, routes, started, "")


def check(store: Store, settings: Settings, by_hand: bool) -> ProbeRecord:
    """Moogsoft's health: the forwarder's breaker first, then a fresh answer, then the probe.

    Somebody who calls by hand has just mended something: they get a new probe, unless
    Moogsoft itself asked us to wait.
    """
    now = store.controls.now()
    last = store.probes.last()
    if last and last.checked_at > now:
        last = None  # a clock went back
    not_before = last.not_before if last else 0.0
    if store.controls.breaker_is_open():
        record = ProbeRecord(False, "breaker_open", now, now, not_before)
    elif not moogsoft.is_probed(settings):
        record = ProbeRecord(True, "unchecked", now, now)
    elif last and (now < not_before or (now < last.usable_until and not by_hand)):
        return last
    else:
        answer = moogsoft.probe(settings, now)
        not_before = now + answer.retry_after if answer.retry_after else 0.0
        usable_until = max(now + settings.health_cache_ttl, not_before)
        record = ProbeRecord(answer.healthy, answer.reason, now, usable_until, not_before)
    store.probes.remember(record)
    return record


def replay(
    store: Store, settings: Settings, cycle: str, healthy: bool, probed: str
) -> CycleResult | None:
    """Replay one batch on every route and end the cycle; None when the cycle is not ours.

    `healthy` and `probed` are Moogsoft's health and its reason as the check found them.
    Raises LeaseLost when the lease ran out on the way; what was committed stays committed.
    """
    started = monotonic()
    held = f"{cycle}:{new_cycle_id()}"
    # Only one delivery of this step gets past here, however often it is delivered.
    if not store.lease.advance(cycle, held):
        return None
    if not settings.enabled:
        reason = DISABLED
    elif store.controls.paused():
        reason = PAUSED
    else:
        reason = "" if healthy else UNHEALTHY
    routes = {route.name: RouteResult(HELD, reason) for route in settings.routes}
    if not reason:
        for route in _in_turn(settings.routes, cycle):
            routes[route.name] = batch.send(store, settings, held, cycle, route)
    return _end(store, settings, held, cycle, routes, started, probed)


def _in_turn(routes: tuple[Route, ...], cycle: str) -> tuple[Route, ...]:
    """The routes, each as often the first as any other: it may use up what the rate allows."""
    first = int(cycle[:8], 16) % len(routes)
    return routes[first:] + routes[:first]


def _end(
    store: Store,
    settings: Settings,
    held: str,
    cycle: str,
    routes: dict[str, RouteResult],
    started: float,
    probed: str,
) -> CycleResult:
    """Count and journal the cycle; pass the lease on when the drain goes on, else drop it."""
    outcome = REPLAYED if any(r.outcome == REPLAYED for r in routes.values()) else HELD
    reasons = dict.fromkeys(r.reason for r in routes.values() if r.reason)
    reason = ", ".join(reasons) if outcome == HELD else ""
    goes_on = settings.drain and any(
        r.more and (r.outcome == REPLAYED or r.reason in _PASSING) for r in routes.values()
    )
    next_cycle = new_cycle_id() if goes_on else ""
    result = CycleResult(cycle, outcome, reason, routes, next_cycle, monotonic() - started, probed)
    end = CycleEnd(
        cycle=cycle,
        outcome=outcome,
        reason=reason,
        duration=result.seconds,
        outcomes={name: (r.outcome, r.reason) for name, r in routes.items()},
        states={name: r.state for name, r in routes.items()},
        probed=probed,
        actor=settings.pod_name,
    )
    try:
        store.ledger.finish(held, end, next_cycle, settings.drain_interval)
    except LeaseLost:
        # What was moved is moved and counted; only the drain's next step is no longer ours.
        return replace(result, next_cycle="")
    return result
