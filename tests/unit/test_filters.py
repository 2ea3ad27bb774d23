"""Filters mean the same however a message is written, and say what they do not take."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.description import Description, View
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


# --- at the bounds ---


@pytest.mark.parametrize(
    ("sign", "ages"),
    [
        *(("<", [True, False, False]), ("<=", [True, True, False]), ("=", [False, True, False])),
        *((">=", [False, True, True]), (">", [False, False, True])),
    ],
)
def test_each_sign_means_what_it_says(sign: str, ages: list[bool]) -> None:
    def found(text: str, **fields: Any) -> bool:
        return matches(text, seen(**fields))

    assert [found(f"age{sign}2h", timestamp=NOW - age) for age in (7199, 7200, 7201)] == ages
    counts = [{"_remediation": {"replays": count}} for count in (2, 3, 4)]
    assert [found(f"replays{sign}3", **fields) for fields in counts] == ages


def test_what_names_no_moment_has_no_age() -> None:
    assert not matches("age<9w", seen(timestamp="soon"))
    assert not matches("age>=0s", seen(timestamp="soon"))


@pytest.mark.parametrize(
    ("text", "seconds"), [("3s", 3), ("2min", 120), ("1h", 3600), ("1d", 86_400), ("1.125s", 1.125)]
)
def test_every_unit(text: str, seconds: float) -> None:
    assert span_of(f" {text} ") == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "h", "-5s", "1.2345s", "1 h", "5y", "5S", "1" * 10 + "s"]
)
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="accepts a number with s, m, h, d or w behind it"):
        span_of(text)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        *(("ip:10.*", "source_ip", "10.0.0.1"), ("msg:up", "message_body", "up")),
        *(("message:up", "message_body", "up"), ("oid:1.3", "trap_oid", "1.3")),
        *(
            ("severity:3", "syslog_severity", 3),
            ("sev:3", "severity", 3),
            ("team:net", "team", "net"),
        ),
        *(("team:net", "team_assignment", "net"), ("correlation:x", "_correlation_id", "x")),
        *(("msg:up", "msg", "up"), ("x-y.z:1", "x-y.z", 1), ("x:0.5", "x", 0.5)),
        *(("up:false", "up", False), ("x:A?", "x", "a?"), ("x:a*c", "x", "a\nb\nc")),
    ],
)
def test_a_field_is_found_by_its_own_name_and_its_short_ones(
    text: str, field: str, value: object
) -> None:
    fields: dict[str, Any] = {field: value}
    assert matches(text, seen(**fields))
    fields[field] = "other"
    assert not matches(text, seen(**fields))


def test_all_terms_have_to_hold_and_none_holds_for_all() -> None:
    assert not matches("link host:nosuch", seen())
    assert not matches("host:nosuch link", seen())
    assert parse_filter("a  b", NOW).text == "a  b"


@pytest.mark.parametrize("text", ["replays>=1234567890", "replays=-1", "replays=1.5", "replays="])
def test_replays_are_a_whole_number_of_at_most_nine_digits(text: str) -> None:
    with pytest.raises(ValueError, match="replays accepts a whole number"):
        parse_filter(text, NOW)


def test_a_quoted_term_is_text_whatever_it_looks_like() -> None:
    assert matches('"host:x"', seen(note="see host:x there"))
    assert not matches('"host:x"', seen(hostname="x"))
    assert matches('"a*b"', seen(note="a*b"))
    assert not matches('"a*b"', seen(note="axb"))


@pytest.mark.parametrize(
    "text", [f"lane:{'*' * 300}shed", f"msg:{'*a' * 60}*b", f"x{'*a' * 200}*b"]
)
def test_many_stars_take_no_longer_than_the_text_is_long(text: str) -> None:
    """A filter that held the whole process for hours would be a way to stop the console."""
    assert not matches(text, seen(message="a" * 4000))


@given(st.text("ab*", max_size=8), st.text("abAB", max_size=12))
def test_stars_stand_for_anything(value: str, text: str) -> None:
    anything = "".join(".*" if char == "*" else char for char in value)

    found = matches(f"msg:{value or 'x'}", seen(message=text))

    assert found == (re.fullmatch(anything or "x", text, re.IGNORECASE) is not None)


def test_a_job_finds_what_it_sent_last_and_what_it_threw_away() -> None:
    sent = seen(_remediation={"replays": 1, "cycle": "j-0123456789ab"})
    again = seen(_remediation={"replays": 2, "cycle": "c" * 32, "job": "j-0123456789ab"})
    by_a_cycle = seen(_remediation={"replays": 1, "cycle": "c" * 32, "job": ["j-0123456789ab"]})
    thrown = Description(b"{garbage", View(ALERTER, job="j-0123456789ab"))
    for text in ("job:j-0123456789ab", "job:j-0123*", "job:j-*"):
        found = [matches(text, each) for each in (sent, again, thrown, by_a_cycle, seen())]
        assert found == [True, True, True, False, False]
    assert not matches("job:j-0123456789ac", sent)
    for wrong in ("job:0123", "job:p-0123", "job:j-x", "job:"):
        with pytest.raises(ValueError, match="job"):
            parse_filter(wrong, NOW)
