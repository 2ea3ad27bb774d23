"""Pause and resume on a real server: each request counts once, however often it arrives."""

import pytest
import redis

from mutt_tasks.errors import InvalidArgument, StoreCorrupt
from mutt_tasks.operations import switches
from mutt_tasks.store.store import Store
from tests.pipeline import journal

PAUSED, AUDIT = "mutt:remediation:paused", "mutt:remediation:audit"


def pause(store: Store, request: str, reason: str = "change window", seconds: float = 600) -> None:
    found = switches.pause(store, request, "ann", reason, seconds)
    assert found == {"outcome": "paused", "actor": "ann", "reason": reason, "seconds": seconds}


def resume(store: Store, request: str) -> str:
    outcome: str = switches.resume(store, request, "ann")["outcome"]
    return outcome


def events(client: redis.Redis) -> list[str]:
    return [kind for kind in ("paused", "resumed") for _ in journal(client, kind)]


def test_a_pause_ends_by_itself_or_by_hand(client: redis.Redis, store: Store) -> None:
    assert store.pauses.current() is None
    pause(store, "1")
    found = store.pauses.current()
    assert found is not None
    assert (found.actor, found.reason) == ("ann", "change window")
    assert 590 < found.seconds_left <= 600
    assert 590_000 < int(client.pttl(PAUSED)) <= 600_000
    assert resume(store, "2") == "resumed"
    assert store.pauses.current() is None
    assert events(client) == ["paused", "resumed"]


def test_a_pause_replaces_the_one_before(client: redis.Redis, store: Store) -> None:
    pause(store, "1", "long", 6000)
    pause(store, "2", "short", 60)
    found = store.pauses.current()
    assert found is not None
    assert (found.reason, found.seconds_left <= 60) == ("short", True)
    assert [entry["reason"] for entry in journal(client, "paused")] == ["long", "short"]


def test_a_resume_that_changes_nothing_is_not_journalled(client: redis.Redis, store: Store) -> None:
    assert resume(store, "1") == "not_paused"
    assert events(client) == []
    assert client.exists("mutt:remediation:journal") == 0


def test_a_request_that_comes_again_gets_the_first_answer(
    client: redis.Redis, store: Store
) -> None:
    pause(store, "1")
    pause(store, "1")
    assert resume(store, "2") == "resumed"
    assert resume(store, "2") == "resumed"
    assert resume(store, "3") == "not_paused"
    assert resume(store, "3") == "not_paused"
    assert events(client) == ["paused", "resumed"]


def test_a_request_that_comes_again_does_not_undo_what_came_between(
    client: redis.Redis, store: Store
) -> None:
    pause(store, "1")
    assert resume(store, "2") == "resumed"
    pause(store, "1")  # delivered again, late
    assert store.pauses.current() is None
    pause(store, "3")
    assert resume(store, "2") == "resumed"  # delivered again, late
    assert store.pauses.current() is not None
    assert events(client) == ["paused", "paused", "resumed"]


def test_requests_of_two_kinds_do_not_mistake_each_other(client: redis.Redis, store: Store) -> None:
    pause(store, "same id")
    assert resume(store, "same id") == "resumed"
    assert store.dead_letters.granted("same id") is None
    assert store.pauses.current() is None


def test_what_is_remembered_of_requests_does_not_stay(client: redis.Redis, store: Store) -> None:
    pause(store, "1")
    resume(store, "2")
    remembered = client.keys("mutt:remediation:request:*")
    assert len(remembered) == 2
    for key in remembered:
        assert 86_000_000 < int(client.pttl(key)) <= 86_400_000


@pytest.mark.parametrize("key", [PAUSED, "mutt:remediation:journal"])
def test_a_key_that_holds_something_else_stops_both_before_they_change_anything(
    client: redis.Redis, store: Store, key: str
) -> None:
    client.lpush(key, "no such thing")
    with pytest.raises(StoreCorrupt, match=key):
        switches.pause(store, "1", "ann", "why", 60)
    with pytest.raises(StoreCorrupt, match=key):
        switches.resume(store, "2", "ann")
    assert client.keys("*") == [key.encode()]


@pytest.mark.parametrize("seconds", [0, -1, 604_801, float("nan"), float("inf"), True, "60", None])
def test_a_pause_of_no_length_is_refused(
    client: redis.Redis, store: Store, seconds: object
) -> None:
    with pytest.raises(InvalidArgument, match="seconds: accepts a number from 1 to 604800"):
        switches.pause(store, "1", "ann", "why", seconds)
    # The attempt is in the audit, and nothing is anywhere else.
    assert sorted(client.keys("*")) == [AUDIT.encode(), f"{AUDIT}:head".encode()]
