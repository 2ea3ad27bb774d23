"""What a commit is told to do with each message, and when the next one may follow."""

import pytest

from mutt_tasks.core.policy import QUARANTINE_REASONS, Action, Decision
from mutt_tasks.replay.ending import Ran
from mutt_tasks.replay.result import HELD, REPLAYED, RouteResult
from mutt_tasks.store.batch import Batch, Moved

REPLAY = Decision(Action.REPLAY, payload=b"stamped")
WAIT = Decision(Action.WAIT, payload=b"")


def set_aside(reason: str) -> Decision:
    return Decision(Action.QUARANTINE, reason, b"stamped")


def test_every_reason_to_set_a_message_aside_has_a_letter_of_its_own() -> None:
    decisions = [REPLAY, WAIT, *map(set_aside, QUARANTINE_REASONS)]
    plan = Batch(0, [b"x"] * len(decisions), decisions).plan()
    assert plan[:2] == "rw"
    assert len(set(plan)) == len(decisions)


@pytest.mark.parametrize("reason", ["", "Poison", "suspicious"])
def test_a_reason_that_nobody_knows_is_an_error_and_no_silent_wait(reason: str) -> None:
    with pytest.raises(ValueError, match=r"quarantine reason: got .*, accepts .*'poison'"):
        Batch(0, [b"x"], [set_aside(reason)]).plan()


def test_a_message_that_waits_for_a_reason_waits() -> None:
    waits = Decision(Action.WAIT, "suspect", b"")
    assert Batch(0, [b"x"], [waits]).plan() == "w"


def test_what_waits_and_what_is_malformed_is_pushed_by_nobody() -> None:
    decisions = [WAIT, set_aside("malformed"), REPLAY, set_aside("poison")]
    batch = Batch(0, [b"x"] * 4, decisions)
    assert batch.payloads() == [b"stamped"] * 2
    assert (batch.going, batch.replays) == (3, 1)


def test_of_two_commits_the_later_one_says_how_many_are_left() -> None:
    first = Moved(2, {"poison": 1, "stale": 4}, remaining=9)
    later = Moved(3, {"poison": 5, "malformed": 6}, remaining=1)
    both = first + later
    assert both == Moved(5, {"poison": 6, "stale": 4, "malformed": 6}, remaining=1)
    assert both.total == 21


def test_a_drain_rests_only_as_long_as_its_quickest_route_wants() -> None:
    routes = {
        "alerter": RouteResult(REPLAYED, more=True, delay=0.2),
        "moog": RouteResult(HELD, reason="backoff", more=True, delay=10.0),
    }

    assert Ran(routes, started_at=0.0).delay(seconds=0.0, drain_interval=0.1) == 0.2
