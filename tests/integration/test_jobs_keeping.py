"""How long plans, jobs and the trash are kept, and what is forgotten when."""

import pytest
import redis

from mutt_tasks.core.plan import Verb
from mutt_tasks.cycle import Trigger
from mutt_tasks.errors import Refused, SetChanged
from mutt_tasks.operations import jobs
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.jobs import LEASE, OFF, TRASH, after, discarded, order, plan_of
from tests.pipeline import (
    DLQ,
    begin,
    counters,
    event,
    fill,
    journal,
    let_pass,
    run_cycle,
)

DAY_MS = 86_400_000


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


def test_nothing_is_removed_from_the_trash_before_its_time(
    client: redis.Redis, store: Store
) -> None:
    job = discarded(client, store)
    client.set(LEASE, "ours")
    store.trash.empty("ours", job.id, ("alerter",), 3, store.now() + 6 * 86_400)
    assert store.trash.depth(("alerter",)) == 3
    store.trash.empty("ours", job.id, ("alerter",), 3, store.now() + 8 * 86_400)
    assert not client.exists(TRASH, f"mutt:remediation:trash:{job.id}:alerter")
