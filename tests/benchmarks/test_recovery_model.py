"""The recovery benchmark's model is the pipeline of the design, and keeps honest books."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recovery_model import policies
from benchmarks.recovery_model.books import Books, missing_and_doubled
from benchmarks.recovery_model.measures import measure
from benchmarks.recovery_model.run import NONE, run
from benchmarks.recovery_model.scenario import SCENARIOS, Scenario, small
from benchmarks.recovery_model.services import Limiter
from benchmarks.recovery_model.world import World
from stand_ins.breaker import CLOSED, FAILURES, HALF_OPEN, OPEN, OPEN_TIME, STATE, Breaker
from stand_ins.facts import ALERT_QUEUE as ALERTS
from stand_ins.facts import ALERTER_DLQ, MOOG_DLQ
from stand_ins.facts import INGEST_QUEUE as INGEST
from stand_ins.facts import LIMITER_KEY as WINDOW
from tests.benchmarks.words import even

ROOT = Path(__file__).parents[2]


def drops(client: Any, scenario: Scenario, seconds: float) -> int:
    """How many alerts the limiter drops."""
    world = World(scenario, client, seed=1)
    world.advance_to(seconds)
    return len(world.books.drops)


def test_the_limiter_admits_a_full_window_and_no_more() -> None:
    limiter = Limiter()
    admitted = [limiter.admits(100.0 + at / 10, 3, 1000) for at in range(5)]
    assert admitted == [True] * 3 + [False] * 2
    assert limiter.admits(101.0, 3, 1000)
    assert not limiter.admits(101.05, 3, 1000)
    assert limiter.admits(101.05, 4, 1000)


def test_alerts_of_one_millisecond_take_one_place() -> None:
    for collides, admitted in ((True, [True] * 4), (False, [True] * 3 + [False])):
        limiter = Limiter(collides)
        assert [limiter.admits(100.0002 + at / 10_000, 3, 1000) for at in range(4)] == admitted


@pytest.mark.parametrize(("rate", "are_dropped"), [(48.0, False), (55.0, True)])
def test_alerts_are_dropped_above_the_limit_only(
    client: Any, rate: float, are_dropped: bool
) -> None:
    assert (drops(client, even(live_rate=rate), 20.0) > 0) is are_dropped


def test_redis_shows_the_limiters_window(client: Any) -> None:
    world = World(even(live_rate=20.0), client, seed=1)
    world.advance_to(30.0)
    assert 19 <= client.zcard(WINDOW) <= 21


def test_an_exhausted_message_that_keeps_its_count_bounces_untried(client: Any) -> None:
    world = World(even(live_rate=0.0, backlog_alerter=1), client, seed=1)
    client.lmove(ALERTER_DLQ, INGEST, "RIGHT", "LEFT")
    world.wait(0.0021)  # one pass through the alerter, not five
    assert client.llen(ALERTER_DLQ) == 1
    assert world.books.to_recover == {0}


def test_a_message_whose_count_is_reset_is_delivered(client: Any) -> None:
    world = World(even(live_rate=0.0, backlog_alerter=1, backlog_moog=1), client, seed=1)
    policies.at_once(world, 10.0, seed=1)
    assert list(world.books.delivered_at) == pytest.approx([0.012, 0.01], abs=0.02)
    assert world.is_recovered


def test_a_failing_message_is_given_up_after_four_tries(client: Any) -> None:
    scenario = even(live_rate=0.0, backlog_alerter=1, backlog_poison=1.0)
    world = World(scenario, client, seed=1)
    policies._move(client, ALERTER_DLQ, 1)
    world.wait(4.5 * scenario.alerter_seconds)
    assert client.llen(ALERTER_DLQ) == 0
    world.wait(scenario.alerter_seconds)  # the fifth time round it is refused
    assert client.llen(ALERTER_DLQ) == 1
    assert b'"_retry_count": 4' in client.lindex(ALERTER_DLQ, 0)


def test_the_alerter_sheds_above_the_limit_of_the_alert_queue(client: Any) -> None:
    scenario = even(trouble="moogsoft", lead=0.0, outage=600.0, live_rate=20.0)
    world = World(scenario, client, seed=1)
    world.advance_to(95.0)
    assert client.llen(ALERTER_DLQ) == 0
    world.advance_to(130.0)
    assert 2000 <= client.llen(ALERTS) <= 2002
    assert b"shedding_reason" in client.lindex(ALERTER_DLQ, -1)


def test_the_forwarder_gives_up_after_six_tries(client: Any) -> None:
    scenario = even(
        trouble="moogsoft", lead=0.0, outage=600.0, live_rate=0.0, backlog_moog=1,
        breaker_failures=100,
    )  # fmt: skip
    world = World(scenario, client, seed=1)
    policies._move(client, MOOG_DLQ, 1)
    world.wait(1 + 2 + 4 + 8 + 16 + 32 - 1)
    assert client.llen(MOOG_DLQ) == 0
    world.wait(2.0)
    assert client.llen(MOOG_DLQ) == 1
    assert b'"_moog_retry_count": 6' in client.lindex(MOOG_DLQ, 0)


def test_what_moogsoft_refuses_is_given_up_at_once(client: Any) -> None:
    scenario = even(live_rate=0.0, backlog_moog=1, backlog_moog_poison=1.0)
    world = World(scenario, client, seed=1)
    policies._move(client, MOOG_DLQ, 1)
    world.wait(0.02)
    assert client.llen(MOOG_DLQ) == 1


def test_the_breaker_opens_rests_and_then_stops_nothing_until_a_try_decides() -> None:
    breaker = Breaker(threshold=2, rest=60.0)
    assert breaker.fields() == {STATE: None, FAILURES: None, OPEN_TIME: None}
    breaker.failed(1.0)
    assert breaker.state == CLOSED
    breaker.failed(2.0)
    assert breaker.fields() == {STATE: OPEN, FAILURES: "2", OPEN_TIME: "2.0"}
    assert breaker.is_open(61.9)
    assert [breaker.is_open(62.0) for _ in range(3)] == [False] * 3
    assert breaker.state == HALF_OPEN
    breaker.failed(62.0)
    assert breaker.fields() == {STATE: OPEN, FAILURES: "2", OPEN_TIME: "62.0"}
    assert not breaker.is_open(122.0)
    breaker.succeeded(122.0)
    assert breaker.fields() == {STATE: CLOSED, FAILURES: "0", OPEN_TIME: None}


def test_a_success_between_them_keeps_failures_from_opening_the_breaker() -> None:
    breaker = Breaker(threshold=2)
    for moment in range(5):
        breaker.failed(moment)
        breaker.succeeded(moment)
    assert breaker.state == CLOSED


def test_redis_holds_what_the_pipeline_holds(client: Any) -> None:
    scenario = even(trouble="moogsoft", lead=5.0, outage=60.0, live_rate=30.0, backlog_alerter=50)
    world = World(scenario, client, seed=1)
    for _ in range(400):
        client.lmove(ALERTER_DLQ, INGEST, "RIGHT", "LEFT")
        world.wait(0.237)
        for queue in (world.ingest, world.alerts):
            lying = [message.encoded().encode() for message in queue.messages]
            assert client.lrange(queue.key, 0, -1) == lying


def test_the_books_find_what_is_lost_and_what_is_doubled(client: Any) -> None:
    books = Books()
    for _ in range(4):
        books.appear(0.0)
    books.deliver(0, 1.0)
    books.deliver(1, 1.0)
    books.deliver(1, 2.0)
    assert missing_and_doubled(books, left=[0, 2]) == ([3], [0, 1])


def test_a_policy_that_loses_a_message_is_found_out(client: Any) -> None:
    world = World(even(live_rate=0.0, backlog_alerter=3), client, seed=1)
    client.rpop(ALERTER_DLQ)
    world.wait(1.0)
    assert missing_and_doubled(world.books, world.left()) == ([0], [])


def test_the_same_seed_gives_the_same_run() -> None:
    scenario = replace(small(SCENARIOS["both-routes"]), backlog_alerter=80, backlog_moog=80)
    one, other = (run(scenario, "ours", 3, cap_at=1000.0) for _ in range(2))
    assert (one.delivered_at, one.depths) == (other.delivered_at, other.depths)
    assert run(scenario, "ours", 4, cap_at=1000.0).delivered_at != one.delivered_at


def test_every_policy_keeps_every_message_in_a_random_run() -> None:
    # Long enough for poison to be tried three times and to die; all else happens sooner.
    scenario = replace(
        small(SCENARIOS["half-capacity"]), lead=40.0, outage=40.0, breaker_rest=30.0,
        cap_seconds=300.0, live_rate=10.0, moogsoft_rate=14.0, backlog_moog=50,
        backlog_moog_poison=0.1, live_poison=0.01, forwarders=2,
    )  # fmt: skip
    baseline = run(scenario, NONE, 5)
    for policy in ("ours", "fixed"):
        found = measure(run(scenario, policy, 5, baseline.least, baseline.cap_at), baseline)
        assert (found.lost, found.doubled) == (0, 0), policy


def test_the_quick_run_loses_doubles_and_wrongly_quarantines_nothing() -> None:
    # half-capacity takes as long as all; the others are run by test_outages and test_harm
    names = [name for name in SCENARIOS if name != "half-capacity"]
    chosen = [word for name in names for word in ("--scenario", name)]
    done = subprocess.run(
        [sys.executable, "benchmarks/recovery.py", "--quick", "--policy", "ours", *chosen],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in names)
