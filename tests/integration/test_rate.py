"""How fast replays go on a real server, and what interrupts a batch."""

from typing import Any

import pytest
import redis

from mutt_tasks.core.breaker import Marks
from mutt_tasks.core.live_traffic import LiveTraffic
from mutt_tasks.core.pace import UNSEEN_REPLAYS, Pace
from mutt_tasks.cycle import SLICE
from mutt_tasks.replay.report import packed_cycle
from mutt_tasks.store.states import decoded, encoded
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.flowing import limiter_holds
from tests.pipeline import (
    DLQ,
    INGEST,
    LIMITER,
    begin,
    counters,
    event,
    fill,
    journal,
    let_pass,
    now_of,
    numbers_in,
    observe,
    operator_pauses,
    replay,
    run_cycle,
    settings_of,
)


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
