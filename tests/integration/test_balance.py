"""What leaves a list uncounted is noticed; what is counted never seems to be missing."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from mutt_tasks.core.identity import digest
from mutt_tasks.core.jobs import State
from mutt_tasks.core.plan import Verb
from mutt_tasks.cycle import Trigger
from mutt_tasks.errors import StoreCorrupt
from mutt_tasks.operations import exporting, jobs
from mutt_tasks.operations.exporting import Exported
from mutt_tasks.operations.requeue import requeue
from mutt_tasks.settings import Settings
from mutt_tasks.store import keys
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from mutt_tasks.worker.oversight import AUDIT_SECONDS, Checker
from tests.jobs import after, order, plan_of
from tests.looking import Clock, looker_on
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    MOOG_DLQ,
    begin,
    consume,
    event,
    fill,
    now_of,
    operator_pauses,
    run_cycle,
    settings_of,
)

BOTH = settings_of(REMEDIATION_ROUTES="alerter,moog", REMEDIATION_REDIRECT_QUEUES="other")
OFF = settings_of(REMEDIATION_ROUTES="alerter,moog", REMEDIATION_ENABLED="false")
NONE = {"alerter": 0, "moog": 0, "dead": 0}
HEADER = {"replays": 3, "route": "alerter", "reason": "poison"}


def checked(store: Store) -> dict[str, int]:
    """What is missing since the last check."""
    return store.balance.check(BOTH.routes, DEAD)


@pytest.fixture
def filled(client: redis.Redis, store: Store) -> None:
    """Every list holds something, and the books have been looked at."""
    fill(client, DLQ, [event(0, _moog_retry_count=9), b"garbage", *map(event, range(1, 12))])
    fill(client, MOOG_DLQ, [event(n, _retry_count=0) for n in range(20, 25)])
    fill(client, DEAD, [event(n, _remediation=HEADER) for n in range(40, 48)])
    assert checked(store) == NONE


# --- what is counted ---


def cycles(client: redis.Redis, store: Store) -> None:
    cycle = ""
    for _ in range(4):
        cycle = run_cycle(store, BOTH, cycle).next_cycle
        assert checked(store) == NONE
        consume(client, store)
    assert client.llen(DLQ) + client.llen(MOOG_DLQ) == 0
    assert client.llen(DEAD) == 10


def shelter(client: redis.Redis, store: Store) -> None:
    fill(client, ALERTS, [b"garbage", *(event(n, _retry_count=0) for n in range(100, 400))])
    client.mset({keys.BREAKER: "OPEN", keys.BREAKER_OPEN_TIME: now_of(store)})
    guarded = settings_of(REMEDIATION_MAX_RATE="auto", REMEDIATION_ROUTES="alerter,moog")
    run_cycle(store, guarded, healthy=False)
    assert client.llen(MOOG_DLQ) > 200


def a_job(verb: Verb, source: str, key: str, destination: str = "") -> Callable[..., None]:
    def act(client: redis.Redis, store: Store) -> None:
        wanted: list[bytes] = client.lrange(key, 1, 3)  # type: ignore[assignment]
        plan = plan_of(store, verb, {source: wanted}, destination)
        job = jobs.submit(store, plan, order())
        run_cycle(store, BOTH)
        assert after(store, job).counts.done >= 2

    act.__name__ = f"{verb.value}_{source}_{destination}"
    return act


def discard_and_undo(client: redis.Redis, store: Store) -> None:
    for source, key in (("moog", MOOG_DLQ), ("dead", DEAD)):
        before = client.llen(key)
        wanted: list[bytes] = client.lrange(key, 1, 3)  # type: ignore[assignment]
        job = jobs.submit(store, plan_of(store, Verb.DISCARD, {source: wanted}), order())
        run_cycle(store, OFF)
        assert checked(store) == NONE
        assert client.llen(key) == before - 3
        back = jobs.undo(store, job.id, order())
        client.delete(keys.LEASE)
        run_cycle(store, OFF)
        assert after(store, back).state is State.DONE
        assert client.llen(key) == before
        assert checked(store) == NONE


def an_undo(client: redis.Redis, store: Store) -> None:
    wanted: list[bytes] = client.lrange(DEAD, 1, 5)  # type: ignore[assignment]
    job = jobs.submit(store, plan_of(store, Verb.DISCARD, {"dead": wanted}), order())
    run_cycle(store, OFF)
    checked(store)
    jobs.undo(store, job.id, order())
    client.delete(keys.LEASE)
    run_cycle(store, OFF)
    assert client.llen(DEAD) == 8


def cycles_without_looks(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [b"garbage"] * 5)
    cycle = ""
    for _ in range(4):
        cycle = run_cycle(store, BOTH, cycle).next_cycle
        consume(client, store)
    assert client.llen(DEAD) == 15


def requeue_by_task(client: redis.Redis, store: Store) -> None:
    raw: bytes = client.lindex(DEAD, 2)  # type: ignore[assignment]
    requeue(store, BOTH, time.monotonic, digest(raw), Request("1", "ann", "mended"))
    assert client.llen(DEAD) == 7


def export_and_import(client: redis.Redis, store: Store) -> None:
    looker = looker_on(store)
    lines = list(exporting.exported(looker, Exported(is_all=True, routes=("dead",)), order()))
    list(exporting.imported(looker, "moog", lines, order()))
    assert client.llen(MOOG_DLQ) == 13


def retention(folder: Path) -> Settings:
    return settings_of(REMEDIATION_DEAD_RETENTION=7, REMEDIATION_EXPORT_FOLDER=folder)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "act",
    [
        cycles,
        shelter,
        a_job(Verb.REPLAY, "alerter", DLQ),
        a_job(Verb.REQUEUE, "dead", DEAD),
        a_job(Verb.DISCARD, "alerter", DLQ),
        a_job(Verb.REDIRECT, "dead", DEAD, "other"),
        a_job(Verb.REDIRECT, "alerter", DLQ, ALERTS),
        discard_and_undo,
        requeue_by_task,
        export_and_import,
    ],
    ids=lambda act: act.__name__,
)
def test_what_we_move_is_not_missing(
    client: redis.Redis, store: Store, act: Callable[[redis.Redis, Store], None]
) -> None:
    act(client, store)

    assert checked(store) == NONE
    assert client.hget(keys.CHECKS, "missing:dead") == b"0"


@pytest.mark.usefixtures("filled")
def test_what_is_edited_or_removed_because_of_its_age_is_not_missing(
    client: redis.Redis, store: Store, tmp_path: Path
) -> None:
    raw: bytes = client.lindex(DEAD, 2)  # type: ignore[assignment]
    job = jobs.edit(store, "dead", raw, event(61, _remediation=HEADER), order())
    run_cycle(store, OFF)
    assert after(store, job).counts.done == 1
    fill(client, DEAD, [event(60, _remediation=HEADER | {"dead_at": "2020-01-01T00:00:00Z"})])
    client.lmove(DEAD, DEAD, "LEFT", "RIGHT")
    assert checked(store) == NONE
    begin(store, retention(tmp_path), new_id(), Trigger.BEAT)
    assert list(tmp_path.iterdir())
    assert checked(store) == NONE


@pytest.mark.usefixtures("filled")
def test_what_a_job_keeps_beside_a_list_is_not_missing(client: redis.Redis, store: Store) -> None:
    for beside in (keys.aside("moog"), keys.front("moog")):
        client.lmove(MOOG_DLQ, beside, "RIGHT", "LEFT")
    assert checked(store) == NONE


# --- what is missing ---


@pytest.mark.usefixtures("filled")
def test_what_somebody_takes_away_is_missing_once_and_stays_noted(
    client: redis.Redis, store: Store
) -> None:
    client.rpop(MOOG_DLQ, 2)
    client.lpop(DEAD)
    assert checked(store) == {"alerter": 0, "moog": 2, "dead": 1}
    assert checked(store) == NONE
    client.delete(MOOG_DLQ)
    assert checked(store) == {"alerter": 0, "moog": 3, "dead": 0}
    found = store.snapshots.take(BOTH.routes, (DLQ, *(r.target for r in BOTH.routes))).checks
    assert found.missing == {"alerter": 0, "moog": 5, "dead": 1}
    assert found.balanced_at == pytest.approx(store.now(), abs=5)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("act", "name", "key"),
    [
        (shelter, "moog", MOOG_DLQ),
        (export_and_import, "moog", MOOG_DLQ),
        (an_undo, "dead", DEAD),
        (cycles_without_looks, "dead", DEAD),
    ],
)
def test_what_we_put_there_hides_no_loss_of_the_same_moment(
    client: redis.Redis,
    store: Store,
    act: Callable[[redis.Redis, Store], None],
    name: str,
    key: str,
) -> None:
    act(client, store)
    client.lpop(key, 3)
    # What is sheltered and malformed is counted as if it had left the dead letter queue.
    assert checked(store)[name] in ((2, 3) if act is shelter else (3,))


@pytest.mark.usefixtures("filled")
def test_what_arrives_is_not_missing_later(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(500)])
    assert checked(store) == NONE
    client.rpop(DLQ)
    assert checked(store)["alerter"] == 1


@pytest.mark.usefixtures("filled")
def test_counters_that_begin_anew_are_no_loss(client: redis.Redis, store: Store) -> None:
    run_cycle(store, BOTH)
    checked(store)
    client.delete(keys.STATS)
    assert checked(store) == NONE
    client.rpop(DEAD)
    assert checked(store)["dead"] == 1


@pytest.mark.usefixtures("filled")
def test_a_route_that_is_switched_off_is_no_loss(client: redis.Redis, store: Store) -> None:
    alone = settings_of()
    client.delete(MOOG_DLQ)
    assert store.balance.check(alone.routes, DEAD) == {"alerter": 0, "dead": 0}
    client.rpop(DLQ)
    assert store.balance.check(alone.routes, DEAD) == {"alerter": 1, "dead": 0}
    assert checked(store) == NONE  # switched on again


def test_a_list_that_is_none_is_refused_and_nothing_is_written(
    client: redis.Redis, store: Store
) -> None:
    client.set(MOOG_DLQ, "text")
    with pytest.raises(StoreCorrupt, match=MOOG_DLQ):
        checked(store)
    assert not client.exists(keys.CHECKS)


# --- the worker's looks ---


def checker(store: Store, clock: Clock) -> Checker:
    return Checker(store, BOTH, clock.monotonic)


def entries_of(store: Store) -> None:
    """Some entries of the audit."""
    for reason in ("one", "two", "three"):
        operator_pauses(store, 60, reason)


@pytest.mark.usefixtures("filled")
def test_the_worker_says_what_is_missing(
    client: redis.Redis, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    client.rpop(DLQ)
    found = checker(store, Clock())
    found.look()
    found.look()
    (record,) = (each for each in caplog.records if each.levelno == logging.ERROR)
    assert "1 messages have left the list alerter" in record.getMessage()


def test_a_list_that_is_none_keeps_nobody_from_the_audit_and_is_said_once(
    client: redis.Redis, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entries_of(store)
    client.set(MOOG_DLQ, "text")
    found = checker(store, Clock())
    found.look()
    found.look()
    assert client.hget(keys.CHECKS, "audit_whole") == b"1"
    (record,) = (each for each in caplog.records if each.levelno == logging.WARNING)
    assert f"books cannot be checked: {MOOG_DLQ}" in record.getMessage()


def test_an_entry_of_the_audit_that_is_removed_is_found_at_the_next_reading(
    client: redis.Redis, store: Store
) -> None:
    entries_of(store)
    clock = Clock()
    found = checker(store, clock)
    found.look()
    assert client.hget(keys.CHECKS, "audit_whole") == b"1"
    (_, second, _) = store.audit.after()
    client.xdel(keys.AUDIT, second[0])
    found.look()
    assert client.hget(keys.CHECKS, "audit_whole") == b"1"
    clock.wait(AUDIT_SECONDS)
    found.look()
    assert client.hget(keys.CHECKS, "audit_whole") == b"0"


def test_a_reading_that_takes_long_is_not_made_again_for_a_hundred_times_as_long(
    client: redis.Redis, store: Store
) -> None:
    clock = Clock()

    def slow() -> float:
        clock.wait(1.5)  # at each look at the clock
        return clock.monotonic()

    found = Checker(store, BOTH, slow)
    found.look()
    client.delete(keys.CHECKS)
    clock.wait(100)
    found.look()
    assert not client.hexists(keys.CHECKS, "audit_whole")
    clock.wait(100)
    found.look()
    assert client.hexists(keys.CHECKS, "audit_whole")


def test_a_chain_that_is_written_anew_is_found_by_who_saw_the_old_one(
    client: redis.Redis, store: Store
) -> None:
    entries_of(store)
    clock = Clock()
    found = checker(store, clock)
    found.look()
    client.delete(keys.AUDIT, keys.AUDIT_HEAD)
    entries_of(store)
    checker(store, clock).look()
    assert client.hget(keys.CHECKS, "audit_whole") == b"1"  # in itself it is whole
    clock.wait(AUDIT_SECONDS)
    found.look()
    assert client.hget(keys.CHECKS, "audit_whole") == b"0"


def test_entries_that_are_added_leave_the_audit_whole(client: redis.Redis, store: Store) -> None:
    clock = Clock()
    found = checker(store, clock)
    for _ in range(3):
        found.look()
        assert client.hget(keys.CHECKS, "audit_whole") == b"1"
        entries_of(store)
        clock.wait(AUDIT_SECONDS)


def test_a_key_that_holds_something_else_is_told_once_of_each_check(
    client: redis.Redis, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    client.set(keys.CHECKS, "text")
    found = checker(store, Clock())
    found.look()
    found.look()
    books, audit = (each.getMessage() for each in caplog.records if each.levelname == "WARNING")
    assert books.startswith(f"books cannot be checked: {keys.CHECKS}")
    assert audit.startswith("audit cannot be checked")
