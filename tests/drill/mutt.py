"""Faults of MUTT's own services, which are stand-ins here: what they show to Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from tests.drill.world import Fault, World, both
from tests.moogsoft_server import Connection, MoogsoftServer, metrics
from tests.services import until


class Services:
    """What MUTT's ingestor, alerter and forwarder show of themselves, as its source has it."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

        def counter(name: str, *labels: str) -> Counter:
            return Counter(name, name, labels, registry=self._registry)

        def histogram(name: str) -> Histogram:
            buckets = (0.1, 0.5, 1.0, 2.5, 5.0)
            return Histogram(name, name, buckets=buckets, registry=self._registry)

        self._ingested = counter("mutt_ingest_requests_total", "status", "reason")
        self._processed = counter("mutt_alerter_events_processed_total", "status")
        self._forwarded = counter("mutt_moog_alerts_processed_total", "status")
        self._ingest, self._moog = (
            histogram(f"mutt_{name}_latency_seconds") for name in ("ingest", "moog_request")
        )
        self.work(well=True)

    def work(self, *, well: bool) -> None:
        """Five of each, done well or badly; the other kind is shown as well."""
        for is_well, count in ((well, 5), (not well, 0)):
            self._ingested.labels("success" if is_well else "fail", "").inc(count)
            self._processed.labels("handled" if is_well else "poison").inc(count)
            self._forwarded.labels("success" if is_well else "dlq").inc(count)
        for _ in range(5):
            self._ingest.observe(0.01 if well else 4.0)
            self._moog.observe(0.01 if well else 4.0)

    def __call__(self, connection: Connection) -> None:
        metrics(generate_latest(self._registry))(connection)


@contextmanager
def mutt(world: World) -> Iterator[list[Fault]]:
    """MUTT's own services, as far as they are to be seen: by what they show to Prometheus."""
    shown = Services()
    with MoogsoftServer(shown) as exporter:
        world.scrape(mutt=int(exporter.host.partition(":")[2]))
        until(lambda: world.seen.ask("mutt_ingest_requests_total"), 60)
        services = ("IngestAvailability", "AlerterAvailability", "ForwarderAvailability")
        names = (*services, "IngestLatency", "ForwarderLatency")
        yield [
            Fault(
                "what MUTT's services show: all fails, or takes 4 s",
                tuple(alert for name in names for alert in both(f"MUTT{name}Burn")),
                lambda: shown.work(well=False),
                "all is done, and at once",
                lambda: None,
                goes_on=lambda: shown.work(well=False),
                repairs=lambda: shown.work(well=True),
            )
        ]
