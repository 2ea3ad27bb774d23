"""A stand-in for MUTT's forwarder at work on a Redis: posts alerts to a Moogsoft."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import redis
import requests

from demo.consumer import Consumer
from mutt_tasks.settings import Settings
from mutt_tasks.settings.redis_address import RedisAddress
from stand_ins import breaker, facts, forwarder, limiter
from stand_ins.books import Losses
from stand_ins.breaker import Breaker
from stand_ins.forwarder import Fate
from stand_ins.limiter import TAKE_PLACE, Limits
from stand_ins.runtime import RuntimeConfig

Answer = TypeVar("Answer")

# KEYS[1] the window; ARGV as `limiter.place` has them. Returns 1 for a place.
_HAS_PLACE = TAKE_PLACE + "return take_place(KEYS[1], unpack(ARGV)) and 1 or 0"


@dataclass(frozen=True)
class Waits:
    """How long the forwarder sleeps after failures and its breaker rests, in seconds.

    The defaults are MUTT's.
    """

    first: float = facts.FIRST_DELAY
    longest: float = facts.LONGEST_DELAY
    breaker: float = breaker.REST_SECONDS


class Forwarder(Consumer):
    """One thread: while it sleeps after a failure, everything waits.

    `delivered` counts the alerts that Moogsoft accepted, `seconds` is what they took in all.
    """

    def __init__(
        self, address: RedisAddress, settings: Settings, url: str, losses: Losses, waits: Waits
    ) -> None:
        super().__init__(
            "moog", address, settings.lists.alert_queue, settings.lists.moog_dlq, losses
        )
        self._url = url
        self.waits = waits
        self.delivered, self.seconds = 0, 0.0
        self._window = settings.forwarder.rate_limit_key
        config = RuntimeConfig(self.client.get, time.monotonic)
        self._limits = Limits(config, settings.forwarder.rate_limit, settings.forwarder.rate_period)
        self._take_place = self.client.register_script(_HAS_PLACE)
        self._breaker = SharedBreaker(self.client, waits.breaker)
        self._session = requests.Session()
        # No proxy and no .netrc of this machine has a say in where samples go.
        self._session.trust_env = False

    def run(self) -> None:
        """Work until stopped."""
        with self._session:
            super().run()

    def handle(self, raw: bytes) -> None:
        """One alert."""
        began = time.monotonic()
        try:
            message = facts.decoded(raw)
            failed = facts.failures(message, facts.FORWARDER_COUNT)
        except facts.Destroyed as why:
            self.destroy(raw, f"by the forwarder, {why}")
            return
        except facts.Stranded:
            self.strand()
            return
        fate = forwarder.before_the_post(failed, self._has_place, self._breaker.is_open)
        if fate is Fate.POSTED:
            status = self._post(message)
            self._breaker.answered(status)
            fate = forwarder.answered(status)
        if fate is Fate.GIVEN_UP:
            self.hand_on(raw, self.dlq)
        elif fate is Fate.DESTROYED:
            self.destroy(raw, "by the forwarder, for its rate window was full")
        elif fate is Fate.DELIVERED:
            self.done(raw)
            self.delivered += 1
            self.seconds += time.monotonic() - began
        else:
            waits = self.waits
            self.stopping.wait(facts.retry_delay(failed, waits.first, waits.longest))
            self.hand_on(raw, self.queue, message | {facts.FORWARDER_COUNT: failed + 1})

    def _has_place(self) -> bool:
        """Whether the limiter admits an alert now, by the limits of the moment."""
        arguments = limiter.place(*self._limits.now(), int(time.time() * 1000))
        return bool(self._take_place(keys=[self._window], args=arguments))

    def _post(self, message: dict[str, Any]) -> int:
        """Moogsoft's status, or what stands in its place."""
        try:
            body = facts.posted(message, time.time())
            if facts.POSTED not in body:
                # Not as MUTT's: by this the books know again what is no wrapped event.
                shown = {name: value for name, value in message.items() if name != facts.KEY}
                body |= {facts.POSTED: shown}
            return self._session.post(self._url, json=body, timeout=5).status_code
        except (requests.Timeout, requests.ConnectionError):
            return facts.NO_ANSWER
        except (requests.RequestException, TypeError):
            return facts.NOT_POSTED  # NaN in it, or a severity that is a list


class SharedBreaker:
    """The circuit breaker where all forwarders have it: in Redis, read and written each time."""

    def __init__(self, client: redis.Redis, rest: float) -> None:
        self._client, self._rest = client, rest

    def is_open(self) -> bool:
        """Whether alerts count as failed without a POST."""
        return self._changed(lambda found: found.is_open(time.time()))

    def answered(self, status: int) -> None:
        """Count the answer to a POST."""
        self._changed(lambda found: found.answered(status, time.time()))

    def _changed(self, change: Callable[[Breaker], Answer]) -> Answer:
        values: Any = self._client.mget(breaker.KEYS)
        state, failures, open_time = values
        failed = _number(failures)
        found = Breaker(
            rest=self._rest,
            state=state.decode("utf-8", "replace") if state else None,
            failures=None if failed is None else int(failed),
            open_time=_number(open_time),
        )
        before = found.fields()
        answer = change(found)
        for key, value in found.fields().items():
            if value == before[key]:
                continue
            if value is None:
                self._client.delete(key)
            else:
                self._client.set(key, value)
        return answer


def _number(raw: bytes | None) -> float | None:
    try:
        return None if raw is None else float(raw)
    except ValueError:
        return None
