"""Lets these tests import the benchmarks, which are not installed; a Redis for the model."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.recovery_model.server import memory_redis
from mutt_tasks.settings import load
from mutt_tasks.store.connection import connect


@pytest.fixture
def client() -> Iterator[Any]:
    with memory_redis() as url:
        client = connect(load({"REDIS_URL": url}).redis.address)
        yield client
        client.close()
