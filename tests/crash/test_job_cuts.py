"""A cycle that does a job, killed before, within and after each single command that it sends.

After each cut every message is in exactly one place, the job's numbers say which, and the audit is
whole; then another worker does exactly the rest, once for all cuts that leave the same behind.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from mutt_tasks.core.jobs import Job, State
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import jobs
from mutt_tasks.operations.jobs import Order
from mutt_tasks.store.store import Store
from tests.crash.conftest import ENV, Victim
from tests.jobs import plan_of
from tests.pipeline import (
    DEAD,
    DLQ,
    INGEST,
    counters,
    drain,
    event,
    fill,
    lying_in,
    numbers_in,
    operator_pauses,
    run_cycle,
    settings_of,
)

SETTINGS = settings_of(**ENV)
EVENTS = [event(n) for n in range(9)]
WANTED = EVENTS[1:8:2]
HEADER = {"replays": 5, "forgiven": 0, "route": "alerter", "reason": "poison"}
LETTERS = [event(n, _remediation=HEADER) for n in range(4)]
LEASE = "mutt:remediation:lease"


def ordered(request: str) -> Order:
    """What ann wants."""
    return Order("ann", "--actor", "cut", request)


def planned(store: Store, verb: Verb, source: str, messages: list[bytes]) -> Job:
    """A job on exactly these messages."""
    return jobs.submit(store, plan_of(store, verb, {source: messages}), ordered("job"))


def discard(store: Store, client: redis.Redis) -> Job:
    """Throw four of nine away, while the operator pauses replays."""
    operator_pauses(store, 600)
    fill(client, DLQ, EVENTS)
    return planned(store, Verb.DISCARD, "alerter", WANTED)


def undo(store: Store, client: redis.Redis) -> Job:
    """Take that back."""
    thrown = discard(store, client)
    run_cycle(store, SETTINGS)
    client.delete(LEASE)
    return jobs.undo(store, thrown.id, ordered("undo"))


def edit(store: Store, client: redis.Redis) -> Job:
    """Change the fourth of nine."""
    operator_pauses(store, 600)
    fill(client, DLQ, EVENTS)
    return jobs.edit(store, "alerter", EVENTS[3], event(33), ordered("edit"))


def undo_edit(store: Store, client: redis.Redis) -> Job:
    """Put the original back in its place."""
    edited = edit(store, client)
    run_cycle(store, SETTINGS)
    client.delete(LEASE)
    return jobs.undo(store, edited.id, ordered("undo"))


def replay(store: Store, client: redis.Redis) -> Job:
    """Put four of nine back, before the others follow."""
    fill(client, DLQ, EVENTS)
    return planned(store, Verb.REPLAY, "alerter", WANTED)


def requeue(store: Store, client: redis.Redis) -> Job:
    """Give all dead letters but the garbage a fresh start."""
    fill(client, DEAD, [*LETTERS, b"{garbage"])
    return planned(store, Verb.REQUEUE, "dead", LETTERS)


@dataclass(frozen=True)
class End:
    """What must lie where in the end: numbers of events, and how many the job did."""

    dlq: tuple[int, ...]
    target: tuple[int, ...]
    trash: tuple[int, ...]
    done: int


KINDS: dict[str, tuple[Callable[[Store, redis.Redis], Job], End]] = {
    "discard": (discard, End((0, 2, 4, 6, 8), (), (1, 3, 5, 7), 4)),
    "undo": (undo, End((1, 3, 5, 7, 0, 2, 4, 6, 8), (), (), 4)),
    "edit": (edit, End((0, 1, 2, 33, 4, 5, 6, 7, 8), (), (3,), 1)),
    "undo of an edit": (undo_edit, End(tuple(range(9)), (), (33,), 1)),
    "replay": (replay, End((), (1, 3, 5, 7, 0, 2, 4, 6, 8), (), 4)),
    "requeue": (requeue, End((), (0, 1, 2, 3), (), 4)),
}
DONE_BY = {
    "discard": "discarded:alerter",
    "undo": "undone:alerter",
    "edit": "edited:alerter",
    "undo of an edit": "undone:alerter",
    "requeue": "requeued:alerter",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_cut_at_any_command_does_each_message_once(
    client: redis.Redis, victim: Victim, kind: str
) -> None:
    submit, end = KINDS[kind]
    client.flushall()
    store = Store(client)
    job = submit(store, client)
    before = kept_in(client)

    def prepare() -> None:
        for key, lifetime, value in before:
            client.restore(key, lifetime, value)

    for cut in victim.cuts(kind, client, prepare):
        check_books(store, client, job, kind, cut.at)
        if cut.leaves_new:
            client.delete(LEASE)
            for _ in range(3):
                drain(store, SETTINGS)
                client.delete(LEASE)
            check_end(store, client, job, end, cut.at)


def kept_in(client: redis.Redis) -> list[tuple[bytes, int, bytes]]:
    """Every key, for how many more milliseconds it lives (0: for ever), and its value."""
    keys: Any = client.keys()
    found: list[Any] = [(key, client.pttl(key), client.dump(key)) for key in keys]
    return [(key, max(0, lifetime), value) for key, lifetime, value in found]


def trash_of(client: redis.Redis, job: Job) -> list[bytes]:
    """What lies in the job's trash, or in that of the job which it takes back."""
    found = client.lrange(f"mutt:remediation:trash:{job.undoes or job.id}:alerter", 0, -1)
    return list(found)  # type: ignore[arg-type]


def check_books(store: Store, client: redis.Redis, job: Job, kind: str, at: str) -> None:
    """All messages are somewhere, each once, and the numbers say where."""
    lists = [lying_in(client, DLQ), lying_in(client, INGEST), trash_of(client, job)]
    done = jobs.get(store, job.id).counts.done
    everything = sum(map(len, lists)) + sum(raw in LETTERS for raw in lying_in(client, DEAD))
    # An edit leaves two: the original, and what was made of it.
    edited = {"edit": done, "undo of an edit": 1}.get(kind, 0)
    assert everything == (4 if kind == "requeue" else 9) + edited, at
    assert edited == 0 or (EVENTS[3] in lists[0]) != (EVENTS[3] in lists[2]), at
    if kind in DONE_BY:
        assert counters(client).get(DONE_BY[kind], 0) == done, at
    assert store.audit.verify().wrong == "", at


def check_end(store: Store, client: redis.Redis, job: Job, end: End, at: str) -> None:
    """The job has done exactly what it was to do, whoever did it."""
    found = jobs.get(store, job.id)
    assert (found.state, found.counts.done, found.counts.left) == (State.DONE, end.done, 0), at
    assert tuple(numbers_in(client, DLQ)) == end.dlq, at
    assert sorted(numbers_in(client, INGEST)) == sorted(end.target), at
    numbers = [json.loads(raw)["number"] for raw in trash_of(client, job)]
    assert tuple(numbers) == end.trash, at
    assert [raw for raw in lying_in(client, DEAD) if raw in LETTERS] == [], at
    assert store.audit.verify().wrong == "", at
