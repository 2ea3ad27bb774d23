"""Filters mean the same however a message is written, and say what they do not take."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.description import Description
from mutt_tasks.core.filters import parse_filter, span_of
from mutt_tasks.core.moments import iso
from mutt_tasks.core.routes import alerter_route, moog_route
from tests.described import described
from tests.unit.json_texts import damaged, objects

ALERTER = alerter_route("a", "b", "dead")
MOOG = moog_route("c", "d", "dead")
NOW = 1_800_000_000.0


def seen(is_dead: bool = False, **fields: Any) -> Description:
    event = {"hostname": "rtr-7.example.net", "timestamp": iso(NOW - 7200), "message": "Link Down"}
    return described(json.dumps(event | fields).encode(), ALERTER, is_dead=is_dead)


def matches(text: str, message: Description) -> bool:
    return parse_filter(text, NOW).matches(message)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host:rtr-7*",
        "hostname:rtr-7.example.net",
        "HOST:RTR-7*",
        "host:*.net age>1h",
        "age>=2h age<=2h age<3h age=2h",
        "replays=0 replays<1",
        "lane:failed reason:failed",
        "link",
        '"link down"',
        'msg:"link down"',
        "link*own",
        "sev:3",
        "up:true nothing:null",
        '"vars:"',
        "deep",
        'note:"a \\"b\\""',
    ],
)
def test_what_matches(text: str) -> None:
    fields: dict[str, Any] = {
        "syslog_severity": 3,
        "up": True,
        "nothing": None,
        "varbinds": {"x": ["Deep down"]},
    }
    message = seen(**fields, note='a "b"', bare="vars:")
    assert matches(text, message)


@pytest.mark.parametrize(
    "text",
    [
        "host:rtr-7",
        "host:rtr-8*",
        "age>2h",
        "age<1h",
        "replays>0",
        "lane:shed",
        "up",
        "link host:x",
        "nosuch:*",
        "varbinds:*Deep*",
        '"link  down"',
    ],
)
def test_what_does_not_match(text: str) -> None:
    assert not matches(text, seen(varbinds={"x": "Deep"}))


def test_an_alert_is_found_by_the_fields_of_its_event() -> None:
    event = {"hostname": "rtr-7", "program": "%LINK", "timestamp": iso(NOW - 60), "message": "up"}
    alert = {"hostname": "rtr-7", "message_body": "up", "raw_json": event, "api_key": "hunter2"}
    message = described(json.dumps(alert).encode(), MOOG)

    assert matches("prog:%LINK host:rtr-7 msg:up age>30s age<2m", message)
    assert not matches("hunter2", message)
    assert not matches("api_key:hunter2", message)
    assert matches("api_key:*", message)


def test_a_dead_letter_is_found_by_its_reason_and_its_replays() -> None:
    message = seen(is_dead=True, _remediation={"reason": "poison", "replays": 3})

    assert matches("reason:poison replays>=3 lane:failed", message)
    assert matches("reason:po*", message)
    assert not matches("reason:stale", message)


def test_a_group_is_found_by_its_first_digits() -> None:
    message = seen()

    assert matches(f"group:{message.group}", message)
    assert matches(f"group:{message.group[:7]}", message)
    assert matches(f"group:{message.group[:7]}*", message)
    assert not matches("group:s1-000000000000", message)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('"abc', "'\"' at character 1: the quote has no end"),
        ('ok host:"abc', "the quote has no end"),
        ("age>soon", "'age>soon': age accepts a number with s, m, h, d or w behind it"),
        ("age:2h", "accepts age with <, <=, >, >= or = behind it"),
        ("replays>=x", "'replays>=x': replays accepts a whole number"),
        ("reason:poisson", "reason accepts malformed, incomplete, poison, stale, suspect, failed"),
        ("lane:poison", "lane accepts failed, shed, sheltered, malformed"),
        ("host:", "'host:': accepts a value behind the colon (host:* for any)"),
        ("group:9f3a", "accepts s1- and the first digits"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_accepted(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse_filter(text, NOW)


@given(st.text())
def test_any_text_is_a_filter_or_is_refused_with_words(text: str) -> None:
    error = ""
    try:
        parse_filter(text, NOW).matches(seen())
    except ValueError as found:
        error = str(found)

    assert not error or "accepts" in error or "has no end" in error


@given(st.permutations(["hostname", "message", "timestamp", "a", "b", "_retry_count"]), st.data())
def test_the_order_of_keys_means_nothing(order: list[str], data: st.DataObject) -> None:
    fields: dict[str, Any] = {
        "hostname": "h1",
        "message": "x 1",
        "timestamp": iso(NOW),
        "a": "1,",
        "b": {"message": "y", "c": 2},
        "_retry_count": 0,
    }
    one = described(json.dumps(fields).encode(), ALERTER)
    turned = {name: fields[name] for name in order}
    other = described(json.dumps(turned, indent=1).encode(), ALERTER)
    text = data.draw(
        st.sampled_from(["h1", '"1,"', "a:1*", '"1", "b"', "x msg:x*", "message", "2"])
    )

    assert matches(text, one) == matches(text, other)
    assert one.group == other.group


@given(st.binary(max_size=80) | damaged(objects), st.sampled_from(["a", "host:*", "age>1s", "*"]))
def test_any_bytes_can_be_asked(raw: bytes, text: str) -> None:
    for route, is_dead in ((ALERTER, False), (MOOG, True)):
        message = described(raw, route, is_dead=is_dead)
        matches(text, message)
        assert message.group.startswith("s1-")
        json.dumps(dict(message.fields), allow_nan=False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1.5h", 5400), ("2m", 120), ("7d", 604_800), ("1w", 604_800)],
)
def test_spans(text: str, seconds: float) -> None:
    assert span_of(text) == seconds
