"""One at a time: the lease, its fencing, and steps that come twice or late."""

from types import SimpleNamespace
from typing import Any

import pytest
import redis

from mutt_tasks import cycle as steps
from mutt_tasks.errors import LeaseLost
from mutt_tasks.store.lease import Holder, Step
from mutt_tasks.store.store import Store
from tests.pipeline import DLQ, INGEST, counters, event, fill, numbers_in, run_cycle, settings_of

LEASE, DRAIN = "mutt:remediation:lease", "mutt:remediation:drain"


def test_a_second_cycle_finds_the_first_one_busy(client: redis.Redis, store: Store) -> None:
    settings = settings_of()
    assert steps.begin(store, settings, "a" * 32, is_tick=True) is None
    second = steps.begin(store, settings, "b" * 32, is_tick=True)
    assert second is not None
    assert second.outcome == "busy"
    assert counters(client)["ticks:busy"] == 1


def test_a_tick_of_a_second_beat_comes_too_early(client: redis.Redis, store: Store) -> None:
    settings = settings_of()
    assert steps.begin(store, settings, "a" * 32, is_tick=True) is None
    assert store.lease.release("a" * 32)
    second = steps.begin(store, settings, "b" * 32, is_tick=True)
    assert second is not None
    assert second.outcome == "early"
    assert steps.begin(store, settings, "c" * 32, is_tick=False) is None


def test_a_clock_that_went_back_does_not_stop_the_ticks(client: redis.Redis, store: Store) -> None:
    client.set("mutt:remediation:tick", 99_999_999_999_999)
    assert steps.begin(store, settings_of(), "a" * 32, is_tick=True) is None


def test_a_replay_delivered_twice_runs_once(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    settings = settings_of()
    cycle = "a" * 32
    assert steps.begin(store, settings, cycle, is_tick=False) is None
    assert steps.replay(store, settings, cycle, True, "test") is not None
    assert steps.replay(store, settings, cycle, True, "test") is None
    assert numbers_in(client, INGEST) == list(range(10))


def test_a_replay_an_hour_late_does_nothing(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    settings = settings_of()
    assert steps.begin(store, settings, "a" * 32, is_tick=False) is None
    client.delete(LEASE)
    assert steps.begin(store, settings, "b" * 32, is_tick=False) is None
    assert steps.replay(store, settings, "a" * 32, True, "test") is None
    assert client.llen(DLQ) == 1


def test_a_batch_whose_lease_ran_out_is_not_committed(
    client: redis.Redis, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, DLQ, [event(1)])
    settings = settings_of()
    assert steps.begin(store, settings, "a" * 32, is_tick=False) is None
    look = store.queues.look

    def slow_look(*args: Any) -> list[bytes]:
        client.set(LEASE, "somebody else")
        return look(*args)

    monkeypatch.setattr(store.queues, "look", slow_look)
    with pytest.raises(LeaseLost):
        steps.replay(store, settings, "a" * 32, True, "test")
    assert (client.llen(DLQ), client.llen(INGEST)) == (1, 0)
    assert client.get(LEASE) == b"somebody else"


def test_the_lease_expires_so_that_the_next_tick_takes_over(
    client: redis.Redis, store: Store
) -> None:
    steps.begin(store, settings_of(), "a" * 32, is_tick=False)
    assert 0 < int(client.pttl(LEASE)) <= 10_000
    fill(client, DLQ, [event(n) for n in range(30)])
    client.delete(LEASE)
    result = run_cycle(store, settings_of())
    assert client.get(LEASE) == result.next_cycle.encode()
    assert 0 < int(client.pttl(LEASE)) <= 11_000


def test_a_lost_answer_to_a_finished_cycle_is_no_second_count(
    client: redis.Redis, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    call = store.ledger._scripts.call

    def twice(name: str, keys: list[str], args: list[Any]) -> Any:
        call(name, keys, args)
        return call(name, keys, args)

    for part in (store.ledger, store.queues, store.lease):
        monkeypatch.setattr(part, "_scripts", SimpleNamespace(call=twice))
    run_cycle(store, settings_of())
    assert counters(client)["loops"] == 1
    assert counters(client)["replayed:alerter"] == 10
    assert numbers_in(client, INGEST) == list(range(10))


# --- who holds it, and who takes it over ---


def begun(store: Store, cycle: str, **how: bool) -> steps.CycleResult | None:
    return steps.begin(store, settings_of(), cycle, **{"is_tick": False, **how})


def rest(client: redis.Redis, store: Store, healthy: bool = True) -> str:
    """A drain between two cycles; returns the id of its next one."""
    fill(client, DLQ, [event(n) for n in range(30)])
    return run_cycle(store, settings_of(), healthy=healthy).next_cycle


def test_who_finds_a_drain_at_work_learns_what_it_does(client: redis.Redis, store: Store) -> None:
    begun(store, "a" * 32)
    store.lease.advance("a" * 32, "a" * 32, Step.CHECKING, 5.0)
    assert 10_000 < int(client.pttl(LEASE)) <= 15_000
    second = begun(store, "b" * 32)
    assert second is not None
    assert (second.outcome, second.reason) == ("busy", "draining")
    holder = second.holder
    assert holder is not None
    assert (holder.cycle, holder.doing, holder.reason) == ("a" * 32, "checking", "")
    assert abs(holder.since - store.controls.now()) < 60
    assert 0 <= holder.silent < 60


def test_who_finds_a_drain_at_rest_learns_what_holds_it(client: redis.Redis, store: Store) -> None:
    client.lpush(INGEST, *range(1000))
    resting = rest(client, store)
    found = begun(store, "b" * 32)
    assert found is not None
    assert found.holder is not None
    assert (found.holder.cycle, found.holder.doing) == (resting, "resting")
    assert found.holder.reason == "backpressure"


def test_a_lease_without_a_word_of_its_holder_is_busy_all_the_same(
    client: redis.Redis, store: Store
) -> None:
    client.set(LEASE, "x" * 32, px=45_000)
    found = begun(store, "b" * 32)
    assert found is not None
    assert (found.outcome, found.holder) == ("busy", Holder("", "", "", 0.0, 0.0))


@pytest.mark.parametrize(
    ("healthy", "how", "is_taken"),
    [
        (True, {}, False),
        (True, {"is_tick": True}, False),
        (True, {"is_start": True}, True),
        (False, {}, True),  # a call by hand asks at once
        (False, {"is_tick": True}, False),
        (False, {"is_start": True}, True),
    ],
)
def test_a_drain_that_rests_is_taken_over_by_who_has_reason_to(
    client: redis.Redis, store: Store, healthy: bool, how: dict[str, bool], is_taken: bool
) -> None:
    resting = rest(client, store, healthy)
    assert (begun(store, "b" * 32, **how) is None) is is_taken
    assert client.get(LEASE) == (b"b" * 32 if is_taken else resting.encode())
    # One at a time: what comes late finds that it is not its turn any more.
    assert store.lease.advance(resting, resting) is not is_taken


@pytest.mark.parametrize("how", [{}, {"is_tick": True}])
def test_a_drain_whose_next_cycle_does_not_come_is_taken_over(
    client: redis.Redis, store: Store, how: dict[str, bool]
) -> None:
    rest(client, store)
    seconds: Any = client.time()
    now = seconds[0] * 1000
    client.hset(DRAIN, "due", now - 2_000)
    assert begun(store, "b" * 32, **how) is not None
    client.hset(DRAIN, "due", now - 4_000)
    assert begun(store, "c" * 32, **how) is None


@pytest.mark.parametrize("step", [Step.STARTING, Step.CHECKING, Step.REPLAYING])
def test_a_step_under_way_is_never_taken_over(
    client: redis.Redis, store: Store, step: Step
) -> None:
    begun(store, "a" * 32)
    store.lease.advance("a" * 32, "a" * 32, step)
    client.hset(DRAIN, "due", 1)
    for how in ({}, {"is_tick": True}, {"is_start": True}):
        assert begun(store, "b" * 32, **how) is not None
    assert client.get(LEASE) == b"a" * 32


def test_a_drain_is_given_up_once_its_lease_has_run_out(client: redis.Redis, store: Store) -> None:
    assert not store.lease.is_abandoned()
    begun(store, "a" * 32)
    assert not store.lease.is_abandoned()
    client.delete(LEASE)
    assert store.lease.is_abandoned()
    run_cycle(store, settings_of())
    assert not store.lease.is_abandoned()


def test_a_worker_that_starts_finds_work_to_do(client: redis.Redis, store: Store) -> None:
    routes = settings_of().routes
    assert not store.lease.is_up_for_taking(routes)
    resting = rest(client, store)
    assert store.lease.is_up_for_taking(routes)
    store.lease.advance(resting, resting, Step.CHECKING)
    assert not store.lease.is_up_for_taking(routes)
    client.delete(LEASE)
    assert store.lease.is_up_for_taking(routes)
    client.delete(DRAIN)
    assert store.lease.is_up_for_taking(routes)  # messages wait
    client.delete(DLQ)
    assert not store.lease.is_up_for_taking(routes)


def test_slices_that_may_send_nothing_renew_the_lease(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    client.lpush(INGEST, *range(1000))
    cycle = "a" * 32
    begun(store, cycle)
    lifetimes = []

    def wait(seconds: float) -> None:
        lifetimes.append(int(client.pttl(LEASE)))
        client.pexpire(LEASE, lifetimes[-1] - round(seconds * 1000))

    settings = settings_of(REMEDIATION_DRAIN_INTERVAL=20)
    assert steps.replay(store, settings, cycle, True, "test", wait) is not None
    assert len(lifetimes) > 100
    assert min(lifetimes) > 7_000
