"""One cycle, from lease to commit: may we replay, how much, which messages, done.

The Celery tasks call these three steps in turn (`check` is in `checking.py`); everything a step
needs is passed in.

    begin   takes the lease, unless another drain holds it or an operator holds us
    check   asks Moogsoft, or uses an answer that is still fresh
    replay  for each route: learn from the last batch, then, slice by slice, look at the oldest
            messages, decide, commit; then end the cycle
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mutt_tasks import checking
from mutt_tasks.core.routes import Route
from mutt_tasks.replay import ending, job_work, paced_jobs, retention
from mutt_tasks.replay.cycle_context import CycleContext, Health
from mutt_tasks.replay.ending import Ran
from mutt_tasks.replay.guard import LONGEST_WATCH, LOOK_SECONDS, Guard, guarded_route
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
# for LONGEST_SPREAD seconds at most. What becomes free in the limiter's window while the tasks
# between two cycles run goes as a burst, and leaves the window as one, so a rest there would cost
# more than its own time (simulated: 0.06 s of it in each second made a drain 3 % slower).
SLICE, LONGEST_SPREAD = 0.02, 10.0

# A cycle gives so many seconds to jobs that need no pace: they hold up what follows. One that is
# held has nothing else to do.
JOB_SECONDS, JOB_SECONDS_HELD = 0.5, 10.0

# While a queue is guarded, the next task of a drain follows after this many seconds: the guard
# looks every half second, and a task takes a moment to begin.
GUARD_GAP = 0.4


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
    job_work.work(context, JOB_SECONDS_HELD if reason else JOB_SECONDS)
    if trigger is Trigger.BEAT:
        retention.tidy(context)
    if not reason:
        return None
    return ending.end(context, Ran(_held(settings, reason), started_at))


def resume(store: Store, settings: Settings, surroundings: Surroundings, cycle: str) -> bool:
    """Go on with a drain, as the cycle that was handed the lease; False when it has lost it."""
    token = f"{cycle}:{surroundings.new_id()}"
    # Its task may be delivered twice: only one delivery works on jobs.
    if not store.lease.advance(cycle, token):
        return False
    job_work.work(CycleContext(store, settings, surroundings, cycle, token), JOB_SECONDS)
    return store.lease.advance(token, cycle)


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
    jobs = paced_jobs.read(context)
    runs = [
        started(context, route, traffic, health, jobs) for route in _in_turn(settings.routes, cycle)
    ]
    guard = Guard(context, traffic, is_down=not health.is_healthy)
    waited = _spread(context, runs, guard, started_at)
    if jobs.jobs:
        paced_jobs.settle(context)
    ran = Ran(
        {run.route.name: run.result for run in runs},
        started_at,
        health.reason,
        waited=waited,
        pending={run.route.name: run.pending for run in runs},
        traffic=traffic,
        held_delay=GUARD_GAP if guard.is_needed else ending.HELD_DELAY,
    )
    return ending.end(context, replace(ran, routes=_asking(context, ran.routes, runs)))


@dataclass(frozen=True)
class Lingered:
    """A drain waited without a cycle: its next one begins `delay` seconds from now.

    `next_cycle` is empty when the drain is no longer this cycle's.
    """

    next_cycle: str = ""
    delay: float = 0.0


def linger(
    store: Store, settings: Settings, surroundings: Surroundings, cycle: str
) -> Lingered | None:
    """Let a drain that waits for Moogsoft wait a little longer, on guard but without a cycle.

    None when there is something to do for the cycle, which then begins.
    """
    delay = checking.may_linger(store, settings, surroundings)
    if delay <= 0:
        return None
    token = f"{cycle}:{surroundings.new_id()}"
    if not store.lease.advance(cycle, token, Step.GUARDING):
        return Lingered()
    context = CycleContext(store, settings, surroundings, cycle, token)
    guard = Guard(context, Traffic(settings), is_down=True)
    left = delay - guard.watch(min(delay, LONGEST_WATCH))
    if guard.route is not None:
        # A last moment is not worth a task of its own.
        delay = left if left < 2 * LOOK_SECONDS else GUARD_GAP
    next_cycle = surroundings.new_id()
    if not store.lease.linger(token, next_cycle, delay):
        return Lingered()
    return Lingered(next_cycle, delay)


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


def _spread(context: CycleContext, runs: list[RouteRun], guard: Guard, started_at: float) -> float:
    """Send the rest of the batches, slice by slice, in turn; returns the seconds waited.

    Behind the last slice it goes on looking while what was sent has yet to reach the limiter, or
    what stands before the forwarder has to be guarded.
    """
    surroundings, traffic = context.surroundings, guard.traffic
    spread = min(context.settings.pace.drain_interval, LONGEST_SPREAD)
    waited = renewed = 0.0
    _shelter(guard, runs)
    while True:
        passed = max(waited, surroundings.monotonic() - started_at)
        is_sending = passed + SLICE <= spread and not all(run.is_done for run in runs)
        if not (is_sending or traffic.is_watching or guard.is_needed):
            break
        step = SLICE if is_sending or traffic.is_watching else LOOK_SECONDS
        if passed + step > max(spread, _longest_look(context, traffic)):
            break
        surroundings.wait(step)
        waited += step
        runs = runs[1:] + runs[:1]
        for run in runs if is_sending else ():
            if not run.is_done:
                run.send()
        if not is_sending or all(run.is_done for run in runs):
            runs[0].observe()
        _shelter(guard, runs)
        # Slices that may send nothing commit nothing, and only a commit renews the lease.
        if waited - renewed >= RENEW_SECONDS:
            context.store.lease.advance(context.token, context.token, Step.REPLAYING)
            renewed = waited
    return waited


def _longest_look(context: CycleContext, traffic: Traffic) -> float:
    """How long a cycle goes on looking when it has nothing more to send, in seconds.

    A drain's next cycle looks on; without drains nobody would see what became of the last replays.
    """
    is_last_look = traffic.is_watching and not context.settings.pace.drain
    return LONGEST_SPREAD if is_last_look else 0.0


def _shelter(guard: Guard, runs: list[RouteRun]) -> None:
    """One step of the guard; the run whose source grows by it learns of it."""
    before = guard.sheltered, guard.undone
    guard.step()
    if guard.sheltered > before[0]:
        for run in runs:
            if run.route == guard.route:
                run.take_back(guard.sheltered - before[0], guard.undone - before[1])


def _asking(
    context: CycleContext, routes: Mapping[str, RouteResult], runs: list[RouteRun]
) -> dict[str, RouteResult]:
    """The results, those held because of Moogsoft until it is time to look again."""
    asks = {name for name, each in routes.items() if each.reason in ending.ASKING}
    if not (context.settings.pace.drain and any(routes[name].more for name in asks)):
        return dict(routes)
    passed_at = max(run.passed_at for run in runs)
    delay = checking.next_look(context.store, context.surroundings, passed_at)
    if guarded_route(context.settings) is not None:
        delay = min(delay, GUARD_GAP)
    return {
        name: replace(each, delay=delay) if name in asks else each for name, each in routes.items()
    }
