"""Jobs that send messages into the pipeline keep to its gate and pace, and to their own limits."""

import redis

from mutt_tasks import cycle as steps
from mutt_tasks.core.jobs import State
from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Verb
from mutt_tasks.cycle import resume
from mutt_tasks.operations import jobs
from mutt_tasks.store.store import Store
from tests.jobs import LEASE, SETTINGS, after, order, plan_of
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    LIMITER,
    MOOG_DLQ,
    consume,
    drain,
    event,
    fill,
    header_of,
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

BOTH = settings_of(REMEDIATION_ROUTES="alerter,moog")


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


def test_a_requeue_that_comes_back_at_once_is_counted_and_not_tried_again_at_once(
    client: redis.Redis, store: Store
) -> None:
    header = {"replays": 5, "forgiven": 0, "route": "alerter", "reason": "poison"}
    dead = [event(n, _remediation=header) for n in range(3)]
    fill(client, DEAD, dead)
    job = jobs.submit(store, plan_of(store, Verb.REQUEUE, {"dead": dead}), order())

    def fail(seconds: float) -> None:
        """The consumer takes and gives up, while the cycle spreads its batch."""
        let_pass(store, seconds)
        fill(client, DLQ, lying_in(client, INGEST))
        client.delete(INGEST)

    ended = run_cycle(store, SETTINGS, wait=fail)
    run_cycle(store, SETTINGS, ended.next_cycle, wait=fail)
    counts = after(store, job).counts
    assert (counts.done, counts.came_back, client.llen(DLQ)) == (3, 3, 3)
    headers = [header_of(raw) for raw in lying_in(client, DLQ)]
    assert [(each["replays"], each["cycle"]) for each in headers] == [(1, job.id)] * 3
    assert headers[0]["before"] == header


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


def test_a_job_on_two_routes_ends_when_all_is_done_on_one_and_gone_from_the_other(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    plan = plan_of(store, Verb.REPLAY, {"alerter": [event(1)], "moog": [event(2)]})
    job = jobs.submit(store, plan, order())
    drain(store, BOTH)
    found = after(store, job)
    assert (found.state, found.counts.done, found.counts.gone) == (State.DONE, 1, 1)


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


def test_a_drains_next_cycle_does_what_a_job_wants_first(client: redis.Redis, store: Store) -> None:
    events = [event(n) for n in range(30)]
    fill(client, DLQ, events)
    next_cycle = run_cycle(store, SETTINGS).next_cycle
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[25:]}), order())
    assert steps.resume(store, SETTINGS, surroundings_of(store), next_cycle)
    assert after(store, job).state is State.DONE
    assert numbers_in(client, DLQ) == list(range(10, 25))


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
