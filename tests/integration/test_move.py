"""The move on a real Redis: what goes where, in which order, with which bytes."""

import json
from itertools import pairwise
from typing import Any

import pytest
import redis

from mutt_tasks.core.moments import iso
from mutt_tasks.core.policy import Action, Decision
from mutt_tasks.errors import StoreCorrupt
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.queues import MOST_BYTES, MOST_MESSAGES, Commit
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import ScanBounds
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    INGEST,
    MOOG_DLQ,
    counters,
    drain,
    event,
    fill,
    header_of,
    journal,
    lying_in,
    now_of,
    numbers_in,
    observe,
    run_cycle,
    settings_of,
)


def test_a_batch_moves_the_oldest_messages_and_keeps_their_order(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(25)])
    run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=10))
    assert numbers_in(client, INGEST) == list(range(10))
    assert numbers_in(client, DLQ) == list(range(10, 25))


def test_replays_join_behind_what_is_already_in_the_target(
    client: redis.Redis, store: Store
) -> None:
    fill(client, INGEST, [event(100)])
    fill(client, DLQ, [event(1), event(2)])
    run_cycle(store, settings_of())
    assert numbers_in(client, INGEST) == [100, 1, 2]


def test_only_the_header_and_the_reset_field_change(client: redis.Redis, store: Store) -> None:
    raw = (
        b'{ "hostname":"h","timestamp":"t","message":"m",'
        b'"big":12345678901234567890123, "f":1.0e5,"dup":1,"dup":2, "s":"\\u00e9\xc3\xa9",'
        b'\t"_retry_count" : 4 }'
    )
    fill(client, DLQ, [raw])
    run_cycle(store, settings_of())
    (replayed,) = lying_in(client, INGEST)
    before, _, after = replayed.partition(b',"_remediation":')
    assert before + b" }" == raw.replace(b": 4", b": 0")
    assert after.endswith(b" }")
    header = header_of(replayed)
    assert (header["replays"], header["forgiven"], header["route"]) == (1, 0, "alerter")
    assert header["first_at"] == header["last_at"]


def test_what_the_alerter_would_drop_lies_in_the_dead_letter_list_and_is_counted(
    client: redis.Redis, store: Store
) -> None:
    lacking = [
        event(n, **{name: ""}) for n, name in enumerate(("hostname", "timestamp", "message"))
    ]
    refused = event(3)[:-1] + b', "load": NaN}'
    fill(client, DLQ, [*lacking, refused, event(4)])

    run_cycle(store, settings_of())

    *incomplete, malformed = lying_in(client, DEAD)
    assert [header_of(message)["reason"] for message in incomplete] == ["incomplete"] * 3
    assert malformed == refused
    assert numbers_in(client, INGEST) == [4]
    assert counters(client)["incomplete:alerter"] == 3
    assert counters(client)["malformed:alerter"] == 1
    (entry,) = journal(client, "moved")
    assert (entry["incomplete"], entry["malformed"], entry["replayed"]) == ("3", "1", "1")


def test_what_is_no_json_object_lies_untouched_in_the_dead_letter_list(
    client: redis.Redis, store: Store
) -> None:
    broken = [b"", b"garbage", b"[1,2]", b'"x"', b"\xff\xfe", b'{"a":1', b"\x00", b"7", b"null"]
    fill(client, DLQ, [*broken, event(1)])
    run_cycle(store, settings_of())
    assert lying_in(client, DEAD) == broken
    assert numbers_in(client, INGEST) == [1]
    assert counters(client)["malformed:alerter"] == len(broken)


def test_poison_goes_to_the_dead_letter_list_with_its_reason(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1, _moog_retry_count=3), event(2, _remediation={"replays": 3})])
    run_cycle(store, settings_of())
    first, second = (header_of(message) for message in lying_in(client, DEAD))
    assert (first["reason"], first["replays"]) == ("poison", 0)
    assert (second["reason"], second["replays"]) == ("poison", 3)
    assert second["dead_at"].endswith("Z")
    assert json.loads(lying_in(client, DEAD)[0])["_retry_count"] == 4
    assert counters(client)["poison:alerter"] == 2


def test_the_moog_route_moves_to_the_alert_queue_and_resets_the_forwarders_count(
    client: redis.Redis, store: Store
) -> None:
    fill(client, MOOG_DLQ, [event(1, _moog_retry_count=6, api_key="k")])
    run_cycle(store, settings_of(REMEDIATION_ROUTES="moog"))
    (replayed,) = lying_in(client, ALERTS)
    assert json.loads(replayed)["_moog_retry_count"] == 0
    assert json.loads(replayed)["_retry_count"] == 4
    assert header_of(replayed)["route"] == "moog"


def test_an_event_older_than_the_limit_is_stale(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1, timestamp="2001-01-01T00:00:00Z"), event(2, timestamp="?")])
    run_cycle(store, settings_of(REMEDIATION_MAX_AGE=86_400))
    assert [header_of(message)["reason"] for message in lying_in(client, DEAD)] == ["stale"]
    assert numbers_in(client, INGEST) == [2]


def test_a_message_that_came_back_waits_and_nothing_behind_it_is_held_up(
    client: redis.Redis, store: Store
) -> None:
    settings = settings_of()
    fill(client, DLQ, [event(1)])
    first = run_cycle(store, settings)
    client.lmove(INGEST, DLQ, "RIGHT", "LEFT")
    fill(client, DLQ, [event(2), event(3)])
    second = run_cycle(store, settings, first.next_cycle)
    assert numbers_in(client, INGEST) == [2, 3]
    assert numbers_in(client, DLQ) == [1]
    assert second.routes["alerter"].waiting == 1
    third = run_cycle(store, settings, second.next_cycle)
    assert third.reason == "waiting"
    assert 1 <= third.delay <= 10


def test_a_drain_goes_on_until_the_last_rest_is_over(client: redis.Redis, store: Store) -> None:
    settings = settings_of()
    fill(client, DLQ, [event(1)])
    started = now_of(store)
    result = run_cycle(store, settings)
    client.lmove(INGEST, DLQ, "RIGHT", "LEFT")
    while result.next_cycle:
        result = run_cycle(store, settings, result.next_cycle)
    assert numbers_in(client, INGEST) == [1]
    assert 48 <= now_of(store) - started <= 72 + 10


def test_waiting_messages_keep_their_place_and_order(client: redis.Redis, store: Store) -> None:
    waits = {"replays": 1, "last_at": iso(now_of(store))}
    mixed = [
        event(n, _remediation=waits) if n % 3 == 0 else (b"x%d" % n if n % 3 == 1 else event(n))
        for n in range(90)
    ]
    fill(client, DLQ, mixed)
    assert drain(store, settings_of(REMEDIATION_BATCH_SIZE=7))[-1].reason == "waiting"
    assert lying_in(client, DLQ) == mixed[0::3]
    assert lying_in(client, DEAD) == mixed[1::3]
    assert numbers_in(client, INGEST) == list(range(2, 90, 3))


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 10_000])
def test_a_batch_of_any_size_moves_whole(client: redis.Redis, store: Store, size: int) -> None:
    client.lpush(DLQ, *(event(n) for n in range(size)))
    result = run_cycle(
        store, settings_of(REMEDIATION_BATCH_SIZE=size, REMEDIATION_HIGH_WATER=20_000)
    )
    assert result.routes["alerter"].moved.replayed == size
    assert numbers_in(client, INGEST) == list(range(size))
    assert client.llen(DLQ) == 0


def test_ten_thousand_dead_letters_go_in_one_batch(client: redis.Redis, store: Store) -> None:
    client.lpush(DLQ, *(b"%d" % n for n in range(10_000)))
    run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=10_000, REMEDIATION_HIGH_WATER=20_000))
    assert lying_in(client, DEAD) == [b"%d" % n for n in range(10_000)]


def test_large_messages_go_in_batches_of_bounded_bytes(client: redis.Redis, store: Store) -> None:
    large = [event(n, filler="x" * 5_000_000) for n in range(8)]
    fill(client, DLQ, large)
    results = drain(store, settings_of(REMEDIATION_BATCH_SIZE=10_000, REMEDIATION_DRAIN_INTERVAL=0))
    assert numbers_in(client, INGEST) == list(range(8))
    assert max(result.routes["alerter"].moved.replayed for result in results) <= 4


def commits_of_a_slice(client: redis.Redis, store: Store, batch: int) -> list[int]:
    """How many messages each commit takes from the source in a cycle of one slice."""
    depths: list[Any] = []
    observe(store, commits=lambda: depths.append(client.llen(DLQ)))
    settings = settings_of(
        REMEDIATION_BATCH_SIZE=batch,
        REMEDIATION_HIGH_WATER=20_000,
        REMEDIATION_DRAIN_INTERVAL=0,
    )
    run_cycle(store, settings)
    depths.append(client.llen(DLQ))
    return [before - after for before, after in pairwise(depths)]


@pytest.mark.parametrize(
    ("sizes", "commits"),
    [
        ([0] * MOST_MESSAGES, [MOST_MESSAGES]),
        ([0] * (2 * MOST_MESSAGES + 1), [MOST_MESSAGES, MOST_MESSAGES, 1]),
        ([MOST_BYTES // 2] * 3, [1, 1, 1]),
        ([MOST_BYTES // 4] * 5, [3, 2]),
        ([0, 2 * MOST_BYTES, 0, 0], [1, 1, 2]),
    ],
)
def test_a_slice_goes_in_commits_that_hold_redis_shortly(
    client: redis.Redis, store: Store, sizes: list[int], commits: list[int]
) -> None:
    fill(client, DLQ, [event(n, filler="x" * size) for n, size in enumerate(sizes)])
    assert commits_of_a_slice(client, store, batch=10_000) == commits
    assert numbers_in(client, INGEST) == list(range(len(sizes)))
    assert sum(int(entry["replayed"]) for entry in journal(client, "moved")) == len(sizes)


def test_a_commit_counts_what_waits_between_the_messages_that_go(
    client: redis.Redis, store: Store
) -> None:
    stamp = {"replays": 1, "last_at": iso(now_of(store))}
    waits = [event(n, _remediation=stamp) for n in range(MOST_MESSAGES)]
    client.lpush(DLQ, event(-1), *waits, event(-2), event(-3))
    assert commits_of_a_slice(client, store, batch=10) == [1, 2]
    assert numbers_in(client, INGEST) == [-1, -2, -3]
    assert lying_in(client, DLQ) == waits


@pytest.mark.parametrize("newer", [5, 50])
def test_what_goes_from_between_leaves_all_others_in_their_order(
    client: redis.Redis, store: Store, newer: int
) -> None:
    stamp = {"replays": 1, "last_at": iso(now_of(store))}
    client.lpush(DLQ, *(event(n, _remediation=stamp) for n in range(20)))
    client.lpush(DLQ, *(event(n) for n in range(20, 24 + newer)))
    run_cycle(store, settings_of(REMEDIATION_BATCH_SIZE=4))
    assert numbers_in(client, INGEST) == [20, 21, 22, 23]
    assert numbers_in(client, DLQ) == [*range(20), *range(24, 24 + newer)]


def test_a_queue_that_changed_since_the_look_is_looked_at_again(
    client: redis.Redis, store: Store
) -> None:
    # More than a batch: behind the removed one there are as many as were looked at.
    fill(client, DLQ, [event(n) for n in range(15)])
    removed: list[Any] = []

    def an_operator_removes_one(_: list[bytes]) -> None:
        if not removed:
            removed.append(client.rpop(DLQ))

    observe(store, looked=an_operator_removes_one)
    run_cycle(store, settings_of())
    assert numbers_in(client, INGEST) == list(range(1, 11))
    assert numbers_in(client, DLQ) == list(range(11, 15))
    assert counters(client)["replayed:alerter"] == 10


def test_a_queue_that_somebody_changes_at_every_look_holds_the_cycle_and_not_the_drain(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(40)])
    observe(store, looked=lambda _: client.rpop(DLQ))
    settings = settings_of(REMEDIATION_BATCH_SIZE=2)
    result = run_cycle(store, settings)
    assert (result.reason, client.llen(INGEST)) == ("contended", 0)
    assert result.next_cycle


def test_a_queue_that_became_shorter_since_the_look_is_looked_at_again(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    removed: list[Any] = []

    def somebody_takes_the_newest(_: list[bytes]) -> None:
        if not removed:
            removed.append(client.lpop(DLQ))

    observe(store, looked=somebody_takes_the_newest)
    run_cycle(store, settings_of())
    assert numbers_in(client, INGEST) == [0, 1, 2, 3]
    assert client.llen(DLQ) == 0


def test_every_move_is_in_the_journal_and_the_counters(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [b"garbage", *(event(n) for n in range(30)), event(99, _moog_retry_count=9)])
    drain(store, settings_of())
    entries = journal(client, "moved")
    totals = {"replayed": 30, "malformed": 1, "incomplete": 0, "poison": 1, "stale": 0}
    for kind, total in totals.items():
        assert sum(int(entry[kind]) for entry in entries) == total
        assert counters(client).get(f"{kind}:alerter", 0) == total
    assert counters(client)["loops"] == len(journal(client, "cycle"))


def test_a_counter_that_is_no_counter_is_reported_and_does_not_stop_the_replay(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1, _moog_retry_count="many"), event(2, _retry_count=-1), event(3)])
    result = run_cycle(store, settings_of())
    assert numbers_in(client, INGEST) == [1, 2, 3]
    assert result.routes["alerter"].bad_counters == 2
    assert counters(client)["odd:alerter"] == 2


def test_thousands_that_wait_are_passed_once_and_not_at_every_batch(
    client: redis.Redis, store: Store
) -> None:
    stamp = {"replays": 1, "last_at": iso(now_of(store))}
    client.lpush(DLQ, *(event(n, _remediation=stamp) for n in range(120)))
    client.lpush(DLQ, *(event(n) for n in range(200, 230)))
    looked: list[int] = []
    observe(store, looked=lambda found: looked.append(len(found)))
    drain(store, settings_of(REMEDIATION_BATCH_SIZE=10), ScanBounds(messages=50))
    assert numbers_in(client, INGEST) == list(range(200, 230))
    assert numbers_in(client, DLQ) == list(range(120))
    assert sum(looked) <= 120 + 30 + 10


@pytest.mark.parametrize(
    "changed",
    [
        {"MAX_POISON_RETRIES": "1"},
        {"REMEDIATION_RETRY_BACKOFF": "0"},
        {"REMEDIATION_MAX_AGE": "3600"},
    ],
)
def test_changed_rules_reach_messages_that_wait(
    client: redis.Redis, store: Store, changed: dict[str, str]
) -> None:
    stamp = {"replays": 1, "last_at": iso(now_of(store))}
    old = "2001-01-01T00:00:00Z"
    fill(client, DLQ, [event(n, timestamp=old, _remediation=stamp) for n in range(5)])
    first = run_cycle(store, settings_of())
    assert client.llen(DLQ) == 5
    run_cycle(store, settings_of(**changed), first.next_cycle)
    assert client.llen(DLQ) == 0


def test_a_batch_that_takes_long_to_read_goes_as_it_is(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(3)])
    results = drain(store, settings_of(REMEDIATION_DRAIN_INTERVAL=0), ScanBounds(seconds=-1.0))
    assert [r.routes["alerter"].moved.replayed for r in results] == [1, 1, 1, 0]
    assert numbers_in(client, INGEST) == [0, 1, 2]


def test_what_remains_is_what_the_last_slice_of_a_batch_left(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    commits: list[int] = []
    observe(store, commits=lambda: commits.append(1))
    settings = settings_of(REMEDIATION_BATCH_SIZE=20, REMEDIATION_MAX_RATE=50)
    moved = run_cycle(store, settings).routes["alerter"].moved
    assert len(commits) > 1
    assert moved.remaining == client.llen(DLQ) == 30 - moved.total


@pytest.mark.parametrize(
    "counter", ["replayed:alerter", "odd:alerter", "bounced:alerter", "forgiven:alerter"]
)
@pytest.mark.parametrize("value", ["many", "-1", "1.5", "9" * 18])
def test_a_counter_that_cannot_grow_stops_a_commit_before_it_moves_anything(
    client: redis.Redis, store: Store, counter: str, value: str
) -> None:
    last = iso(now_of(store) - 9000)
    header = {"replays": 1, "forgiven": 0, "last_at": last}
    raw = event(1, _retry_count="?", _remediation=header, shedding_reason="queue_full")
    fill(client, DLQ, [raw])
    client.hset("mutt:remediation:stats", counter, value)
    with pytest.raises(StoreCorrupt, match=f"field {counter}"):
        run_cycle(store, settings_of())
    assert lying_in(client, DLQ) == [raw]
    assert (client.llen(INGEST), client.llen(DEAD)) == (0, 0)
    assert client.exists("mutt:remediation:journal") == 0
    assert client.hgetall("mutt:remediation:stats") == {counter.encode(): value.encode()}


def test_a_copy_of_a_commit_that_comes_after_the_next_one_moves_no_equal_message(
    client: redis.Redis, store: Store
) -> None:
    raw, route = event(1), settings_of().routes[0]
    fill(client, DLQ, [raw] * 3)
    store.lease.acquire("step", 0.0)
    batch = Batch(0, [raw], [Decision(Action.REPLAY, payload=raw)])
    first, second = (Commit("step", f"step:alerter:{n}", "cycle", route, batch) for n in (9, 10))
    assert store.queues.commit(first) is not None
    assert store.queues.commit(second) is not None
    assert store.queues.commit(first) is None
    assert (client.llen(DLQ), client.llen(INGEST)) == (1, 2)
    assert counters(client)["replayed:alerter"] == 2


def test_what_is_set_aside_does_not_hide_as_many_new_failures(
    client: redis.Redis, store: Store
) -> None:
    stamp = {"replays": 1, "last_at": iso(now_of(store))}
    waiting = [event(n, _remediation=stamp) for n in range(2)]
    fill(client, DLQ, [*[b"{garbage"] * 3, *waiting])
    run_cycle(store, settings_of())
    state: Any = client.hget("mutt:remediation:route:alerter", "flow")
    assert json.loads(state)["depth"] == len(lying_in(client, DLQ)) == 2
