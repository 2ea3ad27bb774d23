"""Each gauge shows what it says, read from a real Redis at the moment of the scrape."""

import pytest
import redis

from mutt_tasks.core.consumer_limits import FollowedLimits
from mutt_tasks.core.drop import Drop
from mutt_tasks.core.pace import UNSEEN_REPLAYS, Pace
from mutt_tasks.core.watch import Watch
from mutt_tasks.operations import switches
from mutt_tasks.settings import Settings
from mutt_tasks.store import keys
from mutt_tasks.store.states import encoded
from mutt_tasks.store.store import Store
from mutt_tasks.telemetry.metrics import MOVING_SECONDS, RedisCollector
from tests.pipeline import DLQ, event, fill, run_cycle, settings_of

Labels = tuple[tuple[str, str], ...]

ALERTER = (("route", "alerter"),)


@pytest.fixture
def settings() -> Settings:
    return settings_of(REMEDIATION_BATCH_SIZE=2)


def samples(store: Store, settings: Settings) -> dict[str, dict[Labels, float]]:
    """Every sample by its name, without the prefix, and its labels."""
    found: dict[str, dict[Labels, float]] = {}
    for family in RedisCollector(store, settings).collect():
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name.removeprefix("mutt_remediation_"), {})[labels] = (
                sample.value
            )
    return found


def gauge(store: Store, settings: Settings, name: str) -> float | None:
    """One gauge of the route alerter, or one without labels; None when it is not shown."""
    found = samples(store, settings).get(name, {})
    return found.get(ALERTER, found.get(()))


@pytest.fixture
def drain(client: redis.Redis, store: Store, settings: Settings) -> None:
    """A drain between two cycles, with eight messages left that go at four a second."""
    fill(client, DLQ, [event(n) for n in range(10)])
    run_cycle(store, settings)
    client.persist(keys.LEASE)
    client.hset(keys.route_state("alerter"), mapping={"speed": 4, "moved_at": store.now()})


@pytest.mark.parametrize(("rate", "dropping"), [("auto", 1), ("0", 0), ("5", 0)])
def test_replays_that_vanish_at_a_limiter_that_was_never_seen_count_as_dropped(
    client: redis.Redis, store: Store, rate: str, dropping: float
) -> None:
    """Unless somebody has set the rate, who is believed: then replays go on."""
    settings = settings_of(REMEDIATION_MAX_RATE=rate)
    assert gauge(store, settings, "dropping") == 0
    for name, value in encoded(Pace(unseen=UNSEEN_REPLAYS, have_vanished=True)).items():
        client.hset(keys.PACE, name, value)
    assert gauge(store, settings, "dropping") == dropping


@pytest.mark.usefixtures("drain")
@pytest.mark.parametrize(("seconds_ago", "is_moving"), [(20, True), (31, False)])
def test_a_drain_that_moved_nothing_for_half_a_minute_has_no_speed(
    client: redis.Redis, store: Store, settings: Settings, seconds_ago: float, is_moving: bool
) -> None:
    client.hset(keys.route_state("alerter"), "moved_at", store.now() - seconds_ago)
    found = gauge(store, settings, "estimated_seconds_to_empty")
    assert (found is not None) is is_moving


def test_the_limiter_is_shown_as_its_alerts_and_its_period(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    for name, value in encoded(FollowedLimits(alerts=50, period=2.5, shed_above=2000)).items():
        client.hset(keys.PACE, name, value)
    assert gauge(store, settings, "limiter_alerts") == 50
    assert gauge(store, settings, "limiter_period_seconds") == 2.5


def test_after_a_drop_the_limiter_is_shown_as_it_was_seen_to_be(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    believed = FollowedLimits(alerts=50, period=1.0, shed_above=2000)
    for name, value in (encoded(believed) | encoded(Watch(drop=Drop(ceiling=10)))).items():
        client.hset(keys.PACE, name, value)
    assert gauge(store, settings, "limiter_alerts") == 9


def test_the_age_is_that_of_the_oldest_message_and_not_of_the_newest(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    now = store.now()
    fill(client, DLQ, [event(n, timestamp=now - ago) for n, ago in enumerate((9000, 5000, 10))])
    age = gauge(store, settings, "oldest_message_age_seconds")
    assert age is not None
    assert 9000 <= age < 9900
    client.delete(DLQ)
    assert gauge(store, settings, "oldest_message_age_seconds") is None
    fill(client, DLQ, [event(1, timestamp=now + 3600)])  # its clock is ahead
    assert gauge(store, settings, "oldest_message_age_seconds") == 0


@pytest.mark.parametrize(("filler", "is_told"), [(60_000, True), (66_000, False)])
def test_a_huge_message_is_not_fetched_at_each_scrape_to_tell_its_age(
    client: redis.Redis, store: Store, settings: Settings, filler: int, is_told: bool
) -> None:
    fill(client, DLQ, [event(1, timestamp=store.now() - 500, filler="x" * filler)])
    age = gauge(store, settings, "oldest_message_age_seconds")
    assert (age is not None) is is_told


@pytest.mark.usefixtures("drain")
def test_a_drain_has_a_time_to_empty_only_while_it_moves(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    name, state = "estimated_seconds_to_empty", keys.route_state("alerter")
    depth = int(client.llen(DLQ))
    assert depth > 0
    client.hset(state, "moved_at", store.now() + 60)
    assert gauge(store, settings, name) == depth / 4
    client.hset(state, "moved_at", store.now() - MOVING_SECONDS - 1)
    assert gauge(store, settings, name) is None
    client.hset(state, "moved_at", store.now() + 60)
    client.delete(keys.LEASE)  # the drain has ended
    assert gauge(store, settings, name) is None
    client.delete(DLQ)
    assert gauge(store, settings, name) == 0


@pytest.mark.usefixtures("drain")
def test_a_pause_and_a_drain_have_a_gauge_each(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    def shown() -> tuple[float | None, float | None]:
        return gauge(store, settings, "draining"), gauge(store, settings, "paused")

    assert shown() == (1, 0)
    client.delete(keys.LEASE)
    assert shown() == (0, 0)
    switches.pause(store, "1", "ann", "change window", 600)
    assert shown() == (0, 1)
    client.set(keys.LEASE, "a" * 32)
    assert shown() == (1, 1)


def test_what_stands_in_the_books_is_what_is_shown(
    client: redis.Redis, store: Store, settings: Settings
) -> None:
    client.hset(
        keys.STATS,
        mapping={
            "landed:alerter": 5,
            "stuck:alerter": 2,
            "replayed:alerter": 11,
            "replayed:moog": 13,
            "poison:alerter": 3,
            "stale:moog": 4,
            "bounced:alerter": 17,
            "forgiven:alerter": 23,
            "trips:alerter": 29,
            "sheltered:moog": 31,
            "requeued:moog": 37,
            "odd:alerter": 41,
            "limits:alerter:window": 43,
            "ticks:early": 47,
            "drops": 53,
            "dropped": 59,
            "loops": 61,
            "cycles:alerter:held:paused": 19,
            "last_cycle_ms": 1_500_000,
            "duration:us": 2_500_000,
            "duration:le:0.1": 2,
            "duration:le:1": 1,
            "duration:le:+Inf": 1,
        },
    )
    found = samples(store, settings)
    assert found["landed_total"] == found["stuck_total"] == {ALERTER: 7}
    assert found["replay_success_total"] == {(): 24}
    assert found["poison_messages_total"] == {(): 3}
    fails = {labels[0][1]: value for labels, value in found["replay_fail_total"].items()}
    assert {reason: value for reason, value in fails.items() if value} == {"poison": 3, "stale": 4}
    assert found["messages_total"][(("outcome", "stale"), ("route", "moog"))] == 4
    moog = (("route", "moog"),)
    assert found["bounces_total"] == {ALERTER: 17}
    assert found["forgiven_total"] == {ALERTER: 23}
    assert found["breaker_trips_total"] == {ALERTER: 29}
    assert found["sheltered_total"] == {moog: 31}
    assert found["requeued_total"] == {moog: 37}
    assert found["odd_counters_total"] == {ALERTER: 41}
    assert found["limits_total"] == {(("limit", "window"), ("route", "alerter")): 43}
    assert found["ticks_refused_total"] == {(("reason", "early"),): 47}
    assert (found["drops_total"], found["dropped_total"]) == ({(): 53}, {(): 59})
    assert found["loops_total"] == {(): 61}
    assert found["cycles_total"] == {
        (("outcome", "held"), ("reason", "paused"), ("route", "alerter")): 19
    }
    assert found["last_cycle_timestamp_seconds"] == {(): 1500}
    buckets = {
        labels[0][1]: value for labels, value in found["loop_duration_seconds_bucket"].items()
    }
    assert [buckets[bound] for bound in ("0.05", "0.1", "0.5", "1", "30", "+Inf")] == [
        *(0, 2, 2, 3, 3, 4)
    ]
    assert found["loop_duration_seconds_sum"] == {(): 2.5}


@pytest.mark.parametrize(("healthy", "shown"), [(b"1", 1), (b"0", 0), (None, None)])
def test_moogsofts_health_is_that_of_the_last_check(
    client: redis.Redis, store: Store, settings: Settings, healthy: bytes | None, shown: int | None
) -> None:
    if healthy is not None:
        client.hset(keys.HEALTH, "healthy", healthy)
    assert gauge(store, settings, "moog_health") == shown
