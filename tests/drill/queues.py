"""Faults that show in the queues: what does not drain, and why."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from demo.backlog import alert, sample_event
from demo.live import LiveTraffic
from mutt_tasks.core.identity import digest
from mutt_tasks.core.moments import iso
from stand_ins import facts
from tests.drill.world import Fault, World, both
from tests.moogsoft_server import Connection, MoogsoftServer, metrics
from tests.pipeline import DLQ, INGEST, MOOG_DLQ, consume, event

LOSSES = "mutt_moog_rate_limit_hits_total"
FULL = "by the forwarder, for its rate window was full"


def push(world: World, name: str, messages: list[bytes]) -> None:
    """All at once; the first becomes the oldest."""
    world.client.lpush(name, *messages)


def alerts_of(count: int, **fields: object) -> list[bytes]:
    """As many alerts, as the forwarder has given them up."""
    dice = random.Random(count)
    spent = {facts.FORWARDER_COUNT: facts.FORWARDER_MAX_RETRIES + 1}
    made = [alert(sample_event(dice, datetime.now(UTC).timestamp())) for _ in range(count)]
    return [json.dumps(each | spent | fields).encode() for each in made]


@contextmanager
def deep(world: World) -> Iterator[list[Fault]]:
    """Thousands of events for an alerter that takes nothing."""

    def make() -> None:
        push(world, INGEST, [event(n) for n in range(1000)])
        push(world, DLQ, [event(n, timestamp=world.now) for n in range(10_050)])

    yield [
        Fault(
            "10,050 dead letters, and an alerter that takes nothing: its queue is full",
            (
                "MUTTRemediationNotDraining",
                "MUTTRemediationDLQDepthHigh",
                *both("MUTTRemediationRecoveredBurn"),
            ),
            make,
            "the alerter takes its queue",
            lambda: None,
            repairs=lambda: consume(world.client, world.store),
        )
    ]


@contextmanager
def away(world: World) -> Iterator[list[Fault]]:
    """Events for an alerter that is gone."""
    yield [
        Fault(
            "dead letters go back, and the alerter that should take them is gone",
            ("MUTTRemediationConsumerAway",),
            lambda: push(world, DLQ, [event(n, timestamp=world.now) for n in range(400)]),
            "the alerter is back",
            lambda: None,
            repairs=lambda: consume(world.client, world.store),
        )
    ]


@contextmanager
def slow(world: World) -> Iterator[list[Fault]]:
    """A long drain at a slow pace."""
    yield [
        Fault(
            "10,050 dead letters at REMEDIATION_MAX_RATE=0.5",
            ("MUTTRemediationSlowToEmpty",),
            lambda: push(world, DLQ, [event(n, timestamp=world.now) for n in range(10_050)]),
            "the worker is started without that limit",
            lambda: world.started_anew(REMEDIATION_MAX_RATE=0),
            goes_on=lambda: consume(world.client, world.store),
            repairs=lambda: consume(world.client, world.store),
        )
    ]


@contextmanager
def held(world: World) -> Iterator[list[Fault]]:
    """One message that waits, then replays that are held on purpose."""
    ago = iso((datetime.now(UTC) - timedelta(hours=3)).timestamp())
    header = {"replays": 1, "route": "alerter", "first_at": ago, "last_at": iso(world.now)}
    old = event(1, timestamp=ago, _remediation=header)
    off = "mutt:config:remediation_enabled"

    def hold() -> None:
        world.dlq("pause", "--for", "8h", "--reason", "change 4711")
        world.client.set(off, "false")

    def go_on() -> None:
        world.dlq("resume")
        world.client.delete(off)

    yield [
        Fault(
            "an event of three hours ago came back, and waits for its next try",
            ("MUTTRemediationOldestMessageOld",),
            lambda: push(world, DLQ, [old]),
            "`mutt-dlq discard` throws it away",
            lambda: world.dlq("discard", f"m-{digest(old)[:12]}", "--reason", "old", "--yes"),
        ),
        Fault(
            "`mutt-dlq pause`, and mutt:config:remediation_enabled false; both are forgotten",
            ("MUTTRemediationPauseForgotten", "MUTTRemediationDisabled"),
            hold,
            "`mutt-dlq resume`, and the key is deleted",
            go_on,
        ),
    ]


@contextmanager
def suspects(world: World) -> Iterator[list[Fault]]:
    """An alert that was refused while others passed."""
    with world.pipeline(), LiveTraffic(world.settings().redis.address, INGEST, 3):
        yield [
            Fault(
                "the forwarder gives one alert up while others pass",
                ("MUTTRemediationSuspectsWaiting",),
                lambda: push(world, MOOG_DLQ, alerts_of(1)),
                "nothing: after REMEDIATION_SUSPECT_WAIT=40 it is set aside",
                lambda: None,
            )
        ]


@contextmanager
def ended_with(storm: LiveTraffic) -> Iterator[None]:
    """A storm that somebody has started is over when the block ends."""
    try:
        yield
    finally:
        storm.stop()


@contextmanager
def full(world: World) -> Iterator[list[Fault]]:
    """A storm of live alerts before a small limiter."""
    address = world.settings().redis.address
    with world.pipeline(MOOG_RATE_LIMIT=5) as pipeline:
        storm = LiveTraffic(address, INGEST, 8)

        def exporter(connection: Connection) -> None:
            hits = pipeline.losses.ways[FULL]
            metrics(f"# TYPE {LOSSES} counter\n{LOSSES} {hits}\n".encode())(connection)

        def raise_limit() -> None:
            world.client.set("mutt:config:moog_rate_limit", 50)
            world.client.publish("mutt:config:updates", "moog_rate_limit")

        def make() -> None:
            push(world, MOOG_DLQ, alerts_of(30))
            storm.start()

        with MoogsoftServer(exporter) as shown, ended_with(storm):
            world.scrape(**{"mutt-moog-forwarder": int(shown.host.partition(":")[2])})
            yield [
                Fault(
                    "a storm of 8 live alerts a second before a limiter of 5",
                    ("MUTTForwarderLosesAlerts", "MUTTRemediationNoRoom"),
                    make,
                    "mutt:config:moog_rate_limit is set to 50",
                    raise_limit,
                )
            ]


@contextmanager
def dropping(world: World) -> Iterator[list[Fault]]:
    """A forwarder whose limit is not what the worker was told."""
    with world.pipeline(MOOG_RATE_LIMIT=2):
        yield [
            Fault(
                "MOOG_RATE_LIMIT is 50 for the worker and 2 for the forwarder",
                ("MUTTRemediationDropping", "MUTTRemediationNotConserved"),
                lambda: push(world, MOOG_DLQ, alerts_of(100)),
                "the worker is started with 2",
                lambda: world.started_anew(MOOG_RATE_LIMIT=2),
            )
        ]


@contextmanager
def poison(world: World) -> Iterator[list[Fault]]:
    """Events of one kind at which the alerter always fails; events that have failed too often."""
    dice = random.Random(7)
    spent = {facts.ALERTER_COUNT: facts.ALERTER_MAX_RETRIES + 1}

    def retire() -> None:
        made = [sample_event(dice, world.now) for _ in range(10)]
        for each in made[:6]:
            each["hostname"] = "dec-sw-01.retired.example.net"
        push(world, DLQ, [json.dumps(each | spent).encode() for each in made])

    def feed() -> None:
        often = {facts.FORWARDER_COUNT: facts.FORWARDER_MAX_RETRIES + 1}
        push(world, DLQ, [json.dumps(sample_event(dice, world.now) | often).encode()])

    with world.pipeline():
        yield [
            Fault(
                "six of ten events are of a host that the alerter does not know any more",
                (*both("MUTTRemediationLandedBurn"),),
                retire,
                "they are dead letters",
                lambda: None,
            ),
            Fault(
                "events come, three a second, that the forwarder has given up again and again",
                ("MUTTHighPoisonMessageRate", "MUTTRemediationDeadLetterListGrowing"),
                feed,
                "such events come no more",
                lambda: None,
                goes_on=feed,
            ),
        ]
