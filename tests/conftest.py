"""Fixtures that several kinds of tests share."""

from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings

from mutt_tasks.store.store import Store
from tests.redis_server import RedisServer

# The same examples in every run, on any machine, however slow.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One real server for the whole run."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--appendfsync", "no").start()
    yield server
    server.stop()


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A plain client of an empty real server."""
    redis_server.client.flushall()
    yield redis_server.client
    redis_server.client.flushall()


@pytest.fixture
def store(client: redis.Redis) -> Store:
    """The store on an empty real server."""
    return Store(client)
