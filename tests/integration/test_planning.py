"""A plan means exactly the messages that were there when it was made, and match."""

import threading
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.failures import Failures
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.identity import digest
from mutt_tasks.core.moments import iso
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.errors import InvalidArgument, NotFound
from mutt_tasks.operations import planning
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.planning import Selection
from mutt_tasks.store.states import encoded
from mutt_tasks.store.store import Store
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, MOOG_DLQ, event, fill
from tests.redis_server import RedisServer

ALL = Selection(Verb.DISCARD, is_all=True, routes=("alerter",))


def members(looker: Looker, plan: Plan, source: str) -> Counter[bytes]:
    """The digests that a plan means of a list."""
    data = looker.store.plans.members(plan.id, source).data
    return Counter(data[at : at + 16] for at in range(0, len(data), 16))


def of(messages: list[bytes]) -> Counter[bytes]:
    """The digests of messages."""
    return Counter(bytes.fromhex(digest(raw))[:16] for raw in messages)


def test_a_filter_means_what_matches_and_equal_messages_count_each(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n % 5) for n in range(20)])
    fill(client, MOOG_DLQ, [event(1)])
    looker = looker_on(store)
    plan = planning.make(looker, Selection(Verb.DISCARD, where="host:host-1"))
    assert plan.sources == {"alerter": 4, "moog": 1}
    assert members(looker, plan, "alerter") == of([event(1)] * 4)
    loaded = planning.find(looker, plan.id)
    assert replace(loaded, expires_at=0.0) == replace(plan, expires_at=0.0)
    assert loaded.expires_at == pytest.approx(plan.expires_at, abs=1)


def test_a_replay_leaves_out_what_would_be_set_aside(client: redis.Redis, store: Store) -> None:
    poison = event(1, _remediation={"replays": 9, "forgiven": 0})
    fill(client, DLQ, [event(0), b"{garbage", poison, event(2, hostname=""), event(3)])
    plan = planning.make(looker_on(store), Selection(Verb.REPLAY, is_all=True))
    assert plan.count == 2
    assert plan.skipped == {"malformed": 1, "poison": 1, "incomplete": 1}


def test_a_plan_shows_five_of_its_messages_and_means_those_that_came_back_too(
    client: redis.Redis, store: Store
) -> None:
    stamp = {"replays": 1, "forgiven": 0, "last_at": iso(store.now())}
    fill(client, DLQ, [event(n, _remediation=stamp) for n in range(8)])
    plan = planning.make(looker_on(store), Selection(Verb.REPLAY, is_all=True))
    assert (plan.count, plan.skipped, len(plan.sample)) == (8, {}, 5)
    assert all(name.startswith("m-") for name in plan.sample)


def test_ids_mean_one_message_each_also_of_equal_ones(client: redis.Redis, store: Store) -> None:
    fill(client, DEAD, [event(1), event(2), event(1)])
    name = f"m-{digest(event(1))[:12]}"
    looker = looker_on(store)
    plan = planning.make(looker, Selection(Verb.DISCARD, ids=(name,)))
    assert members(looker, plan, "dead") == of([event(1)])
    both = planning.make(looker, Selection(Verb.DISCARD, ids=(name, f"{name}-2")))
    assert members(looker, both, "dead") == of([event(1)] * 2)
    with pytest.raises(NotFound, match="is not on dead"):
        planning.make(looker, Selection(Verb.REQUEUE, ids=("m-0123456789ab",)))


def test_a_plan_lives_for_a_quarter_of_an_hour_with_all_that_it_means(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(1)])
    plan = planning.make(looker_on(store), ALL)
    left = [int(client.pttl(key)) for key in client.keys("mutt:remediation:plan:*")]
    assert len(left) == 2
    assert all(840_000 < each <= 900_000 for each in left)
    assert plan.expires_at == pytest.approx(store.now() + 900, abs=60)


def test_a_large_set_is_read_back_as_it_was_written(client: redis.Redis, store: Store) -> None:
    members = FrozenSet.of(f"{number:032x}".encode()[-16:] for number in range(40_000))
    store.plans.save(Plan("p-1", "etag", Verb.DISCARD, {"alerter": 40_000}), {"alerter": members})
    found = Store(client).plans.members("p-1", "alerter")
    assert found.data == members.data
    assert len(found.data) == 40_000 * 16


@pytest.mark.parametrize(
    ("selection", "named"),
    [
        (Selection(Verb.DISCARD), "nothing is selected"),
        (Selection(Verb.DISCARD, ids=("m-0123456789ab",), is_all=True), "ids, or a filter"),
        (Selection(Verb.REPLAY, is_all=True, routes=("dead",)), "replay accepts alerter, moog"),
        (Selection(Verb.REQUEUE, is_all=True, routes=("moog",)), "requeue accepts dead"),
        (Selection(Verb.REDIRECT, is_all=True), "needs a queue"),
        (Selection(Verb.DISCARD, is_all=True, destination="x"), "needs a queue"),
        (Selection(Verb.REDIRECT, is_all=True, destination="x"), "accepts a, b"),
        (Selection(Verb.DISCARD, where='"open'), "quote has no end"),
    ],
)
def test_what_cannot_be_planned_is_named(store: Store, selection: Selection, named: str) -> None:
    with pytest.raises(InvalidArgument, match=named):
        planning.make(looker_on(store, REMEDIATION_REDIRECT_QUEUES="a,b"), selection)


def test_a_plan_that_is_interrupted_leaves_nothing(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(5)])

    def interrupt(_seen: int, _length: int) -> None:
        raise KeyboardInterrupt

    looker = looker_on(store)
    looker = Looker(looker.store, looker.settings, looker.time, interrupt)
    with pytest.raises(KeyboardInterrupt):
        planning.make(looker, ALL)
    assert client.keys("mutt:remediation:plan:*") == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(there=st.integers(0, 2500), arriving=st.integers(0, 400), leaving=st.integers(0, 400))
def test_what_arrives_is_left_out_and_what_stays_is_in_it(
    redis_server: RedisServer, there: int, arriving: int, leaving: int
) -> None:
    client = redis_server.client
    client.flushall()
    before = [event(n) for n in range(there)]
    for start in range(0, there, 500):
        client.lpush(DLQ, *before[start : start + 500])
    looker = looker_on(Store(client))

    def act() -> None:
        for n in range(max(arriving, leaving)):
            if n < arriving:
                client.lpush(DLQ, event(10_000 + n))
            if n < leaving:
                client.rpop(DLQ)

    meanwhile = threading.Thread(target=act)
    meanwhile.start()
    plan = planning.make(looker, ALL)
    meanwhile.join()
    found = members(looker, plan, "alerter") if plan.count else Counter()
    late = of([event(10_000 + n) for n in range(arriving)])
    stayed = of(before[leaving:])
    assert found - of(before) - late == Counter()  # each at most as often as it lay there
    assert stayed - found == Counter()
    assert plan.count == found.total()


def test_replays_into_general_trouble_do_not_make_poison_of_a_message(
    client: redis.Redis, store: Store
) -> None:
    now = store.now()
    flow = Flow(failures=Failures(spans=((now - 200, now - 100),)))
    client.hset("mutt:remediation:route:alerter", mapping=dict(encoded(flow).items()))
    header = {"replays": 3, "forgiven": 0, "route": "alerter", "last_at": iso(now - 150)}
    fill(client, DLQ, [event(1, _remediation=header)])

    plan = planning.make(looker_on(store), Selection(Verb.REPLAY, is_all=True))

    assert (plan.count, plan.skipped) == (1, {})
    client.hdel("mutt:remediation:route:alerter", "flow")
    plan = planning.make(looker_on(store), Selection(Verb.REPLAY, is_all=True))
    assert (plan.count, plan.skipped) == (0, {"poison": 1})


FEW = [b'{"message":"%d"}' % n for n in range(3)]
few = st.sampled_from(FEW)
runs = st.lists(st.tuples(few, st.sampled_from([1, 1, 1, 2, 30, 700, 1000, 1500])), max_size=8)
mixed = st.builds(
    lambda seed, length: Random(seed).choices(
        [b'{"message":"%d"}' % n for n in range(3)], k=length
    ),
    st.integers(1, 10_000),
    st.integers(1000, 4000),
)
# Where all that leaves and all that comes is alike, nobody can tell how much it was.
oldest = [b'{"message":"oldest %d"}' % n for n in range(25)]
lying = mixed | runs.map(lambda each: [raw for raw, count in each for _ in range(count)])
others = few | st.just(b'{"message":"new"}')
changes = st.lists(
    st.tuples(st.lists(others, max_size=4) | others.map(lambda raw: [raw] * 40), st.integers(0, 5)),
    max_size=5,
)


# More than any look at the ends shows; what stands before a place still tells it from others.
bursts = st.lists(
    st.tuples(
        st.integers(1, 900).map(lambda seed: Random(-seed).choices(FEW, k=80 + seed)),
        st.integers(70, 300),
    ),
    min_size=1,
    max_size=1,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(lying, changes) | st.tuples(mixed, bursts))
def test_equal_messages_are_counted_as_often_as_they_lay_there(
    redis_server: RedisServer, case: tuple[list[bytes], list[tuple[list[bytes], int]]]
) -> None:
    before, changes = case
    client = redis_server.client
    client.flushall()
    before = [*oldest, *before]
    for start in range(0, len(before), 1000):
        client.lpush(DLQ, *before[start : start + 1000])
    left, to_come = 0, list(changes)

    def act(_seen: int, _length: int) -> None:
        nonlocal left
        if to_come:
            arriving, leaving = to_come.pop(0)
            if arriving:
                client.lpush(DLQ, *arriving)
            for _ in range(min(leaving, len(before) - left)):
                client.rpop(DLQ)
                left += 1

    looker = replace(looker_on(Store(client)), progress=act)
    plan = planning.make(looker, ALL)

    found = members(looker, plan, "alerter") if plan.count else Counter()
    assert found - of(before) == Counter()
    assert of(before[left:]) - found == Counter()
