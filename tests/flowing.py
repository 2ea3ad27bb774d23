"""What several tests of the flow of replays need: what comes back, a limiter, a metric."""

import json
from typing import Any

import redis

from mutt_tasks.core.flow import Flow
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.store.states import decoded
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.metrics import RedisCollector
from tests.pipeline import (
    ALERTS,
    DLQ,
    INGEST,
    LIMITER,
    let_pass,
    lying_in,
    now_of,
    run_cycle,
    settings_of,
)


def bounce(client: redis.Redis) -> int:
    """All that was replayed comes back as the alerter gives it up; returns how many."""
    messages = lying_in(client, INGEST)
    client.delete(INGEST)
    for message in messages:
        client.lpush(DLQ, json.dumps(json.loads(message) | {"_retry_count": 4}))
    return len(messages)


def flow_of(client: redis.Redis, route: str = "alerter") -> Flow:
    found: Any = client.hget(f"mutt:remediation:route:{route}", "flow")
    return decoded(Flow, found)


def limiter_holds(client: redis.Redis, store: Store, alerts: int) -> None:
    """The forwarder took so many alerts within the last period, evenly."""
    now = now_of(store)
    client.delete(LIMITER)
    if alerts:
        moments = {f"alert-{n}": (now - n / alerts) * 1000 for n in range(alerts)}
        client.zadd(LIMITER, moments)


def metric(store: Store, name: str, **labels: str) -> float:
    collector = RedisCollector(store, settings_of(REMEDIATION_ROUTES="alerter,moog"))
    found = [
        sample.value
        for family in collector.collect()
        for sample in family.samples
        if sample.name == f"mutt_remediation_{name}" and sample.labels == labels
    ]
    assert len(found) == 1, (name, labels)
    return found[0]


def alert(number: int, failures: int = 6) -> bytes:
    """An alert as the forwarder gives it up."""
    fields = {"hostname": "h", "message_body": "up", "number": number, "api_key": "k"}
    return json.dumps(fields | {"raw_json": {}, "_moog_retry_count": failures}).encode()


def drained_by(
    client: redis.Redis, store: Store, settings: Any, seconds: float, forwarder: "Forwarder"
) -> CycleResult:
    """Cycles for a while, beside a forwarder that works after each slice."""
    until = now_of(store) + seconds
    result = run_cycle(store, settings, wait=forwarder.work)
    while result.next_cycle and now_of(store) < until:
        result = run_cycle(store, settings, result.next_cycle, wait=forwarder.work)
    return result


class Forwarder:
    """Takes every alert at once, as MUTT's does: what meets its full window is gone.

    The alerter before it passes on whatever it gets. `limit` alerts a second may pass; `live`
    alerts come evenly in a second.
    """

    def __init__(self, client: redis.Redis, store: Store, limit: int, live: float = 0.0) -> None:
        self._client, self._store = client, store
        self.limit, self._live = limit, live
        self.key = LIMITER
        self.delivered = self.dropped_replays = self.dropped_live = 0
        self._window: list[float] = []
        self._owed = 0.0

    def work(self, seconds: float) -> None:
        """Let time pass, and take what lies in the queues, at least once a second."""
        while seconds > 1:
            self._work(1.0)
            seconds -= 1
        self._work(seconds)

    def _work(self, seconds: float) -> None:
        let_pass(self._store, seconds)
        now = now_of(self._store)
        self._owed += self._live * seconds
        while self._owed >= 1:
            self._owed -= 1
            self.dropped_live += not self._admits(now)
        for name in (INGEST, ALERTS):
            taken: Any = self._client.lpop(name, 10_000) or []
            for _ in taken:
                is_taken = self._admits(now)
                self.delivered += is_taken
                self.dropped_replays += not is_taken

    def _admits(self, now: float) -> bool:
        self._window = [moment for moment in self._window if moment > now - 1]
        if len(self._window) >= self.limit:
            return False
        self._window.append(now)
        self._client.zadd(self.key, {f"{now}-{self.delivered}-{len(self._window)}": now * 1000})
        return True
