"""Prometheus metrics, read from Redis at scrape time.

No process counts anything itself: the counters stand in Redis, where each was raised in the
same step as the move that it counts. So they survive every restart, and are the same from
whichever worker they are scraped. While Redis is away there is nothing but
`mutt_remediation_redis_reachable 0`: no stale value is ever shown.
"""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from mutt_tasks.core.policy import POISON
from mutt_tasks.core.routes import Route
from mutt_tasks.core.slo_books import totals
from mutt_tasks.errors import StoreError
from mutt_tasks.runtime_settings import in_force
from mutt_tasks.settings import Settings
from mutt_tasks.store.counters import (
    BAD_COUNTERS,
    BOUNCED,
    CYCLES,
    DISCARDED,
    DROPPED,
    DROPS,
    DURATION_BOUNDS,
    DURATION_BUCKET,
    DURATION_SUM,
    EDITED,
    EMPTIED,
    EXPIRED,
    FORGIVEN,
    LANDED,
    LIMITS,
    LOOPS,
    MOVED,
    QUARANTINED,
    REDIRECTED,
    REPLAYED,
    REQUEUED,
    SHELTERED,
    STUCK,
    TICKS_REFUSED,
    TRIPS,
    UNDONE,
    Counters,
)
from mutt_tasks.store.snapshot import Snapshot
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry import level_metrics
from mutt_tasks.telemetry.samples import PREFIX, counter, gauge
from mutt_tasks.telemetry.supervision import supervision

# A drain that has moved nothing for this many seconds has no speed to go by.
MOVING_SECONDS = 30.0


class RedisCollector(Collector):
    """Collects every metric of this package."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def describe(self) -> list[Metric]:
        """Nothing: registering must not need Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One snapshot as metrics."""
        lists = (
            self._settings.lists.alerter_dlq,
            self._settings.lists.moog_dlq,
            self._settings.lists.dead_letter_queue,
        )
        targets = tuple(route.target for route in self._settings.routes)
        try:
            settings, _ = in_force(self._store, self._settings)
            found = self._store.snapshots.take(settings.routes, lists + targets)
            levels = self._store.levels.current(settings.routes)
        except StoreError:
            yield gauge("redis_reachable", "1 when Redis answered this scrape", 0)
            return
        yield gauge("redis_reachable", "1 when Redis answered this scrape", 1)
        yield from _fixed(found, lists)
        yield from _counted(found, settings)
        yield from _by_route(found, settings)
        yield from _limiter(found, settings)
        yield from supervision(found, settings)
        yield from level_metrics.families(totals(*levels, settings.levels.recovered_within))
        text = "1 while a cycle or a drain holds the lease"
        yield gauge("draining", text, found.is_draining)
        text = "Jobs of operators that have not ended"
        yield gauge("jobs_active", text, found.active_jobs)


def _fixed(found: Snapshot, lists: tuple[str, ...]) -> Iterator[Metric]:
    """The metrics that dashboards have known since the predecessor."""
    counters = found.counters
    yield counter("loops", "Remediation cycles that ended", counters.value(LOOPS.of()))
    depth = GaugeMetricFamily(
        PREFIX + "dlq_depth", "Messages in a dead letter queue", labels=["dlq_name"]
    )
    for name in lists:
        depth.add_metric([name], found.depths[name])
    yield depth
    yield counter("replay_success", "Messages put back", counters.total(REPLAYED))
    fails = CounterMetricFamily(
        PREFIX + "replay_fail", "Messages set aside instead of replayed", labels=["reason"]
    )
    for reason, family in QUARANTINED.items():
        fails.add_metric([reason], counters.total(family))
    yield fails
    poison = counters.total(QUARANTINED[POISON])
    yield counter("poison_messages", "Poison messages in the dead letter list", poison)
    if found.health is not None:
        text = "1 when Moogsoft was healthy at the last check"
        yield gauge("moog_health", text, found.health.healthy)
    yield _durations(counters)


def _durations(counters: Counters) -> Metric:
    buckets, total = [], 0
    for bound in (*(f"{bound:g}" for bound in DURATION_BOUNDS), "+Inf"):
        total += counters.value(DURATION_BUCKET.of(bound))
        buckets.append((bound, float(total)))
    histogram = HistogramMetricFamily(
        PREFIX + "loop_duration_seconds", "How long a cycle's replay step took"
    )
    seconds = counters.value(DURATION_SUM.of()) / 1_000_000
    histogram.add_metric([], buckets, sum_value=seconds)
    return histogram


# Counters with labels as metrics: family, name, help.
_COUNTED = (
    (CYCLES, "cycles", "Cycles by what they did and what held them"),
    (LIMITS, "limits", "Cycles by what bounded their batch"),
    (TICKS_REFUSED, "ticks_refused", "Ticks that found a drain under way, or came too early"),
    (BOUNCED, "bounces", "Replays that came back, counted when dealt with again"),
    (FORGIVEN, "forgiven", "Bounces that do not count against their messages"),
    (TRIPS, "breaker_trips", "Times that a route's breaker opened"),
    (SHELTERED, "sheltered", "Alerts moved aside untried, before an outage could destroy them"),
    (REQUEUED, "requeued", "Dead letters that an operator put back"),
    (DISCARDED, "discarded", "Messages that an operator threw into the trash, by their list"),
    (EDITED, "edited", "Messages that an operator changed in their place"),
    (REDIRECTED, "redirected", "Messages that an operator moved to another list"),
    (UNDONE, "undone", "Messages that an operator took back from the trash"),
    (EXPIRED, "dead_expired", "Dead letters exported and removed because of their age"),
    (EMPTIED, "trash_emptied", "Messages removed from the trash because of their age"),
    (BAD_COUNTERS, "odd_counters", "Messages moved whose retry counter was no counter"),
)


def _counted(found: Snapshot, settings: Settings) -> Iterator[Metric]:
    counters = found.counters
    for family, name, text in _COUNTED:
        metric = CounterMetricFamily(PREFIX + name, text, labels=family.labels)
        for labels, value in counters.family(family).items():
            metric.add_metric(labels, value)
        yield metric
    messages = CounterMetricFamily(
        PREFIX + "messages",
        "Messages that left a dead letter queue, by where they went",
        labels=["route", "outcome"],
    )
    for outcome, family in MOVED.items():
        for (route,), value in counters.family(family).items():
            messages.add_metric([route, outcome], value)
    yield messages
    yield from _landed(counters, settings)


def _landed(counters: Counters, settings: Settings) -> Iterator[Metric]:
    text = "Replays that landed: two minutes later they had not come back"
    landed = CounterMetricFamily(PREFIX + "landed", text, labels=["route"])
    # Until the next release what landed has its old name too.
    stuck = CounterMetricFamily(PREFIX + "stuck", "The old name of landed", labels=["route"])
    for route in settings.routes:
        total = counters.value(LANDED.of(route.name)) + counters.value(STUCK.of(route.name))
        for metric in (landed, stuck) if total else ():
            metric.add_metric([route.name], total)
    yield from (landed, stuck)


# Gauges of a route: name and help.
_OF_A_ROUTE = {
    "target_depth": "Messages in a route's target",
    "oldest_message_age_seconds": "Age of the oldest message, by its event's time",
    "estimated_seconds_to_empty": "Depth over the speed of the last batches",
    "window": "Messages that a route's next batch may hold",
    "under_way": "Replays that lay in the queues at the last look",
    "backoff_seconds": "Until the route's breaker closes",
    "suspects": "Alerts that failed alone and wait for quiet live traffic",
}


def _by_route(found: Snapshot, settings: Settings) -> Iterator[Metric]:
    """What each route is like now."""
    gauges = {
        name: GaugeMetricFamily(PREFIX + name, text, labels=["route"])
        for name, text in _OF_A_ROUTE.items()
    }
    for route in settings.routes:
        state = found.routes[route.name]
        flow, oldest = state.flow, state.oldest
        values = {
            "target_depth": found.depths[route.target],
            "oldest_message_age_seconds": None if oldest is None else max(0, found.now - oldest),
            "estimated_seconds_to_empty": seconds_to_empty(found, route),
            "window": flow.window.size or settings.pace.batch_size,
            "under_way": flow.in_flight.in_queues,
            "backoff_seconds": max(0.0, flow.breaker.open_until - found.now),
            "suspects": state.suspects.waiting,
        }
        for name, value in values.items():
            if value is not None:
                gauges[name].add_metric([route.name], value)
    yield from gauges.values()


def _limiter(found: Snapshot, settings: Settings) -> Iterator[Metric]:
    """What the forwarder's limiter accepts, and whether it drops what it is sent."""
    text = "1 from a drop at the forwarder's limiter until a canary has passed"
    # Whoever has set a rate is believed: then no limiter is waited for.
    has_lost = found.pace.have_vanished and settings.pace.max_rate is None
    yield gauge("dropping", text, found.watch.drop.is_dropping or has_lost)
    if found.limits.period:
        text = "Alerts that the forwarder's limiter is believed to take in a period"
        yield gauge("limiter_alerts", text, found.watch.drop.limit(found.limits.alerts))
        yield gauge("limiter_period_seconds", "Its period", found.limits.period)
    text = "Times that the forwarder was seen to drop what it was sent"
    yield counter("drops", text, found.counters.value(DROPS.of()))
    text = "Replays believed lost at the forwarder's limiter"
    yield counter("dropped", text, found.counters.value(DROPPED.of()))


def seconds_to_empty(found: Snapshot, route: Route) -> float | None:
    """Depth over the drain's speed; None while nothing moves."""
    depth, state = found.depths[route.source], found.routes[route.name]
    if depth == 0:
        return 0.0
    is_moving = found.is_draining and found.now - state.moved_at < MOVING_SECONDS
    return depth / state.speed if is_moving and state.speed > 0 else None
