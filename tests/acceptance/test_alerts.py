"""A running system is broken in ways that people should know of, and they are told of each.

A real Prometheus scrapes a real worker, with our rules in a world where time flies, and a real
Alertmanager tells a receiver. All faults are made in one session, for starting it takes seconds.
"""

import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mutt_tasks.store import keys
from mutt_tasks.store.counters import LAST_CYCLE_MS
from mutt_tasks.store.store import Store
from tests.monitoring.files import runbook_commands
from tests.monitoring.live import Watch, watch
from tests.moogsoft_server import Connection, MoogsoftServer, metrics, status
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    MOOG_DLQ,
    consume,
    event,
    fill,
    operator_pauses,
    settings_of,
)
from tests.redis_server import RedisServer
from tests.services import HEALTH, METRICS, Process, Services, services, until

BOTH = settings_of(REMEDIATION_ROUTES="alerter,moog")
HITS = "mutt_moog_rate_limit_hits_total"


class Forwarder:
    """What MUTT's forwarder shows of its own losses."""

    def __init__(self) -> None:
        self.dropped = 0

    def __call__(self, connection: Connection) -> None:
        text = f"# TYPE {HITS} counter\n{HITS} {self.dropped}\n"
        metrics(text.encode())(connection)


class Moogsoft:
    """One whose health can be changed while it runs."""

    def __init__(self) -> None:
        self.answer = status(200)

    def __call__(self, connection: Connection) -> None:
        self.answer(connection)


@dataclass
class World:
    """A pipeline with worker and beat, everything that watches it, and what can be done to it."""

    redis: RedisServer
    running: Services
    forwarder: Forwarder
    moogsoft: Moogsoft
    seen: Watch
    worker: Process
    beat: Process

    @property
    def store(self) -> Store:
        """The books."""
        return Store(self.redis.client)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    redis, forwarder, moogsoft = RedisServer(tmp_path).start(), Forwarder(), Moogsoft()
    # Each tick is a cycle: a drain that is held would look later and later, in a time that flies.
    env = {"REMEDIATION_DRAIN": "false", "REMEDIATION_INTERVAL": 1}
    env |= {"REMEDIATION_HIGH_WATER": 10, "MOOG_HEALTH_CACHE_TTL": 1}
    with (
        MoogsoftServer(moogsoft) as asked,
        MoogsoftServer(forwarder) as exporter,
        MoogsoftServer(status(200)) as inbox,
        services(tmp_path, redis.url, MOOG_WEBHOOK_URL=asked.url, **env) as running,
    ):
        worker, beat = running.worker(), running.beat()
        until(lambda: redis.client.hget(keys.CHECKS, "audit_whole"), 60, hint=running.logs)
        until(lambda: redis.client.hget(keys.STATS, LAST_CYCLE_MS), 60, hint=running.logs)
        port = int(exporter.host.partition(":")[2])
        targets = {"mutt-remediation": [running.metrics_port], "mutt-moog-forwarder": [port]}
        with watch(tmp_path, targets, inbox) as seen:
            yield World(redis, running, forwarder, moogsoft, seen, worker, beat)
    redis.stop()


def test_people_are_told_of_what_is_wrong_and_when_it_is_over(world: World) -> None:
    what_the_runbook_fetches_is_answered(world)
    what_the_queues_tell(world)
    what_follows_from_something_worse_is_not_told(world)
    beat_is_gone_and_a_pause_was_forgotten(world)
    the_worker_is_gone_and_somebody_changes_the_audit(world)
    redis_is_gone(world)


def what_the_runbook_fetches_is_answered(world: World) -> None:
    ports = {METRICS: world.running.metrics_port, HEALTH: world.running.health_port}
    commands = runbook_commands("curl")
    assert commands
    for command in commands:
        host, port, path = re.fullmatch(r"curl -s (localhost):(\d+)(/\S*)", command).groups()  # type: ignore[union-attr]
        with urllib.request.urlopen(f"http://{host}:{ports[int(port)]}{path}") as answer:
            assert answer.read()


def what_the_queues_tell(world: World) -> None:
    client, seen, now = world.redis.client, world.seen, world.store.now()
    fill(client, INGEST, [event(n) for n in range(12)])  # nobody takes it
    fill(client, DLQ, [event(n, timestamp=now) for n in range(20)])
    fill(client, MOOG_DLQ, [b"garbage"] * 15)
    until(lambda: client.llen(DEAD) == 15, hint=world.running.logs)
    # The worker's next look would do as well, but later.
    world.store.balance.check(BOTH.routes, DEAD)
    client.rpop(DEAD, 4)
    world.forwarder.dropped += 40

    lost = ("MUTTRemediationBooksDoNotBalance", "MUTTForwarderLosesAlerts")
    late = ("MUTTRemediationNotDraining", "MUTTRemediationDeadLetterListGrowing")
    seen.until_told(*lost, *late)
    told = {each.alert: (each.receiver, each.group) for each in seen.told()}
    common = {"service": "remediation"}
    assert told == {
        **dict.fromkeys(lost, ("mutt-pager", common)),
        late[0]: ("mutt-team", {**common, "route": "alerter"}),
        late[1]: ("mutt-team", common),
    }

    def is_consumed() -> bool:
        consume(client, world.store)
        return not client.llen(DLQ)

    until(is_consumed, hint=world.running.logs)
    seen.until_over("MUTTForwarderLosesAlerts", "MUTTRemediationNotDraining")


def what_follows_from_something_worse_is_not_told(world: World) -> None:
    client, seen = world.redis.client, world.seen
    world.moogsoft.answer = status(503)
    seen.until_told("MUTTMoogsoftUnhealthy")
    client.mset({keys.BREAKER: "OPEN", keys.BREAKER_OPEN_TIME: world.store.now()})
    until(lambda: "MUTTForwarderBreakerOpen" in seen.firing(), 60)
    client.delete(keys.BREAKER, keys.BREAKER_OPEN_TIME)
    until(lambda: "MUTTForwarderBreakerOpen" not in seen.firing(), 60)
    world.moogsoft.answer = status(200)
    client.delete(keys.HEALTH)  # so that it is asked at once
    seen.until_over("MUTTMoogsoftUnhealthy")
    assert "MUTTForwarderBreakerOpen" not in {each.alert for each in seen.told()}


def beat_is_gone_and_a_pause_was_forgotten(world: World) -> None:
    both = ("MUTTRemediationNoCycle", "MUTTRemediationPauseForgotten")
    world.running.kill(world.beat)
    operator_pauses(world.store, 3600)
    world.redis.client.hset(keys.PAUSED, "since", "2026-01-01T00:00:00Z")
    world.seen.until_told(*both)
    world.redis.client.delete(keys.PAUSED)
    world.beat = world.running.beat()
    world.seen.until_over(*both)


def the_worker_is_gone_and_somebody_changes_the_audit(world: World) -> None:
    world.running.kill(world.worker)
    ((entry, _),) = world.store.audit.after(most=1)
    world.redis.client.xdel(keys.AUDIT, entry)
    world.seen.until_told("MUTTRemediationDown")
    world.worker = world.running.worker()
    world.seen.until_over("MUTTRemediationDown")
    world.seen.until_told("MUTTRemediationAuditChainBroken")


def redis_is_gone(world: World) -> None:
    world.redis.kill()
    world.seen.until_told("MUTTRemediationRedisUnreachable")
    world.redis.start()
    world.seen.until_over("MUTTRemediationRedisUnreachable")
