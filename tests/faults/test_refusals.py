"""A Redis that answers but refuses: the reason is named, and nothing is half done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from mutt_tasks.errors import StoreRefused
from mutt_tasks.store.store import Store
from tests.pipeline import DLQ, event, fill, run_cycle, settings_of
from tests.redis_server import RedisServer

Refusal = Callable[[redis.Redis], Any]


@contextmanager
def _config(client: redis.Redis, name: str, value: str, normal: str) -> Iterator[redis.Redis]:
    client.config_set(name, value)
    yield client
    client.config_set(name, normal)


def _full(client: redis.Redis) -> Any:
    return _config(client, "maxmemory", "1mb", "0")


def _without_replicas(client: redis.Redis) -> Any:
    return _config(client, "min-replicas-to-write", "1", "0")


@contextmanager
def _replica(client: redis.Redis) -> Iterator[redis.Redis]:
    client.replicaof("127.0.0.1", "1")
    yield client
    client.replicaof("NO", "ONE")


@contextmanager
def _replica_without_data(client: redis.Redis) -> Iterator[redis.Redis]:
    with _config(client, "replica-serve-stale-data", "no", "yes"), _replica(client):
        yield client


@contextmanager
def _as_user(client: Any, password: str, *rights: str) -> Iterator[redis.Redis]:
    client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">right", *rights)
    port = client.connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port, username="app", password=password) as found:
        yield found
    client.execute_command("ACL", "DELUSER", "app")


def _wrong_password(client: redis.Redis) -> Any:
    return _as_user(client, "wrong", "allkeys", "allcommands")


def _no_right(client: redis.Redis) -> Any:
    return _as_user(client, "right", "allkeys", "allcommands", "-evalsha")


def _no_right_to_our_keys(client: redis.Redis) -> Any:
    return _as_user(client, "right", "~mutt:dlq:*", "allcommands")


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (_full, "Redis refuses: its memory is full (OOM)"),
        (_without_replicas, "Redis refuses: too few replicas are in sync (NOREPLICAS)"),
        (_replica, "Redis refuses: it is a read-only replica (READONLY)"),
        (
            _replica_without_data,
            "Redis refuses: it is a replica that has lost its master (MASTERDOWN)",
        ),
        (_wrong_password, "Redis refuses the login: check user and password"),
        (_no_right, "Redis refuses: our user lacks a right (NOPERM)"),
        (_no_right_to_our_keys, "Redis refuses: our user lacks a right (NOPERM)"),
    ],
)
def test_a_refusal_is_named_and_changes_nothing(
    client: redis.Redis, redis_server: RedisServer, refusal: Refusal, reason: str
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    with refusal(client) as refusing, pytest.raises(StoreRefused) as raised:
        run_cycle(Store(refusing), settings_of())
    assert str(raised.value) == reason
    assert client.keys("*") == [DLQ.encode()]
    assert client.llen(DLQ) == 3
