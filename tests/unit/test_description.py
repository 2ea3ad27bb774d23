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


# --- at the bounds ---


@pytest.mark.parametrize(
    ("replays", "number"), [(3, 3), (0, 0), (-1, 0), (True, 0), ("3", 0), (2.0, 0), (None, 0)]
)
def test_only_a_count_of_replays_is_shown(replays: object, number: int) -> None:
    assert described(raw(event(_remediation={"replays": replays})), ALERTER).replays == number


def test_a_word_is_shown_up_to_two_hundred_characters_without_credentials() -> None:
    def word(text: object) -> str:
        return described(raw(event(_correlation_id=text)), ALERTER).correlation_id

    assert word("y" * 200) == "y" * 200
    assert (word("y" * 201), word(7), word("token=hunter2")) == ("", "", "token=***")


def test_a_trap_is_known_by_its_number_and_a_syslog_message_by_its_program() -> None:
    assert described(raw(event(trap_oid="1.3.6")), ALERTER).program == "1.3.6"
    assert described(raw(event(trap_oid="1.3.6", program="sshd")), ALERTER).program == "sshd"
    inner = {"program": "inner"}
    assert described(raw(event(trap_oid="1.3.6", raw_json=inner)), MOOG).program == "1.3.6"


def test_the_moment_is_the_messages_own_or_that_of_its_event() -> None:
    def happened(**fields: Any) -> float | None:
        return described(raw({"message": "up"} | fields), MOOG).happened_at

    assert happened(timestamp=5, raw_json={"timestamp": 7}) == 5.0
    assert happened(raw_json={"timestamp": 7}) == 7.0
    assert happened(timestamp="soon", raw_json={"timestamp": 7}) == 7.0
    assert happened() is None


def test_an_event_of_the_future_is_not_younger_than_now() -> None:
    found = described(raw(event(timestamp=1000)), ALERTER)

    assert (found.age(1060.0), found.age(900.0)) == (60.0, 0.0)
    assert described(b"{}", ALERTER).age(1.0) is None


def test_what_has_no_text_says_its_other_members_without_ours_in_order() -> None:
    found = described(b'{"b":2,"a":"x 1","_retry_count":3,"api_key":"k"}', ALERTER)

    assert found.text == '{"a": "x 1", "api_key": "***", "b": 2}'
    assert described(b'{"message":7,"message_body":"body"}', ALERTER).text == "body"
    assert described(b'{"message":"text","message_body":"body"}', ALERTER).text == "text"


def test_numbers_are_read_up_to_4300_digits() -> None:
    found = described(b'{"a":%s,"b":%s}' % (b"9" * 4300, b"9" * 4301), ALERTER).fields

    assert (found["a"], found["b"]) == (10**4300 - 1, "9" * 4301)


def test_a_reason_belongs_to_a_dead_letter_only() -> None:
    fields = event(_remediation={"reason": "stale", "replays": 1})

    assert described(raw(fields), ALERTER).reason == "failed"
    assert described(raw(event(_remediation={"reason": 7})), ALERTER, is_dead=True).reason == (
        "unknown"
    )
