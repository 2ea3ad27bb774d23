"""The books follow every message, wherever it lies and however it is wrapped."""

import json
from collections import Counter
from typing import Any

import redis

from stand_ins import facts
from stand_ins.books import Arrivals, Books, Losses, identity, lost_and_doubled

DLQ, DEAD, INGEST = "mutt:dlq:alerter", "mutt:dlq:dead", "mutt:ingest_queue"


def alert(event: dict[str, Any]) -> dict[str, Any]:
    return facts.alert(event, "key", "team")


def test_a_message_is_lost_or_doubled_as_often_as_it_is_missing_or_too_many() -> None:
    assert lost_and_doubled(Counter("aab"), Counter("aab")) == ([], [])
    assert lost_and_doubled(Counter("aab"), Counter("b")) == (["a", "a"], [])
    assert lost_and_doubled(Counter("ab"), Counter("aaab")) == ([], ["a", "a"])
    assert lost_and_doubled(Counter("ab"), Counter("bb")) == (["a"], ["b"])


def test_what_was_never_known_is_neither_lost_nor_doubled() -> None:
    assert lost_and_doubled(Counter("a"), Counter("axx")) == ([], [])


def test_a_message_keeps_its_identity_wherever_it_lies() -> None:
    event: dict[str, Any] = {"hostname": "h", "message": "m"}
    for fields in ({"_correlation_id": "c-1"}, {}):
        first = event | fields
        later = first | {"_retry_count": 3, "_remediation": {"replays": 1}, "shedding_reason": "x"}
        names = {
            identity(json.dumps(form).encode())
            for form in (first, later, alert(later), {"custom_info": later})
        }
        assert len(names) == 1
        assert identity(json.dumps(event | {"message": "another"}).encode()) not in names


def test_what_is_no_json_object_is_known_by_its_bytes() -> None:
    for raw in (b"garbage", b"[1,2]", b"", b"\xff", b"[" * 100_000):
        assert identity(raw) == raw


def test_the_books_of_a_real_redis_add_up(client: redis.Redis) -> None:
    client.lpush(DLQ, *(json.dumps({"_correlation_id": f"c-{n}"}) for n in range(2500)))
    arrivals = Arrivals()
    losses = Losses()
    books = Books(client, (DLQ, INGEST, DEAD), DEAD, arrivals, losses)
    arrivals.note({"custom_info": {"_correlation_id": "c-0"}})
    client.rpop(DLQ)
    losses.note(json.dumps(alert({"_correlation_id": "c-1", "_remediation": {}})).encode(), "so")
    client.lrem(DLQ, 1, json.dumps({"_correlation_id": "c-1"}))
    client.lpush(DEAD, b"garbage", json.dumps({"_remediation": {"reason": "poison"}}))
    client.lmove(DLQ, DEAD)
    found = books.balance()
    assert (found.accepted, found.elsewhere, found.lost, found.doubled) == (1, 2, [], [])
    assert found.end.dead == {"malformed": 2, "poison": 1}
    assert found.destroyed == {"so (a replay)": 1}
