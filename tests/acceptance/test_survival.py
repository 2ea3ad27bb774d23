"""A drain survives its worker, at the default interval: nobody waits for the next tick."""

import signal
import time
from pathlib import Path

import pytest
import redis

from tests.pipeline import DLQ, INGEST, counters, event, fill, numbers_in
from tests.redis_server import RedisServer
from tests.services import Services, services, until

MESSAGES = 400
# From the return of the worker to the next replay.
BACK_SECONDS = 15.0

ENV = {
    "REMEDIATION_INTERVAL": 300,
    "REMEDIATION_DRAIN_INTERVAL": 1,
    "REMEDIATION_BATCH_SIZE": 2,
    "REMEDIATION_MAX_BATCH_SIZE": 5,
}


def in_the_middle(client: redis.Redis, running: Services) -> None:
    """Wait until a drain has well begun."""
    fill(client, DLQ, [event(n) for n in range(MESSAGES)])
    running.call("mutt_tasks.remediate")
    until(lambda: client.llen(INGEST) >= 10, hint=running.logs)


def moves_again(client: redis.Redis, running: Services) -> None:
    """Wait for the next replay; every message is in one place, and in order."""
    before = client.llen(INGEST)
    began = time.monotonic()
    until(lambda: client.llen(INGEST) > before, BACK_SECONDS, hint=running.logs)
    print(f"moved again after {time.monotonic() - began:.1f} s")
    with client.pipeline(transaction=True) as reads:
        reads.llen(DLQ)
        reads.llen(INGEST)
        assert sum(reads.execute()) == MESSAGES
    replayed = numbers_in(client, INGEST)
    assert replayed == list(range(len(replayed)))


@pytest.mark.parametrize("ends", ["killed", "terminated"])
def test_a_drain_goes_on_soon_after_its_worker_is_back(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path, ends: str
) -> None:
    with services(tmp_path, redis_server.url, **ENV) as running:
        worker = running.worker()
        in_the_middle(client, running)
        if ends == "killed":
            running.kill(worker)
        else:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
            running.forget(worker)
        running.worker()
        moves_again(client, running)


def test_a_drain_goes_on_after_its_task_was_lost_though_the_worker_lives(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    with services(tmp_path, redis_server.url, **ENV) as running:
        running.worker()
        in_the_middle(client, running)
        client.set("mutt:remediation:lease", "nobody's", px=1000)
        moves_again(client, running)


def test_a_worker_that_starts_finds_the_messages_that_wait(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(n) for n in range(MESSAGES)])
    with services(tmp_path, redis_server.url, **ENV) as running:
        running.worker()
        moves_again(client, running)


def test_a_worker_that_starts_leaves_single_batches_to_the_ticks(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    fill(client, DLQ, [event(n) for n in range(MESSAGES)])
    with services(tmp_path, redis_server.url, **ENV, REMEDIATION_DRAIN="false") as running:
        running.worker()
        running.call("mutt_tasks.remediate")
        until(lambda: counters(client).get("loops"), hint=running.logs)
    assert counters(client)["loops"] == 1
    assert numbers_in(client, INGEST) == [0, 1]


def test_a_call_by_hand_during_a_drain_says_who_is_at_work(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    with services(tmp_path, redis_server.url, **ENV) as running:
        running.worker()
        in_the_middle(client, running)
        running.call("mutt_tasks.remediate")
        until(lambda: "outcome=busy reason=draining" in running.logs(), hint=running.logs)
    busy = [line for line in running.logs().splitlines() if "outcome=busy" in line]
    for part in ("holder={cycle=", "doing=", "since=", "heard_of_seconds_ago="):
        assert all(part in line for line in busy)


def test_a_worker_outlives_a_redis_that_refuses_to_be_written_to(
    client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    with services(tmp_path, redis_server.url, **ENV) as running:
        worker = running.worker()
        running.call("mutt_tasks.remediate")
        until(lambda: counters(client).get("loops"), hint=running.logs)
        client.replicaof("127.0.0.1", 1)  # read-only, as after a failover
        try:
            until(lambda: "read only replica" in running.logs(), hint=running.logs)
        finally:
            client.replicaof("NO", "ONE")
        fill(client, DLQ, [event(n) for n in range(MESSAGES)])
        running.call("mutt_tasks.remediate")
        moves_again(client, running)
        assert worker.poll() is None
