"""Deep inside a long list a job leaves all others in their order, whatever it steps over."""

from dataclasses import replace
from itertools import count
from typing import Any

import redis

from mutt_tasks.core.jobs import State
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import jobs
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.job_work import wants_cycle, work
from mutt_tasks.store.asides import Aside
from mutt_tasks.store.queues import REACH
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import ScanBounds, new_id
from tests.jobs import BESIDE, LEASE, OFF, SETTINGS, after, order, plan_of
from tests.pipeline import (
    DLQ,
    INGEST,
    begin,
    consume,
    event,
    fill,
    lying_in,
    numbers_in,
    observe,
    operator_pauses,
    replay,
    run_cycle,
    surroundings_of,
)

STATE = "mutt:remediation:route:alerter"


def test_deep_inside_a_long_list_what_is_older_keeps_its_order(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(14_000)]
    for start in range(0, len(events), 1000):
        client.lpush(DLQ, *events[start : start + 1000])
    operator_pauses(store, 600)
    wanted = [*events[5:8], *events[11_000:11_700], *events[13_990:]]
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": wanted}), order())
    while after(store, job).state not in (State.DONE, State.FAILED):
        run_cycle(store, SETTINGS)
    assert after(store, job).counts.done == len(wanted)
    gone = set(wanted)
    assert lying_in(client, DLQ) == [raw for raw in events if raw not in gone]
    assert not client.exists("mutt:remediation:aside:alerter")


def contexts_of_short_cycles(store: Store) -> list[CycleContext]:
    """Two cycles, the first of which has the lease, by a clock that goes on with each look."""
    seconds = count()
    world = replace(
        surroundings_of(store), scan=ScanBounds(deep=4), monotonic=lambda: float(next(seconds))
    )
    store.lease.acquire("first", 0.0)
    return [CycleContext(store, SETTINGS, world, name, name) for name in ("first", "second")]


def test_who_has_gathered_all_looks_no_further_after_its_time_was_up(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(2_000)]
    client.lpush(DLQ, *events)
    wanted = [events[300], events[1100]]
    jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": wanted}), order())
    contexts = contexts_of_short_cycles(store)
    assert work(contexts[0], 4)
    steps = int(client.hget(STATE, "stepped") or 0)
    assert client.llen(BESIDE) > 0
    store.lease.advance("first", "second")
    assert not work(contexts[1], 8)
    # Those that are older went back, at most 500 at a time, and then what was gathered.
    assert int(client.hget(STATE, "stepped") or 0) - steps <= 3
    assert lying_in(client, DLQ)[:2] == wanted


def test_a_job_whose_time_is_up_goes_on_behind_what_it_has_stepped_over(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(2_000)]
    client.lpush(DLQ, *events)
    wanted = [events[300], events[1100], events[1900]]
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": wanted}), order())
    contexts = contexts_of_short_cycles(store)
    assert work(contexts[0], 4)
    assert (after(store, job).counts.done, client.llen(BESIDE)) == (2, 800)
    # In as much time again it would come no further if it began anew.
    store.lease.advance("first", "second")
    work(contexts[1], 4)
    assert after(store, job).counts.done == 3


def test_what_is_replayed_from_deep_inside_a_long_list_goes_first_and_alone(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(13_000)]
    for start in range(0, len(events), 1000):
        client.lpush(DLQ, *events[start : start + 1000])
    wanted = [*events[100:105], *events[12_000:12_010]]
    job = jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": wanted}), order())
    operator_pauses(store, 600)
    known: Any = {"cursor": 7, "cursor_until": store.now() + 1000}  # these wait, at the old end
    client.hset("mutt:remediation:route:alerter", mapping=known)
    run_cycle(store, SETTINGS)
    assert client.hget("mutt:remediation:route:alerter", "cursor") == b"0"
    others = [raw for raw in events if raw not in set(wanted)]
    assert lying_in(client, DLQ) == [*wanted, *others]
    assert not client.exists("mutt:remediation:front:alerter", "mutt:remediation:aside:alerter")
    client.delete("mutt:remediation:paused")
    ended = run_cycle(store, SETTINGS)
    for _ in range(5):
        consume(client, store)
        ended = run_cycle(store, SETTINGS, ended.next_cycle)
    assert after(store, job).counts.done == len(wanted)
    sent = numbers_in(client, "taken:" + INGEST)[: len(wanted)]
    assert sent == [*range(100, 105), *range(12_000, 12_010)]


def test_a_job_that_is_cancelled_while_it_gathers_loses_nothing(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(11_000)]
    for start in range(0, len(events), 1000):
        client.lpush(DLQ, *events[start : start + 1000])
    job = jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": events[500:]}), order())
    operator_pauses(store, 600)
    client.lpush("mutt:remediation:front:alerter", b"left by a worker that was killed")
    jobs.cancel(store, job.id, order())
    run_cycle(store, SETTINGS)
    run_cycle(store, SETTINGS)
    assert after(store, job).state is State.CANCELLED
    assert lying_in(client, DLQ) == [b"left by a worker that was killed", *events]


def test_no_replay_goes_while_a_job_works_deep_inside_the_list_and_the_drain_goes_on(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(5)]
    fill(client, DLQ, events)
    cycle = new_id()
    assert begin(store, SETTINGS, cycle) is None
    jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[4:]}), order())
    client.rpush(BESIDE, event(99))
    result = replay(store, SETTINGS, cycle)
    assert result is not None
    assert (result.reason, client.llen(INGEST)) == ("job", 0)
    assert result.next_cycle


def test_what_lies_beside_a_list_wants_a_cycle_without_any_job(
    client: redis.Redis, store: Store
) -> None:
    for key in (BESIDE, "mutt:remediation:front:alerter"):
        client.rpush(key, event(1))
        client.set(LEASE, "x" * 32, px=10_000)
        assert not wants_cycle(store, SETTINGS)
        client.hset("mutt:remediation:drain", "doing", "resting")
        assert wants_cycle(store, SETTINGS)
        client.delete(LEASE, "mutt:remediation:drain")
        run_cycle(store, OFF)
        assert client.exists(key) == 0
    assert numbers_in(client, DLQ) == [1, 1]


def test_a_job_that_is_cancelled_while_it_gathers_stops_at_once(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(11_000)]
    for start in range(0, len(events), 1000):
        client.lpush(DLQ, *events[start : start + 1000])
    job = jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": events[500:]}), order())
    commits: list[int] = []

    def somebody_cancels() -> None:
        commits.append(1)
        if len(commits) == 1:
            jobs.cancel(store, job.id, order())

    observe(store, commits=somebody_cancels)
    run_cycle(store, OFF)
    assert len(commits) == 1
    # What was taken out of the middle lies at the old end now, and nothing is lost.
    assert sorted(lying_in(client, DLQ)) == sorted(events)


def test_who_finds_another_number_aside_steps_over_nothing(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    client.set(LEASE, "ours")
    assert store.asides.step("ours", Aside("alerter", DLQ, BESIDE, 0, 2)) == 2
    assert (
        store.asides.step("ours", Aside("alerter", DLQ, BESIDE, 0, 3)) == 2
    )  # so it is told how many
    assert numbers_in(client, DLQ) == [2]
    assert store.asides.step("ours", Aside("alerter", DLQ, BESIDE, 2, 0)) == 0
    assert numbers_in(client, DLQ) == [0, 1, 2]


def test_behind_thousands_of_others_a_commit_of_a_job_holds_fewer_messages(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(9_300)]
    client.lpush(DLQ, *events)
    plan = plan_of(store, Verb.DISCARD, {"alerter": events[9_000:]})
    job = jobs.submit(store, plan, order())
    run_cycle(store, OFF)
    assert after(store, job).counts.done == 300
    entries = [entry for _, entry in store.audit.page().entries]
    counts = [int(entry["count"]) for entry in entries if entry["verb"] == "discard"]
    assert sum(counts) == 300
    assert max(counts) == REACH // 9_000
