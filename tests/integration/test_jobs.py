"""An operator's job does its verb to exactly the messages of its plan, each once, and says so."""

import re
from typing import Any

import pytest
import redis

from mutt_tasks.core.flow import Flow
from mutt_tasks.core.jobs import State
from mutt_tasks.core.plan import Verb
from mutt_tasks.errors import InvalidArgument, LeaseLost, Refused, SetChanged
from mutt_tasks.operations import jobs
from mutt_tasks.replay.job_work import wants_cycle
from mutt_tasks.store.asides import Aside
from mutt_tasks.store.job_changes import Ending
from mutt_tasks.store.states import decoded
from mutt_tasks.store.store import Store
from tests.jobs import (
    BESIDE,
    LEASE,
    OFF,
    SETTINGS,
    after,
    begun_with_clock,
    discarded,
    order,
    plan_of,
)
from tests.pipeline import (
    DLQ,
    MOOG_DLQ,
    counters,
    event,
    fill,
    journal,
    lying_in,
    now_of,
    numbers_in,
    observe,
    operator_pauses,
    run_cycle,
)


def test_a_discard_takes_exactly_what_the_plan_counted(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(20)]
    fill(client, DLQ, events)
    operator_pauses(store, 600)
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[::3]}), order())
    fill(client, DLQ, [event(99), events[1]])  # they come later, one of them equal to an older one
    run_cycle(store, SETTINGS)
    found = after(store, job)
    assert (found.state, found.counts.done, found.counts.left) == (State.DONE, 7, 0)
    kept = [raw for at, raw in enumerate(events) if at % 3]
    assert lying_in(client, DLQ) == [*kept, event(99), events[1]]
    trash = f"mutt:remediation:trash:{job.id}:alerter"
    assert client.lrange(trash, 0, -1) == events[::3]
    assert counters(client)["discarded:alerter"] == 7


def test_an_undo_puts_all_back_at_the_old_end_in_its_order(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(9)]
    fill(client, DLQ, events)
    operator_pauses(store, 600)
    discard = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[2:7]}), order())
    run_cycle(store, SETTINGS)
    undo = jobs.undo(store, discard.id, order())
    run_cycle(store, SETTINGS)
    assert lying_in(client, DLQ) == [*events[2:7], *events[:2], *events[7:]]
    found = after(store, undo)
    assert (found.state, found.counts.done, found.counts.planned) == (State.DONE, 5, 5)
    with pytest.raises(Refused, match=r"nothing of .* lies in the trash"):
        jobs.undo(store, discard.id, order())
    assert not client.zcard("mutt:remediation:trash")


def test_a_job_stops_after_as_many_as_was_asked(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(30)]
    fill(client, DLQ, events)
    operator_pauses(store, 600)
    plan = plan_of(store, Verb.DISCARD, {"alerter": events})
    job = jobs.submit(store, plan, order(stop_after=10))
    run_cycle(store, SETTINGS)
    assert after(store, job).counts.done == 10
    assert after(store, job).counts.left == 20
    rest = jobs.submit(store, plan, order())
    run_cycle(store, SETTINGS)
    found = after(store, rest).counts
    assert (found.done, found.gone, found.left) == (20, 10, 0)
    assert not client.llen(DLQ)


def test_a_plan_that_has_expired_or_changed_is_refused(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    plan = plan_of(store, Verb.DISCARD, {"alerter": [event(1)]})
    client.hset(f"mutt:remediation:plan:{plan.id}", "etag", "another")
    with pytest.raises(SetChanged, match="not the one that was shown"):
        jobs.submit(store, plan, order())
    client.delete(f"mutt:remediation:plan:{plan.id}")
    with pytest.raises(SetChanged, match="expired"):
        jobs.submit(store, plan, order())
    assert not client.exists("mutt:remediation:jobs")


def test_the_same_request_makes_one_job(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    plan, wanted = plan_of(store, Verb.DISCARD, {"alerter": [event(1)]}), order()
    assert jobs.submit(store, plan, wanted).id == jobs.submit(store, plan, wanted).id
    assert client.zcard("mutt:remediation:jobs") == 1


def test_a_cancelled_job_ends_where_it_is(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(30)]
    fill(client, DLQ, events)
    operator_pauses(store, 600)
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events}), order())
    jobs.cancel(store, job.id, order())
    run_cycle(store, SETTINGS)
    assert after(store, job).state is State.CANCELLED
    assert client.llen(DLQ) == 30
    with pytest.raises(Refused):
        jobs.cancel(store, job.id, order())


def test_an_edit_changes_one_message_in_its_place(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(5)]
    fill(client, DLQ, events)
    operator_pauses(store, 600)
    job = jobs.edit(store, "alerter", events[2], event(77), order())
    run_cycle(store, SETTINGS)
    assert after(store, job).counts.done == 1
    assert numbers_in(client, DLQ) == [0, 1, 77, 3, 4]
    jobs.undo(store, job.id, order())
    run_cycle(store, SETTINGS)
    assert lying_in(client, DLQ) == events
    assert client.lrange(f"mutt:remediation:trash:{job.id}:alerter", 0, -1) == [event(77)]


def test_what_a_job_has_done_is_not_done_again_when_it_comes_back(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(4)]
    fill(client, DLQ, events)
    plan = plan_of(store, Verb.DISCARD, {"alerter": events[:3]})
    job = jobs.submit(store, plan, order())
    seen: list[int] = []

    def put_back_once(_: list[bytes]) -> None:
        """Somebody pushes the same bytes anew, before the job looks for what is left."""
        if client.llen(f"mutt:remediation:trash:{job.id}:alerter") and not seen:
            seen.append(1)
            client.rpush(DLQ, events[0])

    client.lrem(DLQ, 1, events[2])  # type: ignore[arg-type]
    observe(store, looked=put_back_once)
    run_cycle(store, OFF)
    found = after(store, job).counts
    assert seen
    assert (found.done, found.gone) == (2, 1)
    assert lying_in(client, DLQ) == [events[0], events[3]]


def test_a_job_that_is_to_be_cancelled_already_is_refused(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": [event(1)]}), order())
    jobs.cancel(store, job.id, order())
    with pytest.raises(Refused, match="to be cancelled"):
        jobs.cancel(store, job.id, order())
    assert len(journal(client, "cancelled")) == 1


def test_a_job_under_way_is_not_taken_back(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": [event(1)]}), order())
    client.rpush(f"mutt:remediation:trash:{job.id}:alerter", event(0))  # it has begun
    with pytest.raises(Refused, match="wait for its end"):
        jobs.undo(store, job.id, order())


@pytest.mark.parametrize("limits", [{"stop_after": 0}, {"rate": 0.009}, {"rate": 1e6 + 1}])
def test_an_order_that_asks_for_nothing_is_refused(
    client: redis.Redis, store: Store, limits: dict[str, Any]
) -> None:
    fill(client, DLQ, [event(1)])
    plan = plan_of(store, Verb.REPLAY, {"alerter": [event(1)]})
    with pytest.raises(InvalidArgument):
        jobs.submit(store, plan, order(**limits))
    assert not client.exists("mutt:remediation:jobs")
    assert re.fullmatch("j-[0-9a-f]{12}", jobs.submit(store, plan, order()).id)


@pytest.mark.parametrize("verb", [Verb.DISCARD, Verb.REPLAY])
def test_a_job_wants_a_cycle_of_its_own_where_no_drain_serves_it(
    client: redis.Redis, store: Store, verb: Verb
) -> None:
    assert not wants_cycle(store, SETTINGS)
    fill(client, DLQ, [event(n) for n in range(30)])
    job = jobs.submit(store, plan_of(store, verb, {"alerter": [event(29)]}), order())
    assert wants_cycle(store, SETTINGS)
    client.set(LEASE, "x" * 32, px=10_000)  # a step is under way
    assert not wants_cycle(store, SETTINGS)
    client.hset("mutt:remediation:drain", "doing", "resting")
    # What needs the pace goes with the drain's next cycle.
    assert wants_cycle(store, SETTINGS) is (verb is Verb.DISCARD)
    jobs.cancel(store, job.id, order())
    assert wants_cycle(store, SETTINGS)


def test_a_job_on_a_list_that_is_on_no_more_fails_and_says_so(
    client: redis.Redis, store: Store
) -> None:
    fill(client, MOOG_DLQ, [event(1)])
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"moog": [event(1)]}), order())
    run_cycle(store, OFF)  # its one route is the alerter's
    found = after(store, job)
    assert (found.state, found.why) == (State.FAILED, "route moog is not on")
    assert client.llen(MOOG_DLQ) == 1


def test_an_edit_whose_bytes_are_gone_changes_nothing(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    job = jobs.edit(store, "alerter", event(1), event(2), order())
    client.delete(f"mutt:remediation:job:{job.id}:edit")
    run_cycle(store, OFF)
    found = after(store, job)
    assert (found.state, found.counts.done, found.counts.gone) == (State.DONE, 0, 1)
    assert lying_in(client, DLQ) == [event(1)]


def test_a_job_that_stopped_does_not_say_of_the_rest_that_it_is_gone(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(5)]
    fill(client, DLQ, events)
    plan = plan_of(store, Verb.DISCARD, {"alerter": events})
    job = jobs.submit(store, plan, order(stop_after=2))
    run_cycle(store, OFF)
    counts = after(store, job).counts
    assert (counts.done, counts.gone, counts.left) == (2, 0, 3)


def test_a_job_says_when_it_began_and_ended(client: redis.Redis, store: Store) -> None:
    before = store.now()
    job = after(store, discarded(client, store))
    moments = [before - 0.01, job.created_at, job.started_at, job.ended_at, now_of(store) + 0.01]
    assert moments == sorted(moments)


def test_what_a_job_takes_is_neither_an_arrival_nor_a_landing(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(40)]
    fill(client, DLQ, events)
    run_cycle(store, SETTINGS)
    client.delete(LEASE)

    def depth() -> int:
        found: Any = client.hget("mutt:remediation:route:alerter", "flow")
        known = decoded(Flow, found).depth
        assert known is not None
        return known

    assert depth() == client.llen(DLQ) == 30
    plan = plan_of(store, Verb.DISCARD, {"alerter": events[35:]})
    job = jobs.submit(store, plan, order())
    run_cycle(store, OFF)
    assert depth() == client.llen(DLQ) == 25
    jobs.undo(store, job.id, order())
    run_cycle(store, OFF)
    assert depth() == client.llen(DLQ) == 30


@pytest.mark.parametrize("verb", [Verb.DISCARD, Verb.UNDO])
def test_a_job_whose_time_is_up_goes_on_in_the_next_cycle(
    client: redis.Redis, store: Store, verb: Verb
) -> None:
    job = discarded(client, store)
    if verb is Verb.UNDO:
        job = jobs.undo(store, job.id, order())
    else:
        fill(client, DLQ, [event(9)])
        job = jobs.submit(store, plan_of(store, verb, {"alerter": [event(9)]}), order())
    begun_with_clock(store, 100.0)
    assert after(store, job).counts.done == 0
    client.delete(LEASE)
    run_cycle(store, OFF)
    assert after(store, job).state is State.DONE


def test_after_each_step_of_a_job_redis_is_left_alone_for_longer_than_it_took(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(1200)]
    client.lpush(DLQ, *events)
    jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events}), order())
    waits = begun_with_clock(store, 0.001)
    assert len(waits) >= 3
    assert min(waits) == pytest.approx(0.002)


def test_a_cancel_is_told_once_however_often_it_is_asked_for(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": [event(1)]}), order())
    wanted = order()
    for _ in range(2):  # the first answer was lost
        assert jobs.cancel(store, job.id, wanted).is_cancelled
    assert [entry["by"] for entry in journal(client, "cancelled")] == ["ann"]
    told = [fields for _, fields in store.audit.after() if fields["verb"] == "cancel"]
    assert [(each["actor"], each["outcome"]) for each in told] == [("ann", "cancelled")]


def test_whoever_has_lost_the_lease_changes_nothing_for_a_job(
    client: redis.Redis, store: Store
) -> None:
    job = discarded(client, store)
    fill(client, DLQ, [event(7)])
    waits = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": [event(7)]}), order())
    client.set(LEASE, "somebody else's")
    late = store.now() + 8 * 86_400
    with pytest.raises(LeaseLost):
        store.trash.empty("ours", job.id, ("alerter",), 3, late)
    with pytest.raises(LeaseLost):
        store.asides.step("ours", Aside("alerter", DLQ, BESIDE, 0, 1))
    with pytest.raises(LeaseLost):
        store.job_changes.end("ours", waits, Ending(State.DONE, waits.counts), late)
    assert store.trash.depth(("alerter",)) == 3
    assert (client.llen(DLQ), client.exists(BESIDE)) == (1, 0)
    assert after(store, waits).state is State.QUEUED


def test_each_step_of_a_jobs_work_renews_the_lease(client: redis.Redis, store: Store) -> None:
    job = discarded(client, store)
    fill(client, DLQ, [event(7)])
    client.set(LEASE, "ours", px=5000)
    assert store.asides.step("ours", Aside("alerter", DLQ, BESIDE, 0, 1)) == 1
    assert 5000 < int(client.pttl(LEASE)) <= 10_000
    client.set(LEASE, "ours", px=5000)
    assert store.trash.empty("ours", job.id, ("alerter",), 3, store.now() + 8 * 86_400) == 0
    assert 5000 < int(client.pttl(LEASE)) <= 10_000
