"""Live events beside the replays, while Moogsoft goes down and comes back."""

import json
import random
import threading
import time
from collections import Counter

import redis

from demo.backlog import sample_event
from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.store.connection import connect
from stand_ins.books import identity

# Few enough that a healthy forwarder never fills its rate window with them.
EVENTS_PER_SECOND = 15.0


class LiveTraffic(threading.Thread):
    """Pushes `rate` events a second onto `queue` while the context lasts, or until `stop`.

    `sent` holds those that Redis confirmed, by identity, and `moments` when (monotonic, seconds).
    An event whose push was not confirmed is never pushed again: it may have arrived.
    """

    def __init__(self, address: RedisAddress, queue: str, rate: float = EVENTS_PER_SECOND) -> None:
        super().__init__(name="live", daemon=True)
        # A write that is tried again after a lost answer would happen twice.
        self._client = connect(address, retries=0)
        self._queue, self._rate = queue, rate
        # Each run needs events of its own: those of an earlier one may still be on their way.
        self._dice = random.Random()  # noqa: S311 — a sample, no secret
        self._stopping = threading.Event()
        self.sent: Counter[bytes] = Counter()
        self.moments: list[float] = []

    @property
    def has_ended(self) -> bool:
        """Whether no further event comes."""
        return self._stopping.is_set() and not self.is_alive()

    def run(self) -> None:
        """Push until stopped."""
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += 1 / self._rate
            self._push()
        self._client.close()

    def stop(self) -> None:
        """Push no further event, and wait for the last one."""
        self._stopping.set()
        if self.is_alive():
            self.join()

    def __enter__(self) -> "LiveTraffic":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _push(self) -> None:
        raw = json.dumps(sample_event(self._dice, time.time())).encode()
        try:
            self._client.lpush(self._queue, raw)
        except redis.RedisError:
            return
        self.sent[identity(raw)] += 1
        self.moments.append(time.monotonic())
