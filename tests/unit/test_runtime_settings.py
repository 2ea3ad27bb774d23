"""The settings in force now, and each bad runtime value reported once. Redis is fakeredis here."""

from collections.abc import Iterator

import fakeredis
import pytest

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
