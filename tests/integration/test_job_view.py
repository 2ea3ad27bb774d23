"""Plans and jobs as people see them: how long it takes, and what holds a job."""

import pytest
import redis

from mutt_tasks.core.jobs import Job
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.operations import job_view, jobs
from mutt_tasks.store import keys
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


def held_by(store: Store, job: Job) -> str:
    found: str = job_view.job(looker_on(store), job)["held_by"]
    return found


@pytest.mark.parametrize("verb", [Verb.DISCARD, Verb.REPLAY])
def test_a_job_that_nobody_begins_waits_for_a_worker(
    client: redis.Redis, store: Store, verb: Verb
) -> None:
    assert held_by(store, waiting(client, store, verb, 1)) == ""
    job = waiting(client, store, verb, 6)
    assert held_by(store, job) == "no worker"
    client.set(keys.LEASE, "x" * 32)  # one is at work
    assert held_by(store, job) == ""
    client.delete(keys.LEASE)
    operator_pauses(store, 600)
    assert held_by(store, job) == ("paused" if verb is Verb.REPLAY else "")


def test_what_holds_a_route_holds_the_job_and_an_empty_one_does_not(
    client: redis.Redis, store: Store
) -> None:
    job = waiting(client, store, Verb.REPLAY, 1)
    told = {"event": "cycle", "route:alerter": "held empty", "route:moog": "held empty"}
    client.xadd(keys.JOURNAL, told)  # type: ignore[arg-type]
    assert held_by(store, job) == ""
    client.xadd(keys.JOURNAL, told | {"route:moog": "held window"})  # type: ignore[arg-type]
    assert held_by(store, job) == "window"


def test_counts_are_told_in_words_without_what_is_nothing() -> None:
    counts = {"planned": 5, "done": 0, "gone": 0, "skipped": 1, "came_back": 1200, "left": 4}
    assert job_view.in_words(counts) == "5 planned, 0 done, 1 skipped, 1,200 came back, 4 left"
