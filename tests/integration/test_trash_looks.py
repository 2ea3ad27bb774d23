"""What jobs threw away can be looked at until it is removed."""

import json

import pytest
import redis

from mutt_tasks.core.identity import digest
from mutt_tasks.core.jobs import Job, State
from mutt_tasks.core.plan import Verb
from mutt_tasks.errors import InvalidArgument, PlaceLost, Refused
from mutt_tasks.operations import editing, grouping, jobs, looking, planning, shown
from mutt_tasks.operations.jobs import Order
from mutt_tasks.operations.looking import Looker, Wanted
from mutt_tasks.operations.planning import Selection
from mutt_tasks.store.store import Store
from mutt_tasks.store.trash import KEPT
from mutt_tasks.surroundings import new_id
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, event, fill, operator_pauses, run_cycle, settings_of

TRASH = ("trash",)


def order() -> Order:
    return Order("ann", "--actor", "old", new_id())


def done(store: Store, job: Job) -> Job:
    """The job when the worker has done it."""
    while jobs.get(store, job.id).state is not State.DONE:
        run_cycle(store, settings_of())
    return jobs.get(store, job.id)


def discarded(looker: Looker, where: str) -> Job:
    """A job that threw away what matches."""
    plan = planning.make(looker, Selection(Verb.DISCARD, where=where))
    return done(looker.store, jobs.submit(looker.store, plan, order()))


@pytest.fixture
def looker(client: redis.Redis, store: Store) -> Looker:
    header = {"route": "alerter", "reason": "poison", "replays": 3}
    fill(client, DLQ, [event(n, api_key="hunter2") for n in range(6)])
    fill(client, DEAD, [event(n, _remediation=header) for n in range(3)])
    operator_pauses(store, 600)
    return looker_on(store)


def numbers(entries: list[looking.Entry]) -> list[int]:
    return [json.loads(entry.raw)["number"] for entry in entries]


def test_the_trash_is_listed_by_job_oldest_first_and_page_by_page(looker: Looker) -> None:
    first, second = discarded(looker, "host:host-2"), discarded(looker, "number:*")
    thrown = {
        first.id: [("alerter", 2), ("dead", 2)],
        second.id: [*(("alerter", n) for n in (0, 1, 3, 4, 5)), ("dead", 0), ("dead", 1)],
    }
    # Jobs of one second have no order.
    in_order = [(job, *each) for job in looker.store.trash.kept_until() for each in thrown[job]]

    every = looking.page(looker, Wanted(TRASH))

    assert every.length == 9
    listed = [
        (entry.source.job, entry.source.lay_in, number)
        for entry, number in zip(every.entries, numbers(every.entries), strict=True)
    ]
    assert listed == in_order

    found: list[looking.Entry] = []
    cursor = ""
    while True:
        page = looking.page(looker, Wanted(TRASH, most=2, cursor=cursor))
        found += page.entries
        if page.cursor is None:
            break
        cursor = str(page.cursor)
    assert [entry.raw for entry in found] == [entry.raw for entry in every.entries]
    assert sorted(entry.older for entry in found) == [0, 0, 0, 0, 1, 1, 2, 3, 4]
    assert [e.older for e in found if e.source.lay_in == "alerter"][-5:] in (
        [0, 1, 2, 3, 4],
        [1, 2, 3, 4, 0],
    )
    newest = looking.page(looker, Wanted(TRASH, where="host:host-5", is_newest_first=True))
    assert numbers(newest.entries) == [5]
    assert looking.page(looker, Wanted()).entries == []


def test_one_message_of_the_trash_is_listedwith_its_job_and_end(looker: Looker) -> None:
    job = discarded(looker, "host:host-4")
    name = f"m-{digest(event(4, api_key='hunter2'))[:12]}"
    assert looking.find(looker, name) is None
    entry = looking.find(looker, name, TRASH)
    assert entry is not None

    told = shown.whole_message(looker, entry)

    assert (told["route"], told["job"], told["lay_in"]) == ("trash", job.id, "alerter")
    assert told["removed_at"] == told["next"]["at"]
    assert entry.source.until == pytest.approx(looker.store.now() + KEPT, abs=60)
    assert f"`undo {job.id}` brings it back to alerter" in told["next"]["sentence"]
    assert "hunter2" not in json.dumps(told)
    assert "submitted" in [each["event"] for each in told["history"]]
    (group,) = grouping.groups(looker, TRASH).groups
    assert (group.count, group.routes) == (1, {"trash": 1})
    assert len(looking.page(looker, Wanted(TRASH, where=f"job:{job.id}")).entries) == 1
    assert looking.page(looker, Wanted(TRASH, where="job:j-000000000000")).entries == []
    with pytest.raises(Refused, match=f"`undo {job.id}` brings it back"):
        editing.draft(looker, entry)


def test_nothing_is_planned_in_the_trash_and_undo_empties_it(looker: Looker) -> None:
    job = discarded(looker, "host:host-1")
    with pytest.raises(InvalidArgument, match="discard accepts alerter, moog, dead"):
        planning.make(looker, Selection(Verb.DISCARD, is_all=True, routes=TRASH))
    page = looking.page(looker, Wanted(TRASH, most=1))
    assert page.cursor is not None
    done(looker.store, jobs.undo(looker.store, job.id, order()))

    with pytest.raises(PlaceLost, match="is empty by now"):
        looking.page(looker, Wanted(TRASH, cursor=str(page.cursor)))
    assert looking.page(looker, Wanted(TRASH)).entries == []
    assert grouping.groups(looker, TRASH).groups == []
    with pytest.raises(InvalidArgument, match="accepts alerter, moog, dead, trash"):
        looking.page(looker, Wanted(("bin",)))
