"""What the service levels are reckoned from, as metrics."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, Metric

from mutt_tasks.core.slo_books import Count

_PREFIX = "mutt_remediation_objective_"


def families(counted: Mapping[str, Count]) -> Iterator[Metric]:
    """The events of each objective, and those that failed.

    All are there from the start, also those of which there was none: `increase` would not see the
    first one of a counter that begins with it.
    """
    events = CounterMetricFamily(
        _PREFIX + "events", "What a service level counts", labels=["objective"]
    )
    failures = CounterMetricFamily(
        _PREFIX + "failures", "What of it did not keep the promise", labels=["objective"]
    )
    for name, count in counted.items():
        events.add_metric([name], count.events)
        failures.add_metric([name], count.failures)
    yield from (events, failures)
