"""Notes and acknowledgements on a real server: kept, shown, ended, audited, each once."""

import threading
from functools import partial
from typing import Any

import pytest
import redis

from mutt_tasks.core.moments import iso
from mutt_tasks.errors import InvalidArgument, StoreCorrupt
from mutt_tasks.operations import notes
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.notes import Wish
from mutt_tasks.store.store import Store
from mutt_tasks.surroundings import new_id
from tests.looking import looker_on
from tests.redis_server import RedisServer

GROUP, MESSAGE = "s1-9f3a12cd4e5f", "m-3f2a9c01d4e7"
NOTES, ACK = f"mutt:remediation:note:{GROUP}", f"mutt:remediation:ack:{GROUP}"
ACKS, AUDIT = "mutt:remediation:acks", "mutt:remediation:audit"


@pytest.fixture
def looks(store: Store) -> Looker:
    """An operator's look, with a secret of ours."""
    return looker_on(store, MOOG_API_KEY="hunter2Zk4")


def ann(request: str = "") -> Wish:
    """Ann wants something, each time anew unless it is the same request."""
    return Wish(request or new_id(), "ann", "--actor")


def texts(looks: Looker, subject: str = GROUP) -> list[str]:
    """The texts of the notes, the newest first."""
    return [each["text"] for each in notes.about(looks, subject)["notes"]]


def audited(store: Store, *names: str) -> list[tuple[str, ...]]:
    """Some fields of each entry of the audit, the oldest first, once the chain is found whole."""
    assert store.audit.verify().wrong == ""
    return [tuple(fields[name] for name in names) for _, fields in store.audit.after()]


def test_notes_are_kept_newest_first_and_audited(store: Store, looks: Looker) -> None:
    notes.note(looks, GROUP, "router in Graz", ann())
    wish = ann()
    for _ in range(2):  # asked for again, as its answer was lost
        found = notes.note(looks, GROUP.upper(), "ticket NET-812", wish)

    assert (found["outcome"], found["id"], found["actor"]) == ("noted", GROUP, "ann")
    assert texts(looks) == ["ticket NET-812", "router in Graz"]
    assert texts(looks, MESSAGE) == []
    assert audited(store, "verb", "actor", "known_by", "scope", "reason") == [
        ("note", "ann", "--actor", GROUP, "router in Graz"),
        ("note", "ann", "--actor", GROUP, "ticket NET-812"),
    ]


def test_a_note_about_the_second_of_equal_messages_is_about_both(looks: Looker) -> None:
    notes.note(looks, f"{MESSAGE}-2", "twice", ann())
    found = notes.beside(looks, [{"id": MESSAGE}, {"id": f"{MESSAGE}-2"}], "id")
    assert [each["notes"][0]["text"] for each in found] == ["twice", "twice"]


def test_the_last_20_notes_are_kept_for_400_days(client: redis.Redis, looks: Looker) -> None:
    for number in range(25):
        notes.note(looks, GROUP, f"note {number}", ann())
    assert texts(looks) == [f"note {number}" for number in range(24, 4, -1)]
    assert client.llen(NOTES) == 20
    assert 399 * 86_400_000 < int(client.pttl(NOTES)) <= 400 * 86_400_000


def test_no_note_and_no_reason_holds_a_secret(client: redis.Redis, looks: Looker) -> None:
    notes.note(looks, GROUP, "login with hunter2Zk4, password=abc123", ann())
    notes.acknowledge(looks, GROUP, 60, "token=abc123 and hunter2Zk4", ann())

    found = notes.about(looks, GROUP)
    assert found["notes"][0]["text"] == "login with ***, password=***"
    assert found["acknowledged"]["reason"] == "token=*** and ***"
    for key in (NOTES, ACK, AUDIT):
        kept = client.dump(key)
        assert kept is not None
        assert b"hunter2Zk4" not in kept
        assert b"abc123" not in kept


def test_an_acknowledgement_has_an_end_and_ends_by_itself(
    client: redis.Redis, store: Store, looks: Looker
) -> None:
    now = store.now()
    found = notes.acknowledge(looks, GROUP, 3600.0, "ticket NET-812", ann())

    assert 3_590_000 < int(client.pttl(ACK)) <= 3_600_000
    (ack,) = notes.acknowledged(looks)
    assert ack == {name: value for name, value in found.items() if name != "outcome"}
    assert iso(now + 3590) < ack["until"] <= iso(now + 3610)
    assert notes.about(looks, GROUP)["acknowledged"] == {
        **{name: value for name, value in ack.items() if name != "id"},
        "on": GROUP,
    }
    # Its time has come: the hash is gone by itself, the rest of it with the next one.
    client.delete(ACK)
    client.zadd(ACKS, {GROUP: (now - 1) * 1000})
    assert notes.acknowledged(looks) == []
    assert notes.about(looks, GROUP)["acknowledged"] is None
    notes.acknowledge(looks, MESSAGE, iso(store.now() + 60), "mine", ann())
    assert client.zrange(ACKS, 0, -1) == [MESSAGE.encode()]
    assert audited(store, "verb", "scope", "after", "reason") == [
        ("acknowledge", GROUP, f"until {found['until']}", "ticket NET-812"),
        ("acknowledge", MESSAGE, f"until {notes.acknowledged(looks)[0]['until']}", "mine"),
    ]


def test_an_acknowledgement_may_last_for_90_days(client: redis.Redis, looks: Looker) -> None:
    notes.acknowledge(looks, GROUP, 90 * 86_400.0, "a rebuild", ann())
    assert int(client.pttl(ACK)) > 89 * 86_400_000


def test_an_acknowledgement_is_replaced_and_taken_back(
    client: redis.Redis, store: Store, looks: Looker
) -> None:
    notes.acknowledge(looks, GROUP, 7200.0, "long", ann())
    notes.acknowledge(looks, GROUP, 60.0, "short", ann())
    assert [each["reason"] for each in notes.acknowledged(looks)] == ["short"]
    assert int(client.pttl(ACK)) <= 60_000
    wish = ann()

    ended = [notes.take_back(looks, GROUP, "", wish)["outcome"] for _ in range(2)]

    assert ended == ["ended", "ended"]
    assert notes.take_back(looks, GROUP, "", ann())["outcome"] == "not_acknowledged"
    assert notes.acknowledged(looks) == []
    assert not client.exists(ACKS, ACK)
    assert audited(store, "before", "after")[2:] == [("acknowledged", "ended")]


@pytest.mark.parametrize(
    ("subject", "until", "reason", "said"),
    [
        ("s1", 60.0, "why", "id: got 's1'"),
        (GROUP, 0.5, "why", "until"),
        (GROUP, 91 * 86_400.0, "why", "until"),
        (GROUP, float("nan"), "why", "until"),
        (GROUP, "2001-01-01", "why", "until"),
        (GROUP, "tomorrow", "why", "until: got 'tomorrow'"),
        (GROUP, 60.0, "", "reason"),
    ],
)
def test_what_is_wrong_is_refused_and_audited(
    client: redis.Redis,
    store: Store,
    looks: Looker,
    subject: str,
    until: Any,
    reason: str,
    said: str,
) -> None:
    with pytest.raises(InvalidArgument, match=said):
        notes.acknowledge(looks, subject, until, reason, ann())
    with pytest.raises(InvalidArgument, match="text: accepts 1 to 1000"):
        notes.note(looks, GROUP, "x" * 1001, ann())

    assert [verb for verb, outcome in audited(store, "verb", "outcome")] == ["acknowledge", "note"]
    assert all(each.startswith("refused: ") for (each,) in audited(store, "outcome"))
    assert sorted(client.keys("*")) == [AUDIT.encode(), f"{AUDIT}:head".encode()]


def test_many_messages_take_one_read(client: redis.Redis, looks: Looker) -> None:
    notes.note(looks, GROUP, "router in Graz", ann())
    rows = [{"id": f"m-{number:012x}", "group": GROUP} for number in range(200)]
    before: Any = client.info("stats")
    found = notes.beside(looks, rows, "id", "group")
    after: Any = client.info("stats")

    assert {each["notes"][0]["text"] for each in found} == {"router in Graz"}
    assert after["total_commands_processed"] - before["total_commands_processed"] <= 2 * 201 + 1


def test_notes_of_many_at_once_are_all_kept(
    client: redis.Redis, store: Store, looks: Looker, redis_server: RedisServer
) -> None:
    def write(number: int) -> None:
        with redis.Redis.from_url(redis_server.url) as mine:
            notes.note(looker_on(Store(mine)), GROUP, f"note {number}", ann())

    writers = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()

    assert sorted(texts(looks)) == sorted(f"note {number}" for number in range(12))
    assert store.audit.verify().entries == 12


@pytest.mark.parametrize("key", [NOTES, ACK, ACKS, AUDIT])
def test_a_key_that_holds_something_else_stops_the_step(
    client: redis.Redis, looks: Looker, key: str
) -> None:
    client.set(key, "no such thing")
    write = partial(notes.note, looks, GROUP, "text", ann())
    if key != NOTES:
        write = partial(notes.acknowledge, looks, GROUP, 60.0, "why", ann())
    with pytest.raises(StoreCorrupt, match=key):
        write()
    assert client.keys("*") == [key.encode()]
