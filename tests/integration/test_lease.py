"""One at a time: the lease, its fencing, and steps that come twice or late."""

from typing import Any

import pytest
import redis

from mutt_tasks.cycle import Trigger
from mutt_tasks.errors import LeaseLost, StoreCorrupt
from mutt_tasks.replay.guard import look_on
from mutt_tasks.replay.result import CycleResult
from mutt_tasks.store import keys
from mutt_tasks.store.lease import Acquired, Holder, Lease, Step
from mutt_tasks.store.scripts import Scripts
from mutt_tasks.store.store import Store
from tests.pipeline import (
    DLQ,
    INGEST,
    begin,
    counters,
    event,
    fill,
    now_of,
    numbers_in,
    observe,
    replay,
    run_cycle,
    settings_of,
)

LEASE, DRAIN = "mutt:remediation:lease", "mutt:remediation:drain"


def test_a_second_cycle_finds_the_first_one_busy(client: redis.Redis, store: Store) -> None:
    settings = settings_of()
    assert begin(store, settings, "a" * 32, Trigger.BEAT) is None
    second = begin(store, settings, "b" * 32, Trigger.BEAT)
    assert second is not None
    assert second.outcome == "busy"
    assert counters(client)["ticks:busy"] == 1


def test_a_tick_of_a_second_beat_comes_too_early(client: redis.Redis, store: Store) -> None:
    settings = settings_of()
    assert begin(store, settings, "a" * 32, Trigger.BEAT) is None
    assert store.lease.release("a" * 32)
    accepted_at = client.get("mutt:remediation:tick")
    second = begin(store, settings, "b" * 32, Trigger.BEAT)
    assert second is not None
    assert second.outcome == "early"
    assert counters(client)["ticks:early"] == 1
    assert client.get("mutt:remediation:tick") == accepted_at  # else ticks hold each other up
    assert begin(store, settings, "c" * 32) is None


@pytest.mark.parametrize(("seconds_ago", "is_early"), [(215, True), (226, False)])
def test_ticks_keep_three_quarters_of_the_interval_between_them(
    client: redis.Redis, store: Store, seconds_ago: float, is_early: bool
) -> None:
    client.set("mutt:remediation:tick", round((store.now() - seconds_ago) * 1000))
    found = begin(store, settings_of(REMEDIATION_INTERVAL=300), "a" * 32, Trigger.BEAT)
    assert (found is not None) is is_early


@pytest.mark.parametrize("trigger", [Trigger.WORKER, Trigger.HAND])
def test_only_ticks_keep_their_distance_from_a_tick(
    client: redis.Redis, store: Store, trigger: Trigger
) -> None:
    client.set("mutt:remediation:tick", round(store.now() * 1000))
    assert begin(store, settings_of(), "a" * 32, trigger) is None


def test_a_clock_that_went_back_does_not_stop_the_ticks(client: redis.Redis, store: Store) -> None:
    client.set("mutt:remediation:tick", 99_999_999_999_999)
    assert begin(store, settings_of(), "a" * 32, Trigger.BEAT) is None


def test_a_replay_delivered_twice_runs_once(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    settings = settings_of()
    cycle = "a" * 32
    assert begin(store, settings, cycle) is None
    assert replay(store, settings, cycle) is not None
    assert replay(store, settings, cycle) is None
    assert numbers_in(client, INGEST) == list(range(10))


def test_a_replay_an_hour_late_does_nothing(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    settings = settings_of()
    assert begin(store, settings, "a" * 32) is None
    client.delete(LEASE)
    assert begin(store, settings, "b" * 32) is None
    assert replay(store, settings, "a" * 32) is None
    assert client.llen(DLQ) == 1


def test_a_batch_whose_lease_ran_out_is_not_committed(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1)])
    settings = settings_of()
    assert begin(store, settings, "a" * 32) is None
    observe(store, looked=lambda _: client.set(LEASE, "somebody else"))
    with pytest.raises(LeaseLost):
        replay(store, settings, "a" * 32)
    assert (client.llen(DLQ), client.llen(INGEST)) == (1, 0)
    assert client.get(LEASE) == b"somebody else"


def test_the_lease_expires_so_that_the_next_tick_takes_over(
    client: redis.Redis, store: Store
) -> None:
    begin(store, settings_of(), "a" * 32)
    assert 0 < int(client.pttl(LEASE)) <= 10_000
    fill(client, DLQ, [event(n) for n in range(30)])
    client.delete(LEASE)
    result = run_cycle(store, settings_of())
    assert client.get(LEASE) == result.next_cycle.encode()
    assert 0 < int(client.pttl(LEASE)) <= 11_000


@pytest.mark.parametrize("healthy", [True, False])
def test_the_lease_outlives_the_delay_before_a_drains_next_cycle(
    client: redis.Redis, store: Store, healthy: bool
) -> None:
    """However long the interval is: without its lease the next cycle would find itself stale."""
    fill(client, DLQ, [event(n) for n in range(30)])
    result = run_cycle(store, settings_of(REMEDIATION_DRAIN_INTERVAL=60), healthy=healthy)
    assert result.delay > 40
    assert result.delay * 1000 < int(client.pttl(LEASE)) <= 10_001 + result.delay * 1000
    assert store.lease.advance(result.next_cycle, result.next_cycle)


def test_a_drain_at_rest_says_when_its_next_cycle_is_due(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    before = store.now()
    result = run_cycle(store, settings_of(REMEDIATION_DRAIN_INTERVAL=60))
    due: Any = client.hget(DRAIN, "due")
    assert result.delay > 40
    assert before + result.delay < int(due) / 1000 + 0.01 < store.now() + result.delay + 0.02


class Repeating(redis.Redis):
    """A client that loses the first answer to every script, and so sends each one twice."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] == "EVALSHA":
            super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


def test_a_lost_answer_to_a_finished_cycle_is_no_second_count(client: redis.Redis) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    repeating = Repeating(connection_pool=client.connection_pool)
    result = run_cycle(Store(repeating), settings_of())
    assert client.get(LEASE) == result.next_cycle.encode()
    assert counters(client)["loops"] == 1
    assert counters(client)["replayed:alerter"] == 10
    assert numbers_in(client, INGEST) == list(range(10))


# --- who holds it, and who takes it over ---


def begun(store: Store, cycle: str, trigger: Trigger = Trigger.HAND) -> CycleResult | None:
    return begin(store, settings_of(), cycle, trigger)


def rest(client: redis.Redis, store: Store, healthy: bool = True) -> str:
    """A drain between two cycles; returns the id of its next one."""
    fill(client, DLQ, [event(n) for n in range(30)])
    return run_cycle(store, settings_of(), healthy=healthy).next_cycle


def test_who_finds_a_drain_at_work_learns_what_it_does(client: redis.Redis, store: Store) -> None:
    begun(store, "a" * 32)
    store.lease.advance("a" * 32, "a" * 32, Step.CHECKING, 5.0)
    assert 10_000 < int(client.pttl(LEASE)) <= 15_000
    client.pexpire(LEASE, 11_000)  # as if four seconds had passed
    second = begun(store, "b" * 32)
    assert second is not None
    assert (second.outcome, second.reason) == ("busy", "draining")
    holder = second.holder
    assert holder is not None
    assert (holder.cycle, holder.doing, holder.reason) == ("a" * 32, "checking", "")
    assert abs(holder.since - now_of(store)) < 60
    assert 4 <= holder.silent < 10


def test_who_finds_a_drain_at_rest_learns_what_holds_it(client: redis.Redis, store: Store) -> None:
    client.lpush(INGEST, *range(1000))
    resting = rest(client, store)
    found = begun(store, "b" * 32)
    assert found is not None
    assert found.holder is not None
    assert (found.holder.cycle, found.holder.doing) == (resting, "resting")
    assert found.holder.reason == "backpressure"


def test_a_lease_without_a_word_of_its_holder_is_busy_all_the_same(
    client: redis.Redis, store: Store
) -> None:
    client.set(LEASE, "x" * 32, px=45_000)
    found = begun(store, "b" * 32)
    assert found is not None
    assert (found.outcome, found.holder) == ("busy", Holder("", "", "", 0.0, 0.0))


def test_a_cycle_that_takes_over_bears_nothing_of_what_held_the_drain_before(
    client: redis.Redis, store: Store
) -> None:
    rest(client, store, healthy=False)
    assert begun(store, "a" * 32) is None
    found = begun(store, "b" * 32)
    assert found is not None
    assert found.holder is not None
    assert (found.holder.cycle, found.holder.doing, found.holder.reason) == (
        *("a" * 32, "starting", ""),
    )


def test_what_stands_there_of_another_drain_gives_nobodys_lease_away(
    client: redis.Redis, store: Store
) -> None:
    rest(client, store)
    client.set(LEASE, "x" * 32, px=10_000)  # it does not say that it rests
    assert begun(store, "b" * 32, Trigger.WORKER) is not None
    assert client.get(LEASE) == b"x" * 32


@pytest.mark.parametrize(
    ("healthy", "trigger", "is_taken"),
    [
        (True, Trigger.HAND, False),
        (True, Trigger.BEAT, False),
        (True, Trigger.WORKER, True),
        (False, Trigger.HAND, True),  # a call by hand asks at once
        (False, Trigger.BEAT, False),
        (False, Trigger.WORKER, True),
    ],
)
def test_a_drain_that_rests_is_taken_over_by_who_has_reason_to(
    client: redis.Redis, store: Store, healthy: bool, trigger: Trigger, is_taken: bool
) -> None:
    resting = rest(client, store, healthy)
    assert (begun(store, "b" * 32, trigger) is None) is is_taken
    assert client.get(LEASE) == (b"b" * 32 if is_taken else resting.encode())
    # One at a time: what comes late finds that it is not its turn any more.
    assert store.lease.advance(resting, resting) is not is_taken


@pytest.mark.parametrize("trigger", [Trigger.HAND, Trigger.BEAT])
def test_a_drain_whose_next_cycle_does_not_come_is_taken_over(
    client: redis.Redis, store: Store, trigger: Trigger
) -> None:
    rest(client, store)
    seconds: Any = client.time()
    now = seconds[0] * 1000
    client.hset(DRAIN, "due", now - 2_000)
    assert begun(store, "b" * 32, trigger) is not None
    client.hset(DRAIN, "due", now - 4_000)
    assert begun(store, "c" * 32, trigger) is None


@pytest.mark.parametrize("step", [Step.STARTING, Step.CHECKING, Step.REPLAYING])
def test_a_step_under_way_is_never_taken_over(
    client: redis.Redis, store: Store, step: Step
) -> None:
    begun(store, "a" * 32)
    store.lease.advance("a" * 32, "a" * 32, step)
    client.hset(DRAIN, "due", 1)
    for trigger in (Trigger.HAND, Trigger.BEAT, Trigger.WORKER):
        assert begun(store, "b" * 32, trigger) is not None
    assert client.get(LEASE) == b"a" * 32


def test_a_drain_is_given_up_once_its_lease_has_run_out(client: redis.Redis, store: Store) -> None:
    assert not look_on(store, settings_of()).is_abandoned
    begun(store, "a" * 32)
    assert not look_on(store, settings_of()).is_abandoned
    client.delete(LEASE)
    assert look_on(store, settings_of()).is_abandoned
    run_cycle(store, settings_of())
    assert not look_on(store, settings_of()).is_abandoned


def test_a_worker_that_starts_finds_work_to_do(client: redis.Redis, store: Store) -> None:
    routes = settings_of().routes
    assert not store.lease.is_up_for_taking(routes)
    resting = rest(client, store)
    assert store.lease.is_up_for_taking(routes)
    store.lease.advance(resting, resting, Step.CHECKING)
    assert not store.lease.is_up_for_taking(routes)
    client.delete(LEASE)
    assert store.lease.is_up_for_taking(routes)
    client.delete(DRAIN)
    assert store.lease.is_up_for_taking(routes)  # messages wait
    client.delete(DLQ)
    assert not store.lease.is_up_for_taking(routes)


def test_slices_that_may_send_nothing_renew_the_lease(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    client.lpush(INGEST, *range(1000))
    cycle = "a" * 32
    begun(store, cycle)
    lifetimes = []

    def wait(seconds: float) -> None:
        lifetimes.append(int(client.pttl(LEASE)))
        client.pexpire(LEASE, lifetimes[-1] - round(seconds * 1000))

    settings = settings_of(REMEDIATION_DRAIN_INTERVAL=20)
    assert replay(store, settings, cycle, wait=wait) is not None
    assert len(lifetimes) > 100
    assert min(lifetimes) > 7_000


def test_a_drain_that_lingers_hands_its_lease_on_once(client: redis.Redis, store: Store) -> None:
    resting = rest(client, store, healthy=False)
    before = store.now()
    assert store.lease.linger(resting, "b" * 32, 8.0)
    due: Any = client.hget(DRAIN, "due")
    assert before + 7.9 < int(due) / 1000 <= store.now() + 8.0
    assert not store.lease.linger(resting, "c" * 32, 8.0)  # delivered twice
    assert client.get(LEASE) == b"b" * 32
    assert 16_000 < int(client.pttl(LEASE)) <= 18_000
    assert begun(store, "d" * 32, Trigger.BEAT) is not None
    assert begun(store, "e" * 32) is None  # by hand


def test_a_lease_that_never_ends_is_nobodys(client: redis.Redis, store: Store) -> None:
    client.set(LEASE, "x" * 32)
    assert begun(store, "a" * 32) is None
    assert client.get(LEASE) == b"a" * 32
    assert 0 < int(client.pttl(LEASE)) <= 10_000


def test_a_lease_that_ends_later_than_any_of_ours_is_nobodys(
    client: redis.Redis, store: Store
) -> None:
    client.set(LEASE, "x" * 32, px=70_000)
    assert begun(store, "a" * 32) is not None
    client.set(LEASE, "x" * 32, px=90_000)
    assert begun(store, "a" * 32) is None


def test_a_lease_is_let_go_by_its_holder_alone(client: redis.Redis, store: Store) -> None:
    client.set(LEASE, "x" * 32)
    assert not store.lease.release("a" * 32)
    assert client.get(LEASE) == b"x" * 32
    assert store.lease.release("x" * 32)
    assert client.exists(LEASE) == 0
    assert not store.lease.release("x" * 32)


def test_each_commit_renews_the_lease(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n) for n in range(30)])
    lifetimes: list[int] = []

    def shorten() -> None:
        lifetimes.append(int(client.pttl(LEASE)))
        client.persist(LEASE)  # so that only the commit can set an end

    observe(store, commits=shorten)
    settings = settings_of(REMEDIATION_BATCH_SIZE=20, REMEDIATION_MAX_RATE=50)
    cycle = "a" * 32
    begun(store, cycle)
    assert replay(store, settings, cycle) is not None
    assert len(lifetimes) > 1
    assert all(0 < lifetime <= 10_000 for lifetime in lifetimes)


class Copied(Scripts):
    """Scripts whose last call can be delivered once more."""

    last: Any = None

    def call(self, *what: Any) -> Any:
        """A call, which is kept."""
        self.last = what
        return super().call(*what)

    def again(self) -> Any:
        """The last call once more, as a copy that comes late."""
        return super().call(*self.last)


@pytest.mark.parametrize("end", ["lost", "let go", "handed on and let go"])
def test_a_late_copy_of_a_wish_for_the_lease_revives_no_cycle_that_had_it(
    client: redis.Redis, end: str
) -> None:
    scripts = Copied(client)
    lease = Lease(client, scripts)
    assert lease.acquire("a" * 32, 0.0) == (Acquired.YES, None)
    wish = scripts.last
    assert scripts.again() == [b"acquired"]  # the answer was lost
    if end == "lost":
        client.delete(LEASE)
    elif end == "let go":
        lease.release("a" * 32)
    else:
        lease.advance("a" * 32, "b" * 32)
        lease.release("b" * 32)
    scripts.last = wish
    assert scripts.again() == [b"overtaken"]
    assert client.exists(LEASE) == 0
    assert lease.acquire("c" * 32, 0.0) == (Acquired.YES, None)
    wish, scripts.last = scripts.last, wish
    assert scripts.again() == [b"overtaken"]
    lease.advance("c" * 32, "step")
    scripts.last = wish
    assert scripts.again() == [b"overtaken"]
    assert client.get(LEASE) == b"step"
    assert "ticks:busy" not in counters(client)  # no tick was refused


def test_who_was_overtaken_asks_again(client: redis.Redis) -> None:
    class Overtaken(Scripts):
        """Somebody else takes the lease just before the first call, and lets go of it."""

        is_first = True

        def call(self, *what: Any) -> Any:
            """A call."""
            if self.is_first:
                self.is_first = False
                other = Lease(client, Scripts(client))
                assert other.acquire("b" * 32, 0.0)[0] is Acquired.YES
                assert other.release("b" * 32)
            return super().call(*what)

    assert Lease(client, Overtaken(client)).acquire("a" * 32, 0.0) == (Acquired.YES, None)
    assert client.get(LEASE) == b"a" * 32


@pytest.mark.parametrize("damage", [b"much", b"", b"9" * 16])
def test_a_damaged_count_of_leases_is_named(client: redis.Redis, damage: bytes) -> None:
    client.set(keys.LEASE_TAKEN, damage)
    with pytest.raises(StoreCorrupt, match="lease:taken"):
        Lease(client, Scripts(client)).acquire("a" * 32, 0.0)
