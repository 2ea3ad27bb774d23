"""What lies beside a list for a while is seen in its place, counted once, and found by its id."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from mutt_tasks.core.cursor import Cursor
from mutt_tasks.core.identity import digest
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import grouping, jobs, looking, planning, sources
from mutt_tasks.operations.looking import Looker, Wanted
from mutt_tasks.operations.planning import TWICE, Selection
from mutt_tasks.operations.requeue import requeue
from mutt_tasks.operations.sparing import Sparing
from mutt_tasks.replay.job_work import work
from mutt_tasks.store import keys
from mutt_tasks.store.asides import Aside
from mutt_tasks.store.requests import Request
from mutt_tasks.store.store import Store
from tests.integration.test_jobs_depth import contexts_of_short_cycles
from tests.jobs import SETTINGS, order, plan_of
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, event, fill, numbers_in, operator_pauses, run_cycle

ASIDE, FRONT = keys.aside("alerter"), keys.front("alerter")
PARTS = (DLQ, ASIDE, FRONT)


def ids_of(*numbers: int) -> tuple[str, ...]:
    return tuple(f"m-{digest(event(n))[:12]}" for n in numbers)


@pytest.fixture
def beside(client: redis.Redis, store: Store) -> Looker:
    """Twelve events, of which 0 to 2 go first and 3 to 6 step aside."""
    for key, numbers in ((FRONT, range(3)), (ASIDE, range(3, 7)), (DLQ, range(7, 12))):
        fill(client, key, [event(n) for n in numbers])
    return looker_on(store)


@pytest.mark.parametrize("is_newest_first", [False, True])
def test_a_list_reads_the_same_however_much_of_it_lies_beside_it(
    client: redis.Redis, store: Store, is_newest_first: bool
) -> None:
    whole = [event(n) for n in range(6)]
    for first in range(7):
        for second in range(first, 7):
            client.delete(*PARTS)
            fill(client, FRONT, whole[:first])
            fill(client, ASIDE, whole[first:second])
            fill(client, DLQ, whole[second:])
            listing = store.listings.open(*PARTS, is_newest_first=is_newest_first)
            listed = whole[::-1] if is_newest_first else whole
            for skip in range(8):
                for most in (1, 3, 9):
                    found = listing.read(skip, most, ends=2)
                    assert found.messages == listed[skip : skip + most]
                    assert (found.front, found.back) == (listed[:2], listed[-2:])
                    assert found.length == 6
    assert store.listings.lengths([PARTS, (DEAD,), PARTS]) == [6, 0, 6]


def test_a_listing_shows_what_lies_beside_the_list_and_how_many_are_older(beside: Looker) -> None:
    first = looking.page(beside, Wanted(("alerter",), most=5))
    assert [(each.raw, each.older) for each in first.entries] == [(event(n), n) for n in range(5)]
    rest = looking.page(beside, Wanted(("alerter",), cursor=str(first.cursor)))
    assert [(each.raw, each.older) for each in rest.entries] == [
        (event(n), n) for n in range(5, 12)
    ]
    newest = looking.page(beside, Wanted(("alerter",), is_newest_first=True, most=7))
    assert [each.older for each in newest.entries] == [*range(11, 4, -1)]
    assert (newest.length, newest.seen) == (12, 7)


def test_plans_groups_and_ids_mean_what_lies_beside_the_list_too(beside: Looker) -> None:
    plan = planning.make(beside, Selection(Verb.DISCARD, is_all=True, routes=("alerter",)))
    assert (plan.count, plan.skipped) == (12, {})
    named = planning.make(beside, Selection(Verb.DISCARD, ids_of(1, 4, 8)))
    assert named.count == 3
    found = grouping.groups(beside, ("alerter",), is_exact=True)
    assert (found.is_exact, sum(group.count for group in found.groups)) == (True, 12)
    for number in (0, 5, 11):
        entry = looking.find(beside, ids_of(number)[0])
        assert entry is not None
        assert (entry.raw, entry.older) == (event(number), number)


def test_a_plan_that_is_made_while_a_job_works_deep_inside_counts_every_message(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(DLQ, *(event(n) for n in range(2000)))
    doomed = [event(300), event(1900)]
    jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": doomed}), order())
    work(contexts_of_short_cycles(store)[0], 3)
    assert 0 < client.llen(ASIDE) < 2000
    plan = planning.make(looker_on(store), Selection(Verb.DISCARD, is_all=True))
    assert plan.count == client.llen(DLQ) + client.llen(ASIDE) >= 1998


def brings_the_newest_three(client: redis.Redis, store: Store) -> Callable[[int, int], None]:
    """Progress of a look in which a job gathers three messages that were passed already.

    Somebody takes the oldest five meanwhile.
    """
    oldest = [event(n) for n in range(5)]

    def bring(_seen: int, _length: int) -> None:
        if oldest:
            client.rpop(DLQ, len(oldest))
            oldest.clear()
            newest = {"alerter": [event(n) for n in range(11_997, 12_000)]}
            jobs.submit(store, plan_of(store, Verb.REPLAY, newest), order())
            run_cycle(store, SETTINGS)

    return bring


def test_what_is_brought_before_older_messages_meanwhile_is_planned_once(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(DLQ, *(event(n) for n in range(12_000)))
    operator_pauses(store, 600)
    looker = replace(looker_on(store), progress=brings_the_newest_three(client, store))
    plan = planning.make(looker, Selection(Verb.DISCARD, is_all=True, routes=("alerter",)))
    assert numbers_in(client, DLQ)[:4] == [11_997, 11_998, 11_999, 5]
    assert (plan.count, plan.skipped) == (11_995, {TWICE: 3})


def test_groups_are_no_longer_exact_when_messages_are_brought_before_older_ones_meanwhile(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(DLQ, *(event(n) for n in range(12_000)))
    operator_pauses(store, 600)
    looker = replace(looker_on(store), progress=brings_the_newest_three(client, store))
    found = grouping.groups(looker, ("alerter",), is_exact=True)
    assert (found.is_exact, found.twice) == (False, 3)
    again = grouping.groups(looker_on(store), ("alerter",), is_exact=True)
    assert (again.is_exact, again.twice, again.seen) == (True, 0, 11_995)


def test_steps_aside_and_back_in_a_look_leave_no_message_out_and_double_none(
    client: redis.Redis, store: Store
) -> None:
    client.lpush(DLQ, *(event(n) for n in range(6000)))
    store.lease.acquire("ours", 0.0)
    (source,) = sources.chosen(SETTINGS, ("alerter",))
    for is_newest_first in (False, True):
        looker = looker_on(store)
        cursor, sparing = Cursor("alerter", is_newest_first), Sparing(looker.time)
        walk = looking.walk_on(store, source, cursor, sparing)
        seen: list[bytes] = []
        for messages in walk.steps(700):
            seen += messages
            has = client.llen(ASIDE)
            wanted = has + 900 if has < 4000 else has - 900
            store.asides.step("ours", Aside("alerter", DLQ, ASIDE, has, wanted))
        assert sorted(seen) == sorted(event(n) for n in range(6000))
        assert seen[0] == event(5999 if is_newest_first else 0)


@pytest.mark.parametrize("key", [keys.aside("dead"), keys.front("dead")])
def test_a_dead_letter_that_lies_beside_the_list_is_asked_for_again(
    client: redis.Redis, store: Store, key: str
) -> None:
    fill(client, DEAD, [event(1)])
    fill(client, key, [event(2)])

    def asked(number: int) -> str:
        found = requeue(store, SETTINGS, lambda: 0.0, digest(event(number)), request)
        return str(found["outcome"])

    request = Request("1", "ann", "mended")
    assert asked(2) == "contended"
    client.delete(key)
    assert asked(2) == "not_found"
