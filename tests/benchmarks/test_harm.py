"""Whatever the pipeline's limits are, replays cost a canary at most, and hardly a live alert."""

from dataclasses import replace

import pytest

from benchmarks.recovery_model.harm import HARM
from benchmarks.recovery_model.measures import Measures, measure
from benchmarks.recovery_model.run import NONE, OURS, run

# What may be lost before anybody can know: one canary that nobody takes as it should be taken.
CANARY = 10

# A limit that no setting tells of: on the alerter's route a trial has to tell it from events that
# match no rule, and costs some replays itself.
SECRETLY = 45

# So many live alerts may meet the window beside it by chance.
BY_CHANCE = 2

SEED = 1


# A backlog that is long enough to show what a secret limit costs; whoever has found one goes on
# slowly, and the rest of the drain takes minutes of a processor.
SHORT = 300
# A backlog of which some four times a canary are left when the limit falls, after ten seconds.
STILL_DRAINING = 330


def found(name: str) -> Measures:
    """What this service does in a scenario, beside the run in which nobody replays.

    Nothing is lost, doubled or wrongly quarantined in any of them.
    """
    scenario = HARM[name]
    if is_secret(name):
        scenario = replace(scenario, backlog_alerter=min(SHORT, scenario.backlog_alerter))
    if name == "limit-to-5":
        scenario = replace(scenario, backlog_alerter=STILL_DRAINING)
    baseline = run(scenario, NONE, SEED)
    one = measure(run(scenario, OURS, SEED, baseline.least, baseline.cap_at), baseline)
    assert (one.lost, one.doubled, one.good_dead) == (0, 0, 0)
    return one


def is_secret(name: str) -> bool:
    """Whether no setting tells of the scenario's limit."""
    return name.endswith("-secretly") or "from-the-start" in name


def named(*starts: str) -> list[str]:
    """The scenarios whose names begin like this."""
    return [name for name in HARM if name.startswith(starts)]


def bearable(name: str) -> float:
    """How many live alerts a scenario may cost.

    For one length of the window it stays full of what was sent before the limit fell, and a
    canary that waits for the forwarder, or goes to a limiter that nobody sees, has places that live
    alerts would have got.
    """
    scenario = HARM[name]
    if scenario.forwarder_from or name.startswith("wrong-key-"):
        return CANARY
    return scenario.live_rate * scenario.period + BY_CHANCE


@pytest.mark.parametrize("name", named("limit-", "wrong-key-", "late-"))
def test_a_limit_that_is_not_what_we_think_costs_a_canary_at_most_and_the_rest_drains(
    name: str,
) -> None:
    one = found(name)
    assert one.replays_dropped <= (SECRETLY if is_secret(name) else CANARY)
    assert one.live_dropped <= (SECRETLY if is_secret(name) else bearable(name))
    if not name.startswith("wrong-key-"):
        assert one.good_left == 0
        assert one.seconds is not None


def test_next_to_nothing_goes_where_live_alerts_alone_fill_a_limiter() -> None:
    one = found("crowded")
    assert one.replays_dropped <= CANARY
    assert one.live_dropped <= CANARY
    assert one.good_left > 0


@pytest.mark.parametrize("name", named("suspects-"))
def test_an_alert_that_fails_alone_costs_no_live_alert(name: str) -> None:
    one = found(name)
    assert one.live_dropped == 0
    assert one.replays_dropped == 0
    assert not one.delay > 2.0


@pytest.mark.parametrize("mode", ["dlq", "defer"])
def test_a_low_shed_threshold_is_not_reached_by_replays(mode: str) -> None:
    one = found(f"shed-at-5-{mode}")
    assert one.live_shed <= CANARY
    assert (one.replays_dropped, one.live_dropped, one.good_left) == (0, 0, 0)
    assert not one.delay > 2.0


def test_what_the_alerter_would_destroy_is_not_fed_to_it() -> None:
    one = found("incomplete")
    assert one.destroyed == 0
    assert one.odd_left == 0


def test_events_that_match_no_rule_are_not_taken_for_dropped_ones() -> None:
    one = found("unmatched")
    assert (one.good_left, one.good_dead, one.replays_dropped) == (0, 0, 0)
    assert not one.ratio > 3.0


def test_evenly_spaced_live_events_beside_events_that_match_no_rule_are_no_drop() -> None:
    one = found("unmatched-even")
    assert (one.good_left, one.good_dead, one.replays_dropped) == (0, 0, 0)
    assert not one.ratio > 3.0
