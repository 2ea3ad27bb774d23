"""A stand-in for MUTT's forwarder: posts alerts, through its limiter and its circuit breaker."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
import requests

from demo.consumer import Consumer
from mutt_tasks.redis_address import RedisAddress
from mutt_tasks.settings import Settings
from stand_ins import breaker, facts, runtime
from stand_ins.books import Losses
from stand_ins.breaker import Breaker
from stand_ins.runtime import RuntimeConfig

# KEYS[1] the window; ARGV: places, its length in ms, now in ms, member. Returns 1 for a place.
_TAKE_PLACE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[3] - ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""


@dataclass(frozen=True)
class Waits:
    """How long the forwarder sleeps after failures and its breaker rests, in seconds.

    The defaults are MUTT's.
    """

    first: float = facts.FIRST_DELAY
    longest: float = facts.LONGEST_DELAY
    breaker: float = breaker.REST_SECONDS


class Forwarder(Consumer):
    """One thread: while it sleeps after a failure, everything waits."""

    def __init__(
        self, address: RedisAddress, settings: Settings, url: str, losses: Losses, waits: Waits
    ) -> None:
        super().__init__("moog", address, settings.alert_queue, settings.moog_dlq, losses)
        self._url = url
        self._waits = waits
        self._window = settings.rate_limit_key
        self._limit, self._period_ms = settings.rate_limit, round(settings.rate_period * 1000)
        self._config = RuntimeConfig(self.client.get, time.monotonic)
        self._take_place = self.client.register_script(_TAKE_PLACE)
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
        message = facts.decoded(raw)
        failed = facts.failures(message, facts.FORWARDER_COUNT)
        if failed > facts.FORWARDER_MAX_RETRIES:
            self.hand_on(raw, self.dlq)
            return
        if not self._has_place():
            raise facts.Destroyed("by the forwarder, for its rate window was full")
        status = self._tried(message)
        if facts.is_tried_again(status):
            message[facts.FORWARDER_COUNT] = failed + 1
            delay = facts.retry_delay(failed, self._waits.first, self._waits.longest)
            self.stopping.wait(delay)
            self.hand_on(raw, self.queue, message)
        elif status in facts.DELIVERED:
            self.done(raw)
        else:
            self.hand_on(raw, self.dlq)

    def _tried(self, message: dict[str, Any]) -> int:
        """Moogsoft's status; 0 when there was none, or the breaker did not let us ask."""
        if self._breaker.is_open():
            return 0
        status = self._post(message)
        if status in facts.DELIVERED:
            self._breaker.succeeded()
        elif facts.is_tried_again(status):
            self._breaker.failed()
        return status

    def _has_place(self) -> bool:
        """Whether the limiter admits an alert now, by the limits of the moment."""
        limit = self._config.number(runtime.RATE_LIMIT, self._limit)
        period = self._config.number(runtime.RATE_PERIOD, -1)
        period_ms = self._period_ms if period < 0 else period * 1000
        now = int(time.time() * 1000)
        member, expiry = facts.limiter_member(now), facts.limiter_expiry(period_ms)
        arguments: list[int | str] = [limit, period_ms, now, member, expiry]
        return bool(self._take_place(keys=[self._window], args=arguments))

    def _post(self, message: dict[str, Any]) -> int:
        shown = {name: value for name, value in message.items() if name != "api_key"}
        payload = {
            "signature": message.get("hostname"),
            "external_id": message.get("_correlation_id"),
            "manager": "MUTT",
            "source": "MUTT Alerter",
            "class": message.get("team_assignment"),
            "type": "Alert",
            "severity": 3,
            "description": message.get("message_body"),
            "custom_info": message.get("raw_json", shown),
        }
        try:
            return self._session.post(self._url, json=payload, timeout=5).status_code
        except requests.RequestException:
            return 0  # NaN in it counts as a failure of Moogsoft too


class SharedBreaker:
    """The circuit breaker where all forwarders have it: in Redis, read and written each time."""

    def __init__(self, client: redis.Redis, rest: float) -> None:
        self._client, self._rest = client, rest

    def is_open(self) -> bool:
        """Whether alerts count as failed without a POST."""
        with self._changed() as found:
            return found.is_open(time.time())

    def succeeded(self) -> None:
        """A POST was taken."""
        with self._changed() as found:
            found.succeeded(time.time())

    def failed(self) -> None:
        """A POST was not taken."""
        with self._changed() as found:
            found.failed(time.time())

    @contextmanager
    def _changed(self) -> Iterator[Breaker]:
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
        yield found
        for key, value in found.fields().items():
            if value == before[key]:
                continue
            if value is None:
                self._client.delete(key)
            else:
                self._client.set(key, value)


def _number(raw: bytes | None) -> float | None:
    try:
        return None if raw is None else float(raw)
    except ValueError:
        return None
