"""Messages are found by their ids in one pass, each once, wherever they lie."""

import pytest
import redis

from mutt_tasks.core.identity import digest
from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import sources
from mutt_tasks.operations.looking import NEAR
from mutt_tasks.operations.picking import pick
from mutt_tasks.store.store import Store
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, event, fill


def name_of(raw: bytes, nth: int = 1) -> str:
    return f"m-{digest(raw)[:12]}" + (f"-{nth}" if nth > 1 else "")


def test_those_that_are_gone_are_named(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    fill(client, DEAD, [event(9)])
    looks = looker_on(store)
    names = [name_of(event(2)), name_of(event(7)), name_of(event(9)), name_of(event(2))]
    found, gone = pick(looks, names, sources.all_of(looks.settings))
    assert [(source.name, raw) for source, raw in found] == [
        ("alerter", event(2)),
        ("dead", event(9)),
    ]
    assert gone == [name_of(event(7))]


def test_equal_messages_are_told_apart(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1), event(2), event(1)])
    looks = looker_on(store)
    names = [name_of(event(1), nth) for nth in (1, 2, 3)]
    found, gone = pick(looks, names, sources.all_of(looks.settings))
    assert [raw for _, raw in found] == [event(1), event(1)]
    assert gone == [names[2]]


def test_what_lies_far_from_both_ends_is_found_too(client: redis.Redis, store: Store) -> None:
    many = 2 * NEAR + 3
    steps = client.pipeline()
    for start in range(0, many, 1000):
        steps.lpush(DLQ, *(event(n) for n in range(start, min(many, start + 1000))))
    steps.execute()
    looks = looker_on(store)
    found, gone = pick(looks, [name_of(event(NEAR + 1))], sources.all_of(looks.settings))
    assert ([raw for _, raw in found], gone) == ([event(NEAR + 1)], [])


def test_what_is_no_id_is_named(store: Store) -> None:
    looks = looker_on(store)
    with pytest.raises(InvalidArgument, match="id: got 'x'"):
        pick(looks, ["x"], sources.all_of(looks.settings))
