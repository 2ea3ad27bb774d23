"""What can go behind thousands of messages that wait comes to the old end first, in order."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import redis

from mutt_tasks import cycle as steps
from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Verb
from mutt_tasks.cycle import Trigger
from mutt_tasks.operations import jobs
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.store.queues import REACH
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import ScanBounds, new_id
from tests.jobs import after, order, plan_of
from tests.pipeline import (
    DLQ,
    HEALTHY,
    INGEST,
    consume,
    event,
    fill,
    lying_in,
    now_of,
    numbers_in,
    observe,
    run_cycle,
    settings_of,
    surroundings_of,
)

# So short a list is deep already.
SCAN = ScanBounds(messages=50, deep=4)
SETTINGS = settings_of(REMEDIATION_DRAIN_INTERVAL=0, REMEDIATION_RETRY_BACKOFF=3600)
OURS = "mutt:remediation:"
ASIDE, FRONT, FORWARD = BESIDE = [f"{OURS}{kind}:alerter" for kind in ("aside", "front", "forward")]
STATE = f"{OURS}route:alerter"


def waiting(store: Store, numbers: range) -> list[bytes]:
    """Events that wait for an hour."""
    stamp = {"replays": 1, "last_at": iso(now_of(store))}
    return [event(n, _remediation=stamp) for n in numbers]


def cycle(client: redis.Redis, store: Store) -> CycleResult:
    """A cycle, after whoever had the lease has been dead for long enough."""
    client.delete(f"{OURS}lease")
    world, name = replace(surroundings_of(store), scan=SCAN), new_id()
    assert steps.begin(store, SETTINGS, world, name, Trigger.HAND) is None
    result = steps.replay(store, SETTINGS, world, name, HEALTHY)
    assert result is not None
    return result


def test_what_can_go_deep_inside_goes_in_order_and_what_waits_keeps_its_order(
    client: redis.Redis, store: Store
) -> None:
    older, between = waiting(store, range(20)), waiting(store, range(100, 103))
    events = [event(n) for n in range(40, 60)]
    fill(client, DLQ, [*older, *events[:6], *between, *events[6:]])
    reasons = set()
    for _ in range(40):
        reasons.add(cycle(client, store).reason)
        consume(client, store)
    assert numbers_in(client, "taken:" + INGEST) == list(range(40, 60))
    left = lying_in(client, DLQ)
    assert [raw for raw in left if raw in older] == older
    assert [raw for raw in left if raw not in older] == between
    assert not client.exists(*BESIDE)
    assert "job" in reasons


def test_nothing_is_taken_from_where_many_lie_on_either_side(
    client: redis.Redis, store: Store
) -> None:
    older, events = waiting(store, range(60)), [event(n) for n in range(100, 120)]
    fill(client, DLQ, [*older, *events])
    assert cycle(client, store).reason == "waiting"
    found = cycle(client, store)
    assert (found.reason, bool(found.next_cycle), client.llen(INGEST)) == ("job", True, 0)
    assert client.get(FORWARD) == b"60"
    assert 0 < int(client.pttl(FORWARD)) <= 600_000
    cycle(client, store)
    # So many were brought to the old end, and no more.
    assert numbers_in(client, INGEST) == [100, 101, 102, 103]
    assert lying_in(client, DLQ) == [*older, *events[4:]]


@pytest.mark.parametrize(("old", "young"), [(4, 30), (30, 4)])
def test_near_an_end_messages_go_from_where_they_lie(
    client: redis.Redis, store: Store, old: int, young: int
) -> None:
    fill(client, DLQ, [*waiting(store, range(old)), *(event(n) for n in range(50, 50 + young))])
    cycle(client, store)
    assert numbers_in(client, INGEST)[:3] == [50, 51, 52]
    assert not client.exists(*BESIDE)


def test_a_job_in_the_list_comes_before_what_a_drain_wants(
    client: redis.Redis, store: Store
) -> None:
    older, events = waiting(store, range(8)), [event(n) for n in range(10, 20)]
    fill(client, DLQ, [*older, *events])
    cycle(client, store)
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[5:7]}), order())
    cycle(client, store)
    assert after(store, job).counts.done == 2
    assert lying_in(client, DLQ) == [*older, *events[:5], *events[7:]]
    assert client.exists(FORWARD)
    cycle(client, store)
    assert numbers_in(client, INGEST)[:2] == [10, 11]


@pytest.mark.parametrize("meant", [[2], [11], [19], [2, 11, 19]])
def test_a_job_finds_what_lies_beside_its_list_for_somebody_else(
    client: redis.Redis, store: Store, meant: list[int]
) -> None:
    older, events = waiting(store, range(8)), [event(n) for n in range(10, 20)]
    # A cycle that brought messages to the old end was killed in the middle of it.
    fill(client, ASIDE, older)
    fill(client, FRONT, events[:4])
    fill(client, DLQ, events[4:])
    wanted = [raw for raw in older + events if json.loads(raw)["number"] in meant]
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": wanted}), order())
    cycle(client, store)
    counts = after(store, job).counts
    assert (counts.done, counts.gone) == (len(meant), 0)


def test_what_lies_beside_the_list_is_no_arrival_when_it_comes_back(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(50)])
    plan = plan_of(store, Verb.REPLAY, {"alerter": [event(49)]})
    jobs.submit(store, plan, order())  # so nobody puts back what lies beside its list
    client.hset(STATE, mapping={"flow": json.dumps({"depth": 50, "looked_at": now_of(store)})})
    client.rename(DLQ, ASIDE)
    name, world = new_id(), replace(surroundings_of(store), scan=SCAN)
    store.lease.acquire(name, 0.0)
    held = steps.replay(store, SETTINGS, world, name, HEALTHY)
    assert held is not None
    assert held.reason == "job"
    state: Any = client.hget(STATE, "flow")
    assert json.loads(state)["depth"] == 50


def test_what_is_known_of_the_oldest_messages_holds_when_others_come_before_them(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [*waiting(store, range(20)), *(event(n) for n in range(30, 50))])
    flow = json.dumps({"depth": 40, "looked_at": now_of(store)})
    client.hset(STATE, mapping={"suspects": json.dumps({"cleared": 15}), "flow": flow})
    cycle(client, store)
    cycle(client, store)
    state: Any = client.hget(STATE, "suspects")
    # The four that went are not among them any more.
    assert json.loads(state)["cleared"] == 15


def test_behind_thousands_that_wait_a_commit_holds_fewer_messages(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(DLQ, *waiting(store, range(4_000)), *(event(n) for n in range(5_000, 10_000)))
    sent: list[int] = []
    observe(store, commits=lambda: sent.append(int(client.llen(INGEST))))
    run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=1000, REMEDIATION_RETRY_BACKOFF=3600))
    steps_of = [later - sooner for sooner, later in pairwise(sent)]
    assert set(steps_of) == {REACH // 4_000}
    assert client.llen(INGEST) == 1000
