"""What the real alerter and forwarder destroyed, stranded or never delivered is not fed to them."""

import json
from math import isfinite
from threading import Thread
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.policy import INCOMPLETE, MALFORMED, Action, Decision, Policy, decide
from mutt_tasks.core.refusals import DEEPEST, MOST_DIGITS
from mutt_tasks.core.routes import Route, alerter_route, moog_route
from tests.unit.json_texts import objects

ALERTER = alerter_route("dlq", "ingest", "dead")
MOOG = moog_route("dlq:moog", "alerts", "dead")
BOTH = pytest.mark.parametrize("route", [ALERTER, MOOG], ids=["alerter", "moog"])
POLICY = Policy(max_retries=1000, backoff=0.0, max_age=0.0)
NOW = 1_714_564_800.0
MANY = 8_000_000


def event(*more: bytes, **changed: bytes | None) -> bytes:
    """An event with these JSON texts in its fields (None leaves one out), and more members."""
    fields: dict[str, bytes | None] = {
        "hostname": b'"r1"',
        "timestamp": b'"2024-05-01T12:00:00Z"',
        "message": b'"down"',
    }
    written = [
        b'"%s": %s' % (k.encode(), v) for k, v in (fields | changed).items() if v is not None
    ]
    return b"{" + b", ".join([*written, *more]) + b"}"


def decided(raw: bytes, route: Route = ALERTER) -> Decision:
    return decide(raw, route, POLICY, "c1", NOW)


def fate(raw: bytes, route: Route = ALERTER) -> str:
    decision = decided(raw, route)
    return decision.reason or decision.action.value


def decoded(raw: bytes) -> Any:
    """What a consumer decodes and encodes for Moogsoft, on a stack like its own; None if it fails.

    Not on the test's stack, which leaves less of the recursion limit (Hypothesis raises the limit).
    """
    found: list[Any] = []

    def consume() -> None:
        try:
            event = json.loads(raw.decode("utf-8"))
            json.dumps({"custom_info": event}, allow_nan=False)
        except (ValueError, RecursionError):
            return
        found.append(event)

    consumer = Thread(target=consume)
    consumer.start()
    consumer.join()
    return found[0] if found else None


def is_taken(raw: bytes, route: Route) -> bool:
    """Whether the consumer of a route can take a message, by the real consumers' own tests."""
    event = decoded(raw)
    if not isinstance(event, dict):
        return False
    if route.name == "moog":
        return not isinstance(event.get("severity"), list | dict)
    if not all(event.get(name) for name in ("hostname", "timestamp", "message")):
        return False
    trap = event.get("trap_oid")
    is_matched = isinstance(event["message"], str) or (isinstance(trap, str) and trap != "")
    return is_matched and not isinstance(event["hostname"], list | dict)


def holds_no_number(raw: bytes) -> bool:
    """Whether an infinity or NaN is written anywhere, be it where a later member hides it."""

    def refuse(text: str) -> float:
        if not isfinite(float(text)):
            raise ValueError(text)
        return float(text)

    try:
        json.loads(raw, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError):
        return True
    return False


# --- malformed ---

REFUSED_VALUES = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1e999": b"1e999",
    "-1E+0400": b"-1E+0400",
    "400 digits as a float": b"1" * 400 + b".0",
    "299 digits and e99": b"9" * 299 + b"e99",
    "an integer too long": b"9" * (MOST_DIGITS + 1),
    "a negative one": b"-" + b"9" * (MOST_DIGITS + 1),
    "nested too deeply": b"[" * 2000 + b"]" * 2000,
    "objects nested too deeply": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "a hundred thousand deep": b"[" * 100_000 + b"]" * 100_000,
}
TAKEN_VALUES = {
    "the longest integer": b"9" * MOST_DIGITS,
    "a negative one": b"-" + b"9" * MOST_DIGITS,
    "5000 digits behind the point": b"0." + b"9" * 5000,
    "a large float": b"1.7e308",
    "too small for a float": b"1e-5000",
    "as deep as may be": b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1),
    "many, not deep": b"[" + b'[{"a":[1]}],' * 2000 + b"1]",
    "brackets in text": b'"' + b"[{" * 2000 + b'"',
    "NaN in text": b'": NaN, 1e999, [Infinity"',
    "digits in text": b'":' + b"9" * 5000 + b'"',
    "escaped quotes before": b'"\\\\\\": NaN, \\""',
    "a lone surrogate": b'"\\ud800"',
    "a nul": b'"\\u0000"',
}


@BOTH
@pytest.mark.parametrize("where", [b'"x":%s', b'"x":[1,%s]', b'"x" : { "y" :\t%s }'])
@pytest.mark.parametrize("value", REFUSED_VALUES.values(), ids=REFUSED_VALUES)
def test_what_cannot_be_decoded_or_encoded_is_malformed_and_untouched(
    route: Route, where: bytes, value: bytes
) -> None:
    raw = event(where.replace(b"%s", value))

    assert not is_taken(raw, route)
    assert decided(raw, route) == Decision(Action.QUARANTINE, MALFORMED, raw)


@BOTH
@pytest.mark.parametrize("value", TAKEN_VALUES.values(), ids=TAKEN_VALUES)
def test_what_only_looks_like_it_is_replayed(route: Route, value: bytes) -> None:
    raw = event(b'"x":' + value)

    assert is_taken(raw, route)
    assert fate(raw, route) == "replay"


@BOTH
@pytest.mark.parametrize("value", REFUSED_VALUES.values(), ids=REFUSED_VALUES)
def test_what_a_replay_overwrites_may_hold_anything(route: Route, value: bytes) -> None:
    (reset,) = route.reset_fields
    raw = event(b'"%s":%s' % (reset.encode(), value), b'"_remediation":{"note":%s}' % value)

    decision = decided(raw, route)

    assert decision.action is Action.REPLAY
    assert is_taken(decision.payload, route)


def test_a_replay_that_comes_back_malformed_counts_as_come_back() -> None:
    assert decided(event(b'"x":NaN', b'"_remediation":{"replays":2}')).came_back
    assert not decided(event(b'"x":NaN')).came_back


@pytest.mark.parametrize(
    "value",
    [
        b'"' + b"\\n" * (MANY // 2) + b'"',
        b"[" + b"[]," * (MANY // 3) + b"1]",
        b"[" + b"1," * (MANY // 2) + b"1]",
        b"[" + b'"x",' * (MANY // 4) + b"1]",
        b"[" + b"[1]," * 200_000 + b"1]",
    ],
    ids=["escapes", "empty_arrays", "numbers", "texts", "arrays"],
)
def test_megabytes_are_read_to_their_end(value: bytes) -> None:
    assert fate(event(b'"x":' + value)) == "replay"
    assert fate(event(b'"x":' + value, b'"y":1e999')) == MALFORMED


@BOTH
def test_nine_hundred_levels_and_4300_digits_are_the_most(route: Route) -> None:
    def deep(levels: int) -> bytes:
        """So many levels inside of the message."""
        return event(b'"x":' + b"[" * levels + b"]" * levels)

    assert (fate(deep(900), route), fate(deep(901), route)) == ("replay", MALFORMED)
    assert fate(event(b'"x":' + b"9" * 4300), route) == "replay"
    assert fate(event(b'"x":' + b"9" * 4301), route) == MALFORMED


# --- incomplete ---

EMPTY = [b'""', b"0", b"-0", b"0.0", b"-0.0e5", b"1e-400", b"null", b"false", b"[]", b"{ }", None]


@pytest.mark.parametrize("field", ["hostname", "timestamp", "message"])
@pytest.mark.parametrize("value", EMPTY)
def test_an_event_without_what_the_alerter_requires_is_incomplete(
    field: str, value: bytes | None
) -> None:
    raw = event(**{field: value})

    decision = decided(raw)

    assert not is_taken(raw, ALERTER)
    assert (decision.action, decision.reason) == (Action.QUARANTINE, INCOMPLETE)
    dead = json.loads(decision.payload)
    header = dead.pop("_remediation")
    assert (header["reason"], header["route"], header["replays"]) == (INCOMPLETE, "alerter", 0)
    assert dead == json.loads(raw)
    assert fate(raw, MOOG) == "replay"


@pytest.mark.parametrize("field", ["hostname", "timestamp", "message"])
def test_of_a_field_that_stands_there_twice_the_last_one_counts(field: str) -> None:
    escaped = b'"\\u%04x%s"' % (ord(field[0]), field[1:].encode())

    assert fate(event(escaped + b':""')) == INCOMPLETE
    assert fate(b"{" + escaped + b':"",' + event()[1:]) == "replay"


@pytest.mark.parametrize("field", ["hostname", "timestamp"])
@pytest.mark.parametrize("value", [b"5", b"true", b"1.5", b'" "', b'"\\ud800"', b"1e-300"])
def test_what_python_takes_for_true_is_complete(field: str, value: bytes) -> None:
    assert fate(event(**{field: value})) == "replay"


@pytest.mark.parametrize("value", [b"5", b"true", b'["x"]', b'{"a":1}'])
@pytest.mark.parametrize(
    ("trap", "expected"),
    [
        (None, INCOMPLETE),
        (b'""', INCOMPLETE),
        (b"5", INCOMPLETE),
        (b"null", INCOMPLETE),
        (b'"1.3.6.1"', "replay"),
    ],
)
def test_a_message_that_is_no_text_needs_the_number_of_a_trap(
    value: bytes, trap: bytes | None, expected: str
) -> None:
    raw = event(message=value, trap_oid=trap)

    assert fate(raw) == expected
    assert is_taken(raw, ALERTER) == (expected == "replay")


@pytest.mark.parametrize("value", [b"[]", b'["x"]', b"{}", b'{"a":1}'])
def test_a_value_that_is_looked_up_in_a_table_must_not_be_an_array_or_an_object(
    value: bytes,
) -> None:
    assert fate(event(severity=value), MOOG) == INCOMPLETE
    assert fate(event(severity=value), ALERTER) == "replay"
    assert fate(event(hostname=value), ALERTER) == INCOMPLETE
    assert fate(event(hostname=value), MOOG) == "replay"


# --- whatever the bytes ---

numbers = st.builds(
    lambda sign, whole, fraction, power: sign + whole + fraction + power,
    st.sampled_from([b"", b"-"]),
    st.sampled_from([1, 198, 199, 200, 201, 299, 308, 309, 310, 400, 4299, 4300, 4301, 5000]).map(
        lambda digits: b"9" * digits
    )
    | st.just(b"0"),
    st.sampled_from([b"", b"", b".0", b".5", b"." + b"0" * 400 + b"1"]),
    st.sampled_from([b"", b"", b"e5", b"E99", b"e+099", b"e109", b"e-400", b"e308", b"e309"]),
)
texts = st.sampled_from([b'""', b'"x"', b'"\\""', b'": NaN"', b'",[1e999"', b'"\\\\"'])
deep = st.sampled_from([10, DEEPEST - 3, 20_000]).map(lambda n: b"[" * n + b"]" * n)
values = st.one_of(
    numbers, numbers, texts, deep, st.sampled_from([b"NaN", b"null", b"true", b"[]", b"{}", b"0.0"])
)
nested = st.one_of(
    values,
    st.lists(values, max_size=3).map(lambda found: b"[ " + b" , ".join(found) + b"]"),
    st.lists(st.tuples(texts, values), max_size=3).map(
        lambda found: b"{" + b",".join(key + b" : " + value for key, value in found) + b"}"
    ),
)
names = st.sampled_from([b"hostname", b"timestamp", b"message", b"severity", b"trap_oid", b"x"])
members = st.lists(
    st.builds(lambda name, value: b'"%s":%s' % (name, value), names, nested), max_size=3
)


@BOTH
@given(raw=st.one_of(members.map(lambda found: event(*found)), objects.map(str.encode)))
@settings(max_examples=500)
@example(raw=event(b'"x":1', b'"x":' + b"[" * 850 + b"9" * 4301 + b"]" * 850))
def test_the_consumer_takes_what_is_sent_and_nothing_else_is_set_aside(
    route: Route, raw: bytes
) -> None:
    decision = decided(raw, route)

    if decision.action is Action.REPLAY:
        assert is_taken(decision.payload, route)
    else:
        assert decision.reason in (MALFORMED, INCOMPLETE)
        assert not is_taken(raw, route) or holds_no_number(raw)
