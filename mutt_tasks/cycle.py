"""One cycle, from lease to commit: may we replay, how much, which messages, done.

The Celery tasks call these three steps in turn (`check` is in `checking.py`); everything a step
needs is passed in.

    begin   takes the lease, unless another drain holds it or an operator holds us
    check   asks Moogsoft, or uses an answer that is still fresh
    replay  for each route: learn from the last batch, then, slice by slice, look at the oldest
            messages, decide, commit; then end the cycle
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic, sleep

from mutt_tasks import batch, checking
from mutt_tasks.batch import HELD, PAUSED, REPLAYED, UNHEALTHY, Lane, RouteResult
from mutt_tasks.core import limits
from mutt_tasks.core.breaker import BREAKER_OPEN
from mutt_tasks.core.policy import SUSPECT
from mutt_tasks.core.routes import Route
from mutt_tasks.errors import LeaseLost
from mutt_tasks.settings import Settings
from mutt_tasks.store.lease import RENEW_SECONDS, Acquired, Holder, Step, TakeOver
from mutt_tasks.store.ledger import CycleEnd
from mutt_tasks.store.store import Store
from mutt_tasks.traffic import Traffic

# Ticks closer together than this share of the interval come from a second beat.
TICK_SHARE = 0.75

DISABLED, DRAINING = "disabled", "draining"

# A batch is spread over the drain's interval, so that it is no burst: a slice each so many seconds,
# for most of the interval (the rest goes to the tasks around it), at most so many seconds.
SLICE = 0.05
SPREAD_SHARE, LONGEST_SPREAD = 0.95, 10.0

# A drain that is held looks again after so many seconds, however short its interval.
HELD_PAUSE = 0.5

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
        batch.WAITING,
        SUSPECT,
        batch.CONTENDED,
    }
)
# The drain waits for Moogsoft, and asks.
_ASKING = frozenset({UNHEALTHY, BREAKER_OPEN})


@dataclass(frozen=True)
class CycleResult:
    """What a cycle did; `next_cycle` is the id of the drain's next one, empty when it ends.

    `outcome` is `replayed` or `held`; of a cycle that never began also `busy` or `early`.
    `health` is what the probe found. The next cycle begins `pause` seconds later. About `dropped`
    replays were found lost before the forwarder's limiter, which takes `limiter_takes` alerts.
    `holder` is whose drain it found under way when it is `busy`.
    """

    cycle: str
    outcome: str
    reason: str = ""
    routes: dict[str, RouteResult] = field(default_factory=dict)
    next_cycle: str = ""
    seconds: float = 0.0
    health: str = ""
    pause: float = 0.0
    dropped: int = 0
    limiter_takes: int = 0
    holder: Holder | None = None


def new_cycle_id() -> str:
    """An id that no other cycle has."""
    return uuid.uuid4().hex


def begin(
    store: Store, settings: Settings, cycle: str, is_tick: bool, is_start: bool = False
) -> CycleResult | None:
    """Take the lease for a new cycle; None when it is ours and the cycle goes on.

    `is_tick` tells beat's ticks, which keep their distance, from calls by hand, and `is_start` a
    worker that goes on with what another one left: it takes over every drain that rests. A call by
    hand does so with one that waits for Moogsoft, since it asks at once.
    """
    started = monotonic()
    gap = settings.pace.interval * TICK_SHARE if is_tick else 0.0
    take_over = TakeOver.OVERDUE if is_tick else TakeOver.ASKING
    acquired, holder = store.lease.acquire(cycle, gap, TakeOver.ANY if is_start else take_over)
    if acquired is not Acquired.YES:
        return CycleResult(cycle, acquired.value, DRAINING if holder else "", holder=holder)
    reason = ""
    if not settings.pace.enabled:
        reason = DISABLED
    elif store.controls.paused():
        reason = PAUSED
    if not reason:
        return None
    return _end(store, settings, cycle, cycle, _held(settings, reason), started, "")


def replay(
    store: Store,
    settings: Settings,
    cycle: str,
    healthy: bool,
    probed: str,
    wait: Callable[[float], None] = sleep,
) -> CycleResult | None:
    """Replay one batch on every route and end the cycle; None when the cycle is not ours.

    `healthy` and `probed` are Moogsoft's health and its reason as the check found them; `wait`
    lets so many seconds pass between two slices of a batch.
    Raises LeaseLost when the lease ran out on the way; what was committed stays committed.
    """
    started = monotonic()
    held = f"{cycle}:{new_cycle_id()}"
    # Only one delivery of this step gets past here, however often it is delivered.
    if not store.lease.advance(cycle, held, Step.REPLAYING):
        return None
    waited, traffic = 0.0, Traffic(settings)
    if not settings.pace.enabled:
        routes = _held(settings, DISABLED)
    elif store.controls.paused():
        routes = _held(settings, PAUSED)
    else:
        lanes = [
            Lane(store, settings, held, cycle, route, traffic)
            for route in _in_turn(settings.routes, cycle)
        ]
        for lane in lanes:
            lane.settle(healthy)
            if healthy:
                lane.send()
            else:
                lane.hold(BREAKER_OPEN if probed == BREAKER_OPEN else UNHEALTHY)
        waited = _go_on(store, held, lanes, traffic, settings, started, wait)
        routes = {lane.route.name: lane.result for lane in lanes}
        if settings.pace.drain and any(r.more and r.reason in _ASKING for r in routes.values()):
            routes = _asking(store, lanes)
    return _end(store, settings, held, cycle, routes, started, probed, waited, traffic)


def _go_on(
    store: Store,
    held: str,
    lanes: list[Lane],
    traffic: Traffic,
    settings: Settings,
    started: float,
    wait: Callable[[float], None],
) -> float:
    """Send the rest of the batches, slice by slice, in turn; returns the seconds waited.

    Behind the last slice it goes on looking while what was sent has yet to reach the limiter.
    """
    spread = SPREAD_SHARE * min(settings.pace.drain_interval, LONGEST_SPREAD)
    waited = renewed = 0.0
    while traffic.is_watching or not all(lane.is_done for lane in lanes):
        if max(waited, monotonic() - started) + SLICE > spread:
            break
        wait(SLICE)
        waited += SLICE
        lanes = lanes[1:] + lanes[:1]
        for lane in lanes:
            if not lane.is_done:
                lane.send()
        if all(lane.is_done for lane in lanes):
            lanes[0].look()
        # Slices that may send nothing commit nothing, and only a commit renews the lease.
        if waited - renewed >= RENEW_SECONDS:
            store.lease.advance(held, held, Step.REPLAYING)
            renewed = waited
    return waited


def _asking(store: Store, lanes: list[Lane]) -> dict[str, RouteResult]:
    """The routes' results, those held because of Moogsoft until it is time to look again."""
    pause = checking.next_look(store, max(lane.passed_at for lane in lanes))
    return {
        lane.route.name: replace(lane.result, pause=pause)
        if lane.result.reason in _ASKING
        else lane.result
        for lane in lanes
    }


def _held(settings: Settings, reason: str) -> dict[str, RouteResult]:
    return {route.name: RouteResult(HELD, reason, limit=reason) for route in settings.routes}


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
    waited: float = 0.0,
    traffic: Traffic | None = None,
) -> CycleResult:
    """Count and journal the cycle; pass the lease on when the drain goes on, else drop it."""
    outcome = REPLAYED if any(r.outcome == REPLAYED for r in routes.values()) else HELD
    reasons = dict.fromkeys(r.reason for r in routes.values() if r.reason)
    reason = ", ".join(reasons) if outcome == HELD else ""
    at_work = [r for r in routes.values() if r.more]
    goes_on = settings.pace.drain and any(
        r.outcome == REPLAYED or r.reason in _PASSING | _ASKING for r in at_work
    )
    asks = any(r.reason in _ASKING for r in at_work)
    if outcome == HELD and BREAKER_OPEN in reasons:
        probed = BREAKER_OPEN  # it opened after the probe
    next_cycle = new_cycle_id() if goes_on else ""
    seconds = monotonic() - started
    pause = max(
        settings.pace.drain_interval - max(waited, seconds),
        HELD_PAUSE if outcome == HELD else 0.0,
        min((r.pause for r in at_work), default=0.0),
        0.0,
    )
    dropped = traffic.found_dropping if traffic else 0
    takes = max(0, traffic.watch.ceiling) if traffic else 0
    result = CycleResult(
        cycle, outcome, reason, routes, next_cycle, seconds, probed, pause, dropped, takes
    )
    end = CycleEnd(
        cycle=cycle,
        outcome=outcome,
        reason=reason,
        duration=result.seconds,
        outcomes={name: (r.outcome, r.reason) for name, r in routes.items()},
        limits={name: r.limit for name, r in routes.items() if r.limit},
        states={name: r.state for name, r in routes.items()},
        pace=traffic.unwritten() if traffic else {},
        raised={name: n for r in routes.values() for name, n in r.raised.items()}
        | ({"drops": 1, "dropped": dropped} if dropped else {}),
        probed=probed,
        actor=settings.process.pod_name,
        asks=asks,
    )
    try:
        store.ledger.finish(held, end, next_cycle, pause)
    except LeaseLost:
        # What was moved is moved and counted; only the drain's next step is no longer ours.
        return replace(result, next_cycle="")
    return result
