"""What alerts go by is shown as it is in Redis at the moment of the scrape, and only then."""

import pytest
import redis

from mutt_tasks.store import keys
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.metrics import RedisCollector
from mutt_tasks.worker.oversight import Checker
from tests.looking import Clock
from tests.pipeline import DEAD, DLQ, event, fill, operator_pauses, run_cycle, settings_of

MOMENTS = {
    f"{name}_timestamp_seconds"
    for name in (
        *("pause_started", "pause_ends", "last_cycle", "moog_health_checked"),
        *("books_checked", "audit_checked"),
    )
}


def shown(store: Store, **env: object) -> dict[str, float]:
    """Every gauge without labels, and what is missing by list, without the prefix."""
    found = {}
    for family in RedisCollector(store, settings_of(**env)).collect():
        for sample in family.samples:
            name = sample.labels.get("dlq_name") or sample.name.removeprefix("mutt_remediation_")
            if not sample.labels or sample.name.endswith("missing_messages_total"):
                found[name] = sample.value
    return found


def test_nothing_that_has_not_happened_has_a_moment(client: redis.Redis, store: Store) -> None:
    found = shown(store)
    assert not found.keys() & (MOMENTS | {"audit_whole"})
    assert (found["paused"], found["enabled"], found["interval_seconds"]) == (0, 1, 300)


def test_a_pause_is_shown_from_its_beginning_to_its_end(client: redis.Redis, store: Store) -> None:
    operator_pauses(store, 600)
    found, now = shown(store), store.now()
    assert found["paused"] == 1
    assert found["pause_started_timestamp_seconds"] == pytest.approx(now, abs=5)
    assert found["pause_ends_timestamp_seconds"] == pytest.approx(now + 600, abs=5)
    client.persist(keys.PAUSED)
    client.hset(keys.PAUSED, "since", "once upon a time")
    found = shown(store)
    assert found["paused"] == 1
    assert not {"pause_started_timestamp_seconds", "pause_ends_timestamp_seconds"} & found.keys()


def test_the_settings_shown_are_those_in_force(client: redis.Redis, store: Store) -> None:
    mapping = {keys.config("remediation_enabled"): "false"}
    client.mset(mapping | {keys.config("remediation_interval"): "60"})
    found = shown(store, DYNAMIC_CONFIG_ENABLED="true")
    assert (found["enabled"], found["interval_seconds"]) == (0, 60)
    assert shown(store)["enabled"] == 1


def test_a_breaker_that_nobody_looks_at_is_open_and_stale(
    client: redis.Redis, store: Store
) -> None:
    def breaker() -> tuple[float, float]:
        found = shown(store)
        return found["forwarder_breaker_open"], found["forwarder_breaker_stale"]

    assert breaker() == (0, 0)
    client.mset({keys.BREAKER: "OPEN", keys.BREAKER_OPEN_TIME: store.now()})
    assert breaker() == (1, 0)
    client.set(keys.BREAKER_OPEN_TIME, store.now() - 301)
    assert breaker() == (1, 1)
    client.set(keys.BREAKER, "HALF_OPEN")
    assert breaker() == (0, 0)
    client.set(keys.OLD_BREAKER, 1)  # an older forwarder's
    assert breaker() == (1, 0)


def test_the_moments_of_the_last_cycle_and_the_last_look_at_moogsoft_are_shown(
    client: redis.Redis, store: Store
) -> None:
    run_cycle(store, settings_of())
    client.hset(keys.HEALTH, mapping={"healthy": 1, "reason": "http_200", "checked_at": "1234.5"})
    found = shown(store)
    assert found["last_cycle_timestamp_seconds"] == pytest.approx(store.now(), abs=5)
    assert found["moog_health_checked_timestamp_seconds"] == 1234.5


def test_what_the_worker_found_when_it_checked_is_shown(client: redis.Redis, store: Store) -> None:
    operator_pauses(store, 60)
    fill(client, DLQ, [event(n) for n in range(3)])
    checker = Checker(store, settings_of(), Clock().monotonic)
    checker.look()
    found = shown(store)
    assert (found[DLQ], found[DEAD], found["audit_whole"]) == (0, 0, 1)
    for name in ("books_checked", "audit_checked"):
        assert found[f"{name}_timestamp_seconds"] == pytest.approx(store.now(), abs=5)
    client.rpop(DLQ, 2)
    checker.look()
    assert shown(store)[DLQ] == 2
    client.xtrim(keys.AUDIT, maxlen=0)
    Checker(store, settings_of(), Clock().monotonic).look()
    assert shown(store)["audit_whole"] == 0
