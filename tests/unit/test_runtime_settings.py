"""The settings in force now, each bad runtime value reported once, each change audited once."""

from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest
import redis as redis_py

from mutt_tasks.runtime_settings import RuntimeSettings, in_force
from mutt_tasks.settings import load
from mutt_tasks.store.store import Store

INTERVAL, BATCH = "mutt:config:remediation_interval", "mutt:config:remediation_batch_size"
DYNAMIC = load({"DYNAMIC_CONFIG_ENABLED": "true"})


@pytest.fixture
def redis() -> Iterator[fakeredis.FakeRedis]:
    found = fakeredis.FakeRedis()
    yield found
    found.close()


def test_runtime_configuration_is_in_force_until_it_is_deleted(redis: fakeredis.FakeRedis) -> None:
    runtime = RuntimeSettings(Store(redis), DYNAMIC)
    redis.set(INTERVAL, "60")
    assert runtime.now().pace.interval == 60
    redis.delete(INTERVAL)
    assert runtime.now() == DYNAMIC


def test_runtime_configuration_counts_only_where_it_is_turned_on(
    redis: fakeredis.FakeRedis,
) -> None:
    redis.set(INTERVAL, "60")
    assert RuntimeSettings(Store(redis), load({})).now() == load({})
    assert in_force(Store(redis), load({})) == (load({}), ())


def test_a_bad_runtime_value_is_reported_once_until_it_is_mended(
    redis: fakeredis.FakeRedis, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = RuntimeSettings(Store(redis), DYNAMIC)
    bad = {INTERVAL: "soon", BATCH: "many"}
    for broken in ((INTERVAL, BATCH), (INTERVAL, BATCH), (BATCH,), (INTERVAL, BATCH), (), (BATCH,)):
        redis.delete(*bad)
        for key in broken:
            redis.set(key, bad[key])
        assert runtime.now() == DYNAMIC

    keys = [record.getMessage().partition(": ")[0] for record in caplog.records]
    assert keys == [BATCH, INTERVAL, INTERVAL, BATCH]


def test_what_one_process_has_reported_another_reports_too(
    redis: fakeredis.FakeRedis, caplog: pytest.LogCaptureFixture
) -> None:
    redis.set(INTERVAL, "soon")
    for _ in range(2):
        RuntimeSettings(Store(redis), DYNAMIC).now()

    assert len(caplog.records) == 2


# --- what others have changed is in the audit; on a real server, for scripts write it ---


def told(store: Store) -> list[tuple[str, ...]]:
    names = ("scope", "before", "after", "outcome")
    return [tuple(fields[name] for name in names) for _, fields in store.audit.after()]


def test_a_change_is_audited_once_whoever_sees_it_first(
    client: redis_py.Redis, store: Store
) -> None:
    workers = [RuntimeSettings(Store(client), DYNAMIC, is_audited=True) for _ in range(3)]
    RuntimeSettings(store, DYNAMIC).now()
    for value in ("60", "90", None, "90"):
        if value is None:
            client.delete(INTERVAL)
        else:
            client.set(INTERVAL, value)
        for worker in (*workers, *reversed(workers)):
            worker.now()
    RuntimeSettings(Store(client), DYNAMIC, is_audited=True).now()  # a worker that starts

    assert told(store) == [
        (INTERVAL, "not set", "60", "in force"),
        (INTERVAL, "60", "90", "in force"),
        (INTERVAL, "90", "not set", "in force"),
        (INTERVAL, "not set", "90", "in force"),
    ]
    ((_, first), *_) = store.audit.after()
    assert (first["verb"], first["actor"], first["known_by"]) == ("configure", "unknown", "worker")
    assert store.audit.verify().wrong == ""


def test_settings_that_nobody_changed_take_one_read(client: redis_py.Redis, store: Store) -> None:
    client.set(INTERVAL, "60")
    runtime = RuntimeSettings(store, DYNAMIC, is_audited=True)
    runtime.now()
    before: Any = client.info("stats")
    runtime.now()
    after: Any = client.info("stats")

    assert after["total_commands_processed"] - before["total_commands_processed"] == 2  # INFO too


def test_what_changed_while_no_worker_ran_is_audited_by_the_next_one(
    client: redis_py.Redis, store: Store
) -> None:
    client.set(INTERVAL, "60")
    RuntimeSettings(store, DYNAMIC, is_audited=True).now()
    client.set(INTERVAL, "90")
    client.set(BATCH, "many")
    RuntimeSettings(store, DYNAMIC, is_audited=True).now()

    assert told(store)[1:] == [
        (INTERVAL, "60", "90", "in force"),
        (BATCH, "not set", "many", "ignored"),
    ]


@pytest.mark.parametrize("env", [{}, {"DYNAMIC_CONFIG_ENABLED": "true"}])
def test_the_limits_that_consumers_follow_are_audited_whatever_is_turned_on(
    client: redis_py.Redis, store: Store, env: dict[str, str]
) -> None:
    runtime = RuntimeSettings(store, load(env), is_audited=True)
    runtime.now()
    client.set("mutt:config:moog_rate_limit", "5")
    runtime.now()

    assert told(store) == [("mutt:config:moog_rate_limit", "not set", "5", "followed")]


def test_what_is_not_obeyed_is_not_audited(client: redis_py.Redis, store: Store) -> None:
    client.set(INTERVAL, "60")
    RuntimeSettings(store, load({}), is_audited=True).now()
    client.set("mutt:config:some_other", "60")
    RuntimeSettings(store, DYNAMIC).now()

    assert told(store) == []


def test_a_setting_holds_although_the_audit_cannot_be_written(
    client: redis_py.Redis, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    client.set("mutt:remediation:audit", "no such thing")
    client.set(INTERVAL, "60")
    runtime = RuntimeSettings(store, DYNAMIC, is_audited=True)
    for _ in range(3):
        assert runtime.now().pace.interval == 60
    assert [record.getMessage()[:51] for record in caplog.records] == [
        "the audit has no entry of a changed runtime setting"
    ]

    client.delete("mutt:remediation:audit")
    runtime.now()
    assert told(store) == [(INTERVAL, "not set", "60", "in force")]


def test_a_secret_at_the_wrong_place_is_not_kept(client: redis_py.Redis, store: Store) -> None:
    client.set(INTERVAL, "password=hunter2Zk4 " + "x" * 100)
    RuntimeSettings(store, DYNAMIC, is_audited=True).now()

    ((_, _, after, outcome),) = told(store)
    assert (after[:14], outcome) == ("password=*** x", "ignored")
    assert len(after) == 60
    assert "hunter2Zk4" not in str(client.hgetall("mutt:remediation:audit:seen"))
