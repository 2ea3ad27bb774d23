"""The journal on a real server: what is written is read again, whatever lies beside it."""

from typing import Any

import pytest
import redis

from mutt_tasks.store import journal as journals
from mutt_tasks.store.counters import MOVED
from mutt_tasks.store.journal import CycleEnded, Entry, Moved, Paused, Requeued, Resumed
from mutt_tasks.store.store import Store
from tests.pipeline import DLQ, event, fill, operator_pauses, run_cycle, settings_of

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
