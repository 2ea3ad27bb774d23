"""A Redis of a run's own, that keeps nothing."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.store.connection import RETRIES, TIMEOUT, connect
from stand_ins.redis_server import RedisServer


@contextmanager
def memory_redis() -> Iterator[str]:
    """A server on a UNIX socket while the context lasts; yields its address for `REDIS_URL`."""
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        server = RedisServer(Path(folder), Path(folder) / "redis.sock", "--appendonly", "no")
        with (Path(folder) / "redis.log").open("wb") as log:
            server.start(log)
        try:
            yield server.url
        finally:
            server.kill()


def one_connection(
    address: RedisAddress, timeout: float = TIMEOUT, retries: int = RETRIES
) -> redis.Redis:
    """A client with one connection and no pool: a run asks a hundred thousand times, in turn."""
    pooled: Any = connect(address, timeout, retries)
    client: redis.Redis = pooled.client()
    return client
