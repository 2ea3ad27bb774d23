"""A plan's mark, what it leaves out, and how much of a job is still to do."""

import json
from dataclasses import replace

import pytest

from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.jobs import Counts, Job, State, is_paced
from mutt_tasks.core.plan import Plan, Verb, etag_of, why_skipped
from mutt_tasks.core.policy import Policy
from mutt_tasks.core.revival import NO_ROUTE
from mutt_tasks.core.routes import alerter_route, moog_route

ALERTER = alerter_route("dlq", "ingest", "dead")
MOOG = moog_route("dlq:moog", "alerts", "dead")
ONE, OTHER = FrozenSet(b"1" * 16), FrozenSet(b"2" * 16)
NONE = FrozenSet(b"")


def test_a_plan_counts_the_messages_of_all_its_lists() -> None:
    assert Plan("p1", "e", Verb.REPLAY, {"dlq": 3, "dead": 4}, skipped={"poison": 9}).count == 7


def test_any_other_selection_has_another_etag_and_the_same_one_the_same() -> None:
    known = etag_of(Verb.REPLAY, "", {"dlq": ONE, "dead": OTHER})

    assert known == etag_of(Verb.REPLAY, "", {"dead": OTHER, "dlq": ONE})
    others = {
        etag_of(Verb.REQUEUE, "", {"dlq": ONE, "dead": OTHER}),
        etag_of(Verb.REPLAY, "alerts", {"dlq": ONE, "dead": OTHER}),
        etag_of(Verb.REPLAY, "", {"dlq": OTHER, "dead": ONE}),
        etag_of(Verb.REPLAY, "", {"dlq": ONE}),
        etag_of(Verb.REPLAY, "", {"dlq": ONE, "dead": NONE}),
        etag_of(Verb.REPLAY, "", {"other": ONE, "dead": OTHER}),
    }
    assert len(others) == 6
    assert known not in others
    assert len(known) == 32


DEAD = b'{"_moog_retry_count":9,"_remediation":{"replays":3,"route":"moog","reason":"poison"}}'
LOST = b'{"_remediation":{"route":"gone"}}'
POISON = b'{"_remediation":{"replays":3,"route":"moog"}}'


@pytest.mark.parametrize(
    ("verb", "raw", "why"),
    [
        (Verb.REPLAY, b"{}", ""),
        (Verb.REPLAY, POISON, "poison"),
        (Verb.REPLAY, b"no object", "malformed"),
        (Verb.REQUEUE, DEAD, ""),
        (Verb.REQUEUE, LOST, NO_ROUTE),
        (Verb.DISCARD, LOST, ""),
        (Verb.REDIRECT, POISON, ""),
    ],
)
def test_what_would_go_straight_to_the_dead_letter_list_is_left_out(
    verb: Verb, raw: bytes, why: str
) -> None:
    policy = Policy(max_retries=3, backoff=60.0, max_age=0.0)

    assert why_skipped(verb, raw, MOOG, (ALERTER, MOOG), policy, now=1.8e9) == why


def test_what_has_to_wait_is_not_left_out() -> None:
    policy = Policy(max_retries=3, backoff=60.0, max_age=0.0)
    header = {"replays": 1, "last_at": "2027-01-15T08:00:00Z"}  # 1.8e9
    raw = json.dumps({"_remediation": header}).encode()

    assert why_skipped(Verb.REPLAY, raw, MOOG, (MOOG,), policy, now=1.8e9) == ""


# --- jobs ---


def job(counts: Counts, stop_after: int | None = None, verb: Verb = Verb.REPLAY) -> Job:
    return Job(
        *("j1", verb, State.RUNNING, "ann", "token", "why", "p1", {"dlq": 10}, counts),
        stop_after=stop_after,
    )


def test_what_is_left_is_neither_done_nor_gone_nor_skipped() -> None:
    assert Counts(10, done=3, gone=2, skipped=1, came_back=3).left == 4
    assert Counts(3, done=2, gone=2).left == 0


@pytest.mark.parametrize(
    ("stop_after", "done", "most"),
    [(None, 3, 7), (5, 3, 2), (100, 3, 7), (3, 3, 0), (2, 3, 0), (0, 0, 0)],
)
def test_a_job_does_what_is_left_and_no_more_than_it_may(
    stop_after: int | None, done: int, most: int
) -> None:
    assert job(Counts(10, done=done), stop_after).most == most


@pytest.mark.parametrize(
    ("verb", "destination", "expected"),
    [
        *((Verb.REPLAY, "", True), (Verb.REQUEUE, "", True), (Verb.DISCARD, "", False)),
        *((Verb.EDIT, "", False), (Verb.UNDO, "", False)),
        *((Verb.REDIRECT, "alerts", True), (Verb.REDIRECT, "attic", False)),
    ],
)
def test_what_sends_into_the_pipeline_is_paced(
    verb: Verb, destination: str, expected: bool
) -> None:
    found = replace(job(Counts(1), verb=verb), destination=destination)

    assert is_paced(found, frozenset({"alerts", "ingest"})) is expected
