"""Moogsoft comes back: a drain that waits for it notices soon, and is cheap and quiet meanwhile."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.moogsoft_server import Answer, Connection, MoogsoftServer, status
from tests.pipeline import DLQ, INGEST, event, fill, journal
from tests.redis_server import RedisServer
from tests.services import services, until

STATE, OPEN_TIME = "mutt:circuit_breaker:moogsoft:state", "mutt:circuit_breaker:moogsoft:open_time"
# From health to the first replay.
SOON = 30.0
# What clients send, the broker's own polls included, which a loaded machine bunches.
COMMANDS_A_SECOND = 10

ENV = {"REMEDIATION_INTERVAL": 300, "REMEDIATION_DRAIN_INTERVAL": 1}


class Patient:
    """A Moogsoft whose health can be changed while it runs."""

    def __init__(self) -> None:
        self.answer: Answer = status(503)

    def __call__(self, connection: Connection) -> None:
        self.answer(connection)


@pytest.fixture
def patient() -> Patient:
    return Patient()


@pytest.fixture
def moogsoft(patient: Patient) -> Iterator[MoogsoftServer]:
    with MoogsoftServer(patient) as server:
        yield server


def sent_a_second(server: RedisServer, is_over: Callable[[], bool]) -> float:
    """How many commands clients send a second until something is over."""
    sent, began = 0, time.monotonic()
    with redis.Redis(port=server.port) as client, client.monitor() as monitor:
        while not is_over():
            assert time.monotonic() - began < SOON
            # What a script calls is sent by nobody.
            sent += monitor.next_command()["client_type"] != "lua"
    return sent / (time.monotonic() - began)


def reasons(client: redis.Redis) -> list[str]:
    return [entry["reason"] for entry in journal(client, "cycle")]


def test_the_first_replay_follows_health_soon_and_few_questions_are_asked_before(
    client: redis.Redis,
    redis_server: RedisServer,
    tmp_path: Path,
    patient: Patient,
    moogsoft: MoogsoftServer,
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    with services(tmp_path, redis_server.url, **ENV, MOOG_WEBHOOK_URL=moogsoft.url) as running:
        running.worker()
        until(lambda: len(moogsoft.requests) >= 2, hint=running.logs)
        rate = sent_a_second(redis_server, lambda: len(moogsoft.requests) >= 3)
        print(f"{rate:.1f} commands/s while held")
        assert rate <= COMMANDS_A_SECOND
        assert client.llen(DLQ) == 5
        patient.answer = status(200)
        until(lambda: client.llen(INGEST), SOON, hint=running.logs)
    assert set(reasons(client)[:-2]) == {"unhealthy"}


def test_a_call_by_hand_asks_though_the_drain_waits(
    client: redis.Redis,
    redis_server: RedisServer,
    tmp_path: Path,
    patient: Patient,
    moogsoft: MoogsoftServer,
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    with services(tmp_path, redis_server.url, **ENV, MOOG_WEBHOOK_URL=moogsoft.url) as running:
        running.worker()
        until(lambda: len(moogsoft.requests) >= 2, hint=running.logs)
        patient.answer = status(200)
        running.call("mutt_tasks.remediate")
        until(lambda: client.llen(INGEST), 10, hint=running.logs)


def test_the_first_replay_follows_the_closing_of_the_breaker_soon(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    client.mset({STATE: "OPEN", OPEN_TIME: time.time()})
    with services(tmp_path, redis_server.url, **ENV) as running:
        running.worker()
        until(lambda: reasons(client), hint=running.logs)
        client.set(STATE, "CLOSED")
        until(lambda: client.llen(INGEST), SOON, hint=running.logs)
    assert reasons(client)[0] == "breaker_open"


def test_a_breaker_that_nobody_closes_is_left_to_the_probe_with_one_warning(
    client: redis.Redis,
    redis_server: RedisServer,
    tmp_path: Path,
    patient: Patient,
    moogsoft: MoogsoftServer,
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    client.mset({STATE: "OPEN", OPEN_TIME: time.time() - 301})
    patient.answer = status(200)
    env = ENV | {"MOOG_WEBHOOK_URL": moogsoft.url, "REMEDIATION_BATCH_SIZE": 1}
    with services(tmp_path, redis_server.url, **env) as running:
        running.worker()
        until(lambda: client.llen(INGEST) == 5, hint=running.logs)
    assert running.logs().count("the forwarder's breaker still says OPEN") == 1
