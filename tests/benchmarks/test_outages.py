"""Two minutes without Moogsoft cost MUTT about two thousand alerts, and with this service none."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from benchmarks.recovery_model.causal_bound import bound_of
from benchmarks.recovery_model.harm import HARM
from benchmarks.recovery_model.least import least_possible
from benchmarks.recovery_model.measures import Measures, added_delay, measure
from benchmarks.recovery_model.outages import OUTAGES
from benchmarks.recovery_model.run import NONE, OURS, Result, run
from benchmarks.recovery_model.scenario import EVEN, Change, Scenario, small
from benchmarks.recovery_model.world import World
from stand_ins import runtime
from tests.benchmarks.words import even


@cache
def alone(scenario: Scenario) -> Result:
    """The run in which nobody replays."""
    return run(scenario, NONE, 1)


@cache
def result(scenario: Scenario, policy: str) -> Result:
    baseline = alone(scenario)
    return run(scenario, policy, 1, baseline.least, baseline.cap_at)


def found(scenario: Scenario, policy: str) -> Measures:
    """What a policy does in a scenario, beside the run in which nobody replays."""
    return measure(result(scenario, policy), alone(scenario))


@pytest.mark.parametrize("scenario", OUTAGES.values(), ids=list(OUTAGES))
def test_mutt_alone_destroys_about_two_thousand_alerts(scenario: Scenario) -> None:
    one = measure(alone(scenario), alone(scenario))
    assert 1900 < one.live_lost < 2000
    assert one.live_lost == one.dropped_anyway
    assert (one.dropped, one.live_dropped, one.replays_dropped, one.lost) == (0, 0, 0, 0)


def test_the_predecessor_saves_none_of_them() -> None:
    assert found(OUTAGES["outage-breaker-60"], "predecessor").live_lost > 1900


@pytest.mark.parametrize("name", OUTAGES)
def test_with_this_service_an_outage_costs_no_alert(name: str) -> None:
    one = found(small(OUTAGES[name]), OURS)
    assert one.dropped_anyway > 500
    assert (one.live_lost, one.replays_dropped, one.dropped) == (0, 0, 0)
    assert (one.good_left, one.good_dead, one.lost, one.doubled) == (0, 0, 0, 0)
    assert not one.delay > 2.0


def test_nor_does_a_forwarder_that_is_away_when_this_service_is_first_started() -> None:
    one = found(HARM["late-forwarder-live"], OURS)
    assert one.dropped_anyway > 400
    assert (one.live_lost, one.replays_dropped, one.good_left) == (0, 0, 0)


def test_without_shelter_it_costs_hundreds() -> None:
    scenario = small(OUTAGES["outage-breaker-60"])
    without = replace(scenario, env=(("REMEDIATION_SHELTER", "false"),))
    assert found(scenario, OURS).live_lost == 0
    assert found(without, OURS).live_lost > 500


def test_the_least_possible_time_counts_the_alerts_that_nobody_saves() -> None:
    scenario = OUTAGES["outage-no-breaker"]
    one = alone(scenario)
    assert one.least.seconds > (one.good_left + len(one.drops)) / 30.0


def test_the_least_possible_time_counts_from_a_changed_limit_on_at_that(client: Any) -> None:
    lowered = Change(10.0, runtime.RATE_LIMIT, "5")
    scenario = even(live_rate=1.0, backlog_alerter=810, changes=(lowered,))
    assert least_possible(scenario, World(scenario, client, 1)).seconds == pytest.approx(
        10 + 320 / 4
    )


def test_the_least_possible_time_counts_until_there_is_a_forwarder(client: Any) -> None:
    scenario = even(live_rate=0.0, backlog_alerter=100, forwarder_from=30.0)
    assert least_possible(scenario, World(scenario, client, 1)).seconds == pytest.approx(32.0)


def test_who_does_not_know_the_future_keeps_room_and_meets_the_last_poison_late(
    client: Any,
) -> None:
    by_chance = Scenario("", backlog_alerter=3000)
    found = least_possible(by_chance, World(by_chance, client, 1))
    assert found.seconds == pytest.approx(100.0)
    assert found.causal == pytest.approx(100.0 * (bound_of(by_chance, 1.0) or 0.0))
    evenly = replace(by_chance, live_pattern=EVEN)
    assert least_possible(evenly, World(evenly, client, 1)).causal == pytest.approx(100.0)
    poisoned = replace(evenly, backlog_poison=0.01)
    found = least_possible(poisoned, World(poisoned, client, 1))
    assert found.seconds == 180.0
    assert 275 < found.causal < 280.5  # a hundredth of the work is poison


def test_a_limit_that_changes_has_no_bound_of_its_own() -> None:
    lowered = Change(10.0, runtime.RATE_LIMIT, "5")
    assert bound_of(Scenario("", backlog_alerter=10), 1.0)
    assert bound_of(Scenario("", backlog_alerter=10, changes=(lowered,)), 1.0) is None


@pytest.mark.parametrize("counted_at", [40.0, 90.0])
def test_the_least_possible_time_counts_the_queues_before_a_forwarder_that_is_narrower(
    client: Any, counted_at: float
) -> None:
    # 4/s are left beside 1/s. A storm of 40 s leaves 1,600 - 40 * 5 = 1,400 alerts, in two queues.
    storm = even(trouble="storm", storm_rate=40.0, lead=0.0, outage=40.0, live_rate=1.0)
    world = World(replace(storm, post_seconds=0.2, alerter_seconds=0.05), client, 1)
    world.advance_to(counted_at)
    world.books.good_in_dlq = 1
    assert least_possible(world.scenario, world).seconds == pytest.approx(1401 / 4, rel=0.01)


def test_what_an_outage_holds_up_is_backlog_and_what_comes_later_is_live() -> None:
    """The delay of an alert that was set aside counts from the moment at which Moogsoft is back."""
    scenario = small(OUTAGES["outage-breaker-60"])
    baseline, ours = alone(scenario), result(scenario, OURS)
    assert added_delay(ours, baseline) < 2.0
    well = replace(scenario, trouble="none", outage=0.0)
    set_aside_in_health = replace(ours, scenario=well), replace(baseline, scenario=well)
    assert added_delay(*set_aside_in_health) > 10.0
