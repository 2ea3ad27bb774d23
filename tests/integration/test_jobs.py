"""An operator's job does its verb to exactly the messages of its plan, each once, and says so."""

from collections.abc import Mapping, Sequence

import pytest
import redis

from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.identity import digest
from mutt_tasks.core.jobs import Job, State
from mutt_tasks.core.plan import Plan, Verb, etag_of
from mutt_tasks.cycle import Trigger
from mutt_tasks.errors import Refused, SetChanged
from mutt_tasks.operations import jobs
from mutt_tasks.operations.jobs import Order
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
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
    numbers_in,
    observe,
    operator_pauses,
    run_cycle,
    settings_of,
)

SETTINGS = settings_of()
OFF = settings_of(REMEDIATION_ENABLED="false")


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
    run_cycle(store, SETTINGS)
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
