"""One cycle, from lease to commit: may we replay, how much, which messages, done.

The Celery tasks call these three steps in turn (`check` is in `checking.py`); everything a step
needs is passed in.

    begin   takes the lease, unless another drain holds it or an operator holds us
    check   asks Moogsoft, or uses an answer that is still fresh
    replay  for each route: learn from the last batch, then, slice by slice, look at the oldest
            messages, decide, commit; then end the cycle
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from mutt_tasks import checking
from mutt_tasks.core.routes import Route
from mutt_tasks.replay import ending
from mutt_tasks.replay.cycle_context import CycleContext, Health
from mutt_tasks.replay.ending import Ran
from mutt_tasks.replay.result import DISABLED, DRAINING, HELD, PAUSED, CycleResult, RouteResult
from mutt_tasks.replay.route_run import RouteRun, started
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.settings import Settings
from mutt_tasks.store.lease import RENEW_SECONDS, Acquired, Step, TakeOver
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import Surroundings

# Ticks closer together than this share of the interval come from a second beat.
TICK_SHARE = 0.75

# A batch is spread over the drain's interval, so that it is no burst: a slice every SLICE seconds,
# for this share of the interval (the rest goes to the tasks around it), at most LONGEST_SPREAD
# seconds.
SLICE = 0.05
SPREAD_SHARE, LONGEST_SPREAD = 0.95, 10.0


class Trigger(StrEnum):
    """Who starts a cycle.

    A call by HAND, a tick of BEAT, a DRAIN that goes on, or a WORKER that started, or saw a drain
    that nobody goes on with.
    """

    HAND = "hand"
    BEAT = "beat"
    DRAIN = "drain"
    WORKER = "worker"


# Which drains between two cycles it takes the lease from.
_TAKES_OVER = {
    Trigger.HAND: TakeOver.ASKING,
    Trigger.BEAT: TakeOver.OVERDUE,
    Trigger.WORKER: TakeOver.ANY,
}


def begin(
    store: Store, settings: Settings, surroundings: Surroundings, cycle: str, trigger: Trigger
) -> CycleResult | None:
    """Take the lease for a new cycle; None when it is ours and the cycle goes on.

    Beat's ticks keep their distance from each other. A drain that rests is taken over by a worker
    that goes on with what another one left, and, if it waits for Moogsoft, by a call by hand, which
    asks at once.
    """
    started_at = surroundings.monotonic()
    gap = settings.pace.interval * TICK_SHARE if trigger is Trigger.BEAT else 0.0
    acquired, holder = store.lease.acquire(cycle, gap, _TAKES_OVER[trigger])
    if acquired is not Acquired.YES:
        return CycleResult(cycle, acquired.value, DRAINING if holder else "", holder=holder)
    context = CycleContext(store, settings, surroundings, cycle, cycle)
    reason = _held_by(context)
    if not reason:
        return None
    return ending.end(context, Ran(_held(settings, reason), started_at))


def replay(
    store: Store, settings: Settings, surroundings: Surroundings, cycle: str, health: Health
) -> CycleResult | None:
    """Replay one batch on every route and end the cycle; None when the cycle is not ours.

    `health` is Moogsoft's, as the check found it.
    Raises LeaseLost when the lease ran out on the way; what was committed stays committed.
    """
    started_at = surroundings.monotonic()
    token = f"{cycle}:{surroundings.new_id()}"
    # Only one delivery of this step gets past here, however often it is delivered.
    if not store.lease.advance(cycle, token, Step.REPLAYING):
        return None
    context = CycleContext(store, settings, surroundings, cycle, token)
    reason = _held_by(context)
    if reason:
        return ending.end(context, Ran(_held(settings, reason), started_at, health.reason))
    traffic = Traffic(settings)
    runs = [started(context, route, traffic, health) for route in _in_turn(settings.routes, cycle)]
    waited = _spread(context, runs, traffic, started_at)
    ran = Ran(
        {run.route.name: run.result for run in runs},
        started_at,
        health.reason,
        waited,
        {run.route.name: run.pending for run in runs},
        traffic,
    )
    return ending.end(context, replace(ran, routes=_asking(context, ran.routes, runs)))


def _held_by(context: CycleContext) -> str:
    """What an operator holds all routes with; empty when nothing."""
    if not context.settings.pace.enabled:
        return DISABLED
    return PAUSED if context.store.pauses.current() else ""


def _held(settings: Settings, reason: str) -> dict[str, RouteResult]:
    return {route.name: RouteResult(HELD, reason, limit=reason) for route in settings.routes}


def _in_turn(routes: tuple[Route, ...], cycle: str) -> tuple[Route, ...]:
    """The routes, each as often the first as any other: it may use up what the rate allows."""
    first = int(cycle[:8], 16) % len(routes)
    return routes[first:] + routes[:first]


def _spread(
    context: CycleContext, runs: list[RouteRun], traffic: Traffic, started_at: float
) -> float:
    """Send the rest of the batches, slice by slice, in turn; returns the seconds waited.

    Behind the last slice it goes on looking while what was sent has yet to reach the limiter.
    """
    surroundings = context.surroundings
    spread = SPREAD_SHARE * min(context.settings.pace.drain_interval, LONGEST_SPREAD)
    waited = renewed = 0.0
    while traffic.is_watching or not all(run.is_done for run in runs):
        if max(waited, surroundings.monotonic() - started_at) + SLICE > spread:
            break
        surroundings.wait(SLICE)
        waited += SLICE
        runs = runs[1:] + runs[:1]
        for run in runs:
            if not run.is_done:
                run.send()
        if all(run.is_done for run in runs):
            runs[0].observe()
        # Slices that may send nothing commit nothing, and only a commit renews the lease.
        if waited - renewed >= RENEW_SECONDS:
            context.store.lease.advance(context.token, context.token, Step.REPLAYING)
            renewed = waited
    return waited


def _asking(
    context: CycleContext, routes: Mapping[str, RouteResult], runs: list[RouteRun]
) -> dict[str, RouteResult]:
    """The results, those held because of Moogsoft until it is time to look again."""
    asks = {name for name, each in routes.items() if each.reason in ending.ASKING}
    if not (context.settings.pace.drain and any(routes[name].more for name in asks)):
        return dict(routes)
    passed_at = max(run.passed_at for run in runs)
    delay = checking.next_look(context.store, context.surroundings, passed_at)
    return {
        name: replace(each, delay=delay) if name in asks else each for name, each in routes.items()
    }
