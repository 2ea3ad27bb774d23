"""Pages of lists that move at both ends, and one message among many."""

import json
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.identity import MessageId, digest
from mutt_tasks.errors import InvalidArgument, PlaceLost
from mutt_tasks.operations import looking
from mutt_tasks.operations.looking import Page, Wanted
from mutt_tasks.operations.sparing import SHARE, Sparing, Time
from mutt_tasks.store.listing import MOST
from mutt_tasks.store.store import Store
from tests.looking import Clock, looker_on
from tests.pipeline import ALERTS, DEAD, DLQ, INGEST, MOOG_DLQ, event, fill, lying_in

# Each example begins with lists of its own, on the one server.
every = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def numbers(page: Page) -> list[int]:
    return [json.loads(entry.raw)["number"] for entry in page.entries]


def id_of(raw: bytes) -> str:
    return str(MessageId(digest(raw)[:12]))


def test_a_listing_goes_through_all_lists_oldest_first(client: redis.Redis, store: Store) -> None:
    for name, first in ((DLQ, 0), (MOOG_DLQ, 10), (DEAD, 20)):
        fill(client, name, [event(first + n) for n in range(3)])

    whole = looking.page(looker_on(store), Wanted(most=100))

    assert numbers(whole) == [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert [entry.source.name for entry in whole.entries[::3]] == ["alerter", "moog", "dead"]
    assert [entry.older for entry in whole.entries] == [0, 1, 2] * 3
    assert (whole.cursor, whole.seen, whole.length) == (None, 9, 9)
    newest = looking.page(looker_on(store), Wanted(("dead",), is_newest_first=True))
    assert numbers(newest) == [22, 21, 20]
    assert [entry.older for entry in newest.entries] == [2, 1, 0]


@pytest.mark.parametrize("most", [1, 2, 4, 5])
@pytest.mark.parametrize("is_newest_first", [False, True])
def test_pages_follow_on_each_other_across_lists(
    client: redis.Redis, store: Store, most: int, is_newest_first: bool
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    fill(client, DEAD, [event(n) for n in range(5, 9)])
    whole = looking.page(looker_on(store), Wanted(is_newest_first=is_newest_first))

    found: list[int] = []
    cursor = ""
    for _ in range(20):
        wanted = Wanted(most=most, cursor=cursor, is_newest_first=is_newest_first)
        page = looking.page(looker_on(store), wanted)
        found += numbers(page)
        if page.cursor is None:
            break
        cursor = str(page.cursor)

    assert found == numbers(whole)
    assert sorted(found) == list(range(9))


moves = st.tuples(
    st.sampled_from(["come", "leave", "back", "taken"]), st.integers(1, 6), st.integers(0, 30)
)


def move(client: redis.Redis, kind: str, amount: int, where: int, new: int) -> None:
    """Messages come to the new end, leave the old one or come back to it, or one is taken out."""
    for n in range(amount):
        if kind == "come":
            client.lpush(DLQ, event(new + n))
        elif kind == "leave":
            client.rpop(DLQ)
        elif kind == "back":
            client.rpush(DLQ, event(new + n))
    if kind == "taken":
        raw: Any = client.lindex(DLQ, where)
        if raw:
            client.lrem(DLQ, 1, raw)


@every
@given(
    st.integers(0, 25),
    st.integers(1, 4),
    st.booleans(),
    st.lists(st.lists(moves, max_size=2), max_size=8),
)
def test_what_lies_there_all_the_time_is_shown_once_and_in_order(
    client: redis.Redis,
    store: Store,
    length: int,
    most: int,
    is_newest_first: bool,
    between: list[list[tuple[str, int, int]]],
) -> None:
    client.flushall()
    fill(client, DLQ, [event(n) for n in range(length)])
    looks, steps = looker_on(store), iter(between)
    at_first, new = list(range(length)), 1000
    found: list[int] = []
    cursor, is_lost = "", False
    for _ in range(100):
        wanted = Wanted(("alerter",), most=most, cursor=cursor, is_newest_first=is_newest_first)
        try:
            page = looking.page(looks, wanted)
        except PlaceLost:
            is_lost = True
            break
        found += numbers(page)
        if page.cursor is None:
            break
        cursor = str(page.cursor)
        for kind, amount, where in next(steps, []):
            move(client, kind, amount, where, new)
            new += amount
    else:
        pytest.fail("the listing has no end")
    left = [json.loads(raw)["number"] for raw in lying_in(client, DLQ)]
    stayed = [n for n in at_first if n in left]
    if is_newest_first:
        stayed.reverse()

    assert len(found) == len(set(found))
    shown = [n for n in found if n in stayed]
    assert shown == stayed[: len(shown)]
    # The place is lost only where the message is gone that could tell it.
    assert len(shown) == len(stayed) or (is_lost and found[-1] not in left)


def test_a_place_is_found_again_a_whole_batch_later(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(3000)])
    first = looking.page(looker_on(store), Wanted(most=2500))
    assert first.cursor is not None

    client.rpop(DLQ, 2400)
    client.lpush(DLQ, event(9999))
    page = looking.page(looker_on(store), Wanted(most=2, cursor=str(first.cursor)))

    assert numbers(page) == [2500, 2501]


def test_a_place_whose_messages_are_gone_is_said_to_be_lost(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(10)])
    page = looking.page(looker_on(store), Wanted(most=2))
    client.rpop(DLQ, 5)

    with pytest.raises(PlaceLost, match=f"{DLQ} has moved on"):
        looking.page(looker_on(store), Wanted(most=2, cursor=str(page.cursor)))


def test_what_comes_while_a_listing_goes_on_does_not_make_it_endless(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(1200)])
    looks = looker_on(store)

    def come(seen: int, _length: int) -> None:
        for n in range(600):
            client.lpush(DLQ, event(seen * 1000 + n))

    object.__setattr__(looks, "progress", come)
    page = looking.page(looks, Wanted(("alerter",), where="number:* host:*", most=100_000))

    assert numbers(page) == list(range(1200))


def test_a_filter_shows_what_matches_and_goes_on_behind_it(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n, program=f"p{n % 3}") for n in range(1000)])
    wanted = Wanted(where="prog:p1", most=3)

    page = looking.page(looker_on(store), wanted)
    again = looking.page(looker_on(store), Wanted(where="prog:p1", most=2, cursor=str(page.cursor)))

    assert numbers(page) == [1, 4, 7]
    assert page.seen == 8
    assert numbers(again) == [10, 13]
    bounded = looking.page(looker_on(store), Wanted(where="prog:no", most_seen=600))
    assert (bounded.entries, bounded.seen) == ([], 600)
    assert bounded.cursor is not None
    assert bounded.cursor.place == 600


def test_large_messages_are_listed_like_any_others(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n, pad="x" * (700_000 if n % 2 else 10)) for n in range(9)])

    page = looking.page(looker_on(store), Wanted(("alerter",)))

    assert numbers(page) == list(range(9))


def test_equal_messages_have_ids_of_their_own(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [b"same", b"other", b"same"])

    ids = [str(entry.id) for entry in looking.page(looker_on(store), Wanted()).entries]

    assert ids == [id_of(b"same"), id_of(b"other"), id_of(b"same") + "-2"]
    second = looking.find(looker_on(store), ids[2])
    assert second is not None
    # Which of two equal ones is the second does not matter.
    assert (second.raw, str(second.id)) == (b"same", ids[2])
    assert looking.find(looker_on(store), id_of(b"same") + "-3") is None
    fill(client, DEAD, [b"same"])
    *_, last = looking.page(looker_on(store), Wanted()).entries
    found = looking.find(looker_on(store), str(last.id))
    assert str(last.id) == id_of(b"same") + "-3"
    assert found is not None
    assert found.source.name == "dead"


@pytest.mark.parametrize("older", [0, 1999, 2600, 4999])
@pytest.mark.parametrize("name", [DLQ, DEAD])
def test_one_message_is_found_wherever_it_lies(
    client: redis.Redis, store: Store, older: int, name: str
) -> None:
    messages = [event(n) for n in range(5000)]
    client.lpush(name, *messages)
    client.lpush(MOOG_DLQ, *(event(n) for n in range(6000, 6010)))

    entry = looking.find(looker_on(store), id_of(messages[older]).upper())

    assert entry is not None
    assert (entry.raw, entry.older, entry.source.key) == (messages[older], older, name)
    assert looking.find(looker_on(store), id_of(b"nowhere")) is None
    assert looking.find(looker_on(store), id_of(messages[older]), ("moog",)) is None


def test_a_long_look_leaves_redis_alone_for_most_of_the_time() -> None:
    now, reads = 0.0, 1000

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    sparing = Sparing(Time(lambda: now, wait), free_reads=10)
    for number in range(reads):
        sparing.begin()
        now += 0.002
        sparing.end(500_000)
        # What is done with the messages meanwhile counts as rest.
        now += 0.01 * (number % 2)

    assert reads * 0.002 / now == pytest.approx(1 / SHARE, rel=0.02)


def test_how_long_a_busy_machine_kept_a_read_waiting_is_not_taken_for_work_of_redis() -> None:
    now, waited = 0.0, []

    def wait(seconds: float) -> None:
        waited.append(seconds)

    sparing = Sparing(Time(lambda: now, wait), free_reads=0)
    for took, size in ((0.001, 1000), (0.5, 1000), (0.5, 3000), (0.002, 2000), (0.003, 3000)):
        sparing.begin()
        now += took
        sparing.end(size)
    sparing.begin()

    expected = [(0.001, 0.001), (0.002, 0.002), (0.003, 0.003)]

    # Behind those that took long Redis has rested long enough.
    assert waited == pytest.approx([SHARE * cost - took for cost, took in expected], rel=0.05)


def test_reads_are_bounded_and_those_of_a_short_look_do_not_wait(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(DLQ, *(event(n) for n in range(10 * MOST)))
    client.config_resetstat()
    clock = Clock()

    looking.page(looker_on(store, clock), Wanted(("alerter",), where="number:-1"))

    stats: Any = client.info("commandstats")
    assert 10 <= stats["cmdstat_lrange"]["calls"] <= 15
    assert clock.waits == []


def test_nothing_is_changed_by_looking(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(20)])
    before = client.lrange(DLQ, 0, -1)

    looking.page(looker_on(store), Wanted(where="host:*", most=3))
    looking.find(looker_on(store), id_of(b"nowhere"))

    assert client.lrange(DLQ, 0, -1) == before
    assert client.keys("*") == [DLQ.encode()]
    assert (client.llen(INGEST), client.llen(ALERTS)) == (0, 0)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Wanted(("nowhere",)), "route: got 'nowhere', accepts alerter, moog, dead"),
        (Wanted(where="age:1"), "filter: 'age:1': accepts age with"),
        (Wanted(cursor="x"), "cursor: got 'x', accepts the cursor of an earlier page"),
        (Wanted(("moog",), cursor="dead.o0"), "cursor: accepts that of a listing with the same"),
        (Wanted(cursor="dead.n0"), "cursor: accepts that of a listing with the same"),
        (Wanted(cursor="dead.o5"), "cursor: got 'dead.o5'"),
    ],
)
def test_what_is_wrong_is_named(store: Store, wanted: Wanted, why: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        looking.page(looker_on(store), wanted)

    assert why in str(raised.value)
