"""Ways to move messages from a dead letter queue to a queue: ours, and what others would do."""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any

import redis

from mutt_tasks import cycle
from mutt_tasks.cycle import Trigger
from mutt_tasks.replay.cycle_context import Health
from mutt_tasks.settings import load
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import Surroundings
from stand_ins.facts import ALERTER_DLQ as DLQ
from stand_ins.facts import INGEST_QUEUE as INGEST

# Every limit lifted; replays that nobody takes are held back all the same.
LIFTED = {
    "REMEDIATION_MAX_RATE": "0",
    "REMEDIATION_HIGH_WATER": "1000000000",
    "REMEDIATION_DRAIN_INTERVAL": "0",
    "REMEDIATION_ROUTES": "alerter",
}
BLIND = """
for i = 1, tonumber(ARGV[1]) do redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT') end
"""

PREDECESSOR, REQUEUE, RETRY_JOBS = "predecessor's loop", "RQ requeue", "BullMQ retryJobs"
# These lay jobs of their own first, whose cost cannot be told from that of the moves.
WITH_JOBS = frozenset({REQUEUE, RETRY_JOBS})

# Moves so many messages; returns how many seconds that took.
Move = Callable[[redis.Redis, int], float]


def event(number: int, size: int = 0) -> bytes:
    """A syslog event of about 450 bytes as the alerter gives it up, or of at least `size`."""
    fields: dict[str, Any] = {
        "hostname": f"core-sw-{number % 400:03d}.example.net",
        "timestamp": "2026-11-21T05:30:44.123456+00:00",
        "message": "%LINK-3-UPDOWN: Interface TenGigE0/1/0/7, changed state to down " * 2,
        "severity": 3,
        "facility": 23,
        "program": "ifmgr",
        "source_ip": "192.0.2.17",
        "_correlation_id": f"{number:032x}",
        "_retry_count": 4,
    }
    raw = json.dumps(fields).encode()
    more = size - len(raw) - len(b', "raw": ""')
    return raw if more < 0 else raw[:-1] + b', "raw": "%s"}' % (b"x" * more)


def fill(client: redis.Redis, messages: int, size: int = 0) -> None:
    """Put so many events into the dead letter queue of an empty server."""
    client.flushall()
    some = _some_events(size)
    for start in range(0, messages, len(some)):
        client.lpush(DLQ, *some[: messages - start])


@cache
def _some_events(size: int) -> list[bytes]:
    return [event(number, size) for number in range(1000)]


def ours(client: redis.Redis, messages: int, batch: int = 1000) -> None:
    """Our own cycles, as a drain runs them, without its pauses, and a consumer beside them."""
    settings = load({**LIFTED, "REMEDIATION_BATCH_SIZE": str(batch)})
    store = Store(client)
    surroundings, healthy = Surroundings.of(store), Health(True, "benchmark")
    held = surroundings.new_id()
    cycle.begin(store, settings, surroundings, held, Trigger.HAND)
    taken = 0
    while held and taken < messages:
        result = cycle.replay(store, settings, surroundings, held, healthy)
        held = result.next_cycle if result else ""
        taken += consumed(client)
    assert taken == messages
    store.lease.release(held)


def consumed(client: redis.Redis) -> int:
    """A consumer takes everything at once; returns how many messages that were."""
    with client.pipeline(transaction=True) as both:
        both.llen(INGEST)
        both.unlink(INGEST)
        found: int = both.execute()[0]
    return found


def pop_push(client: redis.Redis, messages: int) -> None:
    """The predecessor's loop: one message at a time, decoded and pushed back."""
    for _ in range(messages):
        raw = client.rpop(DLQ)
        assert isinstance(raw, bytes)
        json.loads(raw).get("_moog_retry_count", 0)
        client.lpush(INGEST, raw)


def pipelined(client: redis.Redis, messages: int) -> None:
    """LMOVE, a thousand in a pipeline, unseen."""
    for start in range(0, messages, 1000):
        with client.pipeline(transaction=False) as moves:
            for _ in range(min(1000, messages - start)):
                moves.lmove(DLQ, INGEST, "RIGHT", "LEFT")
            moves.execute()


def blind(client: redis.Redis, messages: int) -> None:
    """Inside the server, unseen."""
    client.eval(BLIND, 2, DLQ, INGEST, messages)


def timed(move: Callable[[redis.Redis, int], None]) -> Move:
    """A way to move what `fill` lays, with its time."""

    def run(client: redis.Redis, messages: int) -> float:
        fill(client, messages)
        started = perf_counter()
        move(client, messages)
        return perf_counter() - started

    return run


def rq_requeue(client: redis.Redis, messages: int) -> float:
    """RQ's requeue of failed jobs, one by one as its command does."""
    from rq import Queue  # type: ignore[import-not-found,unused-ignore]  # where it is installed
    from rq.registry import FailedJobRegistry  # type: ignore[import-not-found,unused-ignore]

    client.flushall()
    queue = Queue("bench", connection=client)
    data = [Queue.prepare_data(json.loads, (event(n).decode(),)) for n in range(messages)]
    jobs = queue.enqueue_many(data)
    registry = FailedJobRegistry(queue=queue)
    for job in jobs:
        registry.add(job, ttl=-1)
    client.delete(queue.key)
    started = perf_counter()
    for job in jobs:
        registry.requeue(job.id)
    return perf_counter() - started


def bullmq_retry(client: redis.Redis, messages: int) -> float:
    """BullMQ's `retryJobs`, which moves ids and looks at nothing."""
    client.flushall()
    port = client.connection_pool.connection_kwargs["port"]
    script = Path(__file__).parent / "bullmq.cjs"
    done = subprocess.run(
        ["node", str(script), str(port), str(messages)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def movers() -> dict[str, tuple[Move, float]]:
    """All that are there, and how many messages each gets of those that ours do."""
    found: dict[str, tuple[Move, float]] = {
        f"ours, batch {batch:,}": (timed(partial(ours, batch=batch)), 1.0)
        for batch in (100, 1000, 10_000)
    }
    found[PREDECESSOR] = timed(pop_push), 0.1
    if importlib.util.find_spec("rq"):
        found[REQUEUE] = rq_requeue, 0.02
    if _has_bullmq():
        found[RETRY_JOBS] = bullmq_retry, 0.5
    return found | {
        "pipelined LMOVE, blind": (timed(pipelined), 1.0),
        "inside the server, blind": (timed(blind), 1.0),
    }


def _has_bullmq() -> bool:
    if shutil.which("node") is None:
        return False
    return (
        subprocess.run(
            ["node", "-e", "require('bullmq'); require('ioredis')"], capture_output=True
        ).returncode
        == 0
    )
