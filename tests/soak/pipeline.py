"""A producer and a consumer that lose nothing themselves, whatever happens to Redis.

The consumer brings some messages back as the alerter would: decoded, changed, encoded anew, with
an exhausted `_retry_count`. Each of their steps is a script that recognises its repetition, so
that they can go on after any error.
"""

import json
import random
import threading
from typing import Any

import redis

from tests.pipeline import DLQ, INGEST, event

PRODUCED, TAKEN, DELIVERED = "soak:produced", "soak:taken", "soak:delivered"

_PRODUCE = """
if redis.call('HSETNX', KEYS[1], ARGV[1], '1') == 1 then redis.call('LPUSH', KEYS[2], ARGV[2]) end
"""
_PASS_ON = """
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 1 then redis.call('LPUSH', KEYS[2], ARGV[2]) end
"""


class Pipeline:
    """Both as threads; `failing` is the share of events that can never be processed."""

    def __init__(self, port: int, seed: int, failing: float = 0.1) -> None:
        self._client = redis.Redis(port=port, socket_timeout=2, socket_connect_timeout=2)
        self._random = random.Random(seed)
        self._failing = failing
        self._is_over = threading.Event()
        self._is_producing = threading.Event()
        self._is_producing.set()
        self.produced = 0
        self._threads = [
            threading.Thread(target=self._run, args=(step, pause), daemon=True)
            for step, pause in ((self._produce, 0.04), (self._consume, 0.002))
        ]

    def start(self) -> None:
        """Begin to produce and to consume."""
        for thread in self._threads:
            thread.start()

    def produce_no_more(self) -> None:
        """Only the consumer goes on."""
        self._is_producing.clear()

    def stop(self) -> None:
        """End both."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)
        self._client.close()

    def _run(self, step: Any, pause: float) -> None:
        while not self._is_over.wait(pause):
            try:
                step()
            except redis.RedisError:
                self._is_over.wait(0.2)

    def _produce(self) -> None:
        if not self._is_producing.is_set():
            return
        number = self.produced
        is_failing = random.Random(number).random() < self._failing
        raw = event(number, failing=is_failing) if number % 50 else b"garbage %d" % number
        self._client.eval(_PRODUCE, 2, PRODUCED, DLQ, number, raw)
        self.produced += 1

    def _consume(self) -> None:
        raw: Any = self._client.lindex(TAKEN, -1)
        raw = raw or self._client.lmove(INGEST, TAKEN, "RIGHT", "LEFT")
        if not raw:
            return
        found = json.loads(raw)
        if found["failing"]:
            found["_retry_count"] = 4
            self._client.eval(_PASS_ON, 2, TAKEN, DLQ, raw, json.dumps(found))
        else:
            self._client.eval(_PASS_ON, 2, TAKEN, DELIVERED, raw, raw)
