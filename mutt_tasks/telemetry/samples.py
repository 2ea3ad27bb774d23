"""How this package's metrics are called, and the two kinds that have no labels."""

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

PREFIX = "mutt_remediation_"


def counter(name: str, text: str, value: float) -> Metric:
    """A counter; Prometheus calls it `…_total`."""
    return CounterMetricFamily(PREFIX + name, text, value=value)


def gauge(name: str, text: str, value: float) -> Metric:
    """A gauge; a condition is 1 or 0."""
    return GaugeMetricFamily(PREFIX + name, text, value=float(value))
