"""The four limits as people see them are those that a cycle goes by."""

import redis

from mutt_tasks.operations import bounds
from mutt_tasks.store.store import Store
from tests.looking import looker_on
from tests.pipeline import ALERTS, DLQ, LIMITER, event, fill, now_of, run_cycle, settings_of

BOTH = settings_of(REMEDIATION_ROUTES="alerter,moog", REMEDIATION_HIGH_WATER=1000)


def test_before_anything_went_only_the_queues_are_a_limit(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    found = bounds.of(
        looker_on(store, REMEDIATION_ROUTES="alerter,moog", REMEDIATION_HIGH_WATER=1000),
        now_of(store),
    )
    assert set(found) == {"alerter", "moog"}
    assert found["alerter"].room is None  # no limiter was ever seen
    assert found["alerter"].credit == 1000
    assert found["alerter"].window == BOTH.pace.batch_size


def test_credit_falls_with_what_lies_in_the_queues(client: redis.Redis, store: Store) -> None:
    fill(client, ALERTS, [event(n) for n in range(990)])
    found = bounds.of(
        looker_on(store, REMEDIATION_ROUTES="alerter,moog", REMEDIATION_HIGH_WATER=1000),
        now_of(store),
    )
    assert found["moog"].credit == 10
    assert (found["moog"].binding, found["alerter"].credit) == ("credit", 10)


def test_a_batch_that_lies_in_the_queue_leaves_less_of_the_window(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(50)])
    run_cycle(store, BOTH)
    run_cycle(store, BOTH)
    found = bounds.of(
        looker_on(store, REMEDIATION_ROUTES="alerter,moog", REMEDIATION_HIGH_WATER=1000),
        now_of(store),
    )["alerter"]
    assert found.binding == "window"
    assert found.window <= BOTH.pace.batch_size


def test_the_room_is_what_the_limiter_leaves(client: redis.Redis, store: Store) -> None:
    client.zadd(LIMITER, {f"{n}": now_of(store) * 1000 for n in range(3)})
    looks = looker_on(store, REMEDIATION_MAX_RATE="auto")
    fill(client, DLQ, [event(1)])
    run_cycle(store, looks.settings)
    found = bounds.of(looks, now_of(store))["alerter"]
    assert found.room is not None
    assert 0 <= found.room < looks.settings.forwarder.rate_limit


def test_without_a_limit_on_the_rate_there_is_no_room_to_mind(store: Store) -> None:
    found = bounds.of(looker_on(store, REMEDIATION_MAX_RATE="0"), now_of(store))["alerter"]
    assert (found.room, found.rate) == (None, None)
