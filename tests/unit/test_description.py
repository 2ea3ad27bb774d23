"""What people see of a message, from its bytes alone."""

import json
from typing import Any

import pytest

from mutt_tasks.core.redaction import Hints
from mutt_tasks.core.routes import alerter_route, moog_route
from tests.described import described

ALERTER = alerter_route("a", "b", "dead")
MOOG = moog_route("c", "d", "dead")


def event(**fields: Any) -> dict[str, Any]:
    return {"hostname": "h", "timestamp": "2026-11-21T05:00:00Z", "message": "up 1"} | fields


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_an_event_that_was_given_up() -> None:
    header = {"replays": 2, "route": "alerter", "cycle": "c" * 32}
    fields = event(program="sshd", _correlation_id="id-1", _remediation=header, _retry_count=4)
    found = described(raw(fields), ALERTER)

    assert (found.lane, found.reason, found.replays) == ("failed", "failed", 2)
    assert (found.program, found.correlation_id, found.cycle) == ("sshd", "id-1", "c" * 32)
    assert (found.text, found.template) == ("up 1", "up <n>")
    assert found.age(found.happened_at + 5) == 5 if found.happened_at else False
    assert found.fields == fields


@pytest.mark.parametrize(
    ("fields", "lane"),
    [
        ({"shedding_reason": "queue_depth_exceeded:3>2"}, "shed"),
        ({"shedding_reason": "queue_depth_exceeded:3>2", "_retry_count": 4}, "failed"),
        ({"_remediation": {"lane": "sheltered"}}, "sheltered"),
        ({}, "failed"),
    ],
)
def test_how_it_came(fields: dict[str, Any], lane: str) -> None:
    assert described(raw(event(**fields)), ALERTER).lane == lane


@pytest.mark.parametrize("bad", [b"", b"garbage", b"[1]", b"\xff\xfe", b'"text"', b'{"a":1'])
def test_what_is_no_object_is_malformed(bad: bytes) -> None:
    found = described(bad, ALERTER, is_dead=True)

    assert (found.lane, found.reason, found.fields) == ("malformed", "malformed", {})


def test_a_dead_letter_has_the_reason_of_its_header_or_none_of_ours() -> None:
    with_reason = event(_remediation={"reason": "stale"})

    assert described(raw(with_reason), ALERTER, is_dead=True).reason == "stale"
    assert described(raw(event()), ALERTER, is_dead=True).reason == "unknown"


def test_a_message_stays_in_its_group_when_it_was_replayed() -> None:
    before = described(raw(event(_retry_count=4)), ALERTER)
    after = described(raw(event(_retry_count=4, _remediation={"replays": 1})), ALERTER)

    assert before.group == after.group


def test_an_alert_tells_what_its_event_tells() -> None:
    inner = event(program="sshd", api_key="hunter2")
    alert = {"api_key": "hunter2", "message_body": "up 1", "raw_json": inner}
    found = described(raw(alert), MOOG, hints=Hints.of(["opensesame"]))

    assert (found.text, found.program) == ("up 1", "sshd")
    assert found.happened_at is not None
    assert "hunter2" not in json.dumps(dict(found.fields))


def test_a_known_secret_is_hidden_but_does_not_change_the_group() -> None:
    plain = described(raw(event(message="see opensesame now")), ALERTER)
    hidden = described(raw(event(message="see opensesame now")), ALERTER, Hints.of(["opensesame"]))

    assert hidden.text == "see *** now"
    assert hidden.group == plain.group


@pytest.mark.parametrize("levels", [400, 900, 2000])
def test_deep_nesting_is_no_error(levels: int) -> None:
    text = '{"message":"up","a":' + "[" * levels + "]" * levels + ',"api_key":"hunter2"}'
    found = described(text.encode(), ALERTER)

    assert "hunter2" not in repr(found)


def test_numbers_that_json_cannot_write_stay_text() -> None:
    found = described(b'{"a":NaN,"b":-1e999,"c":%s,"d":1.5}' % (b"9" * 5000), ALERTER)

    assert found.fields == {"a": "NaN", "b": "-1e999", "c": "9" * 5000, "d": 1.5}
