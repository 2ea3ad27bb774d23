"""A look for replays returns what came into the source, within its bounds."""

from dataclasses import replace

import pytest
import redis

from mutt_tasks.store.landing import SAMPLE, SAMPLE_BYTES, SAMPLE_LARGEST, Landing
from mutt_tasks.store.store import Store
from tests.pipeline import ALERTS, DLQ, INGEST, settings_of

(ROUTE,) = settings_of().routes


def look(store: Store, arrivals: int) -> Landing:
    return store.queues.landing(ROUTE, ALERTS, arrivals)


def lay(client: redis.Redis, *sizes: int) -> None:
    for size in sizes:
        client.lpush(DLQ, b"x" * size)


def test_of_few_arrivals_all_are_returned_the_older_half_apart(
    client: redis.Redis, store: Store
) -> None:
    lay(client, 1, 2, 3, 4, 5)
    found = look(store, 3)
    assert sorted(map(len, (*found.oldest, *found.newest))) == [3, 4, 5]


def test_of_many_arrivals_the_oldest_and_the_newest_are_returned(
    client: redis.Redis, store: Store
) -> None:
    lay(client, *range(1, 1001))
    found = look(store, 900)
    half = SAMPLE // 2
    assert sorted(map(len, found.oldest)) == list(range(101, 101 + half))
    assert sorted(map(len, found.newest)) == list(range(1001 - half, 1001))


@pytest.mark.parametrize("size", [SAMPLE_LARGEST, SAMPLE_LARGEST + 1])
def test_a_message_that_is_too_large_is_left_out(
    client: redis.Redis, store: Store, size: int
) -> None:
    lay(client, 10, size, 20)
    found = look(store, 3)
    expected = [10, 20] + [size] * (size <= SAMPLE_LARGEST)
    assert sorted(map(len, (*found.oldest, *found.newest))) == sorted(expected)


def test_each_half_looks_at_no_more_bytes_than_it_may(client: redis.Redis, store: Store) -> None:
    lay(client, *[SAMPLE_LARGEST] * 300)
    found = look(store, 300)
    for half in (found.oldest, found.newest):
        assert 0 < sum(map(len, half)) <= SAMPLE_BYTES + 2 * SAMPLE_LARGEST


def seen_before(store: Store, sent: int = 0, replays: int = 7) -> int:
    """How many replays are found by a look whose last one had found 7 in each queue."""
    before = store.queues.landing(ROUTE, ALERTS, 0).sights
    forged = [replace(sight, replays=replays) for sight in before]
    return store.queues.landing(ROUTE, ALERTS, 0, forged, sent).in_flight


def test_queues_that_cannot_have_changed_are_not_looked_through_again(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(INGEST, "oldest", "newest")
    assert seen_before(store) == 14
    before = store.queues.landing(ROUTE, ALERTS, 0).sights
    forged = [replace(sight, replays=7) for sight in before]
    client.lpush(INGEST, "newest")
    assert store.queues.landing(ROUTE, ALERTS, 0, forged).in_flight == 7


@pytest.mark.parametrize("change", ["longer", "newest", "oldest"])
def test_a_change_at_either_end_or_of_the_length_has_a_queue_looked_through(
    client: redis.Redis, store: Store, change: str
) -> None:
    client.lpush(INGEST, "oldest", "between", "newest")
    forged = [replace(sight, replays=7) for sight in store.queues.landing(ROUTE, ALERTS, 0).sights]
    if change == "longer":
        client.linsert(INGEST, "BEFORE", "between", "more")
    else:
        client.lset(INGEST, 0 if change == "newest" else -1, "another")
    assert store.queues.landing(ROUTE, ALERTS, 0, forged).in_flight == 7  # those of the other one


def test_a_queue_that_took_replays_and_is_as_it_was_holds_none_of_them(store: Store) -> None:
    """Somebody took them all since."""
    assert seen_before(store, sent=5, replays=0) == 0
