"""Plans and jobs as people see them: how long it takes, and what holds a job."""

from dataclasses import replace

import pytest
import redis

from mutt_tasks.core.jobs import Job
from mutt_tasks.core.plan import PLANNED, Plan, Verb
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import job_view, jobs, status
from mutt_tasks.operations.status import Status
from mutt_tasks.store import keys
from mutt_tasks.store.counters import LAST_CYCLE_MS
from mutt_tasks.store.store import Store
from tests.jobs import order, plan_of
from tests.looking import looker_on
from tests.pipeline import DLQ, event, fill, operator_pauses, run_cycle, settings_of


def expected(store: Store, verb: Verb, count: int, **env: object) -> int:
    """In how many seconds a job on so many messages would be done at best."""
    plan = Plan("p-1", "etag", verb, {"alerter": count})
    seconds: int = job_view.plan(looker_on(store, None, **env), plan)["expected_seconds"]
    return seconds


@pytest.mark.usefixtures("client")
def test_a_job_that_needs_no_pace_takes_what_moving_takes(store: Store) -> None:
    assert expected(store, Verb.DISCARD, 20_000) == 2
    assert expected(store, Verb.DISCARD, 10) == 0


def test_a_job_takes_as_long_as_the_pipeline_carries_it(client: redis.Redis, store: Store) -> None:
    limiter = {"REMEDIATION_MAX_RATE": "auto", "MOOG_RATE_LIMIT": 10, "MOOG_RATE_PERIOD": 2}
    assert expected(store, Verb.REPLAY, 60, **limiter) == 12
    assert expected(store, Verb.REQUEUE, 60, **limiter | {"REMEDIATION_MAX_RATE": 20}) == 3
    fill(client, DLQ, [event(n) for n in range(30)])
    run_cycle(store, settings_of())
    client.persist(keys.LEASE)
    client.hset(keys.route_state("alerter"), mapping={"speed": 4, "moved_at": store.now() + 60})
    assert expected(store, Verb.REPLAY, 60, **limiter) == 15  # as the drain goes now


def waiting(client: redis.Redis, store: Store, verb: Verb, seconds: float) -> Job:
    """A job that was submitted so many seconds ago."""
    fill(client, DLQ, [event(1)])
    job = jobs.submit(store, plan_of(store, verb, {"alerter": [event(1)]}), order())
    client.hset(keys.job(job.id), "created_at", store.now() - seconds)
    return jobs.get(store, job.id)


def status_of(store: Store) -> Status:
    settings = settings_of(REMEDIATION_ROUTES="alerter,moog")
    return status.read(store, settings.routes, settings.lists.dead_letter_queue)


def held_by(store: Store, job: Job) -> str:
    found: str = job_view.job(looker_on(store), job)["held_by"]
    return found


@pytest.mark.parametrize("verb", [Verb.DISCARD, Verb.REPLAY])
def test_a_job_that_nobody_begins_waits_for_a_worker(
    client: redis.Redis, store: Store, verb: Verb
) -> None:
    job = waiting(client, store, verb, 1)
    assert held_by(store, job) == ""
    client.hset(keys.job(job.id), "created_at", store.now() - 6)
    assert held_by(store, job) == "no worker"
    operator_pauses(store, 600)  # a pause is ended by itself, and no worker begins by itself
    assert held_by(store, job) == "no worker"
    client.hset(keys.STATS, LAST_CYCLE_MS, round(store.now() * 1000))  # one is there
    assert held_by(store, job) == ("paused" if verb is Verb.REPLAY else "")
    client.delete(keys.STATS)
    client.set(keys.LEASE, "x" * 32)  # one is at work
    assert held_by(store, job) == ("paused" if verb is Verb.REPLAY else "")
    client.delete(keys.PAUSED)
    assert held_by(store, job) == ""
    client.delete(keys.LEASE)
    # Nobody has come for the one before it: who asks now need not wait to be told.
    assert held_by(store, waiting(client, store, verb, 0)) == "no worker"


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [
        (Verb.DISCARD, Verb.DISCARD, True),
        (Verb.REPLAY, Verb.REPLAY, True),
        (Verb.REPLAY, Verb.DISCARD, False),
        (Verb.DISCARD, Verb.REPLAY, False),
    ],
)
def test_a_job_waits_for_the_one_before_it_that_is_done_in_the_same_way(
    client: redis.Redis, store: Store, first: Verb, second: Verb, waits: bool
) -> None:
    before, job = waiting(client, store, first, 2), waiting(client, store, second, 1)
    told = job_view.job(looker_on(store), job)
    assert (told["held_by"], told["behind"]) == (("other job", before.id) if waits else ("", ""))
    assert held_by(store, before) == ""
    client.hset(keys.job(job.id), "state", "running")
    assert held_by(store, job) == ""
    assert status_of(store).jobs == job_view.each(looker_on(store), [before, job])


def test_replays_of_other_lists_wait_for_nobody(client: redis.Redis, store: Store) -> None:
    waiting(client, store, Verb.REPLAY, 1)
    plan = plan_of(store, Verb.REPLAY, {"moog": [event(1)]})
    assert held_by(store, jobs.submit(store, plan, order())) == ""


def test_what_holds_a_route_holds_the_job_and_an_empty_one_does_not(
    client: redis.Redis, store: Store
) -> None:
    job = waiting(client, store, Verb.REPLAY, 1)
    told = {"event": "cycle", "route:alerter": "held empty", "route:moog": "held empty"}
    client.xadd(keys.JOURNAL, told)  # type: ignore[arg-type]
    assert held_by(store, job) == ""
    client.xadd(keys.JOURNAL, told | {"route:moog": "held window"})  # type: ignore[arg-type]
    assert held_by(store, job) == ""  # it has nothing there
    client.xadd(keys.JOURNAL, told | {"route:alerter": "held waiting"})  # type: ignore[arg-type]
    assert held_by(store, job) == ""  # that is the backoff of the drain's own
    client.xadd(keys.JOURNAL, told | {"route:alerter": "held window"})  # type: ignore[arg-type]
    assert held_by(store, job) == "window"
    client.xadd(keys.JOURNAL, told)  # type: ignore[arg-type]
    client.hset(keys.job(job.id), mapping={"rate": 0.1, "next_at": store.now() + 9})
    assert held_by(store, jobs.get(store, job.id)) == "own rate"


def test_what_the_drain_sends_too_is_told_in_the_plan(store: Store) -> None:
    looks = looker_on(store)
    plans = {verb: Plan("p-1", "etag", verb, {"alerter": 1}) for verb in PLANNED}
    drained = [verb for verb, each in plans.items() if job_view.plan(looks, each)["is_drained_too"]]
    assert drained == [Verb.REPLAY]


def test_a_job_that_stops_early_has_its_own_goal(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    plan = plan_of(store, Verb.DISCARD, {"alerter": [event(n) for n in range(3)]})
    job = jobs.submit(store, plan, order(stop_after=2))
    assert job_view.job(looker_on(store), job)["goal"] == 2
    assert status_of(store).sentence.endswith(f"discard {job.id} by ann: 0 of 2 done")
    assert replace(job, stop_after=9).goal == replace(job, stop_after=None).goal == 3


def test_jobs_are_listed_page_by_page_the_newest_first(client: redis.Redis, store: Store) -> None:
    ids = [waiting(client, store, Verb.DISCARD, 1).id for _ in range(3)]
    assert [job.id for job in jobs.listed(store, 2)] == [ids[2], ids[1]]
    assert [job.id for job in jobs.listed(store, 2, before=ids[1])] == [ids[0]]
    assert jobs.listed(store, 2, before=ids[0]) == []
    with pytest.raises(InvalidArgument, match="before"):
        jobs.listed(store, 2, before="j-000000000000")


def test_counts_are_told_in_words_without_what_is_nothing() -> None:
    counts = {"planned": 5, "done": 0, "gone": 0, "skipped": 1, "came_back": 1200, "left": 4}
    assert job_view.in_words(counts) == "5 planned, 0 done, 1 skipped, 1,200 came back, 4 left"
