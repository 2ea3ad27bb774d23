"""Faults of processes: what has died, hangs, or says that something is wrong."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from mutt_tasks.store import keys
from stand_ins import breaker
from tests.drill.world import Fault, World
from tests.moogsoft_server import Connection, MoogsoftServer, metrics
from tests.pipeline import DEAD, DLQ, event, fill, run_cycle, settings_of
from tests.receivers import REFUSE, TAKE, webhook
from tests.redis_server import free_port
from tests.services import ROOT, until


def both(name: str) -> list[str]:
    """A burn-rate alert, fast and slow."""
    return [f"{name} {severity}" for severity in ("critical", "warning")]


@contextmanager
def gone(world: World) -> Iterator[list[Fault]]:
    """One process after the other."""
    client = world.client

    def end_breaker() -> None:
        client.delete(*breaker.KEYS)

    def leave_breaker() -> None:
        client.mset({breaker.STATE: breaker.OPEN, breaker.OPEN_TIME: world.now - 400})

    yield [
        Fault(
            "Moogsoft answers 503",
            ("MUTTMoogsoftUnhealthy",),
            world.moogsoft.down,
            "it answers 200",
            world.moogsoft.up,
        ),
        Fault(
            "the breaker of forwarders that are gone says OPEN",
            ("MUTTForwarderBreakerOpen",),
            leave_breaker,
            "its keys are deleted",
            end_breaker,
        ),
        Fault(
            "beat is killed",
            ("MUTTRemediationNoCycle", *both("MUTTRemediationOnTimeBurn")),
            lambda: world.kill("beat"),
            "beat is started",
            lambda: world.start("beat"),
        ),
        Fault(
            "the worker is killed",
            ("MUTTRemediationDown",),
            lambda: world.kill("worker"),
            "the worker is started",
            lambda: world.start("worker"),
        ),
        Fault(
            "Redis is killed",
            ("MUTTRemediationRedisUnreachable",),
            world.server.kill,
            "Redis is started",
            world.server.start,
        ),
    ]


@contextmanager
def tampered(world: World) -> Iterator[list[Fault]]:
    """Somebody with access to Redis."""
    client: Any = world.client
    for each in ("pause", "resume"):
        more = ("--for", "1h", "--reason", "change 4711") if each == "pause" else ()
        world.dlq(each, *more)
    until(lambda: client.hget(keys.CHECKS, "audit_whole") == b"1", 120)
    kept = client.dump(keys.AUDIT)

    def change() -> None:
        ((entry, _),) = world.store.audit.after(most=1)
        client.xdel(keys.AUDIT, entry)

    fill(client, DEAD, [event(n) for n in range(10)])
    until(lambda: b"brought:dead" in client.hgetall(keys.CHECKS), 60)
    until(lambda: client.hget(keys.CHECKS, "brought:dead") == b"10", 60)
    yield [
        Fault(
            "somebody takes four messages off the dead letter list with `redis-cli`",
            ("MUTTRemediationBooksDoNotBalance",),
            lambda: client.rpop(DEAD, 4),
            "nobody does so any more",
            lambda: None,
            hidden=("MUTTRemediationNotConserved",),
        ),
        Fault(
            "somebody deletes an entry of the audit",
            ("MUTTRemediationAuditChainBroken",),
            change,
            "Redis' copy of the audit is restored",
            lambda: client.restore(keys.AUDIT, 0, kept, replace=True),
        ),
    ]


@contextmanager
def unchecked(world: World) -> Iterator[list[Fault]]:
    """The audit cannot be read any more."""
    client: Any = world.client
    until(lambda: client.hget(keys.CHECKS, "audited_ms"), 120)

    def spoil() -> None:
        client.delete(keys.AUDIT)
        client.set(keys.AUDIT, "what is this?")

    yield [
        Fault(
            "the audit's key holds another type",
            ("MUTTRemediationChecksLate",),
            spoil,
            "that key is deleted",
            lambda: client.delete(keys.AUDIT),
        )
    ]


@contextmanager
def beside(world: World) -> Iterator[list[Fault]]:
    """Notifier and console, without a worker."""
    ports = {each: free_port() for each in ("notify", "health", "console")}
    with webhook(mode=REFUSE) as (port, inbox):
        env = {
            "NOTIFY_URLS": f"ops=json://127.0.0.1:{port}/",
            "METRICS_PORT_NOTIFY": ports["notify"],
            "HEALTH_PORT_NOTIFY": ports["health"],
            "CONSOLE_PORT": ports["console"],
            **dict.fromkeys(("NOTIFY_WAIT", "NOTIFY_AGAIN"), 0),
        }
        world.running.env |= {name: str(value) for name, value in env.items()}
        run = _Beside(world)
        world.scrape(**{"mutt-notify": ports["notify"], "mutt-console": ports["console"]})
        run.begin()
        up = f'sum(up{{namespace="{world.name}"}}) == 2'
        until(lambda: world.seen.ask(up), 60)
        try:
            yield [
                Fault(
                    "whom `mutt-notify` should tell refuses what it gets",
                    ("MUTTNotifierLagging",),
                    run.news,
                    "it takes what it gets",
                    lambda: setattr(inbox, "mode", TAKE),
                ),
                Fault(
                    "`mutt-notify` and the console are killed",
                    ("MUTTNotifierDown", "MUTTConsoleDown"),
                    run.kill,
                    "both are started",
                    run.begin,
                ),
                Fault(
                    "the console loses its Redis",
                    ("MUTTConsoleLagging",),
                    world.server.freeze,
                    "Redis answers again",
                    world.server.thaw,
                ),
            ]
        finally:
            run.kill()


class _Beside:
    """The processes beside the worker."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._started: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        """Start both."""
        for name in ("notify", "console"):
            self._start(name)

    def _start(self, name: str) -> None:
        log = self._world.folder / f"{name}.log"
        with log.open("ab") as out:
            command = [sys.executable, "-m", f"mutt_tasks.{name}"]
            process = subprocess.Popen(
                command, cwd=ROOT, env=self._world.running.env, stdout=out, stderr=out
            )
        self._started.append(process)

    def kill(self) -> None:
        """All die."""
        for process in self._started:
            process.kill()
            process.wait()
        self._started.clear()

    def news(self) -> None:
        """Something that the notifier has to tell."""
        fill(self._world.client, DLQ, [b"garbage"])
        run_cycle(self._world.store, settings_of())
        self._world.client.delete(keys.LEASE)


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
