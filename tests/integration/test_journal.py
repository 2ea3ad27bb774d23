"""The journal on a real server: what is written is read again, whatever lies beside it."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from mutt_tasks.operations import switches
from mutt_tasks.operations.requeue import requeue
from mutt_tasks.store import journal as journals
from mutt_tasks.store import keys
from mutt_tasks.store.counters import MOVED
from mutt_tasks.store.journal import CycleEnded, Entry, Moved, Paused, Requeued, Resumed
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    event,
    fill,
    observe,
    operator_pauses,
    run_cycle,
    settings_of,
)

JOURNAL = "mutt:remediation:journal"


def fields_of(entry: Entry) -> dict[Any, Any]:
    return journals.fields_of(entry)


@pytest.mark.parametrize(
    "entry",
    [
        Moved("alerter", "c", "c:alerter:1", {name: n for n, name in enumerate(MOVED)}),
        CycleEnded("c", "held", "paused", "test", "pod-1", {"alerter": "held paused"}),
        Paused("ann", "change window", "600"),
        Resumed("ann"),
        Requeued("moog", "0" * 40, "ann", "mended", "r"),
    ],
    ids=lambda entry: entry.event,
)
def test_what_is_written_is_what_is_read(client: redis.Redis, store: Store, entry: Entry) -> None:
    client.xadd(JOURNAL, fields_of(entry), id="5-1")
    assert store.journal.page().entries == [("5-1", entry)]


def test_a_cycle_and_its_moves_are_read_from_what_the_scripts_wrote(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [b"no object", *(event(n) for n in range(20))])
    operator_pauses(store, 600)
    run_cycle(store, settings_of())
    client.delete("mutt:remediation:paused")
    result = run_cycle(store, settings_of())
    ended, moved, held, paused = (entry for _, entry in store.journal.page().entries)
    assert isinstance(moved, Moved)
    assert (moved.route, moved.cycle) == ("alerter", result.cycle)
    assert moved.amounts == dict.fromkeys(MOVED, 0) | {"replayed": 9, "malformed": 1}
    assert isinstance(ended, CycleEnded)
    assert (ended.outcome, ended.health) == ("replayed", "test")
    assert ended.routes["alerter"] == "replayed limit=window"
    assert isinstance(held, CycleEnded)
    assert (held.outcome, held.reason) == ("held", "paused")
    assert paused == Paused("ann", "change window", "600")
    last = store.journal.last_cycle()
    assert last is not None
    assert last[1] == ended


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8])
def test_pages_hold_every_entry_once_the_newest_first(
    client: redis.Redis, store: Store, most: int
) -> None:
    for n in range(7):
        client.xadd(JOURNAL, fields_of(Resumed(f"by {n}")), id=f"9-{n + 1}")
    found: list[Any] = []
    page = store.journal.page(most=most)
    while page.entries:
        assert len(page.entries) <= most
        found += page.entries
        assert len(found) <= 7
        if not page.before:
            break
        client.xadd(JOURNAL, fields_of(Resumed("somebody meanwhile")))
        page = store.journal.page(page.before, most)
    assert found == [(f"9-{n + 1}", Resumed(f"by {n}")) for n in reversed(range(7))]


@pytest.mark.parametrize(
    "damage",
    [
        {"what": "no event"},
        {"event": "of another version"},
        {b"event": b"\xff"},
        {"event": "moved", "replayed": "9" * 5000, "poison": "x", "stale": "-1"},
        {"event": "moved", b"\xff": b"\xfe", "malformed": "1.5"},
        {"event": "cycle", b"route:\xff": b"\xff"},
        {"event": "requeued"},
    ],
)
def test_a_damaged_entry_hides_no_other(
    client: redis.Redis, store: Store, damage: dict[Any, Any]
) -> None:
    client.xadd(JOURNAL, fields_of(Resumed("before")), id="1-1")
    client.xadd(JOURNAL, damage, id="2-1")
    client.xadd(JOURNAL, fields_of(Resumed("behind")), id="3-1")
    found = dict(store.journal.page().entries)
    assert (found["3-1"], found["1-1"]) == (Resumed("behind"), Resumed("before"))
    damaged = found.get("2-1")
    if isinstance(damaged, Moved):
        assert damaged.amounts == dict.fromkeys(MOVED, 0)


def test_a_page_of_entries_that_nobody_knows_has_a_next_one(
    client: redis.Redis, store: Store
) -> None:
    client.xadd(JOURNAL, fields_of(Resumed("ann")), id="1-1")
    for n in range(3):
        client.xadd(JOURNAL, {"event": "unknown"}, id=f"2-{n}")
    page = store.journal.page(most=3)
    assert page.entries == []
    assert store.journal.page(page.before).entries == [("1-1", Resumed("ann"))]


def test_the_slices_of_a_batch_share_an_entry_that_names_their_sums(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [b"no object", *(event(n) for n in range(15)), b"neither"])
    fill(client, DLQ, [event(n) for n in range(15, 30)])
    commits: list[int] = []
    observe(store, commits=lambda: commits.append(1))
    settings = settings_of(REMEDIATION_BATCH_SIZE=25, REMEDIATION_MAX_RATE=50)
    moved = run_cycle(store, settings).routes["alerter"].moved
    assert len(commits) > 2
    assert moved.replayed > 15
    (entry,) = (e for _, e in store.journal.page().entries if isinstance(e, Moved))
    assert entry.amounts == dict.fromkeys(MOVED, 0) | {
        "replayed": moved.replayed,
        "malformed": 2,
    }
    assert client.llen(INGEST) == moved.replayed


def test_the_next_cycle_has_an_entry_of_its_own(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])
    settings = settings_of(REMEDIATION_BATCH_SIZE=3)
    run_cycle(store, settings)
    client.delete(keys.LEASE)
    run_cycle(store, settings)
    moved = [e.amounts["replayed"] for _, e in store.journal.page().entries if isinstance(e, Moved)]
    assert moved == [2, 3]


# --- its bound ---


def test_a_commit_keeps_the_journal_within_its_bound(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    lengths: list[int] = []

    def overfill() -> None:
        lengths.append(int(client.xlen(JOURNAL)))
        _overfill(client)

    observe(store, commits=overfill)
    settings = settings_of(REMEDIATION_BATCH_SIZE=20, REMEDIATION_MAX_RATE=50)
    run_cycle(store, settings)
    assert client.llen(INGEST) > 1
    # What stands there before a further slice is what the commit before it has left.
    assert len(lengths) > 1
    assert all(0 < length <= MOST for length in lengths[1:]), lengths


def _cycle(client: redis.Redis, store: Store) -> None:
    assert run_cycle(store, settings_of()).reason == "empty"


def _pause(client: redis.Redis, store: Store) -> None:
    operator_pauses(store, 60)


def _resume(client: redis.Redis, store: Store) -> None:
    client.hset("mutt:remediation:paused", "actor", "ann")
    assert switches.resume(store, "2", "ann")["outcome"] == "resumed"


def _requeue(client: redis.Redis, store: Store) -> None:
    dead = event(1, _remediation={"route": "alerter"})
    fill(client, DEAD, [dead])
    digest = hashlib.sha1(dead).hexdigest()
    request = Request("r", "ann", "mended")
    assert requeue(store, settings_of(), time.monotonic, digest, request)["outcome"] == "requeued"


@pytest.mark.parametrize("write", [_cycle, _pause, _resume, _requeue])
def test_whoever_writes_into_the_journal_keeps_it_within_its_bound(
    client: redis.Redis, store: Store, write: Callable[[redis.Redis, Store], None]
) -> None:
    _overfill(client)
    write(client, store)
    assert journals.LENGTH <= int(client.xlen(JOURNAL)) <= MOST


# Redis trims whole nodes of a hundred entries.
MOST = journals.LENGTH + 200


def _overfill(client: redis.Redis) -> None:
    """Far more entries than are kept, of no kind that is known."""
    script = """
    for i = redis.call('XLEN', KEYS[1]) + 1, ARGV[1] do
      redis.call('XADD', KEYS[1], '*', 'event', 'old')
    end"""
    client.eval(script, 1, JOURNAL, str(journals.LENGTH + 500))


def test_about_ten_thousand_entries_are_kept_and_the_last_cycle_is_found_among_five_hundred(
    client: redis.Redis, store: Store
) -> None:
    assert journals.LENGTH == 10_000
    client.xadd("mutt:remediation:journal", {"event": "cycle", "cycle": "c-1"})
    with client.pipeline() as many:
        for _ in range(480):
            many.xadd("mutt:remediation:journal", {"event": "viewed", "by": "ann"})
        many.execute()
    found = store.journal.last_cycle()
    assert found is not None
    assert found[1].cycle == "c-1"
