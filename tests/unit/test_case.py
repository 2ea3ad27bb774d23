"""Which replays are forgiven, which messages failed alone, and how a suspect is dealt with."""

import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

from mutt_tasks.core.moments import iso
from mutt_tasks.core.policy import MALFORMED, POISON, SUSPECT, Action, Decision, Policy, decide
from mutt_tasks.core.routes import Route, alerter_route, moog_route
from mutt_tasks.core.suspects import Suspects

ALERTER = alerter_route("dlq", "ingest", "dead")
MOOG = moog_route("dlq:moog", "alerts", "dead")
NOW = 1_714_564_800.0
HOUR = 3600.0
POLICY = Policy(max_retries=3, backoff=0.0, max_age=0.0, suspects=Suspects())


def alert(first: float = NOW - 5 * HOUR, last: float = NOW - HOUR, **header: Any) -> bytes:
    """An alert that the forwarder gave up after it was replayed."""
    ours = {"replays": 1, "forgiven": 0, "first_at": iso(first), "last_at": iso(last)} | header
    return json.dumps({"_moog_retry_count": 5, "_remediation": ours}).encode()


def decided(raw: bytes, policy: Policy = POLICY, route: Route = MOOG, **more: Any) -> Decision:
    return decide(raw, route, policy, "c1", NOW, **more)


def stamp(decision: Decision) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(decision.payload)["_remediation"]
    return found


def forgiven(raw: bytes, *spans: tuple[float, float]) -> int:
    decision = decided(raw, replace(POLICY, spans=spans))
    assert stamp(decision)["forgiven"] == decision.forgiven
    return decision.forgiven


# --- what is forgiven ---


def test_the_last_try_of_a_message_tells_whether_it_met_an_outage_and_not_the_first() -> None:
    raw = alert(first=NOW - 5 * HOUR, last=NOW - HOUR)

    assert forgiven(raw, (NOW - 6 * HOUR, NOW - 4 * HOUR)) == 0
    assert forgiven(raw, (NOW - 2 * HOUR, NOW)) == 1


def test_both_ends_of_an_outage_belong_to_it() -> None:
    raw = alert(last=NOW - HOUR)

    assert forgiven(raw, (NOW - HOUR, NOW)) == 1
    assert forgiven(raw, (NOW - 2 * HOUR, NOW - HOUR)) == 1
    assert forgiven(raw, (NOW - HOUR + 1, NOW)) == 0
    assert forgiven(raw, (NOW - 2 * HOUR, NOW - HOUR - 1)) == 0


def test_one_outage_of_several_is_enough() -> None:
    spans = ((NOW - 9 * HOUR, NOW - 8 * HOUR), (NOW - 2 * HOUR, NOW), (NOW - 1, NOW))

    assert forgiven(alert(), *spans) == 1


def test_no_more_is_forgiven_than_was_replayed() -> None:
    raw = alert(replays=2, forgiven=2)

    decision = decided(raw, replace(POLICY, spans=((NOW - 2 * HOUR, NOW),)))
    assert (stamp(decision)["forgiven"], decision.forgiven) == (2, 0)


def test_forgiven_replays_do_not_count_towards_poison() -> None:
    raw = alert(replays=4, forgiven=1)
    outage = replace(POLICY, spans=((NOW - 2 * HOUR, NOW),))

    assert decided(raw).reason == POISON
    assert decided(raw, outage).action is Action.REPLAY
    # What goes to the dead letter list says so as well.
    poison = decided(alert(replays=5, forgiven=1), outage)
    assert (poison.reason, stamp(poison)["forgiven"], poison.forgiven) == (POISON, 2, 1)
    assert (stamp(poison)["replays"], stamp(poison)["dead_at"]) == (5, iso(NOW))


def test_the_first_try_of_what_was_moved_aside_untried_is_no_second_chance() -> None:
    first = decided(alert(replays=0, lane="sheltered"))
    later = decided(alert(replays=1, lane="sheltered"))

    assert (stamp(first)["replays"], stamp(first)["forgiven"]) == (1, 1)
    assert (stamp(later)["replays"], stamp(later)["forgiven"]) == (2, 0)
    assert "lane" not in stamp(first)


def test_the_first_replay_is_remembered_and_the_last_one_is_now() -> None:
    found = stamp(decided(alert(first=NOW - 5 * HOUR)))

    assert (found["first_at"], found["last_at"]) == (iso(NOW - 5 * HOUR), iso(NOW))


@pytest.mark.parametrize(
    ("raw", "came_back"),
    [
        (alert(), True),
        (alert(lane="sheltered"), False),
        (alert(replays=0), False),
        (b'{"_moog_retry_count":5}', False),
    ],
)
def test_a_message_came_back_if_it_was_replayed_and_not_moved_aside(
    raw: bytes, came_back: bool
) -> None:
    assert decided(raw).came_back is came_back


def test_what_no_consumer_can_decode_came_back_if_it_was_replayed() -> None:
    bad = alert()[:-1] + b',"x":NaN}'

    assert (decided(bad).reason, decided(bad).came_back) == (MALFORMED, True)
    new = b'{"x":NaN}'
    assert (decided(new).reason, decided(new).came_back) == (MALFORMED, False)


# --- who failed alone ---


@pytest.mark.parametrize(
    ("raw", "is_suspect"),
    [
        (b'{"_moog_retry_count":5}', True),
        (b'{"_moog_retry_count":0}', False),
        (b"{}", False),
        (alert(), True),
        (alert(lane="sheltered"), False),
    ],
)
def test_an_alert_is_suspect_if_the_forwarder_tried_it(raw: bytes, is_suspect: bool) -> None:
    assert decided(raw).is_suspect is is_suspect
    assert not decided(raw, replace(POLICY, suspects=None)).is_suspect


def test_the_alerter_does_not_sleep_so_that_it_has_no_suspects() -> None:
    event = {"hostname": "r1", "timestamp": iso(NOW), "message": "down", "_retry_count": 3}

    assert not decided(json.dumps(event).encode(), route=ALERTER).is_suspect


def test_what_came_in_an_outage_is_no_suspect_before_its_first_replay() -> None:
    assert not decided(b'{"_moog_retry_count":5}', is_cleared=True).is_suspect
    # Read member by member it is the same.
    fresh = b'{"_moog_retry_count":5,"x":"\\u0041"}'
    assert decided(fresh).is_suspect
    assert not decided(fresh, is_cleared=True).is_suspect
    assert decided(alert(), is_cleared=True).is_suspect


def test_what_was_replayed_into_an_outage_is_no_suspect() -> None:
    assert not decided(alert(), replace(POLICY, spans=((NOW - 2 * HOUR, NOW),))).is_suspect


# --- what becomes of a suspect ---

SUSPECTED = alert()


def waiting(seconds: float, wait: float) -> Decision:
    """The decision on a suspect that may not go, after it has waited for so many seconds."""
    since = ((zlib.crc32(SUSPECTED), NOW - seconds),)
    held = replace(POLICY, suspects=Suspects(since=since), suspects_may_go=False)
    return decided(SUSPECTED, replace(held, suspect_wait=wait))


def test_a_suspect_that_may_not_go_is_looked_at_again_after_five_seconds() -> None:
    found = waiting(100, wait=300)

    assert found == Decision(Action.WAIT, ready_at=NOW + 5, is_suspect=True)


def test_a_suspect_waits_no_longer_than_it_may() -> None:
    assert waiting(100, wait=103).ready_at == NOW + 3
    assert waiting(100, wait=100.5).action is Action.WAIT
    over = waiting(100, wait=100)
    assert (over.action, over.reason) == (Action.QUARANTINE, SUSPECT)
    assert (stamp(over)["reason"], over.is_suspect) == (SUSPECT, False)


def test_a_suspect_that_may_go_goes_however_long_it_has_waited() -> None:
    assert decided(SUSPECTED).action is Action.REPLAY


def test_a_message_that_is_no_suspect_does_not_wait_for_suspects() -> None:
    held = replace(POLICY, suspects_may_go=False, suspect_wait=300)

    assert decided(b"{}", held).action is Action.REPLAY
    assert decided(SUSPECTED, held).action is Action.WAIT


def test_a_suspect_rests_like_any_other_before_it_waits_for_its_turn() -> None:
    held = replace(POLICY, suspects_may_go=False, suspect_wait=300, backoff=60)
    found = decided(alert(last=NOW - 1), held)

    assert NOW + 47 <= found.ready_at <= NOW + 71
    assert not found.is_suspect


def test_where_one_try_is_allowed_a_fresh_message_has_it() -> None:
    once = replace(POLICY, max_retries=1)

    assert decided(b'{"x":1}', once).action is Action.REPLAY
    assert decided(b'{"x":"\\u0041"}', once).action is Action.REPLAY
    assert decided(alert(replays=1), once).reason == POISON
