"""The audit on a real server: no entry is lost, and whatever is done to it is found."""

import threading
from typing import Any

import pytest
import redis

from mutt_tasks.core.audit import HASH, THE_END, AuditEntry, chained
from mutt_tasks.core.moments import iso
from mutt_tasks.core.redaction import Hints
from mutt_tasks.errors import StoreCorrupt, StoreRefused
from mutt_tasks.store.audit import Audit
from mutt_tasks.store.fields import paired
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.store import Store
from tests.redis_server import RedisServer

AUDIT, HEAD = "mutt:remediation:audit", "mutt:remediation:audit:head"
DAY = 86_400


def entry(number: int, actor: str = "ann") -> AuditEntry:
    """An attempt of somebody."""
    return AuditEntry("pause", actor, "--actor", reason=f"try {number}", outcome="refused")


def raw_entries(client: redis.Redis) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """What stands in the stream, the oldest first."""
    found: list[tuple[bytes, dict[bytes, bytes]]] = client.xrange(AUDIT)  # type: ignore[assignment]
    return found


def written_long_ago(client: redis.Redis, ages: list[float], now: float) -> None:
    """A chain whose entries are so many days old."""
    prev = ""
    for number, age in enumerate(ages):
        moment = now - age * DAY
        fields: Any = chained(entry(number), iso(moment), "0.1.0", prev)
        prev = fields[HASH]
        entry_id = f"{moment * 1000:.0f}-{number}"
        client.xadd(AUDIT, fields, id=entry_id)
        if not number:
            client.hset(HEAD, "oldest", entry_id)
        client.hset(HEAD, mapping={"hash": prev, "id": entry_id, "entries": number + 1})


def test_many_who_write_at_once_lose_no_entry_and_leave_one_chain(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    def write(writer: str) -> None:
        with redis.Redis.from_url(redis_server.url) as mine:
            audit = Store(mine).audit
            for number in range(40):
                audit.add(entry(number, writer))

    writers = [threading.Thread(target=write, args=(f"writer-{n}",)) for n in range(6)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()

    audit = Store(client).audit
    verdict = audit.verify()
    assert (verdict.entries, verdict.wrong, verdict.is_from_first) == (240, "", True)
    assert audit.head().written == 240
    told = [(fields[b"actor"], fields[b"reason"]) for _, fields in raw_entries(client)]
    for n in range(6):
        its = [reason for actor, reason in told if actor == f"writer-{n}".encode()]
        assert its == [f"try {number}".encode() for number in range(40)]


def test_a_chain_is_whole_while_others_go_on_writing(
    client: redis.Redis, store: Store, redis_server: RedisServer
) -> None:
    for number in range(450):
        store.audit.add(entry(number))
    stop = threading.Event()

    def write() -> None:
        with redis.Redis.from_url(redis_server.url) as mine:
            audit, number = Store(mine).audit, 0
            while not stop.is_set():
                audit.add(entry(number))
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    verdicts = [store.audit.verify() for _ in range(10)]
    stop.set()
    writer.join()

    assert [each.wrong for each in verdicts] == [""] * 10
    assert verdicts[-1].entries >= verdicts[0].entries >= 450
    assert store.audit.verify().entries == store.audit.head().written


def test_whoever_tampers_with_the_stream_is_found(client: redis.Redis, store: Store) -> None:
    for number in range(5):
        store.audit.add(entry(number))
    ids = [entry_id for entry_id, _ in raw_entries(client)]
    whole: Any = client.dump(AUDIT)

    client.xdel(AUDIT, ids[2])
    assert store.audit.verify().from_id == ids[3].decode()
    client.restore(AUDIT, 0, whole, replace=True)
    client.xdel(AUDIT, ids[4])
    assert store.audit.verify().from_id == THE_END
    client.restore(AUDIT, 0, whole, replace=True)
    client.xdel(AUDIT, ids[0])
    assert store.audit.verify().from_id == ids[1].decode()
    client.restore(AUDIT, 0, whole, replace=True)
    forged: Any = chained(entry(9), "2026-11-27T00:00:00Z", "0.1.0", store.audit.head().hash)
    client.xadd(AUDIT, forged)
    assert store.audit.verify().from_id == THE_END
    client.restore(AUDIT, 0, whole, replace=True)
    assert store.audit.verify().wrong == ""
    client.delete(AUDIT)
    assert store.audit.verify().wrong
    client.restore(AUDIT, 0, whole, replace=True)
    client.delete(HEAD)
    assert store.audit.verify().wrong


def test_entries_are_kept_for_400_days_and_the_rest_of_the_chain_is_whole(
    client: redis.Redis, store: Store
) -> None:
    client.config_set("stream-node-max-entries", 4)
    try:
        ages = [900.0, 800, 700, 600, 500, 450, 410, 401, 399, 300, 200, 100, 20]
        written_long_ago(client, ages, store.now())
        before = store.audit.verify()
        assert (before.entries, before.is_from_first) == (13, True)

        store.audit.add(entry(13))

        left = [fields[b"reason"].decode() for _, fields in raw_entries(client)]
        assert left[-6:] == [f"try {number}" for number in range(8, 14)]
        assert len(left) < 11
        verdict = store.audit.verify()
        assert (verdict.entries, verdict.wrong) == (len(left), "")
        assert not verdict.is_from_first
        assert store.audit.head().written == 14

        client.xtrim(AUDIT, maxlen=2, approximate=False)
        assert store.audit.verify().entries == 0
    finally:
        client.config_set("stream-node-max-entries", 100)


def test_an_entry_whose_answer_was_lost_is_written_once(client: redis.Redis, store: Store) -> None:
    scripts = Scripts(client)

    def twice(fields: dict[str, str]) -> Any:
        names = [AUDIT, HEAD, "mutt:remediation:journal", "mutt:remediation:audit:seen"]
        arguments = [100, *paired(fields), 0, 0, 0]
        scripts.call("audited", names, arguments)
        return scripts.call("audited", names, arguments)

    assert store.audit.written(entry(1), twice)[0] == b"audited"
    assert client.xlen(AUDIT) == 1


def test_what_was_noted_by_one_is_not_written_by_another(client: redis.Redis, store: Store) -> None:
    assert store.audit.add_seen(entry(1), "interval", "", "60")
    assert not store.audit.add_seen(entry(2), "interval", "", "60")
    assert not store.audit.add_seen(entry(3), "interval", "30", "60")
    assert store.audit.add_seen(entry(4), "interval", "60", "")
    assert store.audit.seen() == {"interval": ""}
    assert store.audit.add_seen(entry(5), "interval", "", "60")
    assert client.xlen(AUDIT) == 3


def test_no_entry_holds_a_secret(client: redis.Redis) -> None:
    audit = Audit(client, Scripts(client), Hints.of(["hunter2Zk4"]))
    audit.add(AuditEntry("pause", "ann", "--actor", reason="old one was hunter2Zk4, token=abc123"))

    ((_, fields),) = raw_entries(client)
    assert fields[b"reason"] == b"old one was ***, token=***"
    assert audit.verify().wrong == ""


def test_pages_lead_from_the_newest_to_the_oldest(store: Store) -> None:
    for number in range(5):
        store.audit.add(entry(number))

    first = store.audit.page(most=3)
    rest = store.audit.page(first.before, most=3)

    told = [fields["reason"] for _, fields in (*first.entries, *rest.entries)]
    assert told == [f"try {number}" for number in (4, 3, 2, 1, 0)]
    assert rest.before == ""
    assert store.audit.page(since=first.entries[1][0]).entries == first.entries[:2]
    assert store.audit.after(first.entries[1][0]) == first.entries[:1]
    assert [fields["reason"] for _, fields in store.audit.after(most=1)] == ["try 0"]


def test_a_writer_that_never_gets_its_turn_says_so_and_changes_nothing(
    client: redis.Redis, store: Store
) -> None:
    calls = []

    def always_refused(fields: dict[str, str]) -> list[bytes]:
        calls.append(fields)
        return [b"audit"]

    with pytest.raises(StoreRefused, match="others write to it all the time"):
        store.audit.written(entry(1), always_refused)
    assert len(calls) == 500
    assert not client.exists(AUDIT)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (AUDIT, AUDIT),
        (HEAD, "a key holds another type"),
        ("mutt:remediation:audit:seen", "audit:seen"),
    ],
)
def test_a_key_that_holds_something_else_stops_the_step(
    client: redis.Redis, store: Store, key: str, said: str
) -> None:
    client.set(key, "no such thing")
    with pytest.raises(StoreCorrupt, match=said):
        store.audit.add(entry(1))
    assert client.keys("*") == [key.encode()]
