"""Live events: each is one that the books follow, and none comes after the end."""

from typing import Any

import redis

from demo.live import LiveTraffic
from mutt_tasks.settings import load
from stand_ins.books import identity
from tests.redis_server import RedisServer
from tests.services import until

INGEST = "mutt:ingest_queue"


def traffic(server: RedisServer) -> LiveTraffic:
    return LiveTraffic(load({"REDIS_URL": server.url}).redis.address, INGEST, rate=200.0)


def names(client: redis.Redis) -> list[bytes]:
    found: Any = client.lrange(INGEST, 0, -1)
    return [identity(raw) for raw in found]


def test_every_event_has_an_id_of_its_own_that_is_known(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    with traffic(redis_server) as live:
        until(lambda: live.sent.total() >= 20)
        assert not live.has_ended
        live.stop()
        assert live.has_ended
    # Another run's events are others, though the queue still holds these.
    with traffic(redis_server) as again:
        until(lambda: again.sent.total() >= 20)
    found = names(client)
    assert live.sent + again.sent == dict.fromkeys(found, 1)
    assert len(live.moments) == live.sent.total()
    assert live.moments == sorted(live.moments)


def test_what_redis_did_not_confirm_is_not_sent_again(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    client.set(INGEST, "no list")
    with traffic(redis_server) as live:
        until(lambda: client.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0) >= 3)
        assert live.sent.total() == 0
        client.delete(INGEST)
        until(lambda: live.sent.total() >= 3)
    assert live.sent == dict.fromkeys(names(client), 1)
