"""Forwarders whose limiter is not as it is believed to be: what is no drop, and what is one."""

import pytest
import redis

from mutt_tasks.store.store import Store
from tests.flowing import Forwarder, drained_by
from tests.pipeline import MOOG_DLQ, counters, event, fill, settings_of, stop_clock


class Real(Forwarder):
    """Keeps its limiter's set as MUTT's does: forgets by its own clock, `skews` ahead in turn.

    A `period` of 0 switches the limiter off; its set expires with each alert.
    """

    def __init__(
        self,
        client: redis.Redis,
        store: Store,
        limit: int = 50,
        live: float = 0.0,
        period: float = 1.0,
        skews: tuple[float, ...] = (0.0,),
    ) -> None:
        super().__init__(client, store, limit, live)
        self._period, self._skews, self._number = period, skews, 0

    def _admits(self, now: float) -> bool:
        self._number += 1
        now += self._skews[self._number % len(self._skews)]
        self._client.zremrangebyscore(self.key, 0, (now - self._period) * 1000)
        if self._client.zcard(self.key) >= self.limit:
            return False
        self._client.zadd(self.key, {f"{self._number}": now * 1000})
        if not self._period:
            self._client.delete(self.key)
        return True


@pytest.fixture(autouse=True)
def _clock_stands(store: Store) -> None:
    """Time passes only as a cycle waits, so that each run is the same."""
    stop_clock(store, 1_800_000_000.0)


def drops(client: redis.Redis) -> int:
    return counters(client).get("drops", 0)


def test_a_limiter_that_runtime_configuration_switched_off_holds_nothing(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog")
    client.set("mutt:config:moog_rate_period", "0")
    fill(client, MOOG_DLQ, [event(n) for n in range(200)])
    forwarder = Real(client, store, live=5, period=0)
    drained_by(client, store, settings, 40, forwarder)

    assert drops(client) == 0
    assert client.llen(MOOG_DLQ) == 0


def test_a_limiter_that_is_switched_on_again_is_watched_again(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog")
    client.set("mutt:config:moog_rate_period", "0")
    fill(client, MOOG_DLQ, [event(n) for n in range(800)])
    drained_by(client, store, settings, 10, Real(client, store, live=5, period=0))
    client.set("mutt:config:moog_rate_period", "1")
    client.delete("mutt:remediation:lease")
    forwarder = Real(client, store, limit=8)
    drained_by(client, store, settings, 20, forwarder)

    assert drops(client) >= 1
    assert forwarder.dropped_replays < 60


def test_a_period_that_is_shorter_than_we_believe_is_no_drop(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(
        REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog", MOOG_RATE_PERIOD=10
    )
    fill(client, MOOG_DLQ, [event(n) for n in range(100)])
    drained_by(client, store, settings, 60, Real(client, store, live=1))

    assert drops(client) == 0
    assert client.llen(MOOG_DLQ) < 60


@pytest.mark.parametrize("skews", [(0.0, 0.3), (0.0, 0.3, 0.3, 0.0), (0.3, 0.0, 0.0)])
def test_forwarders_whose_clocks_differ_are_not_said_to_drop(
    client: redis.Redis, store: Store, skews: tuple[float, ...]
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog")
    fill(client, MOOG_DLQ, [event(n) for n in range(600)])
    forwarder = Real(client, store, live=3, skews=skews)
    drained_by(client, store, settings, 60, forwarder)

    assert drops(client) == 0
    assert client.llen(MOOG_DLQ) == 0
    # The one whose clock is behind counts the other one's alerts for longer than a period.
    assert forwarder.dropped_replays <= 3
