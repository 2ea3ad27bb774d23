"""How the stand-ins of the pipeline take messages, and lose only what MUTT's consumers lose."""

import json
import threading
from contextlib import suppress
from typing import Any

import redis

from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.store.connection import connect
from stand_ins import facts
from stand_ins.books import Losses

TAKE_SECONDS = 0.3
REDIS_DELAY = 1.0


class Consumer(threading.Thread):
    """Takes messages from a queue, one at a time, until it is stopped.

    A message lies on the processing list until the step that ends its handling, so that a kill
    loses none: what is found there is put back before the first message is taken.
    `came_back` counts those that it gave up; `losses` hears of those that it destroyed.
    """

    def __init__(
        self, name: str, address: RedisAddress, queue: str, dlq: str, losses: Losses
    ) -> None:
        super().__init__(name=name, daemon=True)
        # A write that is tried again after a lost answer would happen twice.
        self.client = connect(address, retries=0)
        self.queue = queue
        self.dlq = dlq
        self.processing = f"{facts.PROCESSING}{name}:demo"
        self.stopping = threading.Event()
        self.came_back = 0
        self._losses = losses

    def put_back(self) -> None:
        """Return what lies on the processing list to the queue's old end, in its order."""
        while self.client.lmove(self.processing, self.queue, "LEFT", "RIGHT") is not None:
            pass

    def run(self) -> None:
        """Work until stopped; while Redis is away, wait for it."""
        is_clean = False
        while not self.stopping.is_set():
            try:
                if not is_clean:
                    self.put_back()
                    is_clean = True
                delay = self.held()
                if delay:
                    self.stopping.wait(delay)
                else:
                    self._take()
            except redis.RedisError:
                is_clean = False
                self.stopping.wait(REDIS_DELAY)
        with suppress(redis.RedisError):
            self.put_back()
        self.client.close()

    def held(self) -> float:
        """Asked before each message: for how many seconds to take none; 0 goes on."""
        return 0.0

    def handle(self, raw: bytes) -> None:
        """Deal with one message, which lies on the processing list."""
        raise NotImplementedError

    def done(self, raw: bytes) -> None:
        """The message has reached its end."""
        self.client.lrem(self.processing, 1, raw)  # type: ignore[arg-type]  # redis-py says str

    def destroy(self, raw: bytes, how: str) -> None:
        """Throw the message away, and say so."""
        self.done(raw)
        self._losses.note(raw, how)

    def strand(self) -> None:
        """Leave the message where it lies until a restart, and rest as after any error."""
        self.stopping.wait(facts.STRANDED_SECONDS)

    def hand_on(self, raw: bytes, target: str, changed: dict[str, Any] | None = None) -> None:
        """Move the message to another list, in one step."""
        with self.client.pipeline(transaction=True) as steps:
            steps.lpush(target, raw if changed is None else json.dumps(changed))
            steps.lrem(self.processing, 1, raw)  # type: ignore[arg-type]  # redis-py says str
            steps.execute()
        if target == self.dlq:
            self.came_back += 1

    def _take(self) -> None:
        """Wait for a message, and deal with it."""
        raw: Any = self.client.blmove(
            self.queue,
            self.processing,
            TAKE_SECONDS,  # type: ignore[arg-type]  # Redis takes fractions
            "RIGHT",
            "LEFT",
        )
        if raw is not None:
            self.handle(raw)
