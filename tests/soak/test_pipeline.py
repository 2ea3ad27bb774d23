"""The soak's consumer destroys what MUTT's destroy, and notes every one of them."""

import json
from collections.abc import Iterator

import pytest
import redis

from stand_ins.facts import LIMITER_KEY
from tests.pipeline import DLQ, INGEST, event, fill, lying_in
from tests.redis_server import RedisServer
from tests.services import until
from tests.soak.pipeline import DELIVERED, DESTROYED, LIMIT, TAKEN, Pipeline


@pytest.fixture
def pipeline(client: redis.Redis, redis_server: RedisServer) -> Iterator[Pipeline]:
    pipeline = Pipeline(redis_server.port, seed=1)
    pipeline.produce_no_more()
    yield pipeline
    pipeline.stop()


def consumed(client: redis.Redis, pipeline: Pipeline, messages: list[bytes]) -> None:
    """Let it work until nothing is left for it."""
    fill(client, INGEST, messages)
    pipeline.start()
    until(lambda: client.exists(INGEST, TAKEN) == 0)


def test_what_the_alerter_destroys_is_noted_as_destroyed(
    client: redis.Redis, pipeline: Pipeline
) -> None:
    garbage = [b"garbage", b"", b"\xff", b"[1,2]", b'{"n":' + b"1" * 5000 + b"}", b"[" * 100_000]
    empty = [
        event(n, _retry_count=0, **{name: ""}) for n, name in enumerate(("hostname", "message"))
    ]
    consumed(client, pipeline, [*garbage, *empty])
    assert lying_in(client, DESTROYED) == [*garbage, *empty]


def test_an_exhausted_event_comes_back_even_if_it_is_incomplete(
    client: redis.Redis, pipeline: Pipeline
) -> None:
    exhausted = [event(0, failing=False), event(1, message="")]
    consumed(client, pipeline, exhausted)
    assert lying_in(client, DLQ) == exhausted


def test_what_meets_a_full_window_is_noted_as_destroyed_and_leaves_no_trace(
    client: redis.Redis, pipeline: Pipeline
) -> None:
    # A window that is full for a while, whatever the speed of this machine.
    client.zadd(LIMITER_KEY, {f"taken-{n}": 4e12 for n in range(LIMIT - 1)})
    consumed(client, pipeline, [event(n, _retry_count=0, failing=False) for n in range(5)])
    assert [json.loads(raw)["number"] for raw in lying_in(client, DELIVERED)] == [0]
    assert [json.loads(raw)["number"] for raw in lying_in(client, DESTROYED)] == [1, 2, 3, 4]
    assert client.zcard(LIMITER_KEY) == LIMIT
