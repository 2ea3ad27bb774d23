"""One look at a route, rule by rule and at the bounds of each."""

from dataclasses import replace
from typing import Any

import pytest

from mutt_tasks.core.failures import Failures
from mutt_tasks.core.flow import Flow, Landing, Settled, Trouble, quota, settle
from mutt_tasks.core.in_flight import InFlight
from mutt_tasks.core.limits import BACKOFF, NOT_TAKEN, WINDOW, Allowance
from mutt_tasks.core.route_breaker import Breaker
from mutt_tasks.core.window import Bounds, Window

NOW = 1_800_000_000.0
BOUNDS = Bounds(canary=10, largest=1000, backoff=60.0, canary_delay=2.0)
OPEN_WINDOW = Window(40, is_canary=False)
CANARY = Window(10)
# First-time failures came until now, one a second.
OTHERS_FAIL = Failures(fresh_at=NOW, fresh_rate=1.0)


def flow_of(window: Window = OPEN_WINDOW, failures: Failures | None = None, **flight: Any) -> Flow:
    """A flow that was looked at a second ago, when its last replays went."""
    known = {"sent_at": NOW - 1, "progress_at": NOW - 1} | flight
    return Flow(window, InFlight(**known), failures or Failures(), looked_at=NOW - 1)


def looked(flow: Flow, healthy: bool = True, dropping: bool = False, **found: Any) -> Settled:
    landing = Landing(**({"source": 500} | found))
    return settle(flow, landing, BOUNDS, Trouble(healthy, dropping), NOW)


def size(flow: Flow, **found: Any) -> int:
    return looked(flow, **found).flow.window.size


# --- what may go ---


def test_an_open_breaker_lets_nothing_go_and_says_for_how_long() -> None:
    flow = replace(flow_of(), breaker=Breaker(1, NOW - 20, NOW + 40))

    assert quota(flow, BOUNDS, NOW) == Allowance(0, BACKOFF, 40.0)
    assert quota(flow, BOUNDS, NOW + 40).messages == 40


def test_a_canary_is_left_alone_until_its_delay_is_over() -> None:
    flow = flow_of(CANARY, sent_at=NOW)

    assert quota(flow, BOUNDS, NOW) == Allowance(0, WINDOW, 2.0)
    assert quota(flow, BOUNDS, NOW + 1.5) == Allowance(0, WINDOW, 0.5)
    assert quota(flow, BOUNDS, NOW + 2) == Allowance(10, WINDOW)
    assert quota(flow, BOUNDS, NOW - 1) == Allowance(10, WINDOW)  # a clock went back
    assert quota(flow_of(sent_at=NOW), BOUNDS, NOW) == Allowance(40, WINDOW)


def test_nothing_follows_a_canary_that_lies_in_a_queue_if_it_is_waited_for() -> None:
    flow = flow_of(CANARY, sent_at=NOW - 30, in_queues=1, progress_at=0.0)

    assert quota(flow, BOUNDS, NOW) == Allowance(0, NOT_TAKEN, 2.0)
    unlimited = replace(BOUNDS, awaits_canary=False)
    assert quota(flow, unlimited, NOW) == Allowance(10, WINDOW)
    assert quota(flow_of(in_queues=1), BOUNDS, NOW) == Allowance(39, WINDOW)


def test_what_lies_in_the_queues_takes_its_place_in_the_window_once_some_was_taken() -> None:
    assert quota(flow_of(in_queues=15), BOUNDS, NOW).messages == 25
    assert quota(flow_of(in_queues=50), BOUNDS, NOW).messages == 0
    assert quota(flow_of(in_queues=15, progress_at=0.0), BOUNDS, NOW).messages == 40


def test_patience_is_a_quarter_of_the_time_that_nobody_takes_anything() -> None:
    def patience(held: float) -> float:
        return Flow(held_since=NOW - held).patience(NOW)

    assert (patience(20), patience(60), patience(61), patience(9999)) == (5.0, 15.0, 15.0, 15.0)
    assert (patience(0), patience(-5), Flow().patience(NOW)) == (0.0, 0.0, 0.0)


def test_a_flow_is_held_since_the_first_time_until_something_goes() -> None:
    held = Flow().held(True, NOW).held(True, NOW + 9)

    assert held.held_since == NOW
    assert held.held(False, NOW + 9).held_since == 0.0
    assert held.moved(1, 1, NOW + 9).held_since == 0.0


def test_what_left_the_source_makes_it_shorter_and_replays_are_open() -> None:
    moved = replace(flow_of(), depth=100).moved(3, 5, NOW)

    assert (moved.depth, moved.in_flight.batch, moved.in_flight.sent_at) == (95, 3, NOW)
    assert flow_of().moved(3, 5, NOW).depth is None
    assert flow_of().moved(0, 5, NOW).in_flight == flow_of().in_flight


# --- when it begins anew ---


@pytest.mark.parametrize(
    ("ago", "batch", "expected"),
    [
        *((59.9, 0, 40), (60.0, 0, 10), (-1.0, 0, 40), (-1.1, 0, 10)),
        *((60.0, 40, 80), (7199.9, 40, 80), (7200.0, 40, 20)),
    ],
)
def test_the_window_begins_anew_after_a_minute_or_two_hours_with_a_batch_unseen(
    ago: float, batch: int, expected: int
) -> None:
    assert size(flow_of(sent_at=NOW - ago, batch=batch)) == expected


def test_whoever_begins_anew_forgets_what_came_back_and_who_took_what_is_gone() -> None:
    old = flow_of(failures=Failures(sent=9, returned=9), sent_at=NOW - 60, progress_at=NOW - 5)

    found = looked(old).flow
    assert (found.failures.sent, found.failures.returned) == (0.0, 0.0)
    assert found.in_flight.progress_at == 0.0
    assert looked(old, in_flight=3).flow.in_flight.progress_at == NOW - 5


def test_a_look_remembers_what_it_found() -> None:
    found = looked(flow_of(batch=40), in_flight=4).flow

    assert (found.depth, found.looked_at) == (500, NOW)
    assert (found.in_flight.batch, found.in_flight.in_queues) == (0, 4)
    assert found.in_flight.progress_at == NOW


# --- what came back ---


@pytest.mark.parametrize(("returned", "expected"), [(0, 80), (4, 80), (5, 20), (20, 20)])
def test_from_more_than_a_tenth_on_that_came_back_in_general_trouble_the_window_halves(
    returned: int, expected: int
) -> None:
    found = looked(flow_of(failures=OTHERS_FAIL, batch=40), returned=returned, fresh=1)

    assert (found.flow.window.size, found.has_tripped) == (expected, False)


def test_from_more_than_half_on_the_window_is_a_canary_and_in_general_trouble_it_trips() -> None:
    alone = looked(flow_of(batch=40), returned=21)
    assert (alone.flow.window, alone.has_tripped) == (CANARY, False)
    assert size(flow_of(batch=40), returned=20) == 80

    found = looked(flow_of(failures=OTHERS_FAIL, batch=40), returned=21, fresh=1)
    assert (found.flow.window, found.has_tripped) == (CANARY, True)
    assert found.flow.breaker == Breaker(1, NOW, NOW + 60)
    assert (found.flow.failures.sent, found.flow.failures.returned) == (0.0, 0.0)


def test_what_can_have_come_back_is_forgiven_two_minutes_further_back_than_the_last_look() -> None:
    def since(*sent: float) -> float:
        cohorts = tuple((NOW - ago, 40.0) for ago in sent)
        flow = flow_of(failures=OTHERS_FAIL, batch=40, cohorts=cohorts)
        (span,) = looked(flow, returned=40, fresh=1).flow.spans
        assert span[1] == NOW
        return NOW - span[0]

    assert since() == 121
    assert since(50, 10) == 170
    assert since(90_000) == 86_400
    assert since(-50) == 121  # sent before a clock went back


def test_while_moogsoft_is_down_what_went_lately_is_forgiven_and_nothing_trips() -> None:
    found = looked(flow_of(failures=OTHERS_FAIL, batch=40), healthy=False, returned=40, fresh=1)

    assert (found.has_tripped, found.flow.breaker) == (False, Breaker())
    assert found.flow.window == CANARY
    assert found.flow.spans == ((NOW - 121, NOW),)


@pytest.mark.parametrize(
    ("ago", "batch", "returned", "is_forgiven"),
    [
        *((119.9, 0, 0, True), (120.0, 0, 0, False)),
        *((500.0, 1, 0, True), (500.0, 0, 1, True)),
    ],
)
def test_nothing_is_forgiven_while_moogsoft_is_down_if_nothing_went_or_came_back(
    ago: float, batch: int, returned: int, is_forgiven: bool
) -> None:
    flow = flow_of(sent_at=NOW - ago, batch=batch)

    assert bool(looked(flow, healthy=False, returned=returned).flow.spans) is is_forgiven


# --- what lies in the queues ---


def test_a_consumer_that_took_nothing_for_ten_seconds_gets_a_canary() -> None:
    def after(sent_ago: float, taken_ago: float, in_flight: int = 5) -> int:
        flow = flow_of(in_queues=5, sent_at=NOW - sent_ago, progress_at=NOW - taken_ago)
        return size(flow, in_flight=in_flight)

    assert after(10.0, 30.0) == 40
    assert after(10.1, 30.0) == 10
    assert after(30.0, 10.0) == 40
    assert after(30.0, 10.1) == 10
    assert size(flow_of(sent_at=NOW - 30, progress_at=NOW - 30)) == 40


def test_a_batch_that_piles_up_narrows_the_window_to_what_was_taken() -> None:
    flow = flow_of(batch=40, in_queues=8)

    assert looked(flow, in_flight=10).flow.window == Window(80, is_canary=False)
    assert looked(flow, in_flight=11).flow.window == Window(37, 37, is_canary=False)
    assert looked(flow, in_flight=11, returned=2).flow.window == Window(35, 35, is_canary=False)


def test_a_canary_that_was_taken_late_has_passed_unless_it_came_back() -> None:
    flow = flow_of(CANARY, Failures(sent=100), in_queues=10)

    assert looked(flow).flow.window == Window(10, is_canary=False)
    assert looked(flow, returned=1).flow.window == CANARY
    assert looked(flow, in_flight=10).flow.window == CANARY
    assert looked(flow_of(CANARY)).flow.window == CANARY


def test_while_the_forwarder_drops_the_next_batch_is_a_canary_whatever_was_learnt() -> None:
    assert looked(flow_of(batch=40), dropping=True).flow.window == CANARY


def test_the_breaker_forgets_its_trips_when_a_batch_stuck_two_minutes_after_it_closed() -> None:
    def trips(closed_ago: float, batch: int = 40) -> int:
        breaker = Breaker(2, NOW - 900, NOW - closed_ago)
        return looked(replace(flow_of(batch=batch), breaker=breaker)).flow.breaker.trips

    assert (trips(121), trips(120), trips(121, batch=0)) == (0, 2, 2)


def test_an_open_breaker_closes_when_failures_have_stopped_and_alerts_flow() -> None:
    def until(fresh_ago: float, live: float) -> float:
        failures = Failures(fresh_at=NOW - fresh_ago, fresh_rate=1.0)
        flow = replace(flow_of(failures=failures), breaker=Breaker(1, NOW - 20, NOW + 40))
        return looked(flow, live=live).flow.breaker.open_until - NOW

    assert (until(8, 5.0), until(8, 0.0), until(3, 5.0)) == (0.0, 40.0, 40.0)


def test_what_was_shed_has_not_landed_either() -> None:
    flow = flow_of(cohorts=((NOW - 120, 10.0),))

    assert looked(flow).landed == 10
    assert looked(flow, returned=2, shed=3).landed == 5
    assert looked(flow, in_flight=1).landed == 0


def test_without_a_word_there_is_no_trouble() -> None:
    assert Trouble() == Trouble(moogsoft_is_healthy=True, is_dropping=False)
