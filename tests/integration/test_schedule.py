"""When beat's tick is due, whatever Redis does meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
import redis

from mutt_tasks.schedule import POLL_SECONDS, DynamicInterval
from tests.pipeline import settings_of
from tests.redis_server import RedisServer, free_port

INTERVAL = "mutt:config:remediation_interval"


def schedule(url: str, dynamic: bool = True) -> Any:
    return DynamicInterval(
        settings_of(
            REDIS_URL=url,
            REMEDIATION_INTERVAL=300,
            DYNAMIC_CONFIG_ENABLED=str(dynamic).lower(),
        )
    )


def due(interval: Any, seconds_ago: float) -> tuple[bool, float]:
    """Whether a tick is due so long after the last one, and in how many seconds to ask again."""
    is_due, seconds = interval.is_due(interval.now() - timedelta(seconds=seconds_ago))
    return is_due, seconds


@pytest.mark.usefixtures("client")
def test_a_tick_is_due_when_the_interval_is_over(redis_server: RedisServer) -> None:
    interval = schedule(redis_server.url)
    assert due(interval, 301)[0]
    assert not due(interval, 200)[0]


def test_a_changed_interval_counts_from_the_next_look_on(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    interval = schedule(redis_server.url)
    assert not due(interval, 200)[0]
    client.set(INTERVAL, "100")
    assert due(interval, 200)[0]
    client.set(INTERVAL, "900")
    assert not due(interval, 301)[0]
    assert due(interval, 301)[1] <= POLL_SECONDS


def test_while_redis_is_away_beat_keeps_the_last_interval_that_it_read(tmp_path: Any) -> None:
    server = RedisServer(tmp_path, "--appendonly", "no").start()
    try:
        interval = schedule(server.url)
        server.client.set(INTERVAL, "100")
        assert due(interval, 200)[0]
    finally:
        server.stop()
    assert due(interval, 200)[0]
    assert not due(interval, 50)[0]


def test_a_beat_that_never_reached_redis_has_the_interval_of_its_environment() -> None:
    interval = schedule(f"redis://127.0.0.1:{free_port()}/0")
    assert due(interval, 301)[0]
    assert not due(interval, 200)[0]


def test_without_runtime_configuration_nothing_is_read(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    client.set(INTERVAL, "100")
    interval = schedule(redis_server.url, dynamic=False)
    is_due, seconds = due(interval, 200)
    assert not is_due
    assert seconds > POLL_SECONDS
