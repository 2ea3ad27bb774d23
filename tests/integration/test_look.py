"""A look at a queue returns no more bytes than it was told, whatever lies there in which order."""

import pytest
import redis

from mutt_tasks.store.store import Store
from tests.pipeline import DLQ

BUDGET = 16 << 20


def lay(client: redis.Redis, *runs: tuple[int, int]) -> list[int]:
    """Runs of (messages, bytes of each), the first run the oldest; returns the sizes in order."""
    script = """
    for i = 1, ARGV[1] do
      redis.call('LPUSH', KEYS[1], string.rep('x', ARGV[2]))
    end"""
    for messages, size in runs:
        client.eval(script, 1, DLQ, str(messages), str(size))
    return [size for messages, size in runs for _ in range(messages)]


def within(sizes: list[int], budget: int) -> list[int]:
    """The first of the sizes, as many as fit into the budget."""
    total, found = 0, []
    for size in sizes:
        total += size
        if total > budget:
            break
        found.append(size)
    return found


@pytest.mark.parametrize(
    ("runs", "budget"),
    [
        # Small ones first: the next read must not take as many of the large ones at once.
        ([(600, 100), (40, 1 << 20)], BUDGET),
        ([(600, 100), (200, 1 << 16)], 1 << 20),
        ([(1, 100), (300, 10_000)], 50_000),
        ([(300, 10_000), (600, 1)], 55_000),
        ([(2000, 100)], 99_950),
        ([(2000, 100)], 100_000),
    ],
)
def test_a_look_returns_what_fits_into_its_bytes_and_not_one_message_more(
    client: redis.Redis, store: Store, runs: list[tuple[int, int]], budget: int
) -> None:
    sizes = lay(client, *runs)
    found = [len(raw) for raw in store.queues.look(DLQ, 0, 10_000, budget)]
    assert found == within(sizes, budget)
    assert 0 < sum(found) <= budget


def test_a_message_larger_than_the_budget_comes_alone(client: redis.Redis, store: Store) -> None:
    lay(client, (1, 5000), (3, 10), (1, 5000))
    assert [len(raw) for raw in store.queues.look(DLQ, 0, 10, 100)] == [5000]
    assert [len(raw) for raw in store.queues.look(DLQ, 1, 10, 100)] == [10] * 3
    assert [len(raw) for raw in store.queues.look(DLQ, 4, 10, 100)] == [5000]
    assert store.queues.look(DLQ, 5, 10, 100) == []


def test_a_look_returns_no_more_messages_than_asked_for(client: redis.Redis, store: Store) -> None:
    lay(client, (3000, 1))
    for most in (1, 2, 3, 1023, 1024, 2500):
        assert len(store.queues.look(DLQ, 0, most, BUDGET)) == most
    assert len(store.queues.look(DLQ, 2990, 100, BUDGET)) == 10
