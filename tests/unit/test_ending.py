"""When a drain goes on after a cycle, and how long it rests before the next one."""

import pytest

from mutt_tasks.operations.reasons import WORDS
from mutt_tasks.replay.ending import ASKING, JOB_DELAY, Ran
from mutt_tasks.replay.result import HELD, JOB, REPLAYED, RouteResult

# What somebody has to end, and a queue with nothing in it; all else passes by itself.
ENDS = {"paused", "disabled", "empty"}


def ran(*routes: RouteResult, waited: float = 0.0, probed: str = "") -> Ran:
    return Ran(
        {f"route {number}": each for number, each in enumerate(routes)},
        started_at=0.0,
        probed=probed,
        waited=waited,
    )


def held(reason: str, *, more: bool = True, delay: float = 0.0) -> RouteResult:
    return RouteResult(HELD, reason, more=more, delay=delay)


@pytest.mark.parametrize("reason", [*WORDS, JOB])
def test_a_drain_goes_on_unless_somebody_has_to_end_what_holds_it(reason: str) -> None:
    assert ran(held(reason)).goes_on is (reason not in ENDS)
    assert not ran(held(reason, more=False)).goes_on


def test_a_drain_goes_on_while_one_of_its_routes_has_reason_to() -> None:
    assert ran(held("empty", more=False), held("waiting")).goes_on
    assert ran(held("paused"), RouteResult(REPLAYED, more=True)).goes_on
    assert not ran(held("waiting", more=False), held("empty")).goes_on


def test_a_drain_asks_only_where_moogsoft_holds_it() -> None:
    assert {"unhealthy", "breaker_open"} == ASKING


def test_what_holds_a_cycle_is_told_without_routes_that_have_nothing_to_do() -> None:
    assert ran(held("empty"), held("window"), held("window")).reason == "window"
    assert ran(held("empty"), held("empty")).reason == "empty"
    assert ran(held("window"), held("backoff")).reason == "window, backoff"
    assert ran(held("window"), RouteResult(REPLAYED)).reason == ""


def test_a_breaker_that_opened_after_the_probe_is_what_the_books_have() -> None:
    assert ran(held("breaker_open"), probed="http_200").health == "breaker_open"
    assert ran(held("window"), probed="http_200").health == "http_200"
    other = RouteResult(REPLAYED)
    assert ran(held("breaker_open"), other, probed="http_200").health == "http_200"


@pytest.mark.parametrize(
    ("result", "waited", "seconds", "delay"),
    [
        (RouteResult(REPLAYED, more=True), 0.0, 0.25, 0.75),  # the rest of the interval
        (RouteResult(REPLAYED, more=True), 0.95, 0.25, pytest.approx(0.05)),
        (RouteResult(REPLAYED, more=True), 0.0, 3.0, 0.0),
        (RouteResult(REPLAYED, more=True, delay=4.0), 0.0, 3.0, 4.0),
        (held("window"), 0.0, 3.0, 0.5),  # held: at least half a second
        (held("window", delay=2.0), 0.0, 3.0, 2.0),
        (held("window", delay=2.0, more=False), 0.0, 3.0, 0.5),  # nothing is left there
    ],
)
def test_a_drain_rests_for_the_rest_of_its_interval_or_until_it_is_worth_looking(
    result: RouteResult, waited: float, seconds: float, delay: float
) -> None:
    assert ran(result, waited=waited).delay(seconds, 1.0) == delay


def test_jobs_that_hold_all_that_is_left_go_on_at_once_and_beside_others_at_the_drains_pace() -> (
    None
):
    job = held(JOB, delay=0.9)
    assert ran(job, held("empty", more=False)).delay(0.6, 1.0) == JOB_DELAY < 0.1
    assert ran(job, RouteResult(REPLAYED, more=True), waited=0.9).delay(1.4, 1.0) == 0.0
    assert ran(job, held("window", delay=0.7)).delay(0.6, 1.0) == 0.7


def test_the_route_that_is_worth_a_look_first_says_when() -> None:
    found = ran(held("waiting", delay=9.0), held("window", delay=2.0))
    assert found.delay(3.0, 1.0) == 2.0
