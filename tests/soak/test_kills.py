"""Real worker, beat and Redis, killed at random moments while messages flow and jobs run.

`make soak` runs hundreds of rounds; `make soak SEED=… ROUNDS=…` repeats or changes a run. A short
one with a fixed seed is part of `make test`.
"""

import json
import os
import random
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import redis

from mutt_tasks.core.plan import Verb
from mutt_tasks.store import keys
from stand_ins.books import lost_and_doubled
from tests.pipeline import DEAD, DLQ, INGEST, counters, journal, lying_in
from tests.redis_server import RedisServer
from tests.services import Services, services, until
from tests.soak.operator import KEYS, REDIRECTED, Operator, number_of
from tests.soak.pipeline import DEALT_WITH, DELIVERED, DESTROYED, LIMIT, TAKEN, Pipeline

# The lease of a killed cycle, the rest of a drain before its next one, and a look for it.
LEASE_SECONDS, INTERVAL = 10.0 + 10.0 + 2.0, 1.0

# Beside lease and interval, what a started worker or a reconnecting one may take.
START_SECONDS = 30.0

# So many things an operator tries before each fault.
ACTS = 3

FAULTS = ("kill worker", "kill beat", "kill redis", "kill all", "freeze redis", "stop worker")

# Where messages lie for seconds, while a job works deep inside a list.
BESIDE = [key(name) for name in KEYS for key in (keys.aside, keys.front)]

ENV = {
    "REMEDIATION_BATCH_SIZE": 20,
    "REMEDIATION_RETRY_BACKOFF": 0.2,
    "REMEDIATION_INTERVAL": INTERVAL,
    "REMEDIATION_MAX_RATE": "auto",
    "MOOG_RATE_LIMIT": LIMIT,
}


class Soak:
    """One system under faults."""

    def __init__(self, server: RedisServer, running: Services, seed: int) -> None:
        self.server, self.running = server, running
        self.client = redis.Redis(port=server.port, socket_timeout=10)
        self.random = random.Random(seed)
        self.pipeline = Pipeline(server.port, seed)
        self.operator = Operator(self.client, random.Random(seed))
        self.worker = running.worker()
        self.beat = running.beat()
        self.pipeline.start()

    def round(self, number: int) -> None:
        """Have jobs run, break something, mend what a supervisor would, and see messages move."""
        acts = [self.operator.act() for _ in range(ACTS)]
        time.sleep(self.random.uniform(0.0, 1.5))  # the moment of the fault is the random variable
        fault = self.random.choice(FAULTS)
        print(f"round {number}: {', '.join(filter(None, acts))}; {fault}", flush=True)
        if fault in ("kill worker", "kill all"):
            self.running.kill(self.worker)
        if fault in ("kill beat", "kill all"):
            self.running.kill(self.beat)
        if fault in ("kill redis", "kill all"):
            self.server.kill()
            time.sleep(self.random.uniform(0.0, 1.0))  # how long it is away
            self.server.start()
        if fault == "freeze redis":
            self.server.freeze()
            time.sleep(self.random.choice((0.5, 3.0)))  # how long it is frozen
            self.server.thaw()
        if fault == "stop worker":
            self.worker.terminate()
            self.worker.wait(60)
            self.running.forget(self.worker)
        # As Docker and Kubernetes do: what ended is started again; what runs is left alone.
        if self.worker.poll() is not None:
            self.worker = self.running.worker()
        if self.beat.poll() is not None:
            self.beat = self.running.beat()
        self.goes_on()

    def goes_on(self) -> None:
        """Within lease, interval and a start a cycle ends again."""
        before = self.loops()
        bound = START_SECONDS + INTERVAL + LEASE_SECONDS
        until(lambda: self.loops() > before, bound, hint=self.running.logs)

    def loops(self) -> int:
        """How many cycles have ended."""
        return counters(self.client).get("loops", 0)

    def settle(self) -> None:
        """Let everything that was produced come to its end."""
        self.pipeline.produce_no_more()
        # How long that takes depends on how much piled up while everything was being killed.
        while any(self.left()):
            before = self.moved()
            until(
                partial(self.goes_on_or_ends, before),
                LEASE_SECONDS + 120,
                hint=lambda: f"{self.left()} {self.running.logs()[-3000:]}",
            )

    def moved(self) -> int:
        """How many messages were sent or set aside so far, or done by jobs."""
        words = ("replayed", "malformed", "poison", "requeued", "discarded", "redirected", "undone")
        counted = counters(self.client).items()
        return sum(number for name, number in counted if name.partition(":")[0] in words)

    def goes_on_or_ends(self, before: int) -> bool:
        """Whether more was moved than `before`, or nothing is left."""
        return self.moved() > before or not any(self.left())

    def left(self) -> list[int]:
        """How many messages are still on their way, and how many jobs."""
        active = len(self.operator.active())  # first: they move messages, not the other way round
        # At one moment: else a message could pass from a list not read yet to one that was.
        with self.client.pipeline(transaction=True) as reads:
            for name in (DLQ, INGEST, TAKEN, *BESIDE):
                reads.llen(name)
            return [active, *(int(length) for length in reads.execute())]

    def check(self) -> None:
        """Every message at one place, once; counters and journal equal to what was moved."""
        # The limiter's victims among them: too many replays at once are a loss as any other.
        assert lying_in(self.client, DESTROYED) == []
        dead = lying_in(self.client, DEAD)
        places = [*lying_in(self.client, DELIVERED), *dead, *lying_in(self.client, REDIRECTED)]
        for kept in self.operator.trash(Verb.DISCARD).values():
            places += kept
        found = Counter(map(number_of, places))
        produced = Counter(range(self.pipeline.produced))
        assert lost_and_doubled(produced, found) == ([], []), self.left()
        assert found == produced
        self.operator.check()
        self.check_sent()
        garbage = [raw for raw in dead if raw.startswith(b"garbage ")]
        poisoned = [json.loads(raw) for raw in dead if raw not in set(garbage)]
        assert all(message["failing"] for message in poisoned)
        # Everything that is produced here is a failure, so some bounces look like an outage's.
        for header in (message["_remediation"] for message in poisoned):
            assert header["replays"] - header["forgiven"] == 3 or header["replays"] == 12, header

    def check_sent(self) -> None:
        """The consumer got what was counted, and the journal tells the same."""
        counted = counters(self.client)
        sent = counted["replayed:alerter"] + counted.get("requeued:alerter", 0)
        assert int(self.client.get(DEALT_WITH) or 0) == sent
        entries = [*journal(self.client, "moved"), *journal(self.client, "job")]
        assert len(entries) < 9_000, "the journal was trimmed: fewer rounds tell more"
        for word in ("replayed", "requeued", "malformed", "poison"):
            told = sum(int(entry.get(word, 0)) for entry in entries)
            assert told == counted.get(f"{word}:alerter", 0), word


def run(folder: Path, seed: int, rounds: int) -> None:
    """So many rounds; then everything must add up."""
    print(f"seed {seed}, {rounds} rounds", flush=True)
    (folder / "redis").mkdir()
    server = RedisServer(folder / "redis").start()
    try:
        with services(folder, server.url, **ENV) as running:
            soak = Soak(server, running, seed)
            try:
                until(lambda: soak.loops() > 0, START_SECONDS, hint=running.logs)
                for number in range(rounds):
                    soak.round(number)
                soak.settle()
                soak.operator.requeue()
                soak.settle()
                soak.check()
                print(f"{soak.pipeline.produced} messages, {soak.loops()} cycles", flush=True)
            finally:
                soak.pipeline.stop()
    finally:
        server.stop()


def test_a_few_kills_lose_double_and_miscount_nothing(tmp_path: Path) -> None:
    run(tmp_path, seed=3, rounds=4)


@pytest.mark.soak
def test_hundreds_of_kills_lose_double_and_miscount_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("SOAK_SEED") or time.time())
    run(tmp_path, seed, rounds=int(os.environ.get("SOAK_ROUNDS") or 200))
