"""Alerts that failed while others passed, on a real server: they wait for quiet traffic."""

from typing import Any

import redis

from mutt_tasks.store.store import Store
from tests.flowing import alert, limiter_holds, metric
from tests.pipeline import (
    ALERTS,
    DEAD,
    MOOG_DLQ,
    consume,
    counters,
    fill,
    header_of,
    let_pass,
    lying_in,
    numbers_in,
    run_cycle,
    settings_of,
)


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
