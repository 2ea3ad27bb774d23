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

from mutt_tasks.core.consumer_limits import FollowedLimits
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.pace import Pace
from mutt_tasks.core.policy import QUARANTINE_REASONS
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.watch import Watch
from mutt_tasks.errors import StoreError
from mutt_tasks.settings import Settings
from mutt_tasks.store.ledger import DURATION_BUCKETS
from mutt_tasks.store.snapshot import Snapshot
from mutt_tasks.store.states import decoded
from mutt_tasks.store.store import Store

PREFIX = "mutt_remediation_"

# A drain that has moved nothing for so many seconds has no speed to go by.
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
        settings = self._settings
        lists = (
            settings.lists.alerter_dlq,
            settings.lists.moog_dlq,
            settings.lists.dead_letter_queue,
        )
        targets = tuple(route.target for route in settings.routes)
        try:
            found = self._store.snapshots.take(settings.routes, lists + targets)
        except StoreError:
            yield _gauge("redis_reachable", "1 when Redis answered this scrape", 0)
            return
        yield _gauge("redis_reachable", "1 when Redis answered this scrape", 1)
        yield from _fixed(found, lists)
        yield from _by_route(found, settings)
        yield from _flows(found, settings)
        yield from _state(found)


def _fixed(found: Snapshot, lists: tuple[str, ...]) -> Iterator[Metric]:
    """The metrics that dashboards have known since the predecessor."""
    counters = found.counters
    yield _counter("loops", "Remediation cycles that ended", counters.get("loops", 0))
    depth = GaugeMetricFamily(
        PREFIX + "dlq_depth", "Messages in a dead letter queue", labels=["dlq_name"]
    )
    for name in lists:
        depth.add_metric([name], found.depths[name])
    yield depth
    yield _counter("replay_success", "Messages put back", _sum(counters, "replayed"))
    fails = CounterMetricFamily(
        PREFIX + "replay_fail", "Messages set aside instead of replayed", labels=["reason"]
    )
    for reason in QUARANTINE_REASONS:
        fails.add_metric([reason], _sum(counters, reason))
    yield fails
    yield _counter(
        "poison_messages", "Poison messages in the dead letter list", _sum(counters, "poison")
    )
    if "healthy" in found.health:
        healthy = found.health["healthy"] == "1"
        yield _gauge("moog_health", "1 when Moogsoft was healthy at the last check", healthy)
    yield _durations(counters)


def _durations(counters: dict[str, int]) -> Metric:
    buckets, total = [], 0
    for bound in (*(f"{bound:g}" for bound in DURATION_BUCKETS), "+Inf"):
        total += counters.get(f"duration:le:{bound}", 0)
        buckets.append((bound, float(total)))
    histogram = HistogramMetricFamily(
        PREFIX + "loop_duration_seconds", "How long a cycle's replay step took"
    )
    histogram.add_metric([], buckets, sum_value=counters.get("duration:us", 0) / 1_000_000)
    return histogram


def _by_route(found: Snapshot, settings: Settings) -> Iterator[Metric]:
    cycles = CounterMetricFamily(
        PREFIX + "cycles",
        "Cycles by what they did and what held them",
        labels=["route", "outcome", "reason"],
    )
    messages = CounterMetricFamily(
        PREFIX + "messages",
        "Messages that left a dead letter queue, by where they went",
        labels=["route", "outcome"],
    )
    requeued = CounterMetricFamily(
        PREFIX + "requeued", "Dead letters that an operator put back", labels=["route"]
    )
    odd = CounterMetricFamily(
        PREFIX + "odd_counters",
        "Messages moved whose retry counter was no counter",
        labels=["route"],
    )
    refused = CounterMetricFamily(
        PREFIX + "ticks_refused",
        "Ticks that found a drain under way, or came too early",
        labels=["reason"],
    )
    target = GaugeMetricFamily(
        PREFIX + "target_depth", "Messages in a route's target", labels=["route"]
    )
    age = GaugeMetricFamily(
        PREFIX + "oldest_message_age_seconds",
        "Age of the oldest message, by its event's time",
        labels=["route"],
    )
    to_empty = GaugeMetricFamily(
        PREFIX + "estimated_seconds_to_empty",
        "Depth over the speed of the last batches",
        labels=["route"],
    )
    for name, value in sorted(found.counters.items()):
        kind, _, rest = name.partition(":")
        if kind == "cycles":
            cycles.add_metric(rest.split(":", 2), value)
        elif kind == "ticks":
            refused.add_metric([rest], value)
        elif kind == "requeued":
            requeued.add_metric([rest], value)
        elif kind == "odd":
            odd.add_metric([rest], value)
        elif kind in ("replayed", *QUARANTINE_REASONS):
            messages.add_metric([rest, kind], value)
    for route in settings.routes:
        target.add_metric([route.name], found.depths[route.target])
        oldest = found.oldest[route.name]
        if oldest is not None:
            age.add_metric([route.name], max(0.0, found.now - oldest))
        seconds = _seconds_to_empty(found, route.name, found.depths[route.source])
        if seconds is not None:
            to_empty.add_metric([route.name], seconds)
    yield from (cycles, messages, requeued, odd, refused, target, age, to_empty)


def _flows(found: Snapshot, settings: Settings) -> Iterator[Metric]:
    """What became of replays, and what bounds the next ones."""
    counted = {
        "landed": ("landed", "Replays that landed: two minutes later they had not come back"),
        "bounced": ("bounces", "Replays that came back, counted when dealt with again"),
        "forgiven": ("forgiven", "Bounces that do not count against their messages"),
        "trips": ("breaker_trips", "Times that a route's breaker opened"),
    }
    counters = {
        kind: CounterMetricFamily(PREFIX + name, text, labels=["route"])
        for kind, (name, text) in counted.items()
    }
    limits = CounterMetricFamily(
        PREFIX + "limits", "Cycles by what bounded their batch", labels=["route", "limit"]
    )
    for name, value in sorted(found.counters.items()):
        kind, _, rest = name.partition(":")
        if kind in counters and kind != "landed":
            counters[kind].add_metric([rest], value)
        elif kind == "limits":
            limits.add_metric(rest.split(":", 1), value)
    # Until the next release what landed has its old name too.
    stuck = CounterMetricFamily(PREFIX + "stuck", "The old name of landed", labels=["route"])
    for route in settings.routes:
        names = (f"landed:{route.name}", f"stuck:{route.name}")
        if any(name in found.counters for name in names):
            total = sum(found.counters.get(name, 0) for name in names)
            for family in (counters["landed"], stuck):
                family.add_metric([route.name], total)
    gauges = {
        name: GaugeMetricFamily(PREFIX + name, text, labels=["route"])
        for name, text in (
            ("window", "Messages that a route's next batch may hold"),
            ("under_way", "Replays that lay in the queues at the last look"),
            ("backoff_seconds", "Until the route's breaker closes"),
            ("suspects", "Alerts that failed alone and wait for quiet live traffic"),
        )
    }
    for route in settings.routes:
        state = decoded(Flow, found.states[route.name].get("flow"))
        gauges["window"].add_metric([route.name], state.window or settings.pace.batch_size)
        gauges["under_way"].add_metric([route.name], state.under_way)
        suspects = decoded(Suspects, found.states[route.name].get("suspects"))
        gauges["suspects"].add_metric([route.name], suspects.waiting)
        left = max(0.0, state.closed_until - found.now)
        gauges["backoff_seconds"].add_metric([route.name], left)
    yield from (*counters.values(), stuck, limits, *gauges.values())
    yield from _limiter(found)


def _limiter(found: Snapshot) -> Iterator[Metric]:
    """What the forwarder's limiter takes, and whether it drops what it is sent."""
    watch = decoded(Watch, found.pace.get("watch"))
    limits = decoded(FollowedLimits, found.pace.get("limits"))
    text = "1 from a drop at the forwarder's limiter until a canary has passed"
    pace = decoded(Pace, found.pace.get("pace"))
    yield _gauge("dropping", text, watch.is_dropping or pace.is_unseen)
    if limits.period:
        text = "Alerts that the forwarder's limiter is believed to take in a period"
        yield _gauge("limiter_alerts", text, watch.limit(limits.alerts))
        yield _gauge("limiter_period_seconds", "Its period", limits.period)
    text = "Times that the forwarder was seen to drop what it was sent"
    yield _counter("drops", text, found.counters.get("drops", 0))
    text = "Replays believed lost at the forwarder's limiter"
    yield _counter("dropped", text, found.counters.get("dropped", 0))


def _seconds_to_empty(found: Snapshot, route: str, depth: int) -> float | None:
    """Depth over the drain's speed; None while nothing moves."""
    if depth == 0:
        return 0.0
    try:
        speed = float(found.states[route]["speed"])
        moved_at = float(found.states[route]["moved_at"])
    except (KeyError, ValueError):
        return None
    is_moving = found.is_draining and found.now - moved_at < MOVING_SECONDS
    return depth / speed if is_moving and speed > 0 else None


def _state(found: Snapshot) -> Iterator[Metric]:
    yield _gauge("paused", "1 while an operator's pause is in force", found.is_paused)
    yield _gauge("draining", "1 while a cycle or a drain holds the lease", found.is_draining)
    if "last_cycle_ms" in found.counters:
        moment = found.counters["last_cycle_ms"] / 1000
        yield _gauge("last_cycle_timestamp_seconds", "When the last cycle ended", moment)


def _sum(counters: dict[str, int], kind: str) -> int:
    return sum(value for name, value in counters.items() if name.startswith(kind + ":"))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=float(value))
