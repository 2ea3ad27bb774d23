"""Replays that are under way on a real server: how many lie there still, and what was taken."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
import redis

from mutt_tasks.core.routes import alerter_route, moog_route
from mutt_tasks.store.store import Store
from tests.flowing import bounce, flow_of
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    INGEST,
    MOOG_DLQ,
    event,
    fill,
    let_pass,
    run_cycle,
    settings_of,
)

ROUTE = alerter_route(DLQ, INGEST, DEAD)


NUMBERED = replace(moog_route(MOOG_DLQ, ALERTS, DEAD), name="moog2")


# A replay of the alerter's route.
OURS = '{"_remediation": {"replays": 1, "route": "alerter"}}'


@pytest.mark.parametrize(
    ("route", "queue", "message", "counts"),
    [
        (ROUTE, INGEST, '{"_remediation": {"replays": 1, "route": "alerter"}}', 1),
        (ROUTE, INGEST, '{"a": 1, "_remediation":{"replays":1,"forgiven":0,"route":"alerter"}}', 1),
        (ROUTE, INGEST, '{"_remediation": {"route": "moog"}}', 0),
        (ROUTE, INGEST, '{"message": "no replay of an alerter"}', 0),
        (ROUTE, INGEST, "_remediation", 0),
        (ROUTE, INGEST, "", 0),
        (ROUTE, ALERTS, json.dumps({"raw_json": '{"_remediation": {"route": "alerter"}}'}), 1),
        (ROUTE, ALERTS, '{"raw_json": {"_remediation": {"route": "alerter"}}}', 1),
        (NUMBERED, ALERTS, '{"_remediation": {"replays": 1, "route": "moog2"}}', 1),
        (NUMBERED, ALERTS, '{"_remediation": {"replays": 1, "route": "moog"}}', 0),
        (NUMBERED, ALERTS, json.dumps({"raw_json": '{"_remediation": {"route": "moog2"}}'}), 1),
    ],
)
def test_a_replay_under_way_is_known_by_its_header_wherever_it_lies(
    client: redis.Redis, store: Store, route: Any, queue: str, message: str, counts: int
) -> None:
    client.lpush(queue, message)
    found = store.queues.landing(route, ALERTS, 0)
    assert (found.in_flight, found.oldest, found.newest) == (counts, [], [])


def test_an_alert_that_was_replayed_on_both_routes_is_under_way_on_the_second(
    client: redis.Redis, store: Store
) -> None:
    inner = json.dumps({"_remediation": {"replays": 1, "route": "alerter"}})
    alert = {"raw_json": inner, "_remediation": {"replays": 1, "route": "moog"}}
    client.lpush(ALERTS, json.dumps(alert))
    assert store.queues.landing(moog_route(MOOG_DLQ, ALERTS, DEAD), ALERTS, 0).in_flight == 1
    assert store.queues.landing(ROUTE, ALERTS, 0).in_flight == 0


def test_a_look_for_replays_is_bounded_whatever_lies_there(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(DLQ, *(event(n, filler="x" * 2000) for n in range(5000)))
    for _ in range(40):
        client.lpush(INGEST, b"_remediation" * 100_000)  # 1.2 MB each
    client.lpush(ALERTS, *(b'{"_remediation":{"route":"alerter"}}' for _ in range(5000)))
    started = time.monotonic()
    found = store.queues.landing(ROUTE, ALERTS, 4000)
    assert time.monotonic() - started < 5
    assert found.in_flight == 5000  # the newest 2000 stand for all
    assert (len(found.oldest), len(found.newest)) == (200, 200)
    assert json.loads(found.newest[0])["number"] == 4999
    assert json.loads(found.oldest[-1])["number"] == 1000
    few = store.queues.landing(ROUTE, ALERTS, 3)
    assert (len(few.oldest), len(few.newest)) == (3, 0)


def test_more_replays_than_are_looked_at_are_no_progress_while_nobody_takes_them(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(INGEST, *[OURS] * 2000)
    client.lpush(INGEST, *[OURS] * 1000)
    assert store.queues.landing(ROUTE, ALERTS, 0).in_flight == 3000


@pytest.mark.parametrize("queue", [INGEST, ALERTS])
def test_live_messages_that_pile_up_on_replays_are_no_progress(
    client: redis.Redis, store: Store, queue: str
) -> None:
    client.lpush(queue, "the oldest", *[OURS] * 2500)
    before = store.queues.landing(ROUTE, ALERTS, 0)
    client.lpush(queue, *["live"] * 2500)
    covered = store.queues.landing(ROUTE, ALERTS, 0)
    assert covered.in_flight == 0  # the newest stand for all: it looks as if they had been taken
    found = store.queues.landing(ROUTE, ALERTS, 0, before.sights)
    assert found.in_flight == before.in_flight >= 2500
    client.rpop(queue)
    assert store.queues.landing(ROUTE, ALERTS, 0, found.sights).in_flight == 0


@pytest.mark.parametrize(
    ("oldest", "next_one"),
    [("the same start, a", "the same start, b"), ("x" * 70_000, "x" * 70_001)],
)
def test_that_one_of_two_like_messages_was_taken_is_seen(
    client: redis.Redis, store: Store, oldest: str, next_one: str
) -> None:
    client.lpush(INGEST, oldest, next_one, *[OURS] * 2500)
    before = store.queues.landing(ROUTE, ALERTS, 0)
    client.lpush(INGEST, *["live"] * 2500)
    kept = store.queues.landing(ROUTE, ALERTS, 0, before.sights)
    assert kept.in_flight == before.in_flight
    client.rpop(INGEST)
    assert store.queues.landing(ROUTE, ALERTS, 0, kept.sights).in_flight == 0


def test_what_was_sent_since_the_last_look_lies_there_too_while_nobody_takes_anything(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(INGEST, *[OURS] * 2500)
    before = store.queues.landing(ROUTE, ALERTS, 0)
    client.lpush(INGEST, *[OURS] * 40, *["live"] * 2000)
    assert store.queues.landing(ROUTE, ALERTS, 0, before.sights, sent=40).in_flight == 2540


def test_a_consumer_that_is_away_is_known_to_be_away_under_a_flood_of_live_events(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_HIGH_WATER=100_000, REMEDIATION_MAX_RATE="auto")
    client.lpush(INGEST, "the oldest", *["live"] * 50)
    fill(client, DLQ, [event(n) for n in range(30)])
    result = run_cycle(store, settings)
    assert result.routes["alerter"].moved.replayed == 10
    for _ in range(10):
        client.lpush(INGEST, *["live"] * 400)
        let_pass(store, 2)
        result = run_cycle(store, settings, result.next_cycle)
        assert (result.routes["alerter"].moved.total, result.reason) == (0, "not_taken")
    client.delete(INGEST)
    let_pass(store, 2)
    assert run_cycle(store, settings, result.next_cycle).routes["alerter"].moved.replayed > 0


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff:1", b"0" * 40 + b":" + b"9" * 400])
def test_what_is_remembered_of_the_queues_may_be_damaged(
    client: redis.Redis, store: Store, damage: bytes
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    client.lpush(INGEST, *["live"] * 2500)
    client.hset("mutt:remediation:route:alerter", "landing", damage)
    result = run_cycle(store, settings_of(REMEDIATION_HIGH_WATER=100_000))
    assert result.routes["alerter"].moved.replayed == 10
    found: Any = client.hget("mutt:remediation:route:alerter", "landing")
    assert found != damage


def test_a_huge_message_among_the_arrivals_does_not_hide_the_others(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1), event(2, filler="x" * 1_500_000), event(3)])
    oldest = store.queues.landing(ROUTE, ALERTS, 3).oldest
    assert [json.loads(message)["number"] for message in oldest] == [3, 1]


def test_bounces_are_seen_under_all_that_came_after_them(client: redis.Redis, store: Store) -> None:
    settings = settings_of(REMEDIATION_DRAIN="false")
    fill(client, DLQ, [event(n) for n in range(20)])
    run_cycle(store, settings)
    bounce(client)
    fill(client, DLQ, [event(1000 + n) for n in range(3000)])
    let_pass(store, 300)
    result = run_cycle(store, settings)
    lane = result.routes["alerter"]
    assert (lane.returned, lane.has_tripped, result.reason) == (10, True, "backoff")
    (span,) = flow_of(client).spans
    assert span[1] - span[0] > 300
