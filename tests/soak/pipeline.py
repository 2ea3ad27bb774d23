"""A producer, and a consumer that destroys only what MUTT's consumers destroy, and notes it.

The consumer brings some messages back as the alerter would: decoded, changed, encoded anew, with
an exhausted `_retry_count`. It destroys what the alerter destroys or strands, and what meets the
forwarder's full window. Each step is a script that recognises its repetition, so that it can go on
after any error, and nothing is lost by the consumer itself whatever happens to Redis.
"""

import json
import random
import threading
import time
from typing import Any

import redis

from stand_ins import alerter, facts, limiter
from stand_ins.alerter import Event, Fate
from stand_ins.facts import LIMITER_KEY
from tests.pipeline import DLQ, INGEST, event

PRODUCED, TAKEN, DELIVERED = "soak:produced", "soak:taken", "soak:delivered"
DESTROYED = "soak:destroyed"
# How many messages it has dealt with: each as often as it was sent.
DEALT_WITH = "soak:dealt_with"

LIMIT, WINDOW_MS = 100, 1000

_PRODUCE = """
if redis.call('HSETNX', KEYS[1], ARGV[1], '1') == 1 then redis.call('LPUSH', KEYS[2], ARGV[2]) end
"""
_PASS_ON = """
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return end
redis.call('LPUSH', KEYS[2], ARGV[2])
redis.call('INCR', KEYS[3])
"""
# What finds the forwarder's window full goes nowhere but into our note of it.
_FORWARD = (
    limiter.TAKE_PLACE
    + """
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return end
local has_place = take_place(KEYS[4], unpack(ARGV, 2))
redis.call('LPUSH', has_place and KEYS[2] or KEYS[3], ARGV[1])
redis.call('INCR', KEYS[5])
"""
)


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
        if raw is None:
            raw = self._client.lmove(INGEST, TAKEN, "RIGHT", "LEFT")
        if raw is None:
            return
        step = alerter.step(raw, _is_failing)
        if step.fate is Fate.GIVEN_UP:
            self._pass_on(raw, DLQ, raw)
        elif step.fate in (Fate.DESTROYED, Fate.STRANDED):
            self._pass_on(raw, DESTROYED, raw)
        elif step.fate is Fate.TRIED_AGAIN:
            # All of its tries at once.
            spent = {facts.ALERTER_COUNT: facts.ALERTER_MAX_RETRIES + 1}
            self._pass_on(raw, DLQ, json.dumps(step.event | spent))
        else:
            place = limiter.place(LIMIT, WINDOW_MS, int(time.time() * 1000))
            keys = (TAKEN, DELIVERED, DESTROYED, LIMITER_KEY, DEALT_WITH)
            self._client.eval(_FORWARD, len(keys), *keys, raw, *place)

    def _pass_on(self, raw: bytes, target: str, changed: bytes | str) -> None:
        self._client.eval(_PASS_ON, 3, TAKEN, target, DEALT_WITH, raw, changed)


def _is_failing(event: Event) -> bool:
    return bool(event["failing"])
