"""The model's consumers destroy what MUTT's destroy, obey its limits, and leave its traces."""

from typing import Any

import pytest

from benchmarks.recovery_model import policies
from benchmarks.recovery_model.books import missing_and_doubled
from benchmarks.recovery_model.clock import EPOCH
from benchmarks.recovery_model.harm import HARM
from benchmarks.recovery_model.measures import Measures, measure
from benchmarks.recovery_model.run import NONE, run
from benchmarks.recovery_model.scenario import Change, Scenario
from benchmarks.recovery_model.world import World
from stand_ins.breaker import FAILURES, OPEN_TIME, STATE
from stand_ins.facts import ALERT_QUEUE as ALERTS
from stand_ins.facts import ALERTER_DLQ, MOOG_DLQ
from stand_ins.facts import INGEST_QUEUE as INGEST
from stand_ins.facts import LIMITER_KEY as WINDOW
from tests.benchmarks.words import even


def moved(client: Any, scenario: Scenario, amount: int, dlq: str = MOOG_DLQ) -> World:
    """A world in which somebody has just put back so many messages."""
    world = World(scenario, client, seed=1)
    policies._move(client, dlq, amount)
    return world


def admitted(client: Any, scenario: Scenario, seconds: float) -> list[float]:
    """When alerts reached Moogsoft."""
    world = World(scenario, client, seed=1)
    world.advance_to(seconds)
    return sorted(moment for moment in world.books.delivered_at if moment == moment)


# --- the forwarder ---


def test_a_full_window_destroys_an_alert_at_once_and_leaves_no_trace(client: Any) -> None:
    world = moved(client, even(live_rate=0.0, backlog_moog=80), 80)
    world.wait(0.9)
    assert len(world.books.drops) == 30
    assert client.zcard(WINDOW) == 50
    assert [client.llen(name) for name in (ALERTS, MOOG_DLQ)] == [0, 0]
    assert world.books.replayed == bytearray([1] * 80)
    assert missing_and_doubled(world.books, world.left()) == ([], [])


def test_while_the_breaker_is_open_a_forwarder_takes_places_and_spends_retries(client: Any) -> None:
    scenario = even(
        trouble="moogsoft", lead=0.0, outage=600.0, live_rate=0.0, backlog_moog=1,
        breaker_failures=1,
    )  # fmt: skip
    world = moved(client, scenario, 1)
    world.wait(0.05)
    assert client.mget(STATE, FAILURES) == [b"OPEN", b"1"]
    assert float(client.get(OPEN_TIME)) == pytest.approx(EPOCH, abs=0.1)
    world.wait(1 + 2 + 4 + 8 + 16 + 32)
    assert client.llen(MOOG_DLQ) == 1
    assert b'"_moog_retry_count": 6' in client.lindex(MOOG_DLQ, 0)
    # Six tries took six places, one of them for a POST; nothing was counted after that one.
    assert world.limiter._members == 6
    assert client.get(FAILURES) == b"1"


def test_the_breakers_keys_appear_when_a_forwarder_first_looks(client: Any) -> None:
    world = World(even(live_rate=1.0, forwarder_from=10.0), client, seed=1)
    world.advance_to(9.0)
    assert client.exists(STATE, FAILURES, OPEN_TIME) == 0
    world.advance_to(11.0)
    assert client.mget(STATE, FAILURES, OPEN_TIME) == [b"CLOSED", b"0", None]


def test_half_open_lets_everything_through(client: Any) -> None:
    scenario = even(trouble="moogsoft", lead=1.0, outage=60.0, live_rate=5.0, breaker_rest=100.0)
    world = World(scenario, client, seed=1)
    world.advance_to(60.0)
    assert client.get(STATE) == b"OPEN"
    while world.breaker.state == "OPEN":
        world.advance_to(world.now + 1.0)
    assert not [moment for moment in world.books.delivered_at if 1.0 < moment < 100.0]
    world.advance_to(world.now + 2.0)
    assert client.get(STATE) == b"CLOSED"
    assert world.books.drops, "the queue of the outage meets the limiter"


@pytest.mark.parametrize("status", [202, 204, 302, 400])
def test_other_answers_mean_the_dead_letter_queue_at_once_and_no_failure(
    client: Any, status: int
) -> None:
    scenario = even(live_rate=0.0, backlog_moog=12, moogsoft_status=status)
    world = moved(client, scenario, 12)
    world.wait(0.2)
    assert client.llen(MOOG_DLQ) == 12
    assert client.mget(STATE, FAILURES) == [b"CLOSED", None]


def test_an_alert_that_always_gets_500_stops_the_only_thread_for_a_minute(client: Any) -> None:
    scenario = even(live_rate=0.5, suspects=1)
    world = moved(client, scenario, 1)
    world.wait(0.1 + 1 + 2 + 4 + 8 + 16)
    sleeping = world.now
    world.wait(31.0)
    assert not [moment for moment in world.books.delivered_at if moment > sleeping + 0.5]
    assert client.llen("mutt:processing:moog:0") == 1
    assert client.llen(ALERTS) >= 15


def test_a_forwarder_that_is_away_takes_nothing_and_has_no_heartbeat(client: Any) -> None:
    world = World(even(live_rate=10.0, forwarder_from=20.0), client, seed=1)
    world.advance_to(19.5)
    assert client.llen(ALERTS) == 194
    assert client.exists("mutt:heartbeat:moog:0", WINDOW) == 0
    world.advance_to(21.0)
    assert client.exists("mutt:heartbeat:moog:0", WINDOW) == 2
    assert len(world.books.drops) > 100


# --- limits that change while it runs ---


def test_a_limit_of_the_runtime_configuration_is_obeyed_at_once(client: Any) -> None:
    scenario = even(live_rate=20.0, changes=(Change(10.0, "moog_rate_limit", "5"),))
    before, after = admitted(client, scenario, 10.0), admitted(client, scenario, 20.0)
    assert len(before) == 199
    assert 45 <= len(after) - len(before) <= 60
    assert client.get("mutt:config:moog_rate_limit") == b"5"


def test_without_a_notice_the_old_value_is_believed_for_five_seconds(client: Any) -> None:
    changes = (
        Change(0.0, "moog_rate_limit", "50"),
        Change(11.0, "moog_rate_limit", "5", announced=False),
    )
    world = World(even(live_rate=20.0, changes=changes), client, seed=1)
    world.advance_to(15.0)
    dropped_early = len(world.books.drops)
    world.advance_to(17.0)
    assert dropped_early == 0
    assert world.books.drops


@pytest.mark.parametrize("changes", [
    {"changes": (Change(0.0, "moog_rate_limit", "five"),)},
    {"changes": (Change(0.0, "moog_rate_limit", "5"),), "reads_config": False},
])  # fmt: skip
def test_a_value_that_cannot_be_read_or_is_not_read_changes_nothing(
    client: Any, changes: Any
) -> None:
    world = World(even(live_rate=20.0, **changes), client, seed=1)
    world.advance_to(10.0)
    assert world.books.drops == []


def test_a_secret_change_is_obeyed_and_writes_no_key(client: Any) -> None:
    change = Change(10.0, "moog_rate_limit", "5", secretly=True)
    world = World(even(live_rate=20.0, changes=(change,)), client, seed=1)
    world.advance_to(20.0)
    assert len(world.books.drops) > 100
    assert client.keys("mutt:config:*") == []


# --- the alerter ---


def test_the_alerter_destroys_what_is_incomplete_unless_its_tries_are_spent(client: Any) -> None:
    scenario = even(live_rate=0.0, backlog_incomplete=2)
    world = World(scenario, client, seed=1)
    event = client.rpop(ALERTER_DLQ)
    client.lpush(INGEST, event)
    client.lpush(INGEST, client.rpop(ALERTER_DLQ).replace(b"}", b', "_retry_count": 4}'))
    world.wait(0.1)
    assert [number for _, number in world.books.destroyed] == [0]
    assert client.llen(ALERTER_DLQ) == 1
    assert missing_and_doubled(world.books, world.left()) == ([], [])


def test_an_event_that_matches_no_rule_ends_without_an_alert(client: Any) -> None:
    world = moved(client, even(live_rate=0.0, backlog_unmatched=3), 3, ALERTER_DLQ)
    world.wait(1.0)
    assert world.books.finished == [0, 1, 2]
    assert client.exists(WINDOW, ALERTS) == 0
    assert world.is_recovered


@pytest.mark.parametrize(("mode", "shed"), [("dlq", True), ("defer", False), ("other", False)])
def test_above_the_threshold_of_the_moment_the_alerter_sheds_or_defers(
    client: Any, mode: str, shed: bool
) -> None:
    changes = (
        Change(0.0, "alerter_queue_shed_threshold", "5"),
        Change(0.0, "alerter_shed_mode", mode),
    )
    world = World(even(live_rate=100.0, forwarder_from=60.0, changes=changes), client, seed=1)
    world.advance_to(5.0)
    assert (client.llen(ALERTS) > 300) is (mode == "other")  # a mode that there is not is no mode
    assert (client.llen(ALERTER_DLQ) > 0) is shed
    if shed:
        assert 90 <= client.llen(ALERTER_DLQ) <= 100  # one in 50 ms, whatever comes in
        assert b'"shedding_reason": "queue_depth_exceeded:6>5"' in client.lindex(ALERTER_DLQ, 0)
    if mode == "defer":
        assert client.llen(INGEST) > 400


def test_the_wrapped_event_lies_in_the_alert_as_an_object(client: Any) -> None:
    world = World(even(live_rate=1.0, forwarder_from=60.0), client, seed=1)
    world.advance_to(1.5)
    assert b'"api_key"' in client.lindex(ALERTS, 0)
    assert b'"raw_json": {"hostname"' in client.lindex(ALERTS, 0)


# --- the books tell whose loss it is ---


def found(name: str, policy: str) -> Measures:
    """A policy in a scenario, beside the run in which nobody replays."""
    baseline = run(HARM[name], NONE, 1)
    return measure(run(HARM[name], policy, 1, baseline.least, baseline.cap_at), baseline)


def test_what_the_limiter_destroys_is_told_apart_by_whose_it_was() -> None:
    lowered = found("limit-to-30", "at_once")
    assert lowered.replays_dropped > 600
    assert lowered.live_dropped > 10
    assert lowered.dropped_anyway == 0
    late = found("late-forwarder-live", "at_once")
    assert late.dropped_anyway > 400
    assert late.live_dropped < 100


def test_live_alerts_that_a_suspect_costs_are_noticed() -> None:
    assert found("suspects-2", "at_once").live_dropped > 50


def test_what_the_alerter_destroys_of_a_policys_replays_is_noticed() -> None:
    one = found("incomplete", "at_once")
    assert (one.destroyed, one.lost, one.doubled) == (50, 0, 0)
    assert "destroyed" in one.missed()


def test_what_the_pipeline_drops_by_itself_is_held_against_nobody() -> None:
    one = found("late-forwarder-live", NONE)
    assert one.dropped_anyway > 400
    assert (one.dropped, one.replays_dropped, one.live_dropped) == (0, 0, 0)
