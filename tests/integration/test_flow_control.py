"""Flow control on a real server: outages, poison, and what is remembered of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis

from mutt_tasks.core.flow import Flow
from mutt_tasks.core.limiter import ForwarderClock
from mutt_tasks.core.pace import Pace
from mutt_tasks.core.window import Window
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.store.states import decoded, encoded
from mutt_tasks.store.store import Store
from tests.flowing import bounce, flow_of, metric
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    LIMITER,
    counters,
    event,
    fill,
    header_of,
    journal,
    let_pass,
    lying_in,
    numbers_in,
    run_cycle,
    settings_of,
)


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
