"""One cycle, from lease to commit: may we replay, how much, which messages, done.

The Celery tasks call these three steps in turn; everything a step needs is passed in.

    begin   takes the lease, unless another drain holds it or an operator holds us
    check   asks Moogsoft, or uses an answer that is still fresh
    replay  for each route: look at the oldest messages, decide, commit; then end the cycle
"""

import uuid
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from mutt_tasks import moogsoft
from mutt_tasks.core import flow
from mutt_tasks.core.policy import Action, Decision, Policy, decide
from mutt_tasks.core.routes import Route
from mutt_tasks.errors import LeaseLost
from mutt_tasks.settings import RUNTIME_KEYS, Settings, overridden
from mutt_tasks.store.controls import RouteReading
from mutt_tasks.store.lease import Acquired
from mutt_tasks.store.ledger import CycleEnd
from mutt_tasks.store.probes import ProbeRecord
from mutt_tasks.store.queues import Batch, Moved
from mutt_tasks.store.store import Store

# How far one batch looks past messages that wait, and how many bytes it holds in memory.
# The next batch goes on where this one stopped, so a larger queue only takes more batches.
SCAN_MESSAGES = 10_000
SCAN_BYTES = 16 << 20

# A queue that somebody changes between look and commit is looked at again this often.
COMMIT_TRIES = 3

# Ticks closer together than this share of the interval come from a second beat.
TICK_SHARE = 0.75

REPLAYED, HELD = "replayed", "held"
DISABLED, PAUSED, UNHEALTHY = "disabled", "paused", "unhealthy"
WAITING, CONTENDED = "waiting", "contended"

# Held for a moment only: a drain goes on trying, at its own pace.
_PASSING = frozenset({flow.BACKPRESSURE, flow.RATE_LIMITED, CONTENDED})


@dataclass(frozen=True)
class RouteResult:
    """What a cycle did on one route; `more` says whether there is work left for it now."""

    outcome: str
    reason: str = ""
    moved: Moved = field(default_factory=Moved)
    waiting: int = 0
    odd: int = 0
    more: bool = False
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CycleResult:
    """What a cycle did; `next_cycle` is the id of the drain's next one, empty when it ends."""

    cycle: str
    outcome: str
    reason: str = ""
    routes: dict[str, RouteResult] = field(default_factory=dict)
    next_cycle: str = ""
    seconds: float = 0.0


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
    routes = {}
    for route in settings.routes:
        if reason:
            routes[route.name] = RouteResult(HELD, reason)
        else:
            routes[route.name] = _serve(store, settings, held, cycle, route)
    return _end(store, settings, held, cycle, routes, started, probed)


def _serve(store: Store, settings: Settings, held: str, cycle: str, route: Route) -> RouteResult:
    """One batch on one route."""
    for attempt in range(COMMIT_TRIES):
        now = store.controls.now()
        reading = store.controls.reading(route, settings.alert_queue)
        rate = flow.rate_per_second(settings.max_rate)
        bucket = None if rate is None else store.controls.bucket(now).refilled(rate, now)
        allowed = flow.allowance(settings.batch_size, settings.high_water, reading.depths, bucket)
        if allowed.held_by:
            return RouteResult(HELD, allowed.held_by, more=reading.depths.source > 0)
        chosen = _choose(store, settings, route, cycle, now, reading, allowed.messages)
        if not chosen.batch.decisions:
            more = not chosen.saw_all
            return RouteResult(HELD, WAITING, waiting=chosen.waiting, more=more, state=chosen.state)
        state = chosen.state | _speed(reading, settings, len(chosen.batch.decisions), now)
        pace = {}
        if bucket is not None:
            bucket = bucket.spent(chosen.replays)
            pace = {"tokens": f"{bucket.tokens:.6f}", "at": f"{bucket.at:.6f}"}
        moved = store.queues.commit(
            held,
            f"{cycle}:{route.name}:{attempt}",
            cycle,
            route,
            settings.dead_letter_queue,
            chosen.batch,
            state,
            pace,
        )
        if moved is not None:
            odd = sum(not decision.is_sound for decision in chosen.batch.decisions)
            more = not chosen.saw_all
            return RouteResult(REPLAYED, "", moved, chosen.waiting, odd, more)
    return RouteResult(HELD, CONTENDED, more=True)


def _speed(reading: RouteReading, settings: Settings, going: int, now: float) -> dict[str, Any]:
    """How fast the queue empties, in messages/s, smoothed over the last few batches."""
    gap = now - reading.moved_at
    is_drain = 0 < gap < 60
    speed = going / (gap if is_drain else max(settings.drain_interval, 0.1))
    if is_drain:
        speed = 0.7 * reading.speed + 0.3 * speed
    return {"speed": f"{speed:.3f}", "moved_at": f"{now:.3f}"}


@dataclass(frozen=True)
class _Chosen:
    """A batch, and what was seen on the way to it."""

    batch: Batch
    waiting: int
    saw_all: bool
    replays: int
    state: dict[str, Any]


def _choose(
    store: Store,
    settings: Settings,
    route: Route,
    cycle: str,
    now: float,
    reading: RouteReading,
    most: int,
) -> _Chosen:
    """Look at the oldest messages and decide, until `most` can go or the scan is long enough.

    Messages that wait stay where they are, at the old end of the queue; how many of them
    there are and until when is remembered, so that the next batch starts behind them.
    """
    policy = Policy(settings.max_poison_retries, settings.retry_backoff, settings.max_age)
    known = 0 < reading.cursor <= reading.depths.source and now < reading.cursor_until
    skip = reading.cursor if known else 0
    ready_at = reading.cursor_until if known else float("inf")
    messages: list[bytes] = []
    decisions: list[Decision] = []
    going, scanned_bytes = 0, 0
    ended = False
    while going < most and len(messages) < SCAN_MESSAGES and scanned_bytes < SCAN_BYTES:
        wanted = min(most - going, SCAN_MESSAGES - len(messages))
        page = store.queues.look(
            route.source, skip + len(messages), wanted, SCAN_BYTES - scanned_bytes
        )
        if not page:
            ended = True
            break
        for raw in page:
            decision = decide(raw, route, policy, cycle, now)
            messages.append(raw)
            decisions.append(decision)
            scanned_bytes += len(raw)
            going += decision.action is not Action.WAIT
            if decision.action is Action.WAIT:
                ready_at = min(ready_at, decision.ready_at)
    goes = [at for at, decision in enumerate(decisions) if decision.action is not Action.WAIT]
    first, last = (goes[0], goes[-1] + 1) if goes else (0, 0)
    waiting = len(decisions) - going
    return _Chosen(
        batch=Batch(skip + first, messages[first:last], decisions[first:last]),
        waiting=skip + waiting,
        saw_all=ended or skip + len(messages) >= reading.depths.source,
        replays=sum(decision.action is Action.REPLAY for decision in decisions),
        state={"cursor": skip + waiting, "cursor_until": f"{min(ready_at, now + 3600):.3f}"},
    )


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
        r.more and (r.outcome == REPLAYED or r.reason in _PASSING | {WAITING})
        for r in routes.values()
    )
    next_cycle = new_cycle_id() if goes_on else ""
    result = CycleResult(cycle, outcome, reason, routes, next_cycle, monotonic() - started)
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
