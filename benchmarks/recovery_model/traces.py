"""What the consumers leave in Redis beside the message lists, where a policy may look for it."""

from typing import Any

from benchmarks.recovery_model.message import Message
from benchmarks.recovery_model.services import Limiter
from stand_ins import facts
from stand_ins.breaker import Breaker


class Traces:
    """The breaker's keys, the limiter's set, runtime configuration, and what is in hand.

    `config` holds the runtime configuration by its full keys.
    """

    def __init__(self, breaker: Breaker, limiter: Limiter) -> None:
        self.config: dict[str, str] = {}
        self._breaker, self._limiter = breaker, limiter
        self._heartbeats: dict[str, str] = {}
        self._in_hand: dict[str, list[Message]] = {}
        self._sent: dict[str, str | None] = {}
        self._lists_sent: dict[str, list[tuple[int, int]]] = {}

    def watch(self, consumer: str, in_hand: list[Message]) -> None:
        """A consumer (`moog:0`): it has a heartbeat and a processing list."""
        self._in_hand[facts.PROCESSING + consumer] = in_hand
        self._heartbeats[facts.HEARTBEAT + consumer] = "alive"

    def send(self, pipeline: Any, epoch: float) -> None:
        """Add the commands to a pipeline that show all this as it is at a moment."""
        for key, value in self._values().items():
            if value != self._sent.get(key):
                self._sent[key] = value
                _ = pipeline.delete(key) if value is None else pipeline.set(key, value)
        forget, added = self._limiter.taken(epoch)
        if forget >= 0:
            pipeline.zremrangebyscore(facts.LIMITER_KEY, 0, forget)
        if added:
            pipeline.zadd(facts.LIMITER_KEY, added)
        for key, in_hand in self._in_hand.items():
            now = [(message.number, message.posts) for message in in_hand]
            if now != self._lists_sent.get(key, []):
                self._lists_sent[key] = now
                pipeline.delete(key)
                if in_hand:
                    pipeline.lpush(key, *(message.encoded() for message in in_hand))

    def _values(self) -> dict[str, str | None]:
        return self._breaker.fields() | self.config | self._heartbeats
