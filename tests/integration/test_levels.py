"""Service levels from what cycles enter in Redis: what counts as late, failed or missing."""

import json
import time
from hashlib import sha1
from pathlib import Path

import pytest
import redis

from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Verb
from mutt_tasks.core.slo import DAY, HOUR
from mutt_tasks.core.slo_books import CONSERVED, LANDED, ON_TIME, RECOVERED, Count, totals
from mutt_tasks.core.slo_objectives import OBJECTIVES
from mutt_tasks.cycle import Trigger
from mutt_tasks.operations import jobs
from mutt_tasks.operations.requeue import requeue
from mutt_tasks.operations.slo import from_redis
from mutt_tasks.store import keys
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from mutt_tasks.telemetry.metrics import RedisCollector
from tests.jobs import order, plan_of
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    begin,
    event,
    fill,
    let_pass,
    lying_in,
    now_of,
    operator_pauses,
    run_cycle,
    settings_of,
    stop_clock,
)

WITHIN = 900.0
SETTINGS = settings_of(
    REMEDIATION_RETRY_BACKOFF=0, REMEDIATION_HIGH_WATER=50, REMEDIATION_REDIRECT_QUEUES="elsewhere"
)


def counted(store: Store) -> dict[str, Count]:
    """All that was counted, as of now."""
    kept, elsewhere, _ = store.levels.kept(SETTINGS.routes)
    return totals(kept.books, elsewhere, now_of(store), WITHIN)


def a_tick(client: redis.Redis, store: Store, *, healthy: bool = True) -> None:
    """A cycle of its own, whatever drain was under way; then the worker checks the books."""
    client.delete("mutt:remediation:lease", "mutt:remediation:drain")
    run_cycle(store, SETTINGS, healthy=healthy)
    store.balance.check(SETTINGS.routes, DEAD)


def pass_minutes(client: redis.Redis, store: Store, minutes: int, *, healthy: bool = True) -> None:
    """A tick every five minutes for so long."""
    for _ in range(minutes // 5):
        let_pass(store, 300)
        a_tick(client, store, healthy=healthy)


def block(client: redis.Redis) -> None:
    """The target is full, so that nothing goes."""
    fill(client, INGEST, [b"{}"] * 60)


def come_back(client: redis.Redis) -> None:
    """All that was replayed comes back as the alerter gives it up."""
    sent = [json.dumps(json.loads(raw) | {"_retry_count": 4}) for raw in lying_in(client, INGEST)]
    client.delete(INGEST)
    fill(client, DLQ, [raw.encode() for raw in sent])


def test_what_goes_back_soon_is_in_time_and_set_aside_counts_as_well(
    client: redis.Redis, store: Store
) -> None:
    a_tick(client, store)
    fill(client, DLQ, [*(event(n) for n in range(5)), b"garbage"])
    pass_minutes(client, store, 10)

    assert counted(store)[RECOVERED] == Count(6, 0)


def test_what_moogsofts_health_and_no_pause_leave_lying_is_late_once(
    client: redis.Redis, store: Store
) -> None:
    a_tick(client, store)
    block(client)
    fill(client, DLQ, [event(n) for n in range(5)])
    pass_minutes(client, store, 10)
    assert counted(store)[RECOVERED] == Count(0, 0)
    pass_minutes(client, store, 10)
    assert counted(store)[RECOVERED] == Count(5, 5)
    client.delete(INGEST)
    pass_minutes(client, store, 10)
    assert not client.llen(DLQ)
    assert counted(store)[RECOVERED] == Count(5, 5)


def test_an_outage_and_a_pause_are_no_lateness(client: redis.Redis, store: Store) -> None:
    a_tick(client, store, healthy=False)
    fill(client, DLQ, [event(n) for n in range(5)])
    pass_minutes(client, store, 60, healthy=False)
    operator_pauses(store, 3600)
    pass_minutes(client, store, 60)
    client.delete("mutt:remediation:paused")
    pass_minutes(client, store, 5)

    assert counted(store)[RECOVERED] == Count(5, 0)
    assert counted(store)[ON_TIME].failures == 0  # held cycles took place, too


def test_an_alert_that_comes_back_again_and_again_is_one_failure(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1), event(2)])
    a_tick(client, store)
    for _ in range(5):
        come_back(client)
        let_pass(store, 60)
        a_tick(client, store)

    assert client.llen(DEAD) == 2
    assert counted(store)[LANDED].failures == 2


def test_a_worker_that_was_away_missed_its_cycles(client: redis.Redis, store: Store) -> None:
    a_tick(client, store)
    pass_minutes(client, store, 20)
    let_pass(store, 3600)
    assert counted(store)[ON_TIME] == Count(16, 11)  # as it stands, without a worker
    a_tick(client, store)

    assert counted(store)[ON_TIME] == Count(17, 11)


def test_no_act_of_operators_looks_like_a_loss_and_a_loss_does(
    client: redis.Redis, store: Store
) -> None:
    events = [event(n) for n in range(6)]
    fill(client, DLQ, events)
    operator_pauses(store, 3600)  # the drain leaves them alone
    a_tick(client, store)
    elsewhere = plan_of(store, Verb.REDIRECT, {"alerter": events[:1]}, "elsewhere")
    jobs.submit(store, elsewhere, order())
    gone = jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": events[1:3]}), order())
    a_tick(client, store)
    jobs.undo(store, gone.id, order())
    a_tick(client, store)
    dead = event(9, _remediation={"replays": 3, "route": "alerter", "reason": "poison"})
    fill(client, DEAD, [dead, b"old"])
    a_tick(client, store)
    asked = Request("r1", "ann", "mended")
    found = requeue(store, SETTINGS, time.monotonic, sha1(dead).hexdigest(), asked)
    assert found["outcome"] == "requeued"
    a_tick(client, store)
    client.delete("mutt:remediation:paused")
    a_tick(client, store)
    assert (client.llen(DLQ), client.llen("elsewhere"), client.llen(INGEST)) == (0, 1, 6)
    assert counted(store)[CONSERVED].failures == 0

    client.rpop(DEAD)
    a_tick(client, store)
    assert counted(store)[CONSERVED].failures == 1


def test_dead_letters_that_are_requeued_or_retired_are_no_loss(
    client: redis.Redis, store: Store, tmp_path: Path
) -> None:
    header = {"replays": 3, "route": "alerter", "reason": "poison"}
    dead = [event(n, _remediation=header) for n in range(3)]
    old = event(9, _remediation=header | {"dead_at": iso(now_of(store) - 30 * DAY)})
    fill(client, DEAD, [old, *dead])
    a_tick(client, store)
    jobs.submit(store, plan_of(store, Verb.REQUEUE, {"dead": dead[:2]}), order())
    a_tick(client, store)
    assert len(lying_in(client, INGEST)) == 2
    client.delete("mutt:remediation:lease", "mutt:remediation:drain")
    retiring = settings_of(
        REMEDIATION_DEAD_RETENTION=7,
        REMEDIATION_EXPORT_FOLDER=tmp_path,
        REMEDIATION_ENABLED="false",
    )
    begin(store, retiring, new_id(), Trigger.BEAT)

    assert lying_in(client, DEAD) == dead[2:]
    assert counted(store)[CONSERVED] == Count(4, 0)


def test_what_a_job_lays_beside_a_list_for_a_while_is_no_loss(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(6)])
    operator_pauses(store, 3600)
    a_tick(client, store)
    for beside in (keys.aside("alerter"), keys.front("alerter")):
        client.lmove(DLQ, beside, "RIGHT", "LEFT")
    a_tick(client, store)

    assert store.levels.look(SETTINGS.routes).queues["alerter"].depth == 6
    assert counted(store)[CONSERVED] == Count(6, 0)


def test_what_is_counted_is_scraped_from_the_start(client: redis.Redis, store: Store) -> None:
    def scraped(what: str) -> dict[str, float]:
        return {
            sample.labels["objective"]: sample.value
            for family in RedisCollector(store, SETTINGS).collect()
            for sample in family.samples
            if sample.name == f"mutt_remediation_objective_{what}_total"
        }

    names = {RECOVERED, LANDED, ON_TIME, CONSERVED}
    assert scraped("events") == scraped("failures") == dict.fromkeys(names, 0)
    a_tick(client, store)
    client.rpush(DLQ, event(1))
    a_tick(client, store)
    assert scraped("events") == {RECOVERED: 1, LANDED: 0, ON_TIME: 1, CONSERVED: 1}


def test_without_prometheus_the_windows_are_those_that_redis_covers(
    client: redis.Redis, store: Store
) -> None:
    def levels() -> dict[str, dict[str, object]]:
        report = from_redis(OBJECTIVES, store, SETTINGS).as_json()
        assert report["source"] == "redis"
        return {each["name"]: each for each in report["objectives"]}

    assert {each["state"] for each in levels().values()} == {"no_data"}
    assert set(levels()) == {RECOVERED, LANDED, ON_TIME, CONSERVED}
    stop_clock(store, store.now() - 2 * HOUR)
    a_tick(client, store)
    pass_minutes(client, store, 120)

    found = levels()
    assert (found[RECOVERED]["state"], found[RECOVERED]["actual"]) == ("ok", 1.0)
    assert found[ON_TIME]["events"] == 24
    assert found[ON_TIME]["covered_seconds"] == pytest.approx(2 * HOUR, abs=30)


def test_old_points_make_way_for_new_ones_and_a_window_ends_at_its_own(
    client: redis.Redis, store: Store
) -> None:
    stop_clock(store, store.now() - 50 * DAY)
    a_tick(client, store)
    let_pass(store, 10 * DAY)  # nothing ran: 2,879 cycles are missed
    for _ in range(4 * 40):
        let_pass(store, DAY / 4)
        client.hset("mutt:remediation:levels", "book", caught_up(client, store))
        a_tick(client, store)

    kept, _, _ = store.levels.kept(SETTINGS.routes)
    assert len(kept.points) <= 78 + 126
    level = next(
        each
        for each in from_redis(OBJECTIVES, store, SETTINGS).levels
        if each.objective.name == ON_TIME
    )
    assert level.measured is not None
    assert level.measured.counted.failures == 0  # what was missed is older than 30 days
    assert level.measured.covered == pytest.approx(30 * DAY, abs=DAY)


def caught_up(client: redis.Redis, store: Store) -> str:
    """The book as if the last cycle had been one interval ago."""
    book = json.loads(client.hget("mutt:remediation:levels", "book") or "{}")
    return json.dumps(book | {"due_at": now_of(store) - 300})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": "soon", "late": -5, "missed": 1e400}'])
def test_books_that_cannot_be_read_begin_anew(client: redis.Redis, store: Store, text: str) -> None:
    a_tick(client, store)
    client.hset("mutt:remediation:levels", "book", text)
    client.hset("mutt:remediation:levels", "queue:alerter", text)
    client.hset("mutt:remediation:levels", "point:5m:3", text)
    a_tick(client, store)
    pass_minutes(client, store, 5)

    assert counted(store)[ON_TIME] == Count(2, 0)
