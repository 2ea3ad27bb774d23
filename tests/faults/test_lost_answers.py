"""What was asked for is done, the answer is lost on the way, and redis-py sends it again."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from mutt_tasks.operations import switches
from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.store.store import Store
from tests.faults.proxy import Proxy
from tests.pipeline import DLQ, INGEST, event, fill, journal, run_cycle, settings_of
from tests.redis_server import RedisServer

# It stands in whatever changes the pause, and in nothing else.
PAUSED = b"mutt:remediation:paused"


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    found = Proxy(redis_server.port)
    yield found
    found.close()


@pytest.fixture
def far_store(client: redis.Redis, proxy: Proxy) -> Iterator[Store]:
    """A store behind the proxy; its server knows the scripts, so that each call is one command."""
    store = Store.at(RedisAddress("redis", (("127.0.0.1", proxy.port),)))
    switches.pause(store, "0", "ann", "warm up", 60)
    switches.resume(store, "1", "ann")
    client.delete("mutt:remediation:journal")
    yield store
    store.close()


def test_a_pause_whose_answer_is_lost_is_journalled_once(
    client: redis.Redis, far_store: Store, proxy: Proxy
) -> None:
    proxy.lose_answer_to(PAUSED)
    found = switches.pause(far_store, "2", "ann", "change window", 600)
    assert proxy.lost == 1
    assert found["outcome"] == "paused"
    assert 590_000 < int(client.pttl("mutt:remediation:paused")) <= 600_000
    assert len(journal(client, "paused")) == 1


def test_a_resume_whose_answer_is_lost_says_that_it_resumed(
    client: redis.Redis, far_store: Store, proxy: Proxy
) -> None:
    switches.pause(far_store, "2", "ann", "change window", 600)
    proxy.lose_answer_to(PAUSED)
    found: dict[str, Any] = switches.resume(far_store, "3", "ann")
    assert proxy.lost == 1
    assert found["outcome"] == "resumed"
    assert not client.exists("mutt:remediation:paused")
    assert len(journal(client, "resumed")) == 1


def test_a_drain_goes_on_after_the_answer_to_the_end_of_a_cycle_was_lost(
    client: redis.Redis, far_store: Store, proxy: Proxy
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    settings = settings_of(REMEDIATION_BATCH_SIZE=10)
    warm_up = run_cycle(far_store, settings)
    proxy.lose_answer_to(b"last_cycle_ms")
    result = run_cycle(far_store, settings, warm_up.next_cycle)
    assert proxy.lost == 1
    assert result.next_cycle
    assert len(journal(client, "cycle")) == 2
    moved = int(client.llen(INGEST))
    run_cycle(far_store, settings, result.next_cycle)
    assert client.llen(INGEST) > moved
