"""A dead letter that is put back goes where it came from, whole and once."""

import hashlib
import json
import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any, cast

import pytest
import redis

from mutt_tasks.operations.requeue import BOUNDS, Bounds, requeue
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.store.dead_letters import DeadLetters
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.metrics import RedisCollector
from tests.pipeline import (
    ALERTS,
    DEAD,
    DLQ,
    INGEST,
    MOOG_DLQ,
    counters,
    event,
    fill,
    header_of,
    journal,
    let_pass,
    lying_in,
    numbers_in,
    run_cycle,
    settings_of,
)

BOTH = settings_of(REMEDIATION_ROUTES="alerter,moog")
ASKED = Request("r1", "ann", "the database is mended")


class Found:
    """Dead letters, with somebody who acts when a search has found what it looked for."""

    def __init__(self, letters: DeadLetters, found: Callable[[], object]) -> None:
        self._letters, self._found = letters, found

    def find(self, *args: Any) -> Any:
        """A search; then `found` is called."""
        search = self._letters.find(*args)
        self._found()
        return search

    def __getattr__(self, name: str) -> Any:
        return getattr(self._letters, name)


def digest_of(raw: bytes) -> str:
    return hashlib.sha1(raw).hexdigest()


def ask(
    store: Store, digest: str, request: str = "r1", bounds: Bounds = BOUNDS, **env: object
) -> dict[str, Any]:
    found = settings_of(**{"REMEDIATION_ROUTES": "alerter,moog"} | env)
    asked = Request(request, ASKED.actor, ASKED.reason)
    return requeue(store, found, time.monotonic, digest, asked, bounds)


def cycle(client: redis.Redis, store: Store, **env: object) -> CycleResult:
    """One cycle on both routes, whatever drain was under way."""
    client.delete("mutt:remediation:lease")
    found = settings_of(**{"REMEDIATION_ROUTES": "alerter,moog"} | env)
    return run_cycle(store, found)


def poison(client: redis.Redis, store: Store, source: str = DLQ, number: int = 1) -> bytes:
    """One message on the dead letter list, as a cycle sets it aside."""
    header = {"replays": 3, "forgiven": 1, "first_at": "2026-11-21T05:00:00Z", "route": "?"}
    counts = {"_moog_retry_count": 6, "_retry_count": 4}
    raw = event(number, api_key="s3cret", big=2**70, _remediation=header, **counts)
    fill(client, source, [raw])
    cycle(client, store, MAX_POISON_RETRIES=2)
    found: Any = client.lindex(DEAD, 0)
    assert header_of(found)["reason"] == "poison"
    return bytes(found)


@pytest.mark.parametrize(
    ("route", "source", "target"), [("alerter", DLQ, INGEST), ("moog", MOOG_DLQ, ALERTS)]
)
def test_it_lies_at_the_old_end_of_its_own_source_with_a_fresh_header_and_counters(
    client: redis.Redis, store: Store, route: str, source: str, target: str
) -> None:
    dead = poison(client, store, source)
    fill(client, source, [event(7), event(8)])

    result = ask(store, digest_of(dead))

    assert result == {
        "outcome": "requeued",
        "route": route,
        "digest": digest_of(dead),
        "actor": "ann",
        "reason": "the database is mended",
    }
    assert (client.llen(DEAD), numbers_in(client, source)) == (0, [1, 7, 8])
    back = lying_in(client, source)[0]
    assert header_of(back) == {
        "replays": 0,
        "forgiven": 0,
        "route": route,
        "cycle": "r1",
        "first_at": None,
        "last_at": None,
        "before": header_of(dead),
    }
    before, after = (json.loads(raw) | {"_remediation": 0} for raw in (dead, back))
    assert after == before | {"_retry_count": 0, "_moog_retry_count": 0}
    assert back.partition(b'"_retry_count"')[0] == dead.partition(b'"_retry_count"')[0]

    cycle(client, store)

    assert numbers_in(client, target) == [1, 7, 8]
    header = header_of(lying_in(client, target)[0])
    assert (header["replays"], header["before"]) == (1, header_of(dead))


def test_the_line_about_it_has_its_correlation_id(client: redis.Redis, store: Store) -> None:
    """By which the logs of all of MUTT's services are searched."""
    dead = b'{"a":1,"_correlation_id":"c-17","_remediation":{"route":"moog","reason":"poison"}}'
    client.lpush(DEAD, dead)

    assert ask(store, digest_of(dead))["correlation_id"] == "c-17"


def test_a_counter_that_the_message_has_not_is_not_added(client: redis.Redis, store: Store) -> None:
    dead = b'{"a":1,"_remediation":{"route":"moog","reason":"poison"}}'
    client.lpush(DEAD, dead)

    assert ask(store, digest_of(dead))["outcome"] == "requeued"
    assert set(json.loads(lying_in(client, MOOG_DLQ)[0])) == {"a", "_remediation"}


def test_it_is_counted_and_journalled_in_the_same_step_and_shown(
    client: redis.Redis, store: Store
) -> None:
    dead = poison(client, store, MOOG_DLQ)

    ask(store, digest_of(dead))

    assert counters(client)["requeued:moog"] == 1
    (entry,) = journal(client, "requeued")
    assert entry == {
        "event": "requeued",
        "route": "moog",
        "digest": digest_of(dead),
        "by": "ann",
        "reason": "the database is mended",
        "request": "r1",
    }
    shown = [
        (sample.name, sample.labels, sample.value)
        for metric in RedisCollector(store, BOTH).collect()
        for sample in metric.samples
    ]
    assert ("mutt_remediation_requeued_total", {"route": "moog"}, 1) in shown
    assert ("mutt_remediation_replay_fail_total", {"reason": "incomplete"}, 0) in shown


def test_the_same_request_is_done_once_however_often_it_is_delivered(
    client: redis.Redis, store: Store
) -> None:
    dead = poison(client, store)
    client.lpush(DEAD, dead)

    first = ask(store, digest_of(dead))

    assert ask(store, digest_of(dead)) == first
    assert (client.llen(DEAD), client.llen(DLQ)) == (1, 1)
    assert counters(client)["requeued:alerter"] == len(journal(client, "requeued")) == 1
    assert ask(store, digest_of(dead), request="r2") == first
    assert (client.llen(DEAD), client.llen(DLQ)) == (0, 2)


def test_a_script_that_is_sent_again_because_its_answer_was_lost_does_nothing_more(
    client: redis.Redis, store: Store
) -> None:
    dead = poison(client, store)
    client.lpush(DEAD, dead)
    found = store.dead_letters.find(DEAD, digest_of(dead), lambda: False).found
    assert found is not None

    for _ in range(2):
        assert store.dead_letters.requeue(found, BOTH.routes[0], b"back", ASKED)

    assert (client.llen(DEAD), lying_in(client, DLQ)) == (1, [b"back"])
    assert len(journal(client, "requeued")) == 1


def test_twelve_digits_are_enough_when_they_fit_one_message_only(
    client: redis.Redis, store: Store
) -> None:
    dead = poison(client, store)

    client.lpush(DEAD, *(b"other %d" % n for n in range(5)))
    found = ask(store, digest_of(dead)[:12], bounds=Bounds(page=1))
    assert found["digest"] == digest_of(dead)

    assert client.llen(DEAD) == 5


def test_digits_that_fit_two_messages_move_neither_and_equal_messages_are_one(
    client: redis.Redis, store: Store
) -> None:
    # No two texts with twelve equal digits are at hand: fewer are asked for here.
    one, other = (b'{"n":%d,"_remediation":{"route":"moog"}}' % n for n in (0, 54))
    assert digest_of(one)[0] == digest_of(other)[0]
    client.lpush(DEAD, one, other)

    one_digit = Bounds(digits=1)
    result = ask(store, digest_of(one)[:1], bounds=one_digit)

    assert result["outcome"] == "ambiguous"
    assert (client.llen(DEAD), client.llen(MOOG_DLQ)) == (2, 0)
    client.delete(DEAD)
    client.lpush(DEAD, one, one)
    assert ask(store, digest_of(one)[:1], bounds=one_digit)["outcome"] == "requeued"
    assert lying_in(client, DEAD) == [one]


@pytest.mark.parametrize("older", [0, 3, 5, 6, 11])
def test_only_the_wanted_message_goes_wherever_it_lies(
    client: redis.Redis, store: Store, older: int
) -> None:
    dead = poison(client, store)
    client.delete(DEAD)
    others = [b"other %d" % n for n in range(11)]
    fill(client, DEAD, [*others[:older], dead, *others[older:]])

    assert ask(store, digest_of(dead), bounds=Bounds(page=2))["outcome"] == "requeued"

    assert lying_in(client, DEAD) == others
    assert numbers_in(client, DLQ) == [1]


def test_what_is_not_there_is_not_found_and_the_answer_says_what_was_looked_for(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(DEAD, b"a", b"b")

    result = ask(store, "0123456789ab")

    assert result == {
        "outcome": "not_found",
        "reason": f"none of the 2 messages of {DEAD} has a SHA-1 that starts like this",
        "digest": "0123456789ab",
    }


def test_a_search_that_takes_too_long_says_how_far_it_came(
    client: redis.Redis, store: Store
) -> None:
    dead = poison(client, store)

    result = ask(store, digest_of(dead), bounds=Bounds(seconds=-1.0))

    assert result["outcome"] == "not_found"
    assert "after the oldest 0 messages" in result["reason"]
    assert client.llen(DEAD) == 1


def test_a_search_by_the_first_digits_that_saw_only_a_part_puts_nothing_back(
    client: redis.Redis, store: Store
) -> None:
    dead = poison(client, store)
    client.lpush(DEAD, *(b"younger %d" % n for n in range(10)))

    late = chain([0.0, 0.0], repeat(30.0))  # once the first page, where it lies, was read

    result = requeue(
        store, BOTH, lambda: next(late), digest_of(dead)[:12], ASKED, Bounds(page=1, seconds=20.0)
    )

    assert result["outcome"] == "not_found"
    assert "after the oldest 1 messages" in result["reason"]
    assert client.llen(DEAD) == 11


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"garbage", "malformed"),
        (b"", "malformed"),
        (b'{"a":1}', "no route"),
        (b'{"a":1,"_remediation":{"route":"other"}}', "no route"),
        (b'{"a":1,"_remediation":{"route":["moog"]}}', "no route"),
        (b'{"a":NaN,"_remediation":{"route":"moog"}}', "it is malformed"),
        (b'{"a":1,"_remediation":{"route":"alerter","reason":"incomplete"}}', "it is incomplete"),
        (event(1, timestamp="2020-01-01", _remediation={"route": "alerter"}), "it is stale"),
    ],
)
def test_what_would_go_straight_back_is_refused_with_the_reason(
    client: redis.Redis, store: Store, raw: bytes, why: str
) -> None:
    client.lpush(DEAD, raw)

    result = ask(store, digest_of(raw), REMEDIATION_MAX_AGE=3600)

    assert result["outcome"] == "refused"
    assert why in result["reason"]
    assert lying_in(client, DEAD) == [raw]
    assert (client.llen(DLQ), client.llen(MOOG_DLQ), journal(client, "requeued")) == (0, 0, [])


def test_a_route_that_is_off_is_refused_for_nobody_would_drain_it(
    client: redis.Redis, store: Store
) -> None:
    dead = poison(client, store, MOOG_DLQ)

    result = ask(store, digest_of(dead), REMEDIATION_ROUTES="alerter")

    assert result["outcome"] == "refused"
    assert (client.llen(DEAD), client.llen(MOOG_DLQ)) == (1, 0)


def test_it_does_not_wait_behind_messages_that_rest(client: redis.Redis, store: Store) -> None:
    dead = poison(client, store)
    fill(client, DLQ, [event(n) for n in (5, 6)])
    cycle(client, store)
    client.lmove(INGEST, DLQ, "RIGHT", "LEFT")
    client.lmove(INGEST, DLQ, "RIGHT", "LEFT")
    let_pass(store, 5)
    assert cycle(client, store).routes["alerter"].reason == "waiting"

    ask(store, digest_of(dead))
    let_pass(store, 5)
    cycle(client, store)

    assert numbers_in(client, INGEST) == [1]
    assert numbers_in(client, DLQ) == [5, 6]


def test_it_is_no_arrival_of_failures(client: redis.Redis, store: Store) -> None:
    dead = [poison(client, store, number=n) for n in range(30)]
    for n, raw in enumerate(dead):
        ask(store, digest_of(raw), request=f"r{n}")

    found: Any = client.hget("mutt:remediation:route:alerter", "flow")
    assert json.loads(found)["depth"] == client.llen(DLQ) == 30


class Racing(redis.Redis):
    """A client beside whom a cycle looks at the source, after this one has read its flow."""

    has_raced = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        answer: Any = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        if args[0] == "HGET" and args[2] == "flow" and not self.has_raced:
            self.has_raced = True
            flow = json.loads(answer) | {"looked_at": 123.0}
            super().execute_command("HSET", args[1], "flow", json.dumps(flow))  # type: ignore[no-untyped-call]
        return answer


def test_what_a_cycle_learns_between_look_and_move_is_kept(
    client: redis.Redis, store: Store
) -> None:
    raw = poison(client, store)
    before: Any = client.hget("mutt:remediation:route:alerter", "flow")
    racing = Racing(connection_pool=client.connection_pool)

    assert ask(Store(racing), digest_of(raw))["outcome"] == "requeued"

    found: Any = client.hget("mutt:remediation:route:alerter", "flow")
    assert racing.has_raced
    assert json.loads(found)["looked_at"] == 123.0
    assert json.loads(found)["depth"] == json.loads(before)["depth"] + 1
    assert client.llen(DLQ) == 1


def test_a_list_that_shifts_between_look_and_move_is_looked_at_again(
    client: redis.Redis, store: Store
) -> None:
    dead = poison(client, store)
    client.rpush(DEAD, b"oldest", b"older still")
    looks = 0

    def clean_up() -> None:
        nonlocal looks
        looks += 1
        if looks <= 2:
            client.rpop(DEAD)

    store.dead_letters = cast(DeadLetters, Found(store.dead_letters, clean_up))
    assert ask(store, digest_of(dead)[:12])["outcome"] == "requeued"

    assert (looks, client.llen(DEAD), numbers_in(client, DLQ)) == (3, 0, [1])


def test_a_list_that_never_rests_ends_in_contended(client: redis.Redis, store: Store) -> None:
    dead = poison(client, store)
    disturbed = Found(store.dead_letters, lambda: client.rpush(DEAD, b"put in"))
    store.dead_letters = cast(DeadLetters, disturbed)
    assert ask(store, digest_of(dead))["outcome"] == "contended"

    assert dead in lying_in(client, DEAD)
    assert journal(client, "requeued") == []
