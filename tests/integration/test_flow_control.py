"""Flow control on a real server: what came back, what is under way, which limit held a batch."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis

from mutt_tasks.core.breaker import Marks
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.limiter import ForwarderClock
from mutt_tasks.core.live_traffic import LiveTraffic
from mutt_tasks.core.pace import UNSEEN_REPLAYS, Pace
from mutt_tasks.core.routes import alerter_route, moog_route
from mutt_tasks.core.window import Window
from mutt_tasks.cycle import SLICE
from mutt_tasks.replay.report import packed_cycle
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.store.states import decoded, encoded
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from mutt_tasks.telemetry.logs import log_cycle
from mutt_tasks.telemetry.metrics import RedisCollector
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    INGEST,
    LIMITER,
    MOOG_DLQ,
    begin,
    consume,
    counters,
    event,
    fill,
    header_of,
    journal,
    let_pass,
    lying_in,
    now_of,
    numbers_in,
    observe,
    operator_pauses,
    replay,
    run_cycle,
    settings_of,
)

ROUTE = alerter_route(DLQ, INGEST, DEAD)
NUMBERED = replace(moog_route(MOOG_DLQ, ALERTS, DEAD), name="moog2")


# A replay of the alerter's route.
OURS = '{"_remediation": {"replays": 1, "route": "alerter"}}'


def bounce(client: redis.Redis) -> int:
    """All that was replayed comes back as the alerter gives it up; returns how many."""
    messages = lying_in(client, INGEST)
    client.delete(INGEST)
    for message in messages:
        client.lpush(DLQ, json.dumps(json.loads(message) | {"_retry_count": 4}))
    return len(messages)


def flow_of(client: redis.Redis, route: str = "alerter") -> Flow:
    found: Any = client.hget(f"mutt:remediation:route:{route}", "flow")
    return decoded(Flow, found)


def limiter_holds(client: redis.Redis, store: Store, alerts: int) -> None:
    """The forwarder took so many alerts within the last period, evenly."""
    now = now_of(store)
    client.delete(LIMITER)
    if alerts:
        moments = {f"alert-{n}": (now - n / alerts) * 1000 for n in range(alerts)}
        client.zadd(LIMITER, moments)


def metric(store: Store, name: str, **labels: str) -> float:
    collector = RedisCollector(store, settings_of(REMEDIATION_ROUTES="alerter,moog"))
    found = [
        sample.value
        for family in collector.collect()
        for sample in family.samples
        if sample.name == f"mutt_remediation_{name}" and sample.labels == labels
    ]
    assert len(found) == 1, (name, labels)
    return found[0]


# --- outage and poison ---


def test_bounces_beside_first_time_failures_open_the_breaker_and_are_forgiven(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of()
    fill(client, DLQ, [event(n) for n in range(20)])
    result = run_cycle(store, settings)
    for second in range(10):
        bounce(client)
        fill(client, DLQ, [event(1000 + 20 * second + n) for n in range(20)])
        result = run_cycle(store, settings, result.next_cycle)
        if result.reason == "backoff":
            break
    lane = result.routes["alerter"]
    assert (result.outcome, result.reason, lane.limit) == ("held", "backoff", "backoff")
    assert lane.has_tripped
    assert result.delay == 5  # then failures may have stopped
    assert metric(store, "breaker_trips_total", route="alerter") == 1
    assert metric(store, "backoff_seconds", route="alerter") > 50
    assert journal(client, "cycle")[-1]["route:alerter"] == "held backoff"

    let_pass(store, 80)
    client.delete(LIMITER)
    bounced = [m for m in lying_in(client, DLQ) if header_of_or_none(m)]
    while result.next_cycle and not client.llen(INGEST):
        result = run_cycle(store, settings, result.next_cycle)
    fill_again(client, bounced)
    assert client.llen(DEAD) == 0
    let_pass(store, 60)
    run_until(store, settings, result, lambda: counters(client).get("forgiven:alerter", 0) > 0)
    forgiven = [m for m in lying_in(client, INGEST) if header_of(m)["forgiven"]]
    assert forgiven
    assert all(header_of(m)["replays"] - header_of(m)["forgiven"] == 1 for m in forgiven)


def header_of_or_none(message: bytes) -> Any:
    return json.loads(message).get("_remediation")


def fill_again(client: redis.Redis, messages: list[bytes]) -> None:
    """These, and nothing else, lie in the dead letter queue; the trouble is over."""
    client.delete(DLQ, INGEST)
    fill(client, DLQ, messages)


def run_until(
    store: Store, settings: Any, result: CycleResult, is_done: Callable[[], bool]
) -> None:
    for _ in range(50):
        if is_done():
            return
        result = run_cycle(store, settings, result.next_cycle)
    raise AssertionError("it did not happen within fifty cycles")


def test_poison_alone_is_quarantined_after_exactly_three_replays(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    result = run_cycle(store, settings_of())
    while result.next_cycle:
        bounce(client)
        result = run_cycle(store, settings_of(), result.next_cycle)
    assert [header_of(m)["replays"] for m in lying_in(client, DEAD)] == [3] * 5
    assert counters(client)["replayed:alerter"] == 15
    assert metric(store, "bounces_total", route="alerter") == 15
    assert metric(store, "poison_messages_total") == 5


def test_what_does_not_come_back_within_two_minutes_has_landed(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(10)])
    run_cycle(store, settings_of(REMEDIATION_DRAIN="false"))
    client.ltrim(INGEST, 0, 2)
    assert bounce(client) == 3
    run_cycle(store, settings_of(REMEDIATION_DRAIN="false"))
    assert "landed:alerter" not in counters(client)
    let_pass(store, 130)
    result = run_cycle(store, settings_of(REMEDIATION_DRAIN="false"))
    assert result.routes["alerter"].landed == 7
    assert metric(store, "landed_total", route="alerter") == 7
    assert metric(store, "stuck_total", route="alerter") == 7  # its old name, for one release


def test_the_window_doubles_while_a_consumer_takes_what_is_sent(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(400)])
    result, sizes = run_cycle(store, settings_of()), []
    while result.next_cycle:
        sizes.append(result.routes["alerter"].moved.replayed)
        assert result.routes["alerter"].limit in ("window", "empty")
        client.delete(INGEST)
        result = run_cycle(store, settings_of(), result.next_cycle)
    assert sizes == [10, 20, 40, 80, 160, 90]
    assert metric(store, "limits_total", route="alerter", limit="window") == 5
    assert metric(store, "window", route="alerter") > 160


# --- under way ---


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


# --- rate ---


def test_auto_stops_where_the_forwarders_window_is_full_and_says_so(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(100)])
    limiter_holds(client, store, 48)
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_DRAIN_INTERVAL=0)
    result = run_cycle(store, settings)
    assert (result.reason, client.llen(INGEST)) == ("rate_limited", 0)
    assert result.next_cycle


def test_auto_uses_what_steady_traffic_leaves_of_the_forwarders_window(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_BATCH_SIZE=1000)
    fill(client, DLQ, [event(n) for n in range(1000)])
    steady = Pace(traffic=LiveTraffic(20, 0.1, 500, now_of(store) - 0.5))
    fields: Any = encoded(steady)
    client.hset("mutt:remediation:pace", mapping=fields)
    limiter_holds(client, store, 20)
    run_cycle(store, settings)
    # All that goes within a second, before any of it reaches the limiter, fits into its window.
    assert 3 <= int(client.llen(INGEST)) <= 29


@pytest.mark.parametrize("rate", ["auto", 5])
def test_where_live_alerts_alone_fill_the_limiter_nothing_goes_and_it_says_what_would_do(
    client: redis.Redis, store: Store, rate: str
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE=rate)
    fill(client, DLQ, [event(n) for n in range(20)])
    heavy = Pace(traffic=LiveTraffic(45, 45, 50, now_of(store) - 0.5))
    fields: Any = encoded(heavy)
    client.hset("mutt:remediation:pace", mapping=fields)
    limiter_holds(client, store, 45)
    result = run_cycle(store, settings)

    assert (result.reason, client.llen(INGEST)) == ("no_room", 0)
    assert 58 <= packed_cycle(result)["limit_needed"] <= 63
    assert result.next_cycle


def test_a_set_rate_is_bounded_by_the_forwarders_window_too_and_none_is_not(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(20)])
    limiter_holds(client, store, 50)
    settings = settings_of(REMEDIATION_MAX_RATE=500, REMEDIATION_DRAIN_INTERVAL=0)
    assert run_cycle(store, settings).reason == "rate_limited"
    client.delete("mutt:remediation:lease")
    run_cycle(store, settings_of(REMEDIATION_MAX_RATE=0))
    assert client.llen(INGEST) == 10


def test_what_is_learnt_of_live_traffic_is_kept_through_cycles_that_are_held(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto")
    fill(client, DLQ, [event(1)])
    limiter_holds(client, store, 50)
    result = run_cycle(store, settings)
    for _ in range(3):
        limiter_holds(client, store, 50)
        result = run_cycle(store, settings, result.next_cycle)
    found: Any = client.hget("mutt:remediation:pace", "pace")
    assert decoded(Pace, found).traffic.samples >= 3


def test_a_batch_is_spread_over_the_second_and_journalled_once(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [b"garbage", *(event(n) for n in range(100))])
    moments: list[float] = []
    observe(store, commits=lambda: moments.append(now_of(store)))
    run_cycle(store, settings_of(REMEDIATION_MAX_RATE=20, REMEDIATION_BATCH_SIZE=50))
    assert len(moments) > 5
    assert moments[-1] - moments[0] > 0.5
    (entry,) = journal(client, "moved")
    assert int(entry["replayed"]) == client.llen(INGEST) == counters(client)["replayed:alerter"]
    assert entry["malformed"] == "1"


def test_replays_that_nobody_has_taken_yet_are_not_said_to_be_dropped(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto")
    fill(client, DLQ, [event(n) for n in range(40)])
    first = run_cycle(store, settings)
    assert client.llen(INGEST) == UNSEEN_REPLAYS
    held = run_cycle(store, settings, first.next_cycle)
    assert (held.reason, first.dropped, held.dropped) == ("not_taken", 0, 0)

    client.delete(INGEST)  # now somebody has, and there is no limiter
    let_pass(store, 2)
    gone = run_cycle(store, settings, held.next_cycle)
    assert gone.dropped == UNSEEN_REPLAYS


def test_between_two_batches_of_a_drain_lies_no_longer_time_than_between_two_slices(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(100)])
    settings = settings_of(REMEDIATION_MAX_RATE=10)
    canary = run_cycle(store, settings)
    client.delete(INGEST)

    batch = run_cycle(store, settings, canary.next_cycle)
    assert (batch.outcome, batch.routes["alerter"].limit) == ("replayed", "rate_limited")
    assert batch.delay < SLICE + 0.001


@pytest.mark.parametrize("closes", ["pause", "breaker"])
def test_a_gate_that_closes_in_the_middle_of_a_batch_stops_it(
    client: redis.Redis, store: Store, closes: str
) -> None:
    fill(client, DLQ, [event(n) for n in range(100)])
    settings = settings_of(REMEDIATION_MAX_RATE=20, REMEDIATION_BATCH_SIZE=50)
    cycle = new_id()
    assert begin(store, settings, cycle) is None

    def close_the_gate(seconds: float) -> None:
        let_pass(store, seconds)
        if closes == "pause":
            operator_pauses(store, 60)
        else:
            client.set("mutt:circuit_breaker:moogsoft:state", "OPEN")

    replay(store, settings, cycle, wait=close_the_gate)
    assert client.llen(INGEST) == 4  # what the first slice held: 0.2 s of 20/s


@pytest.mark.parametrize("rate", ["auto", "0", "5"])
def test_keys_of_the_pipeline_that_hold_something_else_are_as_good_as_not_there(
    client: redis.Redis, store: Store, rate: str
) -> None:
    client.set(LIMITER, "x")
    client.hset("mutt:circuit_breaker:moogsoft:state", "state", "OPEN")
    fill(client, DLQ, [event(n) for n in range(3)])
    assert store.pipeline.breaker() == Marks()
    run_cycle(store, settings_of(REMEDIATION_MAX_RATE=rate))
    assert numbers_in(client, INGEST) == [0, 1, 2]


def test_a_drain_that_is_held_waits_however_short_its_interval(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(INGEST, *range(1000))
    fill(client, DLQ, [event(1)])
    result = run_cycle(store, settings_of(REMEDIATION_DRAIN_INTERVAL=0))
    assert (result.reason, result.delay) == ("backpressure", 0.5)


def test_while_nobody_takes_anything_a_drain_looks_later_and_later_and_at_once_when_they_do(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of()
    client.lpush(INGEST, *range(1000))
    fill(client, DLQ, [event(1)])
    result = run_cycle(store, settings)
    delays: list[float] = []
    while len(delays) < 20:
        result = run_cycle(store, settings, result.next_cycle)
        delays.append(result.delay)
        assert result.reason == "backpressure"
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.5, 15.0)

    client.ltrim(INGEST, 0, 9)
    result = run_cycle(store, settings, result.next_cycle)
    assert result.outcome == "replayed"
    client.lpush(INGEST, *range(1000))
    fill(client, DLQ, [event(2)])
    result = run_cycle(store, settings, result.next_cycle)
    assert (result.reason, result.delay) == ("backpressure", 0.5)


# --- state that cannot be read ---


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "7", '{"window": -5}', '{"window": 1e999}', '{"cohorts": [[1]]}', "\xff"),
        '{"spans": "x", "depth": "y", "is_canary": 1, "closed_until": 1e14, "tripped_at": 1e14}',
        '{"live": NaN, "tokens": -1e14, "sent": [[1, 2, 3]], "sampled_at": 9e14, "seen_at": "z"}',
    ],
)
def test_a_damaged_state_costs_pace_and_no_message(
    client: redis.Redis, store: Store, text: str
) -> None:
    client.hset("mutt:remediation:route:alerter", "flow", text)
    client.hset("mutt:remediation:pace", "pace", text)
    fill(client, DLQ, [event(n) for n in range(3)])
    result = run_cycle(store, settings_of(REMEDIATION_MAX_RATE="auto"))
    for _ in range(30):
        if client.llen(INGEST) == 3 or not result.next_cycle:
            break
        result = run_cycle(store, settings_of(REMEDIATION_MAX_RATE="auto"), result.next_cycle)
    assert numbers_in(client, INGEST) == [0, 1, 2]


def test_the_state_that_a_commit_wrote_is_the_one_that_is_read(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    run_cycle(store, settings_of())
    found = flow_of(client)
    assert (found.window.size, found.in_flight.batch, found.depth) == (10, 10, 20)
    assert found.in_flight.cohorts[0][1] == 10
    assert replace(found, window=Window()) != Flow()


@pytest.mark.parametrize("skew", [-0.5, 0.5])
def test_a_forwarders_clock_may_be_ahead_or_behind(skew: float) -> None:
    pace = Pace(clock=ForwarderClock(skew=skew))
    assert decoded(Pace, encoded(pace)["pace"]) == pace


# --- the consumers' own limits, and whether they are what they are believed to be ---


def drained_by(
    client: redis.Redis, store: Store, settings: Any, seconds: float, forwarder: "Forwarder"
) -> CycleResult:
    """Cycles for a while, beside a forwarder that works after each slice."""
    until = now_of(store) + seconds
    result = run_cycle(store, settings, wait=forwarder.work)
    while result.next_cycle and now_of(store) < until:
        result = run_cycle(store, settings, result.next_cycle, wait=forwarder.work)
    return result


class Forwarder:
    """Takes every alert at once, as MUTT's does: what meets its full window is gone.

    The alerter before it passes on whatever it gets. `limit` alerts a second may pass; `live`
    alerts come evenly in a second.
    """

    def __init__(self, client: redis.Redis, store: Store, limit: int, live: float = 0.0) -> None:
        self._client, self._store = client, store
        self.limit, self._live = limit, live
        self.key = LIMITER
        self.delivered = self.dropped_replays = self.dropped_live = 0
        self._window: list[float] = []
        self._owed = 0.0

    def work(self, seconds: float) -> None:
        """Let time pass, and take what lies in the queues, at least once a second."""
        while seconds > 1:
            self._work(1.0)
            seconds -= 1
        self._work(seconds)

    def _work(self, seconds: float) -> None:
        let_pass(self._store, seconds)
        now = now_of(self._store)
        self._owed += self._live * seconds
        while self._owed >= 1:
            self._owed -= 1
            self.dropped_live += not self._admits(now)
        for name in (INGEST, ALERTS):
            taken: Any = self._client.lpop(name, 10_000) or []
            for _ in taken:
                is_taken = self._admits(now)
                self.delivered += is_taken
                self.dropped_replays += not is_taken

    def _admits(self, now: float) -> bool:
        self._window = [moment for moment in self._window if moment > now - 1]
        if len(self._window) >= self.limit:
            return False
        self._window.append(now)
        self._client.zadd(self.key, {f"{now}-{self.delivered}-{len(self._window)}": now * 1000})
        return True


@pytest.mark.parametrize("route", ["alerter", "moog"])
def test_a_limiter_that_is_switched_off_at_run_time_is_no_limiter_that_drops(
    client: redis.Redis, store: Store, route: str
) -> None:
    """MUTT's script then deletes its own set at once, so that nothing is ever seen there."""
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES=route)
    client.set("mutt:config:moog_rate_period", "0")
    fill(client, DLQ if route == "alerter" else MOOG_DLQ, [event(n) for n in range(100)])
    forwarder = Forwarder(client, store, limit=10**9)
    forwarder.key = "no limiter"

    drained_by(client, store, settings, 15, forwarder)

    assert forwarder.delivered == 100
    assert metric(store, "drops_total") == 0


def test_without_drains_a_batch_looks_on_until_its_last_replay_must_have_arrived(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(
        REMEDIATION_MAX_RATE="auto",
        REMEDIATION_ROUTES="moog",
        REMEDIATION_DRAIN="false",
        REMEDIATION_BATCH_SIZE=1000,
    )
    fill(client, MOOG_DLQ, [event(n) for n in range(400)])
    forwarder = Forwarder(client, store, limit=50)
    run_cycle(store, settings, wait=forwarder.work)  # the limiter is known
    sent_at: list[float] = []
    observe(store, commits=lambda: sent_at.append(now_of(store)))

    run_cycle(store, settings, wait=forwarder.work)

    assert now_of(store) - sent_at[-1] >= 1.0


@pytest.mark.parametrize("dynamic", ["true", "false"])
@pytest.mark.parametrize("route", ["alerter", "moog"])
def test_a_limit_that_is_lowered_in_the_middle_of_a_drain_is_kept_at_once(
    client: redis.Redis, store: Store, dynamic: str, route: str
) -> None:
    settings = settings_of(
        REMEDIATION_MAX_RATE="auto",
        REMEDIATION_ROUTES="alerter,moog",
        DYNAMIC_CONFIG_ENABLED=dynamic,
    )
    fill(client, DLQ if route == "alerter" else MOOG_DLQ, [event(n) for n in range(400)])
    forwarder = Forwarder(client, store, limit=50)
    drained_by(client, store, settings, 6, forwarder)
    assert forwarder.delivered > 60
    client.set("mutt:config:moog_rate_limit", "5")
    forwarder.limit = 5
    client.delete("mutt:remediation:lease")
    before = forwarder.delivered
    drained_by(client, store, settings, 60, forwarder)

    assert forwarder.dropped_replays <= 5  # what was on its way
    assert forwarder.delivered - before > 30


@pytest.mark.parametrize("route", ["alerter", "moog"])
def test_a_limit_that_is_smaller_than_any_setting_says_is_found_and_kept(
    client: redis.Redis, store: Store, route: str
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="alerter,moog")
    fill(client, DLQ if route == "alerter" else MOOG_DLQ, [event(n) for n in range(400)])
    forwarder = Forwarder(client, store, limit=10, live=2)
    result = drained_by(client, store, settings, 20, forwarder)

    assert counters(client)["drops"] >= 1
    assert metric(store, "limiter_alerts") <= 9
    lost = forwarder.dropped_replays
    assert lost < 100
    before = forwarder.delivered
    client.delete("mutt:remediation:lease")
    result = drained_by(client, store, settings, 60, forwarder)
    assert result.routes[route].reason != "window"
    assert forwarder.dropped_replays - lost <= 2
    assert forwarder.delivered - before > 60


def test_a_limiter_under_another_key_holds_the_forwarders_route_and_says_dropping(
    client: redis.Redis, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog")
    fill(client, MOOG_DLQ, [event(n) for n in range(100)])
    forwarder = Forwarder(client, store, limit=50)
    forwarder.key = "another:limiter"
    result = drained_by(client, store, settings, 8, forwarder)

    assert result.reason == "dropping"
    assert metric(store, "dropping") == 1
    assert forwarder.delivered <= 12
    log_cycle(replace(result, dropped=7))
    assert [record.levelname for record in caplog.records if "dropping" in record.message] == [
        "WARNING"
    ]


def test_while_nobody_takes_the_first_canary_nothing_follows_it(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto")
    fill(client, DLQ, [event(n) for n in range(400)])
    result = run_cycle(store, settings)
    for _ in range(60):
        result = run_cycle(store, settings, result.next_cycle)

    assert (result.reason, client.llen(INGEST)) == ("not_taken", 10)
    forwarder = Forwarder(client, store, limit=50, live=5)
    drained_by(client, store, settings, 0, forwarder)
    client.delete("mutt:remediation:lease")
    drained_by(client, store, settings, 30, forwarder)
    assert forwarder.dropped_replays == 0
    assert forwarder.delivered > 200


def test_a_queue_that_stands_before_a_forwarder_that_sleeps_is_named(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto")
    fill(client, DLQ, [event(n) for n in range(400)])
    limiter_holds(client, store, 20)
    run_cycle(store, settings)
    client.delete(INGEST, LIMITER, "mutt:remediation:lease")
    client.lpush(ALERTS, *(b'{"live": %d}' % n for n in range(30)))
    result = run_cycle(store, settings)

    assert (result.reason, client.llen(INGEST)) == ("queue_standing", 0)
    assert result.next_cycle  # the drain goes on: the queue will be gone in a moment


@pytest.mark.parametrize("threshold", [5, 20])
def test_replays_never_fill_the_alert_queue_up_to_a_lowered_shed_threshold(
    client: redis.Redis, store: Store, threshold: int
) -> None:
    client.set("mutt:config:alerter_queue_shed_threshold", str(threshold))
    fill(client, MOOG_DLQ, [event(n) for n in range(100)])
    settings = settings_of(REMEDIATION_ROUTES="moog", REMEDIATION_BATCH_SIZE=50)
    result = run_cycle(store, settings)
    for _ in range(5):
        result = run_cycle(store, settings, result.next_cycle)

    assert client.llen(ALERTS) == threshold // 2
    assert result.reason == "backpressure"


# --- alerts that fail alone ---


def alert(number: int, failures: int = 6) -> bytes:
    """An alert as the forwarder gives it up."""
    fields = {"hostname": "h", "message_body": "up", "number": number, "api_key": "k"}
    return json.dumps(fields | {"raw_json": {}, "_moog_retry_count": failures}).encode()


def beside(client: redis.Redis, store: Store, live: int, cycles: int, **env: object) -> Any:
    """Cycles on the forwarder's route, while so many live alerts a second pass."""
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog", **env)
    result = None
    for _ in range(cycles):
        limiter_holds(client, store, live)
        result = run_cycle(store, settings, result.next_cycle if result else "")
        client.set("mutt:circuit_breaker:moogsoft:failures", "0")
    return result


def test_alerts_that_failed_while_others_passed_wait_for_quiet_traffic_and_say_so(
    client: redis.Redis, store: Store
) -> None:
    fill(client, MOOG_DLQ, [alert(1), alert(2)])
    result = beside(client, store, live=15, cycles=20)

    assert (result.reason, result.routes["moog"].suspects) == ("suspect", 2)
    assert client.llen(ALERTS) == 0
    assert metric(store, "suspects", route="moog") == 2
    client.delete("mutt:remediation:lease")
    beside(client, store, live=0, cycles=1)
    let_pass(store, 120)
    client.delete("mutt:remediation:lease")
    beside(client, store, live=0, cycles=20)
    assert numbers_in(client, ALERTS) == [1]  # one at a time


def test_a_suspect_that_waited_too_long_is_set_aside_with_its_reason(
    client: redis.Redis, store: Store
) -> None:
    fill(client, MOOG_DLQ, [alert(1)])
    beside(client, store, live=15, cycles=5, REMEDIATION_SUSPECT_WAIT=600)
    let_pass(store, 500)
    client.delete("mutt:remediation:lease")
    beside(client, store, live=15, cycles=1, REMEDIATION_SUSPECT_WAIT=600)
    assert client.llen(DEAD) == 0
    let_pass(store, 101)
    client.delete("mutt:remediation:lease")
    beside(client, store, live=15, cycles=1, REMEDIATION_SUSPECT_WAIT=600)

    (dead,) = lying_in(client, DEAD)
    assert header_of(dead)["reason"] == "suspect"
    assert counters(client)["suspect:moog"] == 1
    assert metric(store, "replay_fail_total", reason="suspect") == 1


def test_others_go_past_a_suspect_that_waits(client: redis.Redis, store: Store) -> None:
    fill(client, MOOG_DLQ, [alert(1), alert(2, failures=0), alert(3), alert(4, failures=0)])
    beside(client, store, live=15, cycles=20)

    assert numbers_in(client, ALERTS) == [2, 4]
    assert numbers_in(client, MOOG_DLQ) == [1, 3]


def test_what_failed_in_an_outage_is_no_suspect(client: redis.Redis, store: Store) -> None:
    settings = settings_of(
        REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog", REMEDIATION_SHELTER="false"
    )
    fill(client, MOOG_DLQ, [alert(n) for n in range(5)])
    result = run_cycle(store, settings, healthy=False)
    let_pass(store, 30)
    fill(client, MOOG_DLQ, [alert(5)])
    for _ in range(20):
        limiter_holds(client, store, 15)
        result = run_cycle(store, settings, result.next_cycle)
        consume(client, store)

    assert numbers_in(client, "taken:" + ALERTS) == [0, 1, 2, 3, 4, 5]
