"""One at a time: the lease, its fencing, and steps that come twice or late."""

from types import SimpleNamespace
from typing import Any

import pytest
import redis

from mutt_tasks import cycle as steps
from mutt_tasks.errors import LeaseLost
from mutt_tasks.store.store import Store
from tests.pipeline import DLQ, INGEST, counters, event, fill, numbers_in, run_cycle, settings_of

LEASE = "mutt:remediation:lease"


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
    assert 0 < int(client.pttl(LEASE)) <= 45_000
    fill(client, DLQ, [event(n) for n in range(30)])
    client.delete(LEASE)
    result = run_cycle(store, settings_of())
    assert client.get(LEASE) == result.next_cycle.encode()
    assert 0 < int(client.pttl(LEASE)) <= 46_000


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
