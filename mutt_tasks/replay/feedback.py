"""What became of earlier replays: they landed, came back, or are still on their way."""

from collections import Counter
from dataclasses import dataclass
from math import exp
from typing import Any

from mutt_tasks.core import flow
from mutt_tasks.core.breaker import judged
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.identity import is_job
from mutt_tasks.core.limits import Allowance
from mutt_tasks.core.message import sent_by
from mutt_tasks.core.policy import Arrival, arrival
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.window import Bounds
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.looking import Look
from mutt_tasks.replay.result import HELD, Pending, RouteResult
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.settings import Settings
from mutt_tasks.store import landing as sights
from mutt_tasks.store.counters import CAME_BACK, LANDED, RETURNED, TRIPS, without_zeros
from mutt_tasks.store.landing import Landing as Landed
from mutt_tasks.store.states import encoded

# The speed of a drain is averaged over about this many seconds; two batches further apart than the
# second number do not belong to one drain.
_SPEED_SECONDS, _SPEED_GAP_SECONDS = 10.0, 60.0


@dataclass(frozen=True)
class Learnt:
    """What a run knows before it sends anything.

    The batch may hold what is `left`. At `passed_at` the forwarder took an alert, as far as its
    limiter and its breaker tell (seconds since 1970; 0: none).
    """

    flow: Flow
    suspects: Suspects
    left: Allowance
    result: RouteResult
    pending: Pending
    passed_at: float


def learn(
    context: CycleContext, route: Route, traffic: Traffic, look: Look, moogsoft_is_healthy: bool
) -> Learnt:
    """Find out what became of earlier replays, and how much the next batch may hold."""
    reading, now = look.reading, look.now
    found = _found(context, route, look)
    landing = _landing(route, traffic, look, found)
    traffic.came_back(int(landing.returned))
    bounds = _bounds(context.settings)
    trouble = flow.Trouble(moogsoft_is_healthy, traffic.watch.drop.is_dropping)
    settled = flow.settle(reading.flow, landing, bounds, trouble, now)
    suspects = reading.suspects.looked(
        reading.depths.source,
        landing.fresh,
        is_first=not reading.flow.looked_at,
        is_trouble=not moogsoft_is_healthy or now < settled.flow.breaker.open_until,
        now=now,
    )
    counted = {
        LANDED.of(route.name): settled.landed,
        TRIPS.of(route.name): int(settled.has_tripped),
        **_came_back(route, found, int(landing.returned)),
    }
    return Learnt(
        flow=settled.flow,
        suspects=suspects,
        left=flow.quota(settled.flow, bounds, now),
        result=RouteResult(
            HELD,
            landed=settled.landed,
            returned=landing.returned,
            has_tripped=settled.has_tripped,
            more=reading.depths.source > 0,
        ),
        pending=Pending(
            state=encoded(settled.flow) | encoded(suspects) | sights.encoded(found.sights),
            increments=without_zeros(counted),
        ),
        passed_at=_passed_at(context.settings, traffic, look),
    )


def canary_delay(settings: Settings) -> float:
    """How long a canary is left alone before anything follows it, in seconds."""
    return min(flow.CANARY_SECONDS, settings.pace.drain_interval)


def speed(settings: Settings, look: Look, going: int) -> dict[str, Any]:
    """How fast the queue empties when `going` messages leave it now, as fields of the state."""
    reading, now = look.reading, look.now
    gap = now - reading.moved_at
    is_drain = 0 < gap < _SPEED_GAP_SECONDS
    found = going / (gap if is_drain else max(settings.pace.drain_interval, 0.1))
    if is_drain:
        weight = 1 - exp(-gap / _SPEED_SECONDS)
        found = reading.speed + weight * (found - reading.speed)
    return {"speed": f"{found:.3f}", "moved_at": f"{now:.3f}"}


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        settings.pace.batch_size,
        settings.pace.max_batch_size,
        settings.pace.retry_backoff,
        canary_delay(settings),
        awaits_canary=settings.pace.max_rate != 0,
    )


def _passed_at(settings: Settings, traffic: Traffic, look: Look) -> float:
    reading = look.reading
    breaker = judged(reading.breaker, look.now, settings.forwarder.breaker_timeout)
    # A closed breaker that counts failures is one that is about to open.
    if breaker.is_open or reading.failures or not reading.accepted.newest:
        return 0.0
    return reading.accepted.newest - traffic.window.skew


def _arrivals(look: Look) -> int:
    """How many messages came into the source since we last looked."""
    before = look.reading.flow.depth
    return 0 if before is None else max(0, look.reading.depths.source - before)


def _found(context: CycleContext, route: Route, look: Look) -> Landed:
    """What lies in the queues now, and some of what came into the source."""
    reading, arrivals = look.reading, _arrivals(look)
    if not (arrivals or reading.depths.target or reading.depths.alert_queue):
        return Landed()
    alert_queue = context.settings.lists.alert_queue
    return context.store.queues.landing(
        route, alert_queue, arrivals, reading.sights, reading.flow.in_flight.batch
    )


def _landing(route: Route, traffic: Traffic, look: Look, found: Landed) -> flow.Landing:
    """What came into the source since we last looked, and what has not landed yet."""
    reading = look.reading
    kinds = _kinds(route, _arrivals(look), found)
    live = traffic.live_now(reading, look.now)
    return flow.Landing(
        source=reading.depths.source,
        fresh=kinds[Arrival.FRESH],
        returned=kinds[Arrival.RETURNED],
        shed=kinds[Arrival.SHED],
        in_flight=found.in_flight,
        live=live / traffic.window.period,
    )


def _came_back(route: Route, found: Landed, returned: int) -> Counter[str]:
    """The counters of what came back: `returned` replays, and by job those that jobs sent."""
    jobs = (sent_by(raw) for raw in (*found.oldest, *found.newest))
    counted = Counter(CAME_BACK.of(job) for job in jobs if is_job(job))
    return counted + Counter({RETURNED.of(route.name): returned})


def _kinds(route: Route, arrivals: int, found: Landed) -> Counter[Arrival]:
    """How many of the arrivals are of which kind.

    What we sent comes back before others pile up on it, so the oldest arrivals are counted as they
    are, and the newest stand for all the rest.
    """
    kinds = Counter(arrival(raw, route) for raw in found.oldest)
    each = max(0, arrivals - kinds.total()) / max(1, len(found.newest))
    for kind, number in Counter(arrival(raw, route) for raw in found.newest).items():
        kinds[kind] += round(each * number)
    return kinds
