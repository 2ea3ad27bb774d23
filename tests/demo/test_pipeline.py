"""The stand-ins of the pipeline on a real Redis: they take and give as MUTT's do."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from demo.backlog import RETIRED_DOMAIN, alert
from demo.forwarder import Waits
from demo.pipeline import Pipeline
from demo.seeding import is_untouched, seed
from mutt_tasks.settings import Settings, load
from mutt_tasks.store import keys
from stand_ins import breaker, facts
from stand_ins.books import identity
from stand_ins.moogsoft import Moogsoft
from tests.redis_server import RedisServer
from tests.services import until

INGEST, ALERTS = "mutt:ingest_queue", "mutt:alert_queue"
DLQ, MOOG_DLQ = "mutt:dlq:alerter", "mutt:dlq:moog"


@pytest.fixture
def settings(redis_server: RedisServer) -> Settings:
    return load(
        {
            "REDIS_URL": redis_server.url,
            "MOOG_RATE_LIMIT": "1000",
            "REMEDIATION_ROUTES": "alerter",
        }
    )


# No test waits for a sleep, unless it is about sleeping.
AT_ONCE = Waits(first=0.001, longest=0.05, breaker=300.0)


def running(settings: Settings, moogsoft: Moogsoft, waits: Waits = AT_ONCE) -> Pipeline:
    return Pipeline(settings.redis.address, settings, moogsoft.url, waits)


@pytest.fixture
def arrived() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def moogsoft(arrived: list[dict[str, Any]]) -> Iterator[Moogsoft]:
    with Moogsoft(on_accept=arrived.append) as found:
        yield found


def event(**fields: Any) -> dict[str, Any]:
    return {"hostname": "fra1-db-01", "timestamp": "2026-01-01T00:00:00Z", "message": "m"} | fields


def lying_in(client: redis.Redis, name: str) -> list[Any]:
    found: Any = client.lrange(name, 0, -1)
    return [json.loads(raw) for raw in found]


def test_an_event_reaches_moogsoft_wrapped_in_an_alert(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft, arrived: list[dict[str, Any]]
) -> None:
    sent = event(_correlation_id="c-1", _remediation={"replays": 1})
    client.lpush(INGEST, json.dumps(sent))
    with running(settings, moogsoft):
        until(lambda: arrived)
    assert arrived[0]["custom_info"] == sent
    assert arrived[0]["external_id"] == "c-1"
    assert "api_key" not in arrived[0]
    assert client.exists(INGEST, ALERTS, DLQ, MOOG_DLQ) == 0


def test_an_exhausted_event_comes_back_untried_and_unchanged(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft
) -> None:
    raw = json.dumps(event(_retry_count=4)).encode()
    client.lpush(INGEST, raw)
    with running(settings, moogsoft) as pipeline:
        until(lambda: client.llen(DLQ))
    # The list is seen before the stand-in has counted: so only once it has stopped.
    assert pipeline.came_back([DLQ]) == 1
    assert pipeline.came_back([MOOG_DLQ]) == 0
    assert client.lrange(DLQ, 0, -1) == [raw]
    assert moogsoft.accepted == 0


def test_an_event_that_always_fails_is_tried_four_times_and_then_given_up(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft
) -> None:
    client.lpush(INGEST, json.dumps(event(hostname="sw-1" + RETIRED_DOMAIN, _retry_count=0)))
    with running(settings, moogsoft):
        until(lambda: client.llen(DLQ))
    assert lying_in(client, DLQ)[0]["_retry_count"] == 4


@pytest.mark.parametrize("raw", [b"garbage", b"", b'{"hostname":"only"}', b'{"timestamp":0}'])
def test_what_the_alerter_destroys_is_gone_from_every_list_and_noted(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft, raw: bytes
) -> None:
    client.lpush(INGEST, raw)
    with running(settings, moogsoft) as pipeline:
        until(lambda: pipeline.losses.total)
    assert pipeline.losses.messages == {identity(raw): 1}
    assert client.exists(INGEST, DLQ, ALERTS, *pipeline.processing) == 0


@pytest.mark.parametrize(
    "raw", [b"[1,2]", b"\xff", b'{"n":' + b"1" * 5000 + b"}", b'{"_retry_count": null}']
)
def test_what_the_alerter_fails_at_unexpectedly_stays_in_its_hands_until_it_ends(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft, raw: bytes
) -> None:
    client.lpush(INGEST, json.dumps(event()))
    client.rpush(INGEST, raw)
    with running(settings, moogsoft) as pipeline:
        until(lambda: moogsoft.accepted)
        assert client.lrange("mutt:processing:alerter:demo", 0, -1) == [raw]
    assert pipeline.losses.total == 0
    assert client.lrange(INGEST, 0, -1) == [raw]


@pytest.mark.parametrize("mode", [facts.SHED_TO_DLQ, facts.SHED_BY_DEFERRING])
def test_while_the_alert_queue_is_too_long_events_are_shed_or_deferred(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft, mode: str
) -> None:
    client.mset(
        {"mutt:config:alerter_queue_shed_threshold": 2, "mutt:config:alerter_shed_mode": mode}
    )
    moogsoft.down()
    client.lpush(ALERTS, *(json.dumps(alert(event())) for _ in range(5)))
    client.lpush(INGEST, json.dumps(event(message="shed me")))
    with running(settings, moogsoft, Waits(first=60.0, longest=60.0)):
        if mode == facts.SHED_TO_DLQ:
            until(lambda: client.llen(DLQ))
            shed = lying_in(client, DLQ)[0]
            assert shed["message"] == "shed me"
            assert shed["shedding_reason"].startswith("queue_depth_exceeded:")
            assert "_retry_count" not in shed
        else:
            until(lambda: moogsoft.refused)
            assert client.llen(INGEST) == 1
            assert client.exists(DLQ) == 0


def test_an_alert_is_tried_again_after_an_outage_and_given_up_after_six_failures(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft
) -> None:
    moogsoft.down()
    client.lpush(ALERTS, json.dumps(alert(event()) | {"_moog_retry_count": 0}))
    with running(settings, moogsoft):
        until(lambda: client.llen(MOOG_DLQ))
        assert lying_in(client, MOOG_DLQ)[0]["_moog_retry_count"] == 6
        assert moogsoft.refused == 6
        moogsoft.up()
        client.lpush(ALERTS, json.dumps(alert(event()) | {"_moog_retry_count": 5}))
        until(lambda: moogsoft.accepted == 1)


def test_an_alert_that_meets_the_full_window_is_destroyed_and_noted(
    client: redis.Redis, redis_server: RedisServer, moogsoft: Moogsoft
) -> None:
    env = {"REDIS_URL": redis_server.url, "MOOG_RATE_LIMIT": "5", "MOOG_RATE_PERIOD": "60"}
    client.lpush(ALERTS, *(json.dumps(alert(event(_correlation_id=f"c-{n}"))) for n in range(15)))
    with running(load(env), moogsoft) as pipeline:
        until(lambda: client.exists(ALERTS, *pipeline.processing) == 0)
    # More than five pass where two of them share a millisecond.
    assert moogsoft.accepted + pipeline.losses.total == 15
    assert pipeline.losses.total >= 5
    assert client.zcard("mutt:rate_limit:moog") == 5


def test_the_limit_of_the_runtime_configuration_is_obeyed(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft
) -> None:
    client.mset({"mutt:config:moog_rate_limit": 3, "mutt:config:moog_rate_period": 60})
    client.lpush(ALERTS, *(json.dumps(alert(event())) for _ in range(9)))
    with running(settings, moogsoft) as pipeline:
        until(lambda: client.exists(ALERTS, *pipeline.processing) == 0)
    assert moogsoft.accepted + pipeline.losses.total == 9
    assert client.zcard("mutt:rate_limit:moog") == 3


def test_after_ten_failures_the_breaker_opens_and_alerts_are_spent_without_a_post(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft
) -> None:
    moogsoft.down()
    client.lpush(ALERTS, *(json.dumps(alert(event())) for _ in range(3)))
    with running(settings, moogsoft):
        until(lambda: client.llen(MOOG_DLQ) == 3)
    assert moogsoft.refused == 10
    assert client.mget(breaker.STATE, breaker.FAILURES) == [b"OPEN", b"10"]
    assert client.exists(breaker.OPEN_TIME)
    assert client.zcard("mutt:rate_limit:moog") > 0


def test_once_it_has_rested_the_breaker_lets_an_alert_decide(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft
) -> None:
    client.mset({breaker.STATE: "OPEN", breaker.FAILURES: 10, breaker.OPEN_TIME: time.time() - 301})
    client.lpush(ALERTS, json.dumps(alert(event())))
    with running(settings, moogsoft):
        until(lambda: moogsoft.accepted)
        until(lambda: client.get(breaker.STATE) == b"CLOSED")
    assert client.mget(breaker.FAILURES, breaker.OPEN_TIME) == [b"0", None]


def test_what_a_killed_stand_in_had_in_hand_is_taken_up_again_in_its_order(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft, arrived: list[dict[str, Any]]
) -> None:
    client.lpush(INGEST, json.dumps(event(_correlation_id="c-3")))
    for number in (1, 2):
        raw = json.dumps(event(_correlation_id=f"c-{number}"))
        client.lpush("mutt:processing:alerter:demo", raw)
    with running(settings, moogsoft):
        until(lambda: len(arrived) == 3)
    assert [found["external_id"] for found in arrived] == ["c-1", "c-2", "c-3"]
    assert client.exists("mutt:processing:alerter:demo") == 0


def test_stopping_loses_nothing_and_leaves_nothing_in_hand(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft
) -> None:
    client.lpush(INGEST, *(json.dumps(event(_correlation_id=f"c-{n}")) for n in range(300)))
    with running(settings, moogsoft) as pipeline:
        until(lambda: moogsoft.accepted > 20)
    left = [client.llen(name) for name in (INGEST, ALERTS, DLQ, MOOG_DLQ)]
    assert all(client.exists(name) == 0 for name in pipeline.processing)
    assert moogsoft.accepted + sum(int(str(n)) for n in left) == 300


def test_the_stand_ins_wait_for_a_redis_that_goes_away(
    tmp_path_factory: pytest.TempPathFactory, moogsoft: Moogsoft, arrived: list[dict[str, Any]]
) -> None:
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    settings = load({"REDIS_URL": server.url})

    def has_come(name: str) -> bool:
        return any(found["external_id"] == name for found in arrived)

    with running(settings, moogsoft):
        server.client.lpush(INGEST, json.dumps(event(_correlation_id="c-1")))
        until(lambda: has_come("c-1"))
        # An alert that was posted and still lay in hand comes once more, as with MUTT's.
        server.kill()
        server.start()
        server.client.lpush(INGEST, json.dumps(event(_correlation_id="c-2")))
        until(lambda: has_come("c-2"))
    server.stop()


def test_only_a_redis_that_never_held_messages_gets_the_sample(
    client: redis.Redis, settings: Settings
) -> None:
    # A worker that started first has counted cycles, and that is all.
    client.hset(keys.STATS, mapping={"loops": 3, "cycles:alerter:held:empty": 3})
    assert is_untouched(client, settings, ())
    assert is_untouched(client, settings, ("mutt:processing:alerter:demo",))
    backlog = seed(client, settings, 50)
    assert client.llen(DLQ) == len(backlog.alerter) == 50
    assert client.lindex(DLQ, -1) == backlog.alerter[0]
    assert not is_untouched(client, settings, ())
    client.delete(DLQ)
    assert is_untouched(client, settings, ())
    client.hset(keys.STATS, "replayed:alerter", 1)
    assert not is_untouched(client, settings, ())


def test_alerts_are_seeded_only_where_their_route_is_served(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    env = {"REDIS_URL": redis_server.url, "REMEDIATION_ROUTES": "alerter,moog"}
    backlog = seed(client, load(env), 100)
    assert client.llen(MOOG_DLQ) == len(backlog.moog) == 2


def test_stopping_does_not_wait_for_a_retry_that_is_far_away(
    client: redis.Redis, settings: Settings, moogsoft: Moogsoft
) -> None:
    moogsoft.down()
    client.lpush(ALERTS, json.dumps(alert(event())))
    with running(settings, moogsoft, Waits(first=60.0, longest=60.0)):
        until(lambda: moogsoft.refused)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert client.llen(ALERTS) == 1
