"""Fixtures that several kinds of tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import trustme
from hypothesis import settings

from mutt_tasks.store.store import Store
from tests.redis_server import RedisServer

# What takes longest begins first, so that no test process is left with a long one at the end.
LONG = ("faults", "soak", "demo", "acceptance", "crash", "model")

# The same examples in every run, on any machine, however slow.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the kinds of tests by `LONG`."""
    places = {kind: place for place, kind in enumerate(LONG)}
    tests = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(tests).parts[0], len(LONG)))


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


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A private authority."""
    return trustme.CA()


@pytest.fixture
def ca_cert(authority: trustme.CA, tmp_path: Path) -> str:
    """The private authority's certificate, as a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
