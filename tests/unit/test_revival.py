"""A dead letter made ready for another try, or the reason why it cannot be."""

import json

import pytest

from mutt_tasks.core.moments import iso
from mutt_tasks.core.policy import Policy
from mutt_tasks.core.revival import Refusal, Revived, revived
from mutt_tasks.core.routes import alerter_route, moog_route

ALERTER = alerter_route("dlq", "ingest", "dead")
MOOG = moog_route("dlq:moog", "alerts", "dead")
NOW = 1_714_564_800.0
POLICY = Policy(max_retries=3, backoff=60.0, max_age=3600.0)
DEAD = {"replays": 3, "forgiven": 1, "route": "moog", "last_at": iso(NOW - 1), "reason": "poison"}


def outcome(raw: bytes) -> Revived | str:
    found = revived(raw, (ALERTER, MOOG), POLICY, "r1", NOW)
    return found.why if isinstance(found, Refusal) else found


def test_a_dead_letter_begins_anew_and_keeps_its_old_header_beside_the_new_one() -> None:
    raw = json.dumps({"_retry_count": 2, "_moog_retry_count": 9, "_remediation": DEAD}).encode()

    found = outcome(raw)

    assert isinstance(found, Revived)
    assert found.route == MOOG
    assert json.loads(found.payload) == {
        "_retry_count": 0,
        "_moog_retry_count": 0,
        "_remediation": {
            "replays": 0,
            "forgiven": 0,
            "route": "moog",
            "cycle": "r1",
            "first_at": None,
            "last_at": None,
            "before": DEAD,
        },
    }


def test_a_counter_that_a_message_does_not_have_is_not_added() -> None:
    found = outcome(json.dumps({"_moog_retry_count": 9, "_remediation": DEAD}).encode())

    assert isinstance(found, Revived)
    assert list(json.loads(found.payload)) == ["_moog_retry_count", "_remediation"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"no object", "it is malformed (no JSON object), and was set aside as it came"),
        (b"{}", "its header names no route that is on (alerter or moog)"),
        (
            b'{"_remediation":{"route":"other"}}',
            "its header names no route that is on (alerter or moog)",
        ),
        (
            b'{"_remediation":{"route":"alerter"}}',
            "it is incomplete, and would be set aside again",
        ),
        (
            b'{"timestamp":1,"_remediation":{"route":"moog"}}',
            "it is stale, and would be set aside again",
        ),
    ],
)
def test_what_would_come_straight_back_is_refused(raw: bytes, why: str) -> None:
    assert outcome(raw) == why
