"""How fast messages move from a dead letter queue to a queue, beside what others would do.

Peers, in the same run, on the same embedded server, in turn:

    pop-push    RPOP, decode, LPUSH for each message: a hand-written loop, loses what is in flight
    blind       LMOVE in a loop inside the server: moves without looking, the ceiling

Prints ratios of medians, and the peak memory of a process that drains a queue ten times as long.

    .venv/bin/python benchmarks/moves.py [--messages N] [--runs N]
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).parent.parent))

from mutt_tasks import cycle
from mutt_tasks.cycle import Trigger
from mutt_tasks.replay.cycle_context import Health
from mutt_tasks.settings import load
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import Surroundings
from stand_ins.facts import ALERTER_DLQ as DLQ
from stand_ins.facts import INGEST_QUEUE as INGEST
from tests.redis_server import RedisServer

BLIND = """
for i = 1, tonumber(ARGV[1]) do redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT') end
"""


def fill(client: redis.Redis, messages: int) -> None:
    """Put so many events of about 450 bytes into the dead letter queue of an empty server."""
    client.flushall()
    for start in range(0, messages, 1000):
        client.lpush(DLQ, *(event(n) for n in range(start, min(start + 1000, messages))))


def event(number: int) -> bytes:
    """A syslog event as the alerter gives it up."""
    return json.dumps(
        {
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
    ).encode()


def replay(client: redis.Redis, messages: int, batch: int = 1000) -> None:
    """Our own cycles, as a drain runs them, without its pauses."""
    settings = load(
        {
            "REMEDIATION_BATCH_SIZE": str(batch),
            "REMEDIATION_MAX_RATE": "0",
            "REMEDIATION_HIGH_WATER": "1000000000",
            "REMEDIATION_DRAIN_INTERVAL": "0",
        }
    )
    store = Store(client)
    surroundings, healthy = Surroundings.of(store), Health(True, "benchmark")
    held = surroundings.new_id()
    cycle.begin(store, settings, surroundings, held, Trigger.HAND)
    taken = 0
    while held and taken < messages:
        result = cycle.replay(store, settings, surroundings, held, healthy)
        held = result.next_cycle if result else ""
        # A consumer that takes everything at once: replays that nobody takes are held back.
        waiting = client.llen(INGEST)
        assert isinstance(waiting, int)
        client.delete(INGEST)
        taken += waiting
    assert taken == messages
    store.lease.release(held)


def pop_push(client: redis.Redis, messages: int) -> None:
    """One message at a time, decoded and pushed back."""
    for _ in range(messages):
        raw = client.rpop(DLQ)
        assert isinstance(raw, bytes)
        json.loads(raw).get("_moog_retry_count", 0)
        client.lpush(INGEST, raw)


def blind(client: redis.Redis, messages: int) -> None:
    """Inside the server, unseen."""
    client.eval(BLIND, 2, DLQ, INGEST, messages)


def speed(
    client: redis.Redis, move: Callable[[redis.Redis, int], None], messages: int, runs: int
) -> float:
    """Median messages per second."""
    found = []
    for _ in range(runs):
        fill(client, messages)
        started = time.perf_counter()
        move(client, messages)
        found.append(messages / (time.perf_counter() - started))
    return statistics.median(found)


def peak_memory(url_port: int, messages: int) -> int:
    """Peak resident MiB of a fresh process that replays so many messages."""
    code = (
        "import sys; sys.path.insert(0, '.'); import redis; from benchmarks import moves;"
        f"moves.replay(redis.Redis(port={url_port}), {messages}); print(moves.own_peak())"
    )
    root = Path(__file__).parent.parent
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    return int(found.stdout)


def own_peak() -> int:
    """This process' peak resident memory in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), "--appendonly", "no").start()
        try:
            ours = speed(server.client, replay, options.messages, options.runs)
            loop = speed(server.client, pop_push, options.messages, options.runs)
            ceiling = speed(server.client, blind, options.messages, options.runs)
            print(f"{'replay (look, decide, commit)':32}{ours:>12,.0f}/s")
            print(f"{'pop-push loop':32}{loop:>12,.0f}/s   replay is {ours / loop:.1f} x")
            print(
                f"{'blind, inside the server':32}{ceiling:>12,.0f}/s   replay is "
                f"{ours / ceiling:.2f} x"
            )
            for messages in (10_000, 100_000, 1_000_000):
                fill(server.client, messages)
                print(
                    f"peak memory, {messages:>9,} messages: "
                    f"{peak_memory(server.port, messages)} MiB"
                )
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
