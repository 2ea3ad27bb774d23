"""The metrics of `mutt-notify`, read from Redis when they are asked for, as the worker's are."""

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mutt_tasks.core.due import waiting
from mutt_tasks.core.knowledge import Knowledge, knowledge_of
from mutt_tasks.core.telling import Rules
from mutt_tasks.errors import StoreError
from mutt_tasks.notify.notifier import rules_of
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store

PREFIX = "mutt_notify_"


class NotifyCollector(Collector):
    """Collects every metric of the notifier."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def describe(self) -> list[Metric]:
        """Nothing: registering must not need Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What the notifier knows, as metrics."""
        text = "1 when Redis answered this scrape"
        try:
            known, now = knowledge_of(self._store.notices.known()), self._store.now()
        except StoreError:
            yield GaugeMetricFamily(PREFIX + "redis_reachable", text, value=0)
            return
        yield GaugeMetricFamily(PREFIX + "redis_reachable", text, value=1)
        text = "Targets that this process was given; 0: there is nobody to tell"
        targets = self._settings.notify.addresses
        yield GaugeMetricFamily(PREFIX + "targets", text, value=len(targets))
        if known.looked_at and targets:
            text = "When the notifier last read what happened"
            yield GaugeMetricFamily(
                PREFIX + "last_look_timestamp_seconds", text, value=known.looked_at
            )
        text = "Causes given up: nobody could be told for a week, or there were too many"
        yield CounterMetricFamily(PREFIX + "dropped", text, value=known.reading.dropped)
        names = frozenset(each.name for each in targets)
        yield from _of_targets(known, names, now, rules_of(self._settings))


def _of_targets(
    known: Knowledge, names: frozenset[str], now: float, rules: Rules
) -> Iterator[Metric]:
    lag = _family(GaugeMetricFamily, "lag_seconds", "How long the oldest message is overdue")
    left = _family(GaugeMetricFamily, "waiting", "Causes that the target has not been told of yet")
    capped = _family(GaugeMetricFamily, "capped", "1 while the hourly limit holds something back")
    sent = _family(CounterMetricFamily, "sent", "Messages that the target took")
    failed = _family(CounterMetricFamily, "failed", "Tries that failed")
    unsure = _family(CounterMetricFamily, "unsure", "Messages that arrived or not, nobody knows")
    last = _family(
        GaugeMetricFamily, "last_success_timestamp_seconds", "When it last took a message"
    )
    for name in names & known.targets.keys():
        target = known.targets[name]
        count, late = waiting(target, known.causes, now, rules)
        for family, value in (
            *((lag, late), (left, count), (capped, target.is_capped), (sent, target.sent)),
            *((failed, target.failed), (unsure, target.unsure)),
        ):
            family.add_metric([name], float(value))
        if target.last_success:
            last.add_metric([name], target.last_success)
    yield from (lag, left, capped, sent, failed, unsure, last)


def _family(kind: Any, name: str, text: str) -> Any:
    return kind(PREFIX + name, text, labels=["target"])
