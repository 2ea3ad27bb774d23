"""When a worker says that it is ready: Redis answers, and cycles take place or soon will."""

import socket
import threading

import pytest
import redis

from mutt_tasks.settings import Settings
from mutt_tasks.store import keys
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry import health
from tests.pipeline import settings_of
from tests.redis_server import RedisServer, free_port

INTERVAL = 300
LATE = health.INTERVALS_LATE * INTERVAL


@pytest.fixture
def settings(redis_server: RedisServer) -> Settings:
    return settings_of(
        REDIS_URL=redis_server.url, REMEDIATION_INTERVAL=INTERVAL, DYNAMIC_CONFIG_ENABLED="true"
    )


def last_cycle(client: redis.Redis, store: Store, seconds_ago: float) -> None:
    client.hset(keys.STATS, "last_cycle_ms", round((store.now() - seconds_ago) * 1000))


def test_after_a_long_stop_a_worker_has_time_for_its_first_cycle(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    """Everything was stopped over a weekend: that is no fault of a worker that has just begun."""
    last_cycle(client, store, 3 * 86_400)
    assert health.readiness(settings, 1.0) == ""
    assert health.readiness(settings, LATE - 1) == ""
    assert "the last cycle ended 259" in health.readiness(settings, LATE + 1)


def test_a_worker_without_any_cycle_has_the_same_time(
    client: redis.Redis, settings: Settings
) -> None:
    assert health.readiness(settings, LATE - 1) == ""
    assert health.readiness(settings, LATE + 1).startswith("no cycle has ended yet, expected every")


def test_a_worker_that_runs_for_long_is_ready_while_cycles_take_place(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    last_cycle(client, store, LATE / 2)
    assert health.readiness(settings, 1e6) == ""
    last_cycle(client, store, LATE + 100)
    assert "is beat running" in health.readiness(settings, 1e6)


def test_the_interval_that_is_in_force_counts(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    last_cycle(client, store, LATE + 100)
    client.set("mutt:config:remediation_interval", str(10 * INTERVAL))
    assert health.readiness(settings, 1e6) == ""
    client.set("mutt:config:remediation_interval", "1")
    last_cycle(client, store, health.LEAST_LATE - 50)
    assert health.readiness(settings, 1e6) == ""


def test_however_short_the_interval_a_worker_has_a_minute(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    client.set("mutt:config:remediation_interval", "1")
    last_cycle(client, store, 3600)
    assert health.readiness(settings, 59.0) == ""
    assert health.readiness(settings, 61.0) != ""


def test_of_three_intervals_none_may_pass_without_a_cycle(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    last_cycle(client, store, 1e6)
    assert health.readiness(settings, 899.0) == ""
    assert health.readiness(settings, 901.0) != ""


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/health", 200, b"OK"),
        ("GET", "/health?from=probe", 200, b"OK"),
        ("HEAD", "/health", 200, b""),
        ("GET", "/ready", 503, b"not yet"),
        ("GET", "/ready?", 503, b"not yet"),
        ("HEAD", "/ready", 503, b""),
        ("GET", "/", 404, b"not found; there are /health and /ready"),
        ("GET", "/healthy", 404, b"not found; there are /health and /ready"),
    ],
)
def test_each_end_point_answers_with_its_status_and_its_reason(
    method: str, path: str, status: int, body: bytes
) -> None:
    port = free_port()
    with health.server("127.0.0.1", port, lambda: "not yet") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
            raw.sendall(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: raw.recv(4096), b""))
        server.shutdown()
        thread.join()
    head, _, found = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert found == body
    assert b"python" not in head.lower()


def test_without_redis_no_worker_is_ready() -> None:
    settings = settings_of(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert health.readiness(settings, 1.0) == "Redis cannot be reached (ConnectionError)"
