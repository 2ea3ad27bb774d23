"""What of a job's messages stuck: never said of one that may still come back."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.in_flight import STICK_SECONDS, InFlight
from mutt_tasks.core.job_fate import Fate, fate_of
from mutt_tasks.core.jobs import Counts, Job, State
from mutt_tasks.core.plan import Verb

NOW = 1_800_000_000.0
JOB = Job(
    id="j-0123456789ab",
    verb=Verb.REQUEUE,
    state=State.RUNNING,
    actor="ann",
    known_by="--actor",
    reason="why",
    plan="p-1",
    sources={"dead": 40},
    counts=Counts(planned=40, done=10),
    started_at=NOW - 100,
)


def flight(*cohorts: tuple[float, float]) -> InFlight:
    return InFlight(cohorts=cohorts)


def job(**changed: Any) -> Job:
    return replace(JOB, **changed)


@pytest.mark.parametrize(
    ("cohorts", "came_back", "stuck", "under_way"),
    [
        ([], 0, 10, 0),
        ([], 3, 7, 0),
        ([(NOW - 50, 4)], 0, 6, 4),
        ([(NOW - 50, 4)], 8, 0, 2),
        ([(NOW - 50, 4), (NOW - 20, 3)], 0, 3, 7),
        ([(NOW - 110, 6)], 0, 10, 0),  # before it began: the drain's
        ([(NOW - 104, 6)], 0, 4, 6),
        ([(NOW - 50, 400)], 2, 0, 8),
    ],
)
def test_what_is_open_on_the_route_since_the_job_began_may_be_its_own(
    cohorts: list[tuple[float, float]], came_back: int, stuck: int, under_way: int
) -> None:
    found = fate_of(job(counts=Counts(40, 10, came_back=came_back)), [flight(*cohorts)], NOW)
    assert (found.stuck, found.under_way) == (stuck, under_way)


def test_what_went_after_its_end_is_not_its_own() -> None:
    ended = job(ended_at=NOW - 60, state=State.DONE)
    assert fate_of(ended, [flight((NOW - 30, 5))], NOW) == Fate(stuck=10)
    assert fate_of(ended, [flight((NOW - 60, 5))], NOW).under_way == 5


def test_it_is_known_two_minutes_after_the_last_one_went() -> None:
    routes = [flight((NOW - 50, 2)), flight((NOW - 20, 1))]
    assert fate_of(JOB, routes, NOW).known_at == NOW - 20 + 5 + STICK_SECONDS
    assert fate_of(JOB, [flight()], NOW).known_at == 0


def test_its_speed_is_that_of_the_last_half_minute() -> None:
    assert fate_of(JOB, [flight((NOW - 80, 500), (NOW - 10, 60))], NOW).speed == 2
    young = job(started_at=NOW - 10)
    assert fate_of(young, [flight((NOW - 10, 20))], NOW).speed == 2
    assert fate_of(job(ended_at=NOW), [flight((NOW - 10, 60))], NOW).speed == 0


@pytest.mark.parametrize("verb", [Verb.DISCARD, Verb.REDIRECT, Verb.UNDO, Verb.EDIT])
def test_what_is_not_sent_to_a_consumer_cannot_stick(verb: Verb) -> None:
    assert fate_of(job(verb=verb), [flight((NOW, 9))], NOW) == Fate()


@given(
    done=st.integers(0, 50),
    came_back=st.integers(0, 60),
    cohorts=st.lists(st.tuples(st.floats(NOW - 300, NOW), st.floats(0, 50)), max_size=5),
)
def test_all_that_was_done_is_somewhere(
    done: int, came_back: int, cohorts: list[tuple[float, float]]
) -> None:
    counts = Counts(100, done, came_back=came_back)
    found = fate_of(job(counts=counts), [flight(*cohorts)], NOW)
    assert found.stuck >= 0
    assert found.under_way >= 0
    assert found.stuck + found.under_way == max(0, done - came_back)
