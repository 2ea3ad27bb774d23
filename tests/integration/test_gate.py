"""When nothing may be replayed, nothing is, and the first reason is named."""

from collections.abc import Callable

import pytest
import redis

from mutt_tasks.checking import LONGEST_LOOK
from mutt_tasks.runtime_settings import in_force
from mutt_tasks.store.store import Store
from tests.pipeline import (
    ALERTS,
    DLQ,
    INGEST,
    begin,
    consume,
    counters,
    drain,
    event,
    fill,
    journal,
    let_pass,
    now_of,
    numbers_in,
    operator_pauses,
    replay,
    run_cycle,
    settings_of,
    stop_clock,
)


def _nothing(client: redis.Redis) -> None:
    pass


def _pause(client: redis.Redis) -> None:
    operator_pauses(Store(client), 600)


def _fill_target(client: redis.Redis) -> None:
    client.lpush(INGEST, *range(1000))


def _fill_alerts(client: redis.Redis) -> None:
    client.lpush(ALERTS, *range(1000))


@pytest.mark.parametrize(
    ("env", "prepare", "healthy", "reason"),
    [
        ({"REMEDIATION_ENABLED": "false"}, _pause, False, "disabled"),
        ({}, _pause, False, "paused"),
        ({}, _fill_target, False, "unhealthy"),
        ({}, _fill_target, True, "backpressure"),
        ({}, _fill_alerts, True, "backpressure"),
    ],
)
def test_a_closed_gate_moves_nothing_and_names_the_first_reason(
    client: redis.Redis,
    store: Store,
    env: dict[str, str],
    prepare: Callable[[redis.Redis], None],
    healthy: bool,
    reason: str,
) -> None:
    fill(client, DLQ, [b"garbage", event(1)])
    prepare(client)
    before = client.llen(INGEST)
    result = run_cycle(store, settings_of(**env), healthy=healthy)
    assert (result.outcome, result.reason) == ("held", reason)
    assert (client.llen(DLQ), client.llen(INGEST)) == (2, before)
    assert counters(client)[f"cycles:alerter:held:{reason}"] == 1
    assert journal(client, "cycle")[-1]["reason"] == reason
    assert not client.exists("mutt:remediation:lease") or result.next_cycle


def test_an_empty_queue_is_held_as_empty_and_ends_the_drain(
    client: redis.Redis, store: Store
) -> None:
    result = run_cycle(store, settings_of())
    assert (result.reason, result.next_cycle) == ("empty", "")
    assert not client.exists("mutt:remediation:lease")


def test_a_batch_never_lifts_the_target_above_its_high_water_mark(
    client: redis.Redis, store: Store
) -> None:
    fill(client, INGEST, [event(n) for n in range(95)])
    fill(client, DLQ, [event(n) for n in range(50)])
    run_cycle(store, settings_of(REMEDIATION_HIGH_WATER=100, REMEDIATION_BATCH_SIZE=50))
    assert client.llen(INGEST) == 100


def test_the_rate_bounds_replays_over_time_and_dead_letters_cost_nothing(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [b"garbage"] * 3 + [event(n) for n in range(100)])
    settings = settings_of(
        REMEDIATION_MAX_RATE=20, REMEDIATION_BATCH_SIZE=50, REMEDIATION_DRAIN="false"
    )
    started = now_of(store)
    first = run_cycle(store, settings)
    assert first.routes["alerter"].moved.quarantined["malformed"] == 3
    assert first.routes["alerter"].limit == "rate_limited"
    looks = 1
    while counters(client)["replayed:alerter"] < 60:
        client.delete(INGEST)
        run_cycle(store, settings)
        looks += 1
    took = now_of(store) - started
    # The canary, and a second in which its way is watched, come first; a second behind each batch
    # its last replays are looked for.
    assert 20 * (took - 3 - looks) <= counters(client)["replayed:alerter"] <= 20 * took + 5


@pytest.mark.parametrize("rate", [0.5, 0.9, 1, 3])
def test_any_rate_lets_a_message_through_at_once(
    client: redis.Redis, store: Store, rate: float
) -> None:
    fill(client, DLQ, [event(n) for n in range(10)])
    stop_clock(store, now_of(store))  # only waits let time pass, and none of it is the machine's
    run_cycle(store, settings_of(REMEDIATION_MAX_RATE=rate))
    assert client.llen(INGEST) == max(1, int(rate))


def test_routes_take_turns_when_the_rate_is_not_enough_for_both(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(500)])
    fill(client, "mutt:dlq:moog", [event(n) for n in range(5)])
    settings = settings_of(
        REMEDIATION_ROUTES="alerter,moog", REMEDIATION_MAX_RATE=10, REMEDIATION_DRAIN="false"
    )
    for _ in range(8):
        run_cycle(store, settings)
        consume(client, store)
        let_pass(store, 1)
    assert numbers_in(client, "taken:" + ALERTS) == list(range(5))
    assert 30 <= int(client.llen("taken:" + INGEST)) <= 80


def test_the_cycles_id_says_which_route_is_the_first(store: Store) -> None:
    settings = settings_of(REMEDIATION_ROUTES="alerter,moog")
    first = []
    for digit in "01":
        cycle = "0" * 7 + digit + "f" * 24
        assert begin(store, settings, cycle) is None
        result = replay(store, settings, cycle)
        assert result is not None
        first.append(next(iter(result.routes)))
    assert first == ["alerter", "moog"]


def test_a_drain_goes_on_while_there_is_work_and_ends_by_itself(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(35)])
    results = drain(store, settings_of())
    assert [r.routes["alerter"].moved.replayed for r in results] == [10, 10, 10, 5, 0]
    assert [r.reason for r in results] == ["", "", "", "", "empty"]
    assert numbers_in(client, INGEST) == list(range(35))


def test_without_drain_a_tick_is_exactly_one_batch(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(35)])
    result = run_cycle(store, settings_of(REMEDIATION_DRAIN="false"))
    assert result.next_cycle == ""
    assert client.llen(INGEST) == 10


def test_a_drain_waits_out_a_full_target(client: redis.Redis, store: Store) -> None:
    settings = settings_of(REMEDIATION_HIGH_WATER=10)
    fill(client, DLQ, [event(n) for n in range(15)])
    first = run_cycle(store, settings)
    held = run_cycle(store, settings, first.next_cycle)
    assert (held.reason, bool(held.next_cycle)) == ("backpressure", True)
    client.delete(INGEST)
    last = run_cycle(store, settings, held.next_cycle)
    assert last.routes["alerter"].moved.replayed == 5
    assert run_cycle(store, settings, last.next_cycle).next_cycle == ""


def test_runtime_configuration_overrides_at_once_and_bad_values_are_named(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(DYNAMIC_CONFIG_ENABLED="true")
    client.set("mutt:config:remediation_batch_size", "3")
    client.set("mutt:config:max_poison_retries", "many")
    client.set("mutt:config:remediation_enabled", "off")
    found, problems = in_force(store, settings)
    pace = found.pace
    assert (pace.batch_size, pace.max_poison_retries, pace.enabled) == (3, 3, False)
    assert problems == (
        "mutt:config:max_poison_retries: got 'many', accepts a whole number from 1 to 1000;"
        " ignored",
    )


def test_both_routes_are_served_in_one_cycle(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    fill(client, "mutt:dlq:moog", [event(2)])
    result = run_cycle(store, settings_of(REMEDIATION_ROUTES="alerter,moog"))
    assert (numbers_in(client, INGEST), numbers_in(client, ALERTS)) == ([1], [2])
    assert {name: r.outcome for name, r in result.routes.items()} == {
        "alerter": "replayed",
        "moog": "replayed",
    }


# --- while Moogsoft is down ---

BREAKER = "mutt:circuit_breaker:moogsoft:"


def test_a_drain_stays_while_moogsoft_is_down_and_messages_wait(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    held = run_cycle(store, settings_of(), healthy=False)
    assert (held.reason, bool(held.next_cycle), held.delay) == ("unhealthy", True, LONGEST_LOOK)
    again = run_cycle(store, settings_of(), held.next_cycle, healthy=False)
    assert again.next_cycle
    replayed = run_cycle(store, settings_of(), again.next_cycle)
    assert (replayed.outcome, numbers_in(client, INGEST)) == ("replayed", [1])


@pytest.mark.parametrize("what", ["emptied", "paused", "disabled", "no drains"])
def test_nobody_waits_for_moogsoft_without_reason(
    client: redis.Redis, store: Store, what: str
) -> None:
    fill(client, DLQ, [event(1)])
    held = run_cycle(store, settings_of(), healthy=False)
    env = {
        "disabled": {"REMEDIATION_ENABLED": "false"},
        "no drains": {"REMEDIATION_DRAIN": "false"},
    }.get(what, {})
    if what == "emptied":
        client.delete(DLQ)
    if what == "paused":
        _pause(client)
    last = run_cycle(store, settings_of(**env), held.next_cycle, healthy=False)
    assert last.next_cycle == ""
    assert not client.exists("mutt:remediation:lease", "mutt:remediation:drain")


def test_a_cycle_that_the_breaker_holds_says_so_everywhere(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    client.mset({BREAKER + "state": "OPEN", BREAKER + "open_time": now_of(store)})
    result = run_cycle(store, settings_of())  # the probe has just found Moogsoft healthy
    assert (result.reason, result.health) == ("breaker_open", "breaker_open")
    assert result.routes["alerter"].reason == "breaker_open"
    assert counters(client)["cycles:alerter:held:breaker_open"] == 1
    entry = journal(client, "cycle")[-1]
    assert (entry["reason"], entry["health"]) == ("breaker_open", "breaker_open")
    assert client.llen(DLQ) == 1


@pytest.mark.parametrize(
    ("keys", "is_open"),
    [
        ({BREAKER + "state": "OPEN", BREAKER + "open_time": "1"}, False),
        ({BREAKER + "state": "HALF_OPEN"}, False),
        ({BREAKER + "state": "OPEN"}, True),
        ({BREAKER + "state": "OPEN", BREAKER + "open_time": "soon"}, True),
        ({"mutt:circuit:moog:open": "1"}, True),
    ],
)
def test_each_slice_takes_the_breaker_for_what_the_check_takes_it_for(
    client: redis.Redis, store: Store, keys: dict[str, str], is_open: bool
) -> None:
    fill(client, DLQ, [event(1)])
    client.mset(keys)
    assert run_cycle(store, settings_of()).reason == ("breaker_open" if is_open else "")
    assert client.llen(INGEST) == int(not is_open)


def test_a_slice_counts_an_open_breaker_without_a_date_from_its_first_sight(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    client.set(BREAKER + "state", "OPEN")
    client.hset("mutt:remediation:health", "breaker_seen_at", now_of(store) - 301)
    run_cycle(store, settings_of())
    assert numbers_in(client, INGEST) == [1]
