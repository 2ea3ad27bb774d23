"""What stands before a forwarder that cannot deliver is moved aside, whole, in order and once."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from mutt_tasks import cycle as steps
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.pace import Pace
from mutt_tasks.replay.guard import LONGEST_WATCH, LOOK_SECONDS, look_on, wants_cycle
from mutt_tasks.settings import Settings
from mutt_tasks.store.lease import RENEW_SECONDS
from mutt_tasks.store.states import decoded
from mutt_tasks.store.store import Store
from tests.pipeline import (
    ALERTS,
    LIMITER,
    MOOG_DLQ,
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
    run_cycle,
    settings_of,
    stop_clock,
    surroundings_of,
)

BREAKER = "mutt:circuit_breaker:moogsoft:"
LEASE = "mutt:remediation:lease"
KEPT = 10  # a fifth of the limiter's 50


def guarded(**env: object) -> Settings:
    return settings_of(
        **{"REMEDIATION_MAX_RATE": "auto", "REMEDIATION_ROUTES": "alerter,moog"} | env
    )


def alert(number: int, **fields: Any) -> bytes:
    return event(number, _retry_count=0, api_key="s3cret", **fields)


def breaker_opens(client: redis.Redis, store: Store) -> None:
    client.mset({BREAKER + "state": "OPEN", BREAKER + "open_time": now_of(store)})


def limiter_took(client: redis.Redis, store: Store, alerts: int, ago: float = 0.0) -> None:
    moment = (now_of(store) - ago) * 1000
    client.zadd(LIMITER, {f"{moment}-{n}": moment for n in range(alerts)})


def test_while_the_breaker_is_open_all_but_the_oldest_are_moved_aside_in_order(
    client: redis.Redis, store: Store
) -> None:
    fill(client, ALERTS, [alert(n) for n in range(400)])
    fill(client, MOOG_DLQ, [alert(n, _moog_retry_count=6) for n in (1001, 1002)])
    breaker_opens(client, store)

    result = run_cycle(store, guarded(), healthy=False)

    assert numbers_in(client, ALERTS) == list(range(KEPT))
    assert numbers_in(client, MOOG_DLQ) == [1001, 1002, *range(KEPT, 400)]
    assert [result.routes[name].sheltered for name in ("alerter", "moog")] == [0, 390]
    assert counters(client)["sheltered:moog"] == 390
    (entry,) = journal(client, "sheltered")
    assert (entry["sheltered"], entry["route"]) == ("390", "moog")
    assert result.next_cycle


def test_every_byte_but_the_header_stays(client: redis.Redis, store: Store) -> None:
    odd = b'{"a": 1e400,\t"hostname":"h","big":12345678901234567890123,"a":2, "x":"\\u0000"}'
    fill(client, ALERTS, [*(alert(n) for n in range(KEPT)), odd, b"garbage", b"[1,2]", b""])
    breaker_opens(client, store)

    run_cycle(store, guarded(), healthy=False)

    moved, *others = lying_in(client, MOOG_DLQ)
    assert moved.startswith(odd[:-1])
    assert header_of_bytes(moved)["lane"] == "sheltered"
    assert others == [b"garbage", b"[1,2]", b""]


def header_of_bytes(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw)["_remediation"]
    return found


def test_they_come_back_as_if_they_had_never_failed(client: redis.Redis, store: Store) -> None:
    fill(client, ALERTS, [alert(n) for n in range(KEPT + 5)])
    breaker_opens(client, store)
    settings = guarded()
    run_cycle(store, settings, healthy=False)
    client.delete(ALERTS, LEASE, BREAKER + "state")
    limiter_took(client, store, 1)

    result = run_cycle(store, settings)
    for _ in range(10):
        consume(client, store)
        result = run_cycle(store, settings, result.next_cycle)

    back = lying_in(client, "taken:" + ALERTS)
    assert [json.loads(each)["number"] for each in back] == list(range(KEPT, KEPT + 5))
    header = header_of(back[0])
    assert (header["replays"], header["forgiven"], "lane" in header) == (1, 1, False)
    assert counters(client).get("bounced:moog", 0) == 0


def test_a_replay_that_is_moved_aside_untried_is_undone(client: redis.Redis, store: Store) -> None:
    stamp = {"replays": 3, "forgiven": 1, "last_at": "2026-11-26T00:00:00.000Z", "route": "moog"}
    tried = alert(2, _remediation=stamp, _moog_retry_count=2)
    fill(client, ALERTS, [*(alert(n) for n in range(100, 100 + KEPT))])
    fill(client, ALERTS, [alert(1, _remediation=stamp, _moog_retry_count=0), tried])
    breaker_opens(client, store)

    run_cycle(store, guarded(), healthy=False)

    untried, kept = (header_of(each) for each in lying_in(client, MOOG_DLQ))
    assert (untried["replays"], untried["forgiven"]) == (2, 1)
    assert (kept["replays"], kept["forgiven"]) == (3, 1)


def test_replays_that_are_moved_aside_are_not_expected_at_the_limiter_any_more(
    client: redis.Redis, store: Store
) -> None:
    """They reach no limiter; to wait for them there would be to find that it drops."""
    settings = guarded(MOOG_RATE_PERIOD=60, REMEDIATION_BATCH_SIZE=20)
    stop_clock(store, now_of(store))
    limiter_took(client, store, 20, ago=30)
    fill(client, MOOG_DLQ, [alert(n) for n in range(20)])
    sent = run_cycle(store, settings)
    replayed = int(client.llen(ALERTS))
    assert replayed > 0
    assert pace_of(client).sends.total == under_way(client) == replayed
    client.rpush(ALERTS, *(alert(n) for n in range(100, 100 + KEPT)))  # those are older
    breaker_opens(client, store)

    held = run_cycle(store, settings, sent.next_cycle, healthy=False)

    assert all(number >= 100 for number in numbers_in(client, ALERTS))
    assert pace_of(client).sends.total == under_way(client) == 0
    for _ in range(3):
        held = run_cycle(store, settings, held.next_cycle, healthy=False)
    assert counters(client).get("drops", 0) == 0


def under_way(client: redis.Redis) -> int:
    """How many replays of the forwarder's route have yet to land or to come back."""
    found: Any = client.hget("mutt:remediation:route:moog", "flow")
    in_flight = decoded(Flow, found).in_flight
    return round(sum(number for _, number in in_flight.cohorts) - in_flight.owed)


def pace_of(client: redis.Redis) -> Pace:
    found: Any = client.hget("mutt:remediation:pace", "pace")
    return decoded(Pace, found)


def test_a_forwarder_that_sleeps_is_seen_by_what_it_takes(
    client: redis.Redis, store: Store
) -> None:
    settings = guarded()
    limiter_took(client, store, 20, ago=0.1)
    run_cycle(store, settings)  # the limiter is known
    client.delete(LIMITER, LEASE)
    limiter_took(client, store, 1, ago=0.1)
    fill(client, ALERTS, [alert(n) for n in range(100)])

    run_cycle(store, settings)

    assert client.llen(ALERTS) <= KEPT
    assert client.llen(ALERTS) + client.llen(MOOG_DLQ) == 100


def test_where_no_limiter_was_ever_seen_a_queue_that_nobody_takes_from_is_moved_aside(
    client: redis.Redis, store: Store
) -> None:
    fill(client, ALERTS, [alert(n) for n in range(400)])

    run_cycle(store, guarded())

    assert numbers_in(client, ALERTS) == list(range(KEPT))
    assert numbers_in(client, MOOG_DLQ) == list(range(KEPT, 400))


def test_where_no_limiter_was_ever_seen_a_queue_that_somebody_takes_from_stays(
    client: redis.Redis, store: Store
) -> None:
    fill(client, ALERTS, [alert(n) for n in range(400)])
    taken: list[Any] = []

    def wait(seconds: float) -> None:
        let_pass(store, seconds)
        taken.append(client.rpop(ALERTS))

    run_cycle(store, guarded(), wait=wait)

    assert taken
    assert client.llen(ALERTS) == 400 - len(taken)
    assert client.llen(MOOG_DLQ) == 0


def test_what_a_healthy_forwarder_delivers_in_time_stays(client: redis.Redis, store: Store) -> None:
    settings = guarded()
    stop_clock(store, now_of(store))  # the machine's own slowness is not the forwarder's
    fill(client, ALERTS, [alert(n) for n in range(100)])
    limiter_took(client, store, 40, ago=0.1)

    def wait(seconds: float) -> None:
        let_pass(store, seconds)
        limiter_took(client, store, round(40 * seconds))

    run_cycle(store, settings, wait=wait)

    assert client.llen(ALERTS) == 100
    assert client.llen(MOOG_DLQ) == 0


@pytest.mark.parametrize(
    "env",
    [
        {"REMEDIATION_SHELTER": "false"},
        {"REMEDIATION_ROUTES": "alerter"},
        {"REMEDIATION_MAX_RATE": "0"},
    ],
)
def test_it_can_be_switched_off(client: redis.Redis, store: Store, env: dict[str, str]) -> None:
    fill(client, ALERTS, [alert(n) for n in range(400)])
    breaker_opens(client, store)

    run_cycle(store, guarded(**env), healthy=False)

    assert (client.llen(ALERTS), client.llen(MOOG_DLQ)) == (400, 0)


def test_a_queue_that_changes_meanwhile_is_looked_at_again_and_loses_nothing(
    client: redis.Redis, store: Store
) -> None:
    fill(client, ALERTS, [alert(n) for n in range(100)])
    breaker_opens(client, store)
    delivered: list[bytes] = []

    def the_forwarder_takes_one_and_one_comes() -> None:
        if len(delivered) < 2:
            taken: Any = client.rpop(ALERTS)
            delivered.append(taken)
            client.lpush(ALERTS, alert(200 + len(delivered)))

    observe(store, commits=the_forwarder_takes_one_and_one_comes)
    run_cycle(store, guarded(), healthy=False)

    everything = [*delivered, *lying_in(client, ALERTS), *lying_in(client, MOOG_DLQ)]
    assert sorted(json.loads(each)["number"] for each in everything) == [*range(100), 201, 202]
    assert client.llen(ALERTS) == KEPT
    assert numbers_in(client, MOOG_DLQ) == sorted(numbers_in(client, MOOG_DLQ))


def test_a_whole_queue_goes_in_steps_and_keeps_its_order(client: redis.Redis, store: Store) -> None:
    client.lpush(ALERTS, *(alert(n) for n in range(3000)))
    breaker_opens(client, store)

    run_cycle(store, guarded(), healthy=False)

    assert numbers_in(client, ALERTS) == list(range(KEPT))
    assert numbers_in(client, MOOG_DLQ) == list(range(KEPT, 3000))
    (entry,) = journal(client, "sheltered")
    assert entry["sheltered"] == str(3000 - KEPT)


def waits_for_moogsoft(client: redis.Redis, store: Store, settings: Settings) -> str:
    """A drain between two cycles while the forwarder's breaker is open; its next cycle's id."""
    breaker_opens(client, store)
    fill(client, MOOG_DLQ, [alert(1, _moog_retry_count=6)])
    client.hset(
        "mutt:remediation:health",
        mapping={
            "healthy": 0,
            "reason": "breaker_open",
            "checked_at": now_of(store),
            "usable_until": now_of(store),
            "not_before": 0,
            "failures": 0,
            "asked": "",
        },
    )
    return run_cycle(store, settings, healthy=False).next_cycle


def test_a_drain_that_waits_for_moogsoft_guards_the_queue_between_two_cycles(
    client: redis.Redis, store: Store
) -> None:
    settings = guarded()
    next_cycle = waits_for_moogsoft(client, store, settings)
    fill(client, ALERTS, [alert(n) for n in range(200)])

    lingered = steps.linger(store, settings, surroundings_of(store), next_cycle)

    assert lingered is not None
    assert lingered.next_cycle
    assert lingered.delay == 0.4  # it is looked at again soon
    assert client.get(LEASE) == lingered.next_cycle.encode()
    assert client.llen(ALERTS) == KEPT
    # The same task delivered twice finds the drain gone on.
    again = steps.linger(store, settings, surroundings_of(store), next_cycle)
    assert again == steps.Lingered()


def test_an_alert_counts_for_a_period_after_it_was_taken(client: redis.Redis, store: Store) -> None:
    """The forwarder's script removes what is as old as the period."""
    client.zadd(LIMITER, {"a": 1000, "b": 1001, "c": 1002})
    fill(client, ALERTS, [alert(1)])
    assert store.standing.read(ALERTS, LIMITER, period=1.0, now=2.001).used == 1


def test_without_a_queue_to_guard_a_drain_looks_as_seldom_as_it_may(
    client: redis.Redis, store: Store
) -> None:
    settings = guarded(REMEDIATION_SHELTER="false")
    next_cycle = waits_for_moogsoft(client, store, settings)
    lingered = steps.linger(store, settings, surroundings_of(store), next_cycle)
    assert lingered is not None
    assert lingered.delay == 10.0


def test_a_drain_that_has_something_to_do_does_not_linger(
    client: redis.Redis, store: Store
) -> None:
    settings = guarded()
    fill(client, MOOG_DLQ, [alert(n, _moog_retry_count=6) for n in range(50)])
    next_cycle = run_cycle(store, settings).next_cycle
    assert next_cycle
    assert steps.linger(store, settings, surroundings_of(store), next_cycle) is None
    assert client.get(LEASE) == next_cycle.encode()


@pytest.mark.parametrize(("shelter", "delay"), [("true", 0.4), ("false", 10.0)])
def test_while_moogsoft_is_down_a_guarded_queue_is_looked_at_soon(
    client: redis.Redis, store: Store, shelter: str, delay: float
) -> None:
    settings = guarded(REMEDIATION_SHELTER=shelter, REMEDIATION_DRAIN_INTERVAL=0)
    fill(client, MOOG_DLQ, [alert(1, _moog_retry_count=6)])
    breaker_opens(client, store)
    result = run_cycle(store, settings, healthy=False)
    assert result.next_cycle
    assert result.delay == delay


def test_who_looks_on_sees_a_queue_that_stands_and_nobody_looks_at(
    client: redis.Redis, store: Store
) -> None:
    settings = guarded()
    fill(client, ALERTS, [alert(n) for n in range(KEPT)])
    assert not wants_cycle(look_on(store, settings), settings)
    fill(client, ALERTS, [alert(n) for n in range(5)])
    assert wants_cycle(look_on(store, settings), settings)

    limiter_took(client, store, 30, ago=5.0)  # long ago: more than a period
    assert wants_cycle(look_on(store, settings), settings)
    off = guarded(REMEDIATION_ENABLED="false")
    assert not wants_cycle(look_on(store, off), off)
    limiter_took(client, store, 30, ago=0.1)
    assert not wants_cycle(look_on(store, settings), settings)  # it takes them
    client.delete(LIMITER)
    client.hset("mutt:remediation:paused", "actor", "ann")
    assert not wants_cycle(look_on(store, settings), settings)
    client.delete("mutt:remediation:paused")
    client.set(LEASE, "somebody")
    assert not wants_cycle(look_on(store, settings), settings)


def test_a_guard_that_watches_renews_its_lease(client: redis.Redis, store: Store) -> None:
    settings = guarded()
    next_cycle = waits_for_moogsoft(client, store, settings)
    lifetimes: list[int] = []

    def wait(seconds: float) -> None:
        lifetimes.append(int(client.pttl(LEASE)))
        client.persist(LEASE)  # so that only a renewal can set an end
        let_pass(store, seconds)

    assert steps.linger(store, settings, surroundings_of(store, wait), next_cycle)
    renewed = [at for at, lifetime in enumerate(lifetimes) if lifetime > 0]
    assert len(lifetimes) * LOOK_SECONDS == LONGEST_WATCH
    assert renewed == list(range(0, len(lifetimes), round(RENEW_SECONDS / LOOK_SECONDS)))


def _somebody_pauses(client: redis.Redis, store: Store) -> None:
    operator_pauses(store, 600)


def _the_breaker_closes(client: redis.Redis, store: Store) -> None:
    client.set(BREAKER + "state", "CLOSED")


@pytest.mark.parametrize("happens", [_somebody_pauses, _the_breaker_closes])
def test_a_guard_stops_watching_as_soon_as_there_is_something_else_to_do(
    client: redis.Redis, store: Store, happens: Callable[[redis.Redis, Store], None]
) -> None:
    settings = guarded()
    next_cycle = waits_for_moogsoft(client, store, settings)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        let_pass(store, seconds)
        fill(client, ALERTS, [alert(n) for n in range(3 * KEPT)])
        if len(waits) == 2:
            happens(client, store)

    assert steps.linger(store, settings, surroundings_of(store, wait), next_cycle)
    assert waits == [LOOK_SECONDS] * 2
    # What came since is not touched any more.
    assert client.llen(ALERTS) == 4 * KEPT
