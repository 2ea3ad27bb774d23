"""Stand-ins for MUTT's alerter and forwarder, so that replayed messages go somewhere.

They take and give as MUTT's do: from the right of one list over a processing list to the left of
the next; each checks a message's retry counter before it tries. Two things they do better,
since the demo has to account for every message: what MUTT's alerter drops (no JSON, a required
field missing) goes to its dead letter queue, and an alert that meets the forwarder's full rate
window waits for a place in it. Waits are shorter than MUTT's.
"""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

import redis
import requests

from mutt_tasks.demo.backlog import DEFAULT_EVENTS, RETIRED_DOMAIN, alert
from mutt_tasks.demo.consumer import REDIS_PAUSE, Consumer, decoded
from mutt_tasks.demo.seeding import is_untouched, seed
from mutt_tasks.demo.stopping import stop_on_signals
from mutt_tasks.errors import SettingsError
from mutt_tasks.redis_address import RedisAddress
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.connection import connect

ALERTER_MAX_RETRIES = 3
MOOG_MAX_RETRIES = 5
SHED_ABOVE = 2000
REQUIRED = ("hostname", "timestamp", "message")
FIRST_DELAY, LONGEST_DELAY = 0.1, 2.0

# KEYS[1] the window; ARGV: places, length in ms. Returns 0, or how many ms to wait for a place.
_TAKE_PLACE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return math.max(1, oldest[2] + ARGV[2] - now)
end
redis.call('ZADD', KEYS[1], now, time[1] .. '.' .. time[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
"""


class Alerter(Consumer):
    """Turns events into alerts; gives up what fails more than ALERTER_MAX_RETRIES times."""

    def __init__(self, address: RedisAddress, settings: Settings) -> None:
        super().__init__("alerter", address, settings.ingest_queue, settings.alerter_dlq)
        self._alerts = settings.alert_queue

    def handle(self, raw: bytes) -> None:
        """One event."""
        event = decoded(raw)
        if event is None or not all(event.get(name) for name in REQUIRED):
            self.hand_on(raw, self.dlq)
            return
        failed = _count(event.get("_retry_count"))
        if failed > ALERTER_MAX_RETRIES:
            self.hand_on(raw, self.dlq)
            return
        depth: Any = self.client.llen(self._alerts)
        if depth > SHED_ABOVE:
            event["shedding_reason"] = f"alert_queue_depth > {SHED_ABOVE}"
            self.hand_on(raw, self.dlq, event)
        elif str(event["hostname"]).endswith(RETIRED_DOMAIN):
            event["_retry_count"] = failed + 1
            event["_last_error"] = {"type": "KeyError", "message": "host is not in the inventory"}
            self.hand_on(raw, self.queue, event)
        else:
            self.hand_on(raw, self._alerts, alert(event))


class Forwarder(Consumer):
    """Posts alerts to Moogsoft, within the rate window; retries, and gives up in the end."""

    def __init__(self, address: RedisAddress, settings: Settings, url: str) -> None:
        super().__init__("moog", address, settings.alert_queue, settings.moog_dlq)
        self._url = url
        self._window = settings.rate_limit_key
        self._limits = (settings.rate_limit, round(settings.rate_period * 1000))
        self._take_place = self.client.register_script(_TAKE_PLACE)
        self._session = requests.Session()
        # No proxy and no .netrc of this machine has a say in where samples go.
        self._session.trust_env = False

    def run(self) -> None:
        """Work until stopped."""
        with self._session:
            super().run()

    def handle(self, raw: bytes) -> None:
        """One alert."""
        message = decoded(raw)
        failed = _count(message.get("_moog_retry_count")) if message else 0
        if message is None or failed > MOOG_MAX_RETRIES:
            self.hand_on(raw, self.dlq)
            return
        if not self._has_place():
            return  # stopped meanwhile: it is put back from the processing list
        status = self._post(message)
        if status in (200, 201, 202):
            self.client.lrem(self.processing, 1, raw)  # type: ignore[arg-type]
        elif 400 <= status < 500 and status != 429:
            self.hand_on(raw, self.dlq)
        else:
            message["_moog_retry_count"] = failed + 1
            self.stopping.wait(min(LONGEST_DELAY, FIRST_DELAY * 2.0**failed))
            self.hand_on(raw, self.queue, message)

    def _has_place(self) -> bool:
        while not self.stopping.is_set():
            wait: Any = self._take_place(keys=[self._window], args=list(self._limits))
            if not wait:
                return True
            self.stopping.wait(wait / 1000)
        return False

    def _post(self, message: dict[str, Any]) -> int:
        """Moogsoft's status; 0 when there was no answer."""
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
            return 0


class Pipeline:
    """Both stand-ins while the context lasts; `url` is where Moogsoft takes events."""

    def __init__(self, address: RedisAddress, settings: Settings, url: str) -> None:
        self.consumers: tuple[Consumer, ...] = (
            Alerter(address, settings),
            Forwarder(address, settings, url),
        )

    @property
    def processing(self) -> tuple[str, ...]:
        """Lists of what is in hand just now."""
        return tuple(consumer.processing for consumer in self.consumers)

    def came_back(self, dlqs: Iterable[str]) -> int:
        """How many messages they gave up so far into these dead letter queues."""
        return sum(consumer.came_back for consumer in self.consumers if consumer.dlq in dlqs)

    def __enter__(self) -> "Pipeline":
        for consumer in self.consumers:
            consumer.start()
        return self

    def __exit__(self, *_: object) -> None:
        for consumer in self.consumers:
            consumer.stopping.set()
        for consumer in self.consumers:
            consumer.join()


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def main(argv: list[str] | None = None) -> int:
    """Run both stand-ins until SIGINT or SIGTERM, on the Redis and Moogsoft of the environment.

    A Redis that nobody has used yet gets the sample backlog.
    """
    parser = argparse.ArgumentParser(
        prog="python -m mutt_tasks.demo.pipeline",
        description="Stand-ins for MUTT's alerter and forwarder, with a sample backlog.",
    )
    parser.add_argument("--events", type=int, default=DEFAULT_EVENTS, help="size of the backlog")
    options = parser.parse_args(argv)
    try:
        settings = load()
    except SettingsError as error:
        print(*(f"stand-in pipeline: {line}" for line in error.lines), sep="\n", file=sys.stderr)
        return 1
    if not settings.webhook_url:
        print("stand-in pipeline: MOOG_WEBHOOK_URL: takes where alerts go", file=sys.stderr)
        return 1
    stopping = stop_on_signals()
    pipeline = Pipeline(settings.redis, settings, settings.webhook_url)
    client = connect(settings.redis, retries=0)
    while not stopping.is_set():
        try:
            if is_untouched(client, settings, pipeline.processing):
                backlog = seed(client, settings, options.events)
                print(f"stand-in pipeline: {len(backlog)} sample messages put in", flush=True)
            break
        except redis.RedisError as error:
            print(f"stand-in pipeline: waiting for Redis ({type(error).__name__})", flush=True)
            stopping.wait(REDIS_PAUSE)
    client.close()
    with pipeline:
        print(f"stand-in pipeline: at work on {settings.redis.shown}", flush=True)
        stopping.wait()
    given_up = pipeline.came_back((settings.alerter_dlq, settings.moog_dlq))
    print(f"stand-in pipeline: stopped; messages given up: {given_up}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
