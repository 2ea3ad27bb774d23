"""An operator's job does its verb to exactly the messages of its plan, each once, and says so."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import redis

from mutt_tasks import cycle as steps
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.identity import digest
from mutt_tasks.core.jobs import Job, State
from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Plan, Verb, etag_of
from mutt_tasks.cycle import Trigger, resume
from mutt_tasks.errors import InvalidArgument, LeaseLost, Refused, SetChanged
from mutt_tasks.operations import jobs
from mutt_tasks.operations.jobs import Order
from mutt_tasks.replay.job_work import wants_cycle
from mutt_tasks.store.job_changes import Ending
from mutt_tasks.store.states import decoded
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    LIMITER,
    MOOG_DLQ,
    begin,
    consume,
    counters,
    drain,
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
    replay,
    run_cycle,
    settings_of,
    stop_clock,
    surroundings_of,
)

SETTINGS = settings_of()
OFF = settings_of(REMEDIATION_ENABLED="false")
LEASE, TRASH, BESIDE = (f"mutt:remediation:{name}" for name in ("lease", "trash", "aside:alerter"))


def order(**wanted: object) -> Order:
    """What ann wants, each time anew."""
    return Order("ann", "--actor", "change 4711", new_id(), **wanted)  # type: ignore[arg-type]


def plan_of(
    store: Store, verb: Verb, messages: Mapping[str, Sequence[bytes]], destination: str = ""
) -> Plan:
    """A plan that means exactly these messages of these lists."""
    sets = {
        source: FrozenSet.of(bytes.fromhex(digest(raw)) for raw in found)
        for source, found in messages.items()
    }
    sources = {source: len(members) for source, members in sets.items()}
    plan = Plan(
        f"p-{new_id()[:12]}",
        etag_of(verb, destination, sets),
        verb,
        sources,
        destination=destination,
        made_at=store.now(),
    )
    store.plans.save(plan, sets)
    return plan


def after(store: Store, job: Job) -> Job:
    """The job as it stands now."""
    return jobs.get(store, job.id)


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


def test_a_replay_keeps_to_the_gate_and_goes_before_the_drain(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(40)]
    fill(client, DLQ, events)
    job = jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": events[30:33]}), order())
    operator_pauses(store, 600)
    assert run_cycle(store, SETTINGS).reason == "paused"
    assert not client.llen(INGEST)
    client.delete("mutt:remediation:paused")
    run_cycle(store, SETTINGS)
    found = after(store, job)
    assert (found.state, found.counts.done) == (State.DONE, 3)
    assert numbers_in(client, INGEST)[:3] == [30, 31, 32]
    assert header_of(lying_in(client, INGEST)[0])["cycle"] == job.id


def test_what_a_job_sent_and_came_back_is_counted(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(5)]
    fill(client, DLQ, events)
    job = jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": events}), order())
    ended = run_cycle(store, SETTINGS)
    sent = lying_in(client, INGEST)
    assert len(sent) == 5
    consume(client, store)
    fill(client, DLQ, sent[:2])
    run_cycle(store, SETTINGS, ended.next_cycle)
    assert after(store, job).counts.came_back == 2


def test_a_requeue_gives_a_dead_letter_a_fresh_start(client: redis.Redis, store: Store) -> None:
    header = {"replays": 5, "forgiven": 0, "route": "alerter", "reason": "poison"}
    dead = [event(n, _remediation=header, _moog_retry_count=6) for n in range(3)]
    fill(client, DEAD, [b"{garbage", *dead])
    job = jobs.submit(store, plan_of(store, Verb.REQUEUE, {"dead": [b"{garbage", *dead]}), order())
    drain(store, SETTINGS)
    found = after(store, job)
    assert (found.state, found.counts.done, found.counts.skipped) == (State.DONE, 3, 1)
    assert lying_in(client, DEAD) == [b"{garbage"]
    sent = lying_in(client, INGEST)
    assert numbers_in(client, INGEST) == [0, 1, 2]
    assert all(b'"_retry_count": 0' in raw and b'"_moog_retry_count": 0' in raw for raw in sent)


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


def test_a_job_on_two_routes_stops_after_as_many_as_was_asked_of_both_together(
    client: redis.Redis, store: Store
) -> None:
    both = settings_of(REMEDIATION_ROUTES="alerter,moog", REMEDIATION_RETRY_BACKOFF=60)
    routes = ("alerter", "moog")
    dead = [event(n, _remediation={"replays": 5, "route": routes[n % 2]}) for n in range(60)]
    fill(client, DEAD, dead)
    plan = plan_of(store, Verb.REQUEUE, {"dead": dead})
    job = jobs.submit(store, plan, order(stop_after=5))
    run_cycle(store, both)
    found = after(store, job)
    assert (found.state, found.counts.done, client.llen(DEAD)) == (State.DONE, 5, 55)


def test_a_job_on_two_routes_keeps_to_its_rate_on_both_together(
    client: redis.Redis, store: Store
) -> None:
    both = settings_of(REMEDIATION_ROUTES="alerter,moog", REMEDIATION_RETRY_BACKOFF=60)
    routes = ("alerter", "moog")
    dead = [event(n, _remediation={"replays": 5, "route": routes[n % 2]}) for n in range(60)]
    fill(client, DEAD, dead)
    job = jobs.submit(store, plan_of(store, Verb.REQUEUE, {"dead": dead}), order(rate=0.01))
    run_cycle(store, both)
    assert (after(store, job).counts.done, client.llen(DEAD)) == (1, 59)


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


def test_the_trash_is_emptied_by_age_alone(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(1500)]
    client.lpush(DLQ, *events)
    old = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[:1200]}), order())
    run_cycle(store, OFF)
    let_pass(store, 6 * 86_400)
    young = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[1200:]}), order())
    assert begin(store, OFF, "a" * 32, Trigger.BEAT) is not None
    assert store.trash.depth(("alerter",)) == 1500
    let_pass(store, 86_400 + 60)
    client.delete("mutt:remediation:tick")
    assert begin(store, OFF, "b" * 32, Trigger.BEAT) is not None
    assert store.trash.depth(("alerter",)) == 300
    with pytest.raises(Refused, match="nothing of"):
        jobs.undo(store, old.id, order())
    assert jobs.undo(store, young.id, order()).counts.planned == 300
    assert [entry["count"] for entry in journal(client, "emptied")] == ["1200"]
    assert counters(client)["emptied:alerter"] == 1200
    assert store.audit.verify().wrong == ""


def test_a_drains_task_that_is_delivered_twice_works_on_a_job_once(
    client: redis.Redis, store: Store
) -> None:
    cycle, events = "a" * 32, [event(1), event(2)]
    fill(client, DLQ, events)
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events}), order())
    store.lease.acquire(cycle, 0.0)
    second: list[bool] = []

    def delivered_again(_: list[bytes]) -> None:
        if not second:
            second.append(True)  # it looks, too
            second[0] = resume(store, SETTINGS, surroundings_of(store), cycle)

    observe(store, looked=delivered_again)
    assert resume(store, SETTINGS, surroundings_of(store), cycle)
    assert second == [False]
    assert (after(store, job).counts.done, after(store, job).counts.gone) == (2, 0)


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


# --- what a job sends into the pipeline ---

BOTH = settings_of(REMEDIATION_ROUTES="alerter,moog")


def test_what_an_operator_wants_again_need_not_wait_for_its_backoff(
    client: redis.Redis, store: Store
) -> None:
    came_back = event(1, _remediation={"replays": 1, "forgiven": 0, "last_at": iso(store.now())})
    fill(client, DLQ, [came_back])
    assert run_cycle(store, settings_of(REMEDIATION_DRAIN="false")).reason == "waiting"
    job = jobs.submit(store, plan_of(store, Verb.REPLAY, {"alerter": [came_back]}), order())
    run_cycle(store, SETTINGS)
    assert after(store, job).counts.done == 1
    assert numbers_in(client, INGEST) == [1]


def test_a_job_goes_on_while_a_suspect_of_it_waits_for_quiet_traffic(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="moog")
    suspect = event(1, message_body="up", api_key="k", raw_json={}, _moog_retry_count=6)
    fill(client, MOOG_DLQ, [suspect])
    job = jobs.submit(store, plan_of(store, Verb.REPLAY, {"moog": [suspect]}), order())
    for _ in range(5):
        now = now_of(store)
        client.delete(LIMITER, LEASE)
        client.zadd(LIMITER, {f"live-{n}": (now - n / 15) * 1000 for n in range(15)})
        run_cycle(store, settings)
    found = after(store, job)
    assert (found.counts.done, found.over) == (0, {})
    assert found.state in (State.QUEUED, State.RUNNING)
    assert lying_in(client, MOOG_DLQ) == [suspect]


def test_a_job_sends_no_faster_than_was_asked_and_saves_nothing_up(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(60)]
    fill(client, DLQ, events)
    stop_clock(store, now_of(store))
    plan = plan_of(store, Verb.REPLAY, {"alerter": events})
    job = jobs.submit(store, plan, order(rate=5.0))
    settings = settings_of(REMEDIATION_DRAIN="false", REMEDIATION_DRAIN_INTERVAL=1)

    def of_the_job() -> int:
        return sum(header_of(raw)["cycle"] == job.id for raw in lying_in(client, INGEST))

    sent = []
    for _ in range(3):
        run_cycle(store, settings)
        sent.append(of_the_job())
        assert after(store, job).next_at < now_of(store) + 1  # each lasts a fifth of a second
        client.delete(INGEST)
        let_pass(store, 130)  # all that was sent has landed
    assert all(1 <= number <= 6 for number in sent)
    assert after(store, job).counts.done == sum(sent)


def test_a_replay_stops_after_as_many_as_was_asked(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(9)]
    fill(client, DLQ, events)
    plan = plan_of(store, Verb.REPLAY, {"alerter": events[4:]})
    job = jobs.submit(store, plan, order(stop_after=2))
    run_cycle(store, settings_of(REMEDIATION_DRAIN="false"))
    found = after(store, job)
    assert (found.state, found.counts.done, found.counts.left) == (State.DONE, 2, 3)
    of_the_job = [raw for raw in lying_in(client, INGEST) if header_of(raw)["cycle"] == job.id]
    assert len(of_the_job) == 2


def test_what_belongs_to_no_route_is_refused_once_however_many_routes_there_are(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DEAD, [b"{garbage"])
    plan = plan_of(store, Verb.REQUEUE, {"dead": [b"{garbage", event(2)]})  # one has gone
    job = jobs.submit(store, plan, order())
    drain(store, BOTH)
    found = after(store, job)
    counts = found.counts
    assert (found.state, counts.done, counts.skipped, counts.gone) == (State.DONE, 0, 1, 1)


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


# --- when a worker starts a cycle for the sake of jobs ---


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


# --- how jobs end that cannot do what was asked ---


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


def test_a_drains_next_cycle_does_what_a_job_wants_first(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(30)]
    fill(client, DLQ, events)
    next_cycle = run_cycle(store, SETTINGS).next_cycle
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[25:]}), order())
    assert steps.resume(store, SETTINGS, surroundings_of(store), next_cycle)
    assert after(store, job).state is State.DONE
    assert numbers_in(client, DLQ) == list(range(10, 25))


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


def begun_with_clock(store: Store, seconds_each: float) -> list[float]:
    """A cycle's first step by a clock that goes on by so much at each look; returns the waits."""
    waits: list[float] = []
    clock = (seconds_each * number for number in count())
    world = replace(surroundings_of(store, waits.append), monotonic=lambda: next(clock))
    assert steps.begin(store, SETTINGS, world, new_id(), Trigger.HAND) is None
    return waits


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


def test_only_a_tick_empties_the_trash(client: redis.Redis, store: Store) -> None:
    discarded(client, store)
    let_pass(store, 8 * 86_400)
    for trigger in (Trigger.HAND, Trigger.WORKER):
        assert begin(store, OFF, new_id(), trigger) is not None
    assert store.trash.depth(("alerter",)) == 3
    assert begin(store, OFF, new_id(), Trigger.BEAT) is not None
    assert store.trash.depth(("alerter",)) == 0


def test_a_job_of_whose_trash_nothing_is_left_is_forgotten(
    client: redis.Redis, store: Store
) -> None:
    job = discarded(client, store)
    client.delete(f"mutt:remediation:trash:{job.id}:alerter")
    let_pass(store, 8 * 86_400)
    assert begin(store, OFF, "a" * 32, Trigger.BEAT) is not None
    assert not client.exists(TRASH)


# --- what is kept, for how long, and under whose lease ---

DAY_MS = 86_400_000


def discarded(client: redis.Redis, store: Store, count: int = 3) -> Job:
    """A discard that has ended; nobody holds the lease."""
    events = [event(n) for n in range(count)]
    fill(client, DLQ, events)
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events}), order())
    run_cycle(store, OFF)
    assert after(store, job).state is State.DONE
    return job


def test_a_job_is_kept_for_30_days_after_its_end_and_what_only_its_work_needs_is_not(
    client: redis.Redis, store: Store
) -> None:
    job = discarded(client, store)
    key = f"mutt:remediation:job:{job.id}"
    assert 30 * DAY_MS - 60_000 < int(client.pttl(key)) <= 30 * DAY_MS
    assert client.keys(f"{key}:*") == []
    edit = jobs.edit(store, "alerter", event(9), event(10), order())
    key = f"mutt:remediation:job:{edit.id}"
    assert client.pttl(key) == -1  # while it waits
    assert 8 * DAY_MS - 60_000 < int(client.pttl(f"{key}:edit")) <= 8 * DAY_MS
    run_cycle(store, OFF)
    assert client.keys(f"{key}*") == [key.encode()]


def test_jobs_of_the_last_30_days_are_listed(client: redis.Redis, store: Store) -> None:
    now = store.now()
    days = {"j-31": now - 31 * 86_400, "j-29": now - 29 * 86_400}
    client.zadd("mutt:remediation:jobs", days)
    job = discarded(client, store)
    assert client.zrange("mutt:remediation:jobs", 0, -1) == [b"j-29", job.id.encode()]


def test_a_plan_that_is_used_lives_on_and_its_sets_as_long_as_a_job_may_take(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    plan = plan_of(store, Verb.DISCARD, {"alerter": [event(1)]})
    key = f"mutt:remediation:plan:{plan.id}"
    for each in (key, f"{key}:set:alerter"):
        client.pexpire(each, 60_000)
    jobs.submit(store, plan, order())
    assert 840_000 < int(client.pttl(key)) <= 900_000
    assert 8 * DAY_MS - 60_000 < int(client.pttl(f"{key}:set:alerter")) <= 8 * DAY_MS


def test_a_plan_of_whose_messages_nothing_is_known_any_more_is_refused(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    plan = plan_of(store, Verb.DISCARD, {"alerter": [event(1)]})
    client.delete(f"mutt:remediation:plan:{plan.id}:set:alerter")
    with pytest.raises(SetChanged, match="expired"):
        jobs.submit(store, plan, order())
    assert not client.exists("mutt:remediation:jobs")


def test_what_a_job_throws_away_is_due_a_week_after_its_end(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(3)]
    fill(client, DLQ, events)
    plan = plan_of(store, Verb.DISCARD, {"alerter": events})
    job = jobs.submit(store, plan, order())
    # Should nobody ever end it, its trash is removed all the same.
    assert client.zscore(TRASH, job.id) == pytest.approx(store.now() + 30 * 86_400, abs=60)
    run_cycle(store, OFF)
    assert client.zscore(TRASH, job.id) == pytest.approx(store.now() + 7 * 86_400, abs=60)
    again = jobs.submit(store, plan, order())  # finds nothing
    run_cycle(store, OFF)
    assert after(store, again).counts.gone == 3
    assert client.zrange(TRASH, 0, -1) == [job.id.encode()]


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
        store.queues.step_aside("ours", DLQ, BESIDE, 0, 1)
    with pytest.raises(LeaseLost):
        store.job_changes.end("ours", waits, Ending(State.DONE, waits.counts), late)
    assert store.trash.depth(("alerter",)) == 3
    assert (client.llen(DLQ), client.exists(BESIDE)) == (1, 0)
    assert after(store, waits).state is State.QUEUED


def test_each_step_of_a_jobs_work_renews_the_lease(client: redis.Redis, store: Store) -> None:
    job = discarded(client, store)
    fill(client, DLQ, [event(7)])
    client.set(LEASE, "ours", px=5000)
    assert store.queues.step_aside("ours", DLQ, BESIDE, 0, 1) == 1
    assert 5000 < int(client.pttl(LEASE)) <= 10_000
    client.set(LEASE, "ours", px=5000)
    assert store.trash.empty("ours", job.id, ("alerter",), 3, store.now() + 8 * 86_400) == 0
    assert 5000 < int(client.pttl(LEASE)) <= 10_000


def test_nothing_is_removed_from_the_trash_before_its_time(
    client: redis.Redis, store: Store
) -> None:
    job = discarded(client, store)
    client.set(LEASE, "ours")
    store.trash.empty("ours", job.id, ("alerter",), 3, store.now() + 6 * 86_400)
    assert store.trash.depth(("alerter",)) == 3
    store.trash.empty("ours", job.id, ("alerter",), 3, store.now() + 8 * 86_400)
    assert not client.exists(TRASH, f"mutt:remediation:trash:{job.id}:alerter")


def test_who_finds_another_number_aside_steps_over_nothing(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    client.set(LEASE, "ours")
    assert store.queues.step_aside("ours", DLQ, BESIDE, 0, 2) == 2
    assert store.queues.step_aside("ours", DLQ, BESIDE, 0, 3) == 2  # so it is told how many
    assert numbers_in(client, DLQ) == [2]
    assert store.queues.step_aside("ours", DLQ, BESIDE, 2, 0) == 0
    assert numbers_in(client, DLQ) == [0, 1, 2]


def test_what_cannot_be_requeued_is_counted_once_however_often_it_is_looked_at(
    client: redis.Redis, store: Store
) -> None:
    header = {"replays": 5, "forgiven": 0, "route": "alerter", "reason": "poison"}
    good = event(1, _remediation=header)
    fill(client, DEAD, [b"{garbage", good])
    gone = event(2, _remediation=header)
    plan = plan_of(store, Verb.REQUEUE, {"dead": [b"{garbage", good, gone]})
    job = jobs.submit(store, plan, order())
    drain(store, settings_of(REMEDIATION_ROUTES="alerter,moog"))
    found = after(store, job)
    counts = found.counts
    assert (counts.done, counts.skipped, counts.gone, counts.left) == (1, 1, 1, 0)
    assert found.created_at <= found.started_at <= found.ended_at
