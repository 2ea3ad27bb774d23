"""A real worker: how fast it drains end to end, and what it costs while there is nothing to do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis

from benchmarks.moving.movers import LIFTED, event, fill
from benchmarks.moving.servers import Kind, Server, running
from mutt_tasks.core.moments import iso
from stand_ins.facts import ALERTER_DLQ as DLQ
from stand_ins.facts import INGEST_QUEUE as INGEST
from tests.services import Services, services

# What a worker has without any variable, which `services` would set otherwise.
USUAL = {
    "REMEDIATION_INTERVAL": "300",
    "REMEDIATION_MAX_RATE": "auto",
    "REMEDIATION_DRAIN_INTERVAL": "1",
}

START_SECONDS = 60.0

CONSUMER = """
import sys, time, redis
client = redis.Redis(port=int(sys.argv[1]))
while True:
    client.unlink(sys.argv[2])
    time.sleep(0.005)
"""


@dataclass(frozen=True)
class EndToEnd:
    """A drain by a real worker: messages/s, and µs of the worker's processor time a message."""

    rate: float
    own_us: float


def end_to_end(kind: Kind, messages: int) -> EndToEnd:
    """A drain with every limit lifted, from its first commit to its last, beside a consumer."""
    settings = LIFTED | {"REMEDIATION_MAX_BATCH_SIZE": "10000", "REMEDIATION_BATCH_SIZE": "1000"}
    with running(kind) as server, _worker(server, settings) as worker:
        consumer = subprocess.Popen([sys.executable, "-c", CONSUMER, str(server.port), INGEST])
        try:
            fill(server.client, messages)
            process = worker.worker()  # that finds messages, and begins
            _until(lambda: _left(server) < messages)
            started, used, before = time.perf_counter(), _used(process.pid), _left(server)
            _until(lambda: not _left(server))
            seconds, used = time.perf_counter() - started, _used(process.pid) - used
            return EndToEnd(before / seconds, used / before * 1e6)
        finally:
            consumer.kill()
            consumer.wait()


def _left(server: Server) -> int:
    found: Any = server.client.llen(DLQ)
    return int(found)


def _until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError("the worker does nothing")
        time.sleep(0.005)


@dataclass(frozen=True)
class Hold:
    """What a worker with the usual settings does a second in one kind of hold.

    `sent` is how many commands clients send, a script one of them; `run` how many the server runs,
    those of scripts as well. `own` and `its` are processor time of worker and server, in %.
    """

    name: str
    sent: float
    run: float
    own: float
    its: float


def _idle(_: redis.Redis) -> None: ...


def _waiting(client: redis.Redis) -> None:
    moment = iso(time.time())
    header = b',"_remediation":{"replays":3,"first_at":"%b","last_at":"%b"}}' % (
        *(moment.encode(),) * 2,
    )
    client.lpush(DLQ, *(event(n)[:-1] + header for n in range(5)))


def _backpressure(client: redis.Redis) -> None:
    fill(client, 500)
    client.lpush(INGEST, *(event(n) for n in range(1500)))


def _not_taken(client: redis.Redis) -> None:
    fill(client, 500)


def _breaker(client: redis.Redis) -> None:
    fill(client, 500)
    client.set("mutt:circuit_breaker:moogsoft:state", "OPEN")


def _unhealthy(client: redis.Redis) -> None:
    fill(client, 500)


def _paused(client: redis.Redis) -> None:
    fill(client, 500)
    client.hset("mutt:remediation:paused", "actor", "benchmark")


HOLDS: dict[str, Callable[[redis.Redis], None]] = {
    "nothing to do": _idle,
    "waiting (backoff of messages)": _waiting,
    "backpressure (the target is full)": _backpressure,
    "not_taken (a canary that nobody takes)": _not_taken,
    "breaker_open": _breaker,
    "unhealthy (Moogsoft is down)": _unhealthy,
    "paused (by an operator)": _paused,
}
# Nobody listens there.
_DOWN = {"MOOG_HEALTH_URL": "http://127.0.0.1:9/"}


def hold(kind: Kind, name: str, settle: float, seconds: float) -> Hold:
    """A worker in this hold, for so many seconds after `settle` to come to rest."""
    settings = USUAL | (_DOWN if HOLDS[name] is _unhealthy else {})
    with running(kind) as server, _worker(server, settings) as worker:
        HOLDS[name](server.client)
        process = worker.worker()
        _until(lambda: "ready" in worker.logs())
        time.sleep(settle)
        before = _used(process.pid), server.seconds
        sent, run = _commands(server, seconds)
        after = _used(process.pid), server.seconds
    own, its = (100 * (b - a) / seconds for a, b in zip(before, after, strict=True))
    return Hold(name, sent / seconds, run / seconds, own, its)


def _commands(server: Server, seconds: float) -> tuple[int, int]:
    """How many commands clients send, and how many the server runs, in so many seconds."""
    sent = run = 0
    ends_at = time.monotonic() + seconds
    with server.client.monitor() as monitor:  # type: ignore[no-untyped-call]
        while time.monotonic() < ends_at:
            command = monitor.next_command()
            run += 1
            sent += command["client_type"] != "lua"
    return sent, run


def _used(pid: int) -> float:
    """Processor seconds that a process and its children have used so far."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for each in (pid, *_children(pid)):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from _children(int(child))


@contextmanager
def _worker(server: Server, settings: dict[str, str]) -> Iterator[Services]:
    url = f"redis://127.0.0.1:{server.port}/0"
    with (
        TemporaryDirectory() as folder,
        services(Path(folder), url, **settings) as running_services,
    ):
        yield running_services
