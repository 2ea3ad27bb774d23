"""Metrics that tell of the remediation itself: holds, checks, and when something last took place.

Alerts go by them. A moment is in seconds since 1970, and is not shown when there was none yet.
"""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from mutt_tasks.core.breaker import State, judged
from mutt_tasks.settings import Settings
from mutt_tasks.store.balance import DEAD
from mutt_tasks.store.snapshot import Snapshot
from mutt_tasks.telemetry.samples import PREFIX, gauge


def supervision(found: Snapshot, settings: Settings) -> Iterator[Metric]:
    """All of them; `settings` are those in force."""
    yield gauge("enabled", "1 unless replays are switched off", settings.pace.enabled)
    yield gauge("interval_seconds", "From one tick to the next", settings.pace.interval)
    yield from _pause(found)
    yield from _moments(found)
    yield from _breaker(found, settings)
    yield from _checks(found, settings)


def _pause(found: Snapshot) -> Iterator[Metric]:
    yield gauge("paused", "1 while an operator's pause is in force", found.is_paused)
    if found.pause is not None:
        yield from _moment("pause_started", "When the pause began", found.pause.since)
        yield from _moment("pause_ends", "When the pause ends by itself", found.pause.until)


def _moments(found: Snapshot) -> Iterator[Metric]:
    yield from _moment("last_cycle", "When the last cycle ended", found.counters.last_cycle)
    at = found.health.at if found.health else None
    yield from _moment("moog_health_checked", "When Moogsoft's health was last looked at", at)


def _breaker(found: Snapshot, settings: Settings) -> Iterator[Metric]:
    """The forwarder's own circuit breaker; while one is stale, replays go by the probe alone."""
    state = judged(found.breaker, found.now, settings.forwarder.breaker_timeout).state
    text = "1 while the breaker of MUTT's forwarder says OPEN"
    yield gauge("forwarder_breaker_open", text, state is not State.CLOSED)
    text = "1 while it says OPEN though its time is over: no forwarder looks at it"
    yield gauge("forwarder_breaker_stale", text, state is State.STALE)


def _checks(found: Snapshot, settings: Settings) -> Iterator[Metric]:
    """What the worker found when it checked the books and the audit."""
    checks, lists = found.checks, {DEAD: settings.lists.dead_letter_queue}
    lists |= {route.name: route.source for route in settings.routes}
    text = "Messages that left a list, and no counter has them"
    missing = CounterMetricFamily(PREFIX + "missing_messages", text, labels=["dlq_name"])
    for name, key in lists.items():
        missing.add_metric([key], checks.missing.get(name, 0))
    yield missing
    yield from _moment("books_checked", "When the books were last checked", checks.balanced_at)
    if checks.is_audit_whole is not None:
        text = "1 when nothing in the audit was changed or removed, at the last check"
        yield gauge("audit_whole", text, checks.is_audit_whole)
    yield from _moment("audit_checked", "When the audit was last checked", checks.audited_at)


def _moment(name: str, text: str, moment: float | None) -> Iterator[Metric]:
    if moment:
        yield gauge(f"{name}_timestamp_seconds", text, moment)
