"""What a slice is decided by: the limiter's window as the forwarder's own script counts it."""

import pytest
import redis

from mutt_tasks.store.readings import RouteReading, Window
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
    assert read(store).kept[0] == 0
    took(client, 0.999)
    assert read(store).kept[0] == 1


def test_the_window_is_read_at_ten_moments_of_the_coming_period(
    client: redis.Redis, store: Store
) -> None:
    took(client, *(0.05 + n / 10 for n in range(10)))
    assert read(store).kept == (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
    assert read(store, period=2.0).kept == (10, 10, 10, 10, 10, 10, 8, 6, 4, 2)


@pytest.mark.parametrize("skew", [-3.0, 0.25, 3.0])
def test_the_window_is_that_of_the_forwarders_clock(
    client: redis.Redis, store: Store, skew: float
) -> None:
    took(client, 0.5 - skew)
    assert read(store, skew=skew).kept == (1, 1, 1, 1, 1, 0, 0, 0, 0, 0)
    assert read(store, skew=skew).newest == pytest.approx(NOW - 0.5 + skew)


@pytest.mark.parametrize("value", [None, "no set"])
def test_a_limiter_that_is_not_there_has_no_window(
    client: redis.Redis, store: Store, value: str | None
) -> None:
    if value:
        client.set(LIMITER, value)
    found = read(store)
    assert (found.kept, found.newest) == ((), 0.0)
