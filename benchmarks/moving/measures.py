"""What is measured: speeds, the time that scripts take, and what a live client feels."""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.moving import movers
from benchmarks.moving.movers import Move, event, fill
from benchmarks.moving.servers import AOF_EVERYSEC, AOF_OFF, Kind, Server, running
from mutt_tasks.core.policy import Policy, decide
from mutt_tasks.core.routes import alerter_route
from mutt_tasks.store import keys
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.queues import MOST_BYTES, MOST_MESSAGES, Commit
from mutt_tasks.store.store import Store
from stand_ins.facts import ALERTER_DLQ as DLQ
from stand_ins.facts import INGEST_QUEUE as INGEST

ROOT = Path(__file__).parent.parent.parent
ROUTE = alerter_route(DLQ, INGEST, "mutt:dlq:dead")
POLICY = Policy(max_retries=3, backoff=60.0, max_age=0.0)


@dataclass(frozen=True)
class Speed:
    """How a way to move did on a server: messages/s, and µs of this process and of the server."""

    server: str
    persistence: str
    name: str
    rate: float
    own_us: float
    server_us: float


def speeds(kind: Kind, messages: int, runs: int) -> list[Speed]:
    """Every way to move, in turn, on one kind of server; medians of so many runs."""
    found: list[Speed] = []
    for persistence in (AOF_OFF, AOF_EVERYSEC):
        with running(kind, persistence) as server:
            ways = movers.movers()
            runs_of = {
                name: [_speed(server, persistence, name, way, int(messages * share))]
                for name, (way, share) in ways.items()
            }
            for _ in range(runs - 1):
                for name, (way, share) in ways.items():
                    one = _speed(server, persistence, name, way, int(messages * share))
                    runs_of[name].append(one)
        found += [
            sorted(each, key=lambda one: one.rate)[len(each) // 2] for each in runs_of.values()
        ]
    return found


def _speed(server: Server, persistence: str, name: str, way: Move, messages: int) -> Speed:
    # Laying the messages costs too, so it is done once alone, and what it takes is taken off.
    fill(server.client, messages)
    before = time.process_time(), server.seconds
    fill(server.client, messages)
    middle = time.process_time(), server.seconds
    seconds = way(server.client, messages)
    after = time.process_time(), server.seconds
    own, its = (max(0.0, (after[at] - middle[at]) - (middle[at] - before[at])) for at in (0, 1))
    rate = messages / seconds
    return Speed(
        server.version, persistence, name, rate, own / messages * 1e6, its / messages * 1e6
    )


@dataclass(frozen=True)
class Blocks:
    """How long one script held the server, in ms."""

    server: str
    case: str
    script: str
    middle: float
    p99: float
    longest: float


def blocks(kind: Kind, rounds: int, waiting: int) -> list[Blocks]:
    """Looks, commits and looks for what came back, by size of message and length of the queue."""
    with running(kind, threshold_us=0) as server:
        found: list[Blocks] = []
        for size in (450, 2000, 5000):
            fill(server.client, rounds * MOST_MESSAGES // max(1, size // 1000), size)
            found += _blocks(server, f"messages of {size:,} bytes", 0, rounds)
        fill(server.client, 2 * waiting)
        found += _blocks(server, f"{2 * waiting:,} in the queue", 0, rounds)
        found += _blocks(server, f"between {waiting:,} that wait and others", waiting, 3)
        server.client.ltrim(DLQ, 0, waiting + rounds * MOST_MESSAGES - 1)
        found += _blocks(server, f"behind {waiting:,} that wait", waiting, rounds)
        server.client.flushall()
        server.client.lpush(DLQ, event(0, 50_000_000))
        found += _blocks(server, "one message of 50 MB", 0, 1)
    return found


def _blocks(server: Server, case: str, skip: int, rounds: int) -> list[Blocks]:
    store, token = Store(server.client), "t" * 32
    server.client.set(keys.LEASE, token)
    server.forget()
    for number in range(rounds):
        now = store.now()
        looked = store.queues.look(DLQ, skip, MOST_MESSAGES, MOST_BYTES)
        if not looked:
            break
        decisions = [decide(raw, ROUTE, POLICY, token, now) for raw in looked]
        commit = Commit(token, f"{case}:{number}", token, ROUTE, Batch(skip, looked, decisions))
        assert store.queues.commit(commit) is not None
        store.queues.landing(ROUTE, "mutt:alert_queue", 10_000)
        if number % 5 == 4:  # the queue that `landing` looks at is a long one
            server.client.unlink(INGEST)
    return [
        Blocks(
            server.version,
            case,
            name,
            statistics.median(times),
            times[min(len(times) - 1, int(0.99 * len(times)))],
            times[-1],
        )
        for name, times in sorted(server.blocks().items())
    ]


@dataclass(frozen=True)
class Felt:
    """How long a live client waited for the answer to one LPUSH meanwhile, in ms."""

    server: str
    case: str
    middle: float
    p99: float
    p999: float


def felt(kind: Kind, seconds: float, messages: int) -> list[Felt]:
    """A live client while nothing happens, and during drains at full speed."""
    found: list[Felt] = []
    with running(kind) as server:
        client = _live_client(server)
        time.sleep(seconds)
        found.append(_told(server, "idle", client))
        for batch in (100, 1000, 10_000):
            fill(server.client, messages)
            client = _live_client(server)
            movers.ours(server.client, messages, batch)
            found.append(_told(server, f"drain, batch {batch:,}", client))
    return found


def _live_client(server: Server) -> subprocess.Popen[str]:
    client = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.moving.live_client", str(server.port)],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert client.stdout
    client.stdout.readline()  # it has begun
    return client


def _told(server: Server, case: str, client: subprocess.Popen[str]) -> Felt:
    answer, _ = client.communicate()  # the end of its input ends it
    return replace(Felt(**json.loads(answer)), server=server.version, case=case)


def peak_memory(server: Server, messages: int) -> int:
    """Peak resident MiB of a fresh process that replays so many messages, 10,000 at a time."""
    fill(server.client, messages)
    code = (
        "import redis; from benchmarks.moving import measures, movers;"
        f"movers.ours(redis.Redis(port={server.port}), {messages}, 10_000);"
        "print(measures.own_peak())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def own_peak() -> int:
    """This process' peak resident memory in MiB; getrusage would tell its parent's, if larger."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
