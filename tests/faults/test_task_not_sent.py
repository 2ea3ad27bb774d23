"""A broker that takes no task: the cycle that cannot go on lets go of its lease at once."""

from typing import Any

import redis

from mutt_tasks.replay.guard import look_on
from mutt_tasks.store.lease import Acquired, Step
from mutt_tasks.store.store import Store
from tests.pipeline import DLQ, INGEST, event, fill, numbers_in, run_cycle, settings_of
from tests.redis_server import RedisServer, free_port
from tests.task_process import run_tasks

LEASE = "mutt:remediation:lease"


def run_without_broker(server: RedisServer, task: str, **arguments: Any) -> None:
    """Run a task where the store answers and nobody listens at the broker's address."""
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    (ended,) = run_tasks(server, (task, arguments), CELERY_BROKER_URL=nobody)
    assert ended.error.startswith("OperationalError: ")
    assert ended.lease is None


def test_a_call_whose_next_step_cannot_be_sent_keeps_no_lease(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    fill(client, DLQ, [event(1)])
    run_without_broker(redis_server, "remediate")
    assert (client.llen(DLQ), client.llen(INGEST)) == (1, 0)


def test_a_drain_whose_next_step_cannot_be_sent_keeps_no_lease(
    client: redis.Redis, store: Store, redis_server: RedisServer
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    next_cycle = run_cycle(store, settings_of()).next_cycle
    assert client.persist(LEASE)  # until the task begins, however long its process takes to start
    run_without_broker(redis_server, "remediate", trigger="drain", cycle=next_cycle)
    # Whoever looks on sees that a drain was given up.
    assert look_on(store, settings_of()).is_abandoned


def test_a_batch_whose_drain_cannot_be_sent_on_is_moved_and_keeps_no_lease(
    client: redis.Redis, store: Store, redis_server: RedisServer
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    cycle = "a" * 32
    assert store.lease.acquire(cycle, 0)[0] is Acquired.YES
    assert store.lease.advance(cycle, cycle, Step.CHECKING)
    assert client.persist(LEASE)
    health = {"outcome": "healthy", "reason": "test"}
    run_without_broker(redis_server, "replay_dlq_batch", health=health, cycle=cycle)
    assert look_on(store, settings_of()).is_abandoned
    assert numbers_in(client, INGEST) == list(range(10))
    assert client.llen(DLQ) == 20
