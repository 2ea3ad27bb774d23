"""What a slice is decided by: the limiter's window as the forwarder's own script counts it."""

import pytest
import redis

from mutt_tasks.core.limiter import Accepted
from mutt_tasks.errors import StoreCorrupt
from mutt_tasks.replay.guard import look_on
from mutt_tasks.store.readings import Window
from mutt_tasks.store.route_reading import RouteReading
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.store import Store
from tests.pipeline import ALERTS, INGEST, LIMITER, settings_of

(ROUTE,) = settings_of().routes
NOW = 1_700_000_000.0


def read(store: Store, period: float = 1.0, skew: float = 0.0) -> RouteReading:
    return store.readings.read(ROUTE, (ALERTS, INGEST), LIMITER, Window(period, skew), NOW)


def took(client: redis.Redis, *seconds_ago: float) -> None:
    moments = {f"a{n}": round((NOW - ago) * 1000) for n, ago in enumerate(seconds_ago)}
    client.zadd(LIMITER, moments)


def test_an_alert_leaves_the_window_exactly_a_period_after_it_was_taken(
    client: redis.Redis, store: Store
) -> None:
    """The forwarder's script removes what is as old as the period, and counts what is younger."""
    took(client, 1.0)
    assert read(store).accepted.used == 0
    took(client, 0.999)
    assert read(store).accepted.used == 1


def test_it_is_read_when_each_alert_leaves_the_window(client: redis.Redis, store: Store) -> None:
    took(client, 0.2, 0.95, 0.5)
    found = read(store).accepted
    assert found.leaving == pytest.approx((0.05, 0.5, 0.8), abs=1e-3)
    assert (found.used, found.stride) == (3, 1)
    assert found.newest == pytest.approx(NOW - 0.2, abs=1e-3)
    assert found.oldest == pytest.approx(NOW - 0.95, abs=1e-3)


@pytest.mark.parametrize(("alerts", "stride"), [(100, 1), (101, 2), (200, 2), (250, 3)])
def test_of_many_alerts_the_last_one_of_each_few_is_read(
    client: redis.Redis, store: Store, alerts: int, stride: int
) -> None:
    ago = [0.999 - n / 1000 for n in range(alerts)]
    took(client, *ago)
    found = read(store).accepted
    assert (found.used, found.stride) == (alerts, stride)
    last_ones = [1 - ago[min(n + stride, alerts) - 1] for n in range(0, alerts, stride)]
    assert found.leaving == pytest.approx(last_ones, abs=1e-3)


def test_alerts_of_the_last_second_of_a_long_period_are_counted_by_themselves(
    client: redis.Redis, store: Store
) -> None:
    took(client, 0.5, 0.999, 1.0, 30.0, 59.0, 60.0)
    found = read(store, period=60.0).accepted
    assert (found.used, found.recent) == (5, 2)


@pytest.mark.parametrize("skew", [-3.0, 0.25, 3.0])
def test_the_window_is_that_of_the_forwarders_clock(
    client: redis.Redis, store: Store, skew: float
) -> None:
    took(client, 0.5 - skew)
    found = read(store, skew=skew).accepted
    assert (found.used, found.recent) == (1, 1)
    assert found.leaving == pytest.approx((0.5,))
    assert found.newest == found.oldest == pytest.approx(NOW - 0.5 + skew, abs=1e-3)


@pytest.mark.parametrize("value", [None, "no set"])
def test_a_limiter_that_is_not_there_has_no_window(
    client: redis.Redis, store: Store, value: str | None
) -> None:
    if value:
        client.set(LIMITER, value)
    assert read(store).accepted == Accepted()


def test_without_a_moment_a_route_is_read_by_the_clock_of_redis(
    client: redis.Redis, store: Store
) -> None:
    before = store.now()
    client.zadd(LIMITER, {"a": round(before * 1000), "b": round((before - 100) * 1000)})
    found = store.readings.read(ROUTE, (ALERTS, INGEST), LIMITER, Window(60.0, 0.0))
    assert before <= found.now <= store.now()
    assert found.accepted.used == 1


def test_who_looks_on_counts_by_the_clock_of_redis_too(client: redis.Redis, store: Store) -> None:
    now = store.now()
    client.lpush(ALERTS, "alert")
    client.zadd(LIMITER, {"a": round(now * 1000), "b": round((now - 100) * 1000)})
    assert store.standing.read(ALERTS, LIMITER, period=60.0).used == 1


@pytest.mark.parametrize(
    "key",
    [
        "mutt:remediation:jobs:active",
        "mutt:remediation:aside:alerter",
        "mutt:remediation:front:dead",
        "mutt:remediation:forward:alerter",
    ],
)
def test_who_looks_on_sees_that_jobs_are_at_work(
    client: redis.Redis, store: Store, key: str
) -> None:
    assert not look_on(store, settings_of()).has_jobs
    client.set(key, "there")
    assert look_on(store, settings_of()).has_jobs


def test_several_reads_are_answered_in_their_order_with_the_moment(
    client: redis.Redis, store: Store
) -> None:
    client.hset("hash", mapping={"a": "1", "b": "2"})
    client.rpush("list", "x", "y")
    before = store.now()
    now, answers = Scripts(client).read_at(
        ("HMGET", "hash", "b", "none", "a"), ("LLEN", "list"), ("GET", "none"), ("LLEN", "none")
    )
    assert before <= now <= store.now()
    assert answers == [[b"2", None, b"1"], 2, None, 0]


def test_where_a_key_holds_something_else_reads_are_refused_or_go_on(client: redis.Redis) -> None:
    client.set("text", "x")
    reads = ("LLEN", "text"), ("GET", "text")
    with pytest.raises(StoreCorrupt):
        Scripts(client).read(*reads)
    assert Scripts(client).read(*reads, is_lenient=True) == [None, b"x"]
