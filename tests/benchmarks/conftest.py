"""A Redis for the recovery model."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.recovery_model.server import memory_redis
from mutt_tasks.settings import load
from mutt_tasks.store.connection import connect


@pytest.fixture
def client() -> Iterator[Any]:
    with memory_redis() as url:
        client = connect(load({"REDIS_URL": url}).redis.address)
        yield client
        client.close()
