"""The rules exactly at their bounds, and why a message came into a dead letter queue."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mutt_tasks.core.moments import iso
from mutt_tasks.core.policy import POISON, STALE, Action, Arrival, Policy, arrival, decide
from mutt_tasks.core.routes import alerter_route, moog_route

ALERTER = alerter_route("dlq", "ingest", "dead")
MOOG = moog_route("dlq:moog", "alerts", "dead")
NOW = 1_714_564_800.0
HOUR = 3600.0
AGED = Policy(max_retries=3, backoff=0.0, max_age=HOUR)


def alert(header: dict[str, Any] | None = None, **fields: Any) -> bytes:
    ours = {} if header is None else {"_remediation": header}
    return json.dumps(fields | ours).encode()


def test_an_event_is_stale_when_it_is_older_than_the_largest_age_and_not_when_it_is_as_old() -> (
    None
):
    def reason(timestamp: object, policy: Policy = AGED) -> str:
        return decide(alert(timestamp=timestamp), MOOG, policy, "c1", NOW).reason

    assert reason(NOW - HOUR) == ""
    assert reason(NOW - HOUR - 1) == STALE
    assert reason(NOW + HOUR) == ""
    assert reason("soon") == ""
    assert reason(NOW - 9 * HOUR, replace(AGED, max_age=0.0)) == ""


def test_an_alert_without_a_moment_of_its_own_waits_for_the_largest_age_at_most() -> None:
    header = {"replays": 1, "last_at": iso(NOW)}
    policy = Policy(max_retries=3, backoff=60.0, max_age=10.0)

    found = decide(alert(header), MOOG, policy, "c1", NOW)

    assert (found.action, found.ready_at) == (Action.WAIT, NOW + 10)


def test_the_last_replay_may_lie_an_hour_in_the_future_and_no_more() -> None:
    policy = Policy(max_retries=3, backoff=60.0, max_age=0.0)

    def action(ahead: float) -> Action:
        raw = alert({"replays": 1, "last_at": iso(NOW + ahead)})
        return decide(raw, MOOG, policy, "c1", NOW).action

    assert action(HOUR) is Action.WAIT
    assert action(HOUR + 1) is Action.REPLAY


def test_what_was_moved_aside_untried_has_no_rest() -> None:
    policy = Policy(max_retries=3, backoff=60.0, max_age=0.0)
    header = {"replays": 1, "last_at": iso(NOW - 1)}

    assert decide(alert(header), MOOG, policy, "c1", NOW).action is Action.WAIT
    aside = alert(header | {"lane": "sheltered"})
    assert decide(aside, MOOG, policy, "c1", NOW).action is Action.REPLAY


@pytest.mark.parametrize(
    ("replays", "forgiven", "reason"),
    [(2, 0, ""), (3, 0, POISON), (3, 1, ""), (11, 11, ""), (12, 12, POISON)],
)
def test_three_replays_that_count_are_poison_and_twelve_of_any_kind(
    replays: int, forgiven: int, reason: str
) -> None:
    header = {"replays": replays, "forgiven": forgiven}

    assert decide(alert(header), MOOG, AGED, "c1", NOW).reason == reason


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"no object", Arrival.MALFORMED),
        (b"{}", Arrival.FRESH),
        (alert({"replays": 0}), Arrival.FRESH),
        (alert({"replays": 1}), Arrival.RETURNED),
        (alert(shedding_reason="long"), Arrival.SHED),
        (alert({"replays": 1}, shedding_reason="long", _retry_count=0), Arrival.SHED),
        (alert({"replays": 1}, shedding_reason="long", _retry_count=1), Arrival.RETURNED),
        (alert({"replays": 1, "lane": "sheltered"}), Arrival.SHELTERED),
        (alert({"replays": 1, "lane": "sheltered"}, shedding_reason="long"), Arrival.SHELTERED),
        (alert({"replays": 1, "lane": "another"}), Arrival.RETURNED),
    ],
)
def test_a_message_says_why_it_came(raw: bytes, why: Arrival) -> None:
    assert arrival(raw, ALERTER) is why


def test_an_alert_before_the_forwarder_is_never_shed() -> None:
    assert arrival(alert(shedding_reason="long"), MOOG) is Arrival.FRESH
