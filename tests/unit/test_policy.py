"""Every message is dealt with by the table of rules, first match wins."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.moments import iso
from mutt_tasks.core.policy import (
    HARD_CAP_FACTOR,
    INCOMPLETE,
    MALFORMED,
    POISON,
    STALE,
    Action,
    Decision,
    Policy,
    decide,
)
from mutt_tasks.core.routes import Route, alerter_route, moog_route
from tests.unit.json_texts import damaged, members_of, objects

ALERTER = alerter_route("dlq", "ingest", "dead")
MOOG = moog_route("dlq:moog", "alerts", "dead")
POLICY = Policy(max_retries=3, backoff=60.0, max_age=0.0)
NOW = 1_714_564_800.0
HOUR = 3600.0
BOTH = pytest.mark.parametrize("route", [ALERTER, MOOG], ids=["alerter", "moog"])


def packed(**fields: Any) -> bytes:
    return json.dumps(
        {"hostname": "r1", "timestamp": iso(NOW), "message": "down"} | fields
    ).encode()


def replayed(replays: int, forgiven: int = 0, ago: float = 10 * HOUR, **fields: Any) -> bytes:
    """A message that was replayed so often, the last time `ago` seconds before NOW."""
    header = {"replays": replays, "forgiven": forgiven, "last_at": iso(NOW - ago)}
    return packed(_remediation=header, **fields)


def decided(raw: bytes, route: Route = ALERTER, policy: Policy = POLICY) -> Decision:
    return decide(raw, route, policy, "c1", NOW)


def fate(raw: bytes, route: Route = ALERTER, policy: Policy = POLICY) -> str:
    """`replay`, `wait`, or the reason for the dead letter list."""
    decision = decided(raw, route, policy)
    return decision.reason or decision.action.value


def header_of(payload: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload)["_remediation"]
    return found


# --- malformed ---


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage",
        b"[1,2]",
        b'"x"',
        b"3",
        b"null",
        b"\xff\xfe",
        b'{"a":1',
        b"{}}",
        b"\x00",
    ],
)
def test_what_is_no_object_goes_to_the_dead_list_untouched(raw: bytes, route: Route) -> None:
    assert decided(raw, route) == Decision(Action.QUARANTINE, MALFORMED, raw)


def test_an_object_without_any_field_is_incomplete_for_the_alerter_only() -> None:
    assert fate(b"{}") == INCOMPLETE
    assert fate(b"{}", MOOG) == "replay"


# --- poison ---


@pytest.mark.parametrize(
    ("raw", "on_alerter", "on_moog"),
    [
        (packed(), "replay", "replay"),
        (packed(_moog_retry_count=2), "replay", "replay"),
        (packed(_moog_retry_count=3), POISON, "replay"),
        (packed(_moog_retry_count=10**400), POISON, "replay"),
        (packed(_moog_retry_count="3"), POISON, "replay"),
        (packed(_moog_retry_count=3.0), POISON, "replay"),
        (packed(_moog_retry_count=-3), "replay", "replay"),
        (packed(_moog_retry_count=True), "replay", "replay"),
        (packed(_moog_retry_count=3.5), "replay", "replay"),
        (packed(_retry_count=10), "replay", "replay"),
        (replayed(2), "replay", "replay"),
        (replayed(3), POISON, POISON),
        (replayed(3, forgiven=1), "replay", "replay"),
        (replayed(4, forgiven=1), POISON, POISON),
        (replayed(2, _moog_retry_count=2), "replay", "replay"),
        (replayed(1, _moog_retry_count=3), POISON, "replay"),
        (replayed(11, forgiven=11), "replay", "replay"),
        (replayed(12, forgiven=12), POISON, POISON),
        (replayed(12, forgiven=999), POISON, POISON),
        (replayed(2, forgiven=999), "replay", "replay"),
    ],
)
def test_the_poison_count_is_the_larger_of_both_on_alerter_and_our_own_on_moog(
    raw: bytes, on_alerter: str, on_moog: str
) -> None:
    assert fate(raw, ALERTER) == on_alerter
    assert fate(raw, MOOG) == on_moog


@given(
    counter=st.integers(0, 20),
    replays=st.integers(0, 30),
    forgiven=st.integers(0, 30),
    most=st.integers(1, 8),
)
@settings(max_examples=400)
def test_poison_is_what_the_rule_says_for_any_numbers(
    counter: int, replays: int, forgiven: int, most: int
) -> None:
    raw = replayed(replays, forgiven, _moog_retry_count=counter)
    counted = max(0, replays - forgiven)
    policy = replace(POLICY, max_retries=most)
    over_the_cap = replays >= HARD_CAP_FACTOR * most

    on_alerter = POISON if max(counter, counted) >= most or over_the_cap else "replay"
    on_moog = POISON if counted >= most or over_the_cap else "replay"

    assert (fate(raw, ALERTER, policy), fate(raw, MOOG, policy)) == (on_alerter, on_moog)


@BOTH
def test_poison_gets_a_header_with_the_reason_and_keeps_its_counters(route: Route) -> None:
    raw = replayed(3, forgiven=0, _retry_count=4, _moog_retry_count=6)

    decision = decided(raw, route)

    assert decision.action is Action.QUARANTINE
    dead, before = json.loads(decision.payload), json.loads(raw)
    assert dead.pop("_remediation") == {
        "replays": 3,
        "forgiven": 0,
        "route": route.name,
        "cycle": "c1",
        "first_at": None,
        "last_at": iso(NOW - 10 * HOUR),
        "reason": POISON,
        "dead_at": iso(NOW),
    }
    before.pop("_remediation")
    assert dead == before


# --- stale ---


@pytest.mark.parametrize(
    ("timestamp", "outcome"),
    [
        (iso(NOW - HOUR - 1), STALE),
        (iso(NOW - HOUR), "replay"),
        (NOW - HOUR - 1, STALE),
        (int(NOW - HOUR - 1) * 1000, STALE),
        (iso(NOW + 99 * HOUR), "replay"),
        (1, STALE),
        ("0001-01-01T00:00:00Z", STALE),
        ("last week", "replay"),
        (True, "replay"),
        ([0], "replay"),
    ],
)
def test_an_event_older_than_the_largest_age_is_stale(timestamp: object, outcome: str) -> None:
    raw = packed(timestamp=timestamp)

    assert fate(raw, policy=replace(POLICY, max_age=HOUR)) == outcome
    assert fate(raw, policy=replace(POLICY, max_age=0)) == "replay"


def test_each_reason_comes_before_the_next() -> None:
    policy = replace(POLICY, max_age=HOUR)
    old = {"timestamp": 1, "ago": 1}

    assert fate(replayed(3, message="", nan=float("nan"), **old), policy=policy) == MALFORMED
    assert fate(replayed(3, message="", **old), policy=policy) == INCOMPLETE
    assert fate(replayed(3, **old), policy=policy) == POISON
    assert fate(replayed(1, **old), policy=policy) == STALE
    assert fate(replayed(1, ago=1), policy=policy) == "wait"
    assert header_of(decided(packed(timestamp=1), policy=policy).payload)["reason"] == STALE


# --- waiting ---


def rest(raw: bytes, ago: float, policy: Policy = POLICY) -> float:
    return decided(raw, policy=policy).ready_at - (NOW - ago)


@pytest.mark.parametrize(("replays", "middle"), [(1, 60), (2, 120), (3, 240), (6, 1920)])
def test_the_rest_doubles_from_a_minute_and_spreads_by_a_fifth(replays: int, middle: int) -> None:
    policy = replace(POLICY, max_retries=100)
    rests = [rest(replayed(replays, ago=1, n=n), 1, policy) / middle for n in range(300)]

    assert 0.8 <= min(rests) < 0.83
    assert 1.17 < max(rests) <= 1.2


@pytest.mark.parametrize("replays", [7, 8, 40, 399])
def test_no_rest_is_longer_than_an_hour(replays: int) -> None:
    policy = replace(POLICY, max_retries=100, backoff=HOUR)
    raw = replayed(replays, forgiven=max(0, replays - 90), ago=1)

    assert 0.8 * HOUR <= rest(raw, 1, policy) <= HOUR


def test_a_message_waits_until_its_rest_is_over_and_then_goes() -> None:
    raw = replayed(1, ago=1)
    ready_at = decided(raw).ready_at

    assert decide(raw, ALERTER, POLICY, "c1", ready_at - 0.001) == Decision(
        Action.WAIT, ready_at=ready_at
    )
    assert decide(raw, ALERTER, POLICY, "c1", ready_at).action is Action.REPLAY


def test_a_message_waits_no_longer_than_until_it_is_too_old() -> None:
    policy = replace(POLICY, max_age=HOUR)
    raw = replayed(1, ago=1, timestamp=NOW - HOUR + 10)
    decision = decided(raw, policy=policy)

    assert (decision.action, decision.ready_at) == (Action.WAIT, NOW + 10)
    assert decide(raw, ALERTER, policy, "c1", NOW + 10.5).reason == STALE
    # Without an age its backoff alone counts, and so it does where the message has long to live.
    full = decided(raw).ready_at
    assert full > NOW + 40
    young = replayed(1, ago=1, timestamp=NOW)
    assert NOW + 40 < decided(young, policy=policy).ready_at < NOW + 80


def test_the_same_message_gets_the_same_rest_at_every_look() -> None:
    raw = replayed(2, ago=30)

    rests = {decide(raw, ALERTER, POLICY, f"c{n}", NOW + n).ready_at for n in range(30)}

    assert len(rests) == 1


def test_forgiven_replays_do_not_lengthen_the_rest() -> None:
    assert 48 <= rest(replayed(9, forgiven=8, ago=1), 1) <= 72
    assert 48 <= rest(replayed(9, forgiven=9, ago=1), 1) <= 72


def test_without_a_backoff_nobody_waits() -> None:
    assert fate(replayed(1, ago=0), policy=replace(POLICY, backoff=0)) == "replay"


@pytest.mark.parametrize(
    "last_at",
    [
        *("2124-05-01T12:00:00Z", "9999-12-31T23:59:59.999999Z", "soon", None, True, [], 10**400),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_a_last_replay_that_cannot_be_is_no_reason_to_wait(last_at: object) -> None:
    raw = packed(_remediation={"replays": 1, "first_at": last_at, "last_at": last_at})

    decision = decided(raw)

    assert decision.action is Action.REPLAY
    assert header_of(decision.payload)["last_at"] == iso(NOW)


# --- replay ---


@BOTH
def test_a_replay_stamps_the_header_and_sets_the_reset_fields_to_zero(route: Route) -> None:
    raw = packed(_retry_count=4, _moog_retry_count=2, big=2**70)

    decision = decided(raw, route)

    assert decision.action is Action.REPLAY
    sent, before = json.loads(decision.payload), json.loads(raw)
    assert sent.pop("_remediation") == {
        "replays": 1,
        "forgiven": 0,
        "route": route.name,
        "cycle": "c1",
        "first_at": iso(NOW),
        "last_at": iso(NOW),
    }
    assert sent == before | dict.fromkeys(route.reset_fields, 0)


def test_the_reset_fields_are_the_consumers_own_counters() -> None:
    assert (ALERTER.reset_fields, MOOG.reset_fields) == (("_retry_count",), ("_moog_retry_count",))


def test_a_reset_field_that_is_missing_is_added() -> None:
    assert json.loads(decided(packed(), ALERTER).payload)["_retry_count"] == 0
    assert json.loads(decided(packed(), MOOG).payload)["_moog_retry_count"] == 0


@pytest.mark.parametrize(
    ("fields", "is_sound"),
    [
        ({}, True),
        ({"_retry_count": 4, "_moog_retry_count": "2"}, True),
        ({"_retry_count": "x"}, False),
        ({"_retry_count": True}, False),
        ({"_retry_count": None}, False),
        ({"_moog_retry_count": -1}, False),
        ({"_moog_retry_count": 1.5}, False),
        ({"_remediation": {"replays": -1}}, False),
        ({"_remediation": "mine"}, False),
    ],
)
def test_a_counter_that_is_none_is_reported_and_the_message_goes(
    fields: dict[str, Any], is_sound: bool
) -> None:
    decision = decided(packed(**fields))

    assert (decision.action, decision.is_sound) == (Action.REPLAY, is_sound)


def test_a_bad_counter_is_reported_of_poison_and_of_waiting_messages_too() -> None:
    assert not decided(replayed(3, _retry_count="x")).is_sound
    assert not decided(replayed(1, ago=1, _retry_count="x")).is_sound


# --- shedding and the long run ---


def test_a_stay_that_ended_in_shedding_is_forgiven() -> None:
    shed = replayed(1, _retry_count=0, shedding_reason="alert queue is long")
    tried = replayed(1, _retry_count=4, shedding_reason="alert queue was long")

    assert header_of(decided(shed).payload)["forgiven"] == 1
    assert header_of(decided(tried).payload)["forgiven"] == 0
    assert header_of(decided(packed(shedding_reason="x")).payload)["forgiven"] == 0


def bounced(raw: bytes, route: Route, **changes: Any) -> list[str]:
    """The fates of a message that comes back at once, and again, until it stays away."""
    now = NOW
    fates: list[str] = []
    while len(fates) < 100 and (not fates or fates[-1] == "replay"):
        decision = decide(raw, route, POLICY, "c1", now)
        fates.append(decision.reason or decision.action.value)
        # The consumers decode, change and encode again.
        raw = json.dumps(json.loads(decision.payload) | changes).encode()
        now += 2 * HOUR
    return fates


@BOTH
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"_retry_count": 4, "_moog_retry_count": 0},
        {"_retry_count": "x", "_moog_retry_count": -1},
    ],
    ids=["nothing_counts", "the_alerter_counts", "somebody_miscounts"],
)
def test_a_message_that_always_comes_back_is_poison_after_three_replays(
    route: Route, changes: dict[str, Any]
) -> None:
    assert bounced(packed(), route, **changes) == ["replay"] * 3 + [POISON]


def test_a_message_that_is_shed_for_ever_is_replayed_at_most_four_times_as_often() -> None:
    fates = bounced(packed(), ALERTER, shedding_reason="alert queue is long")

    assert fates == ["replay"] * (HARD_CAP_FACTOR * 3) + [POISON]


# --- whatever the bytes ---

odd = st.one_of(
    st.sampled_from(
        [
            *(b"3", b'"3"', b"-1", b"true", b"null", b"NaN", b"1e400", b"1e" + b"0" * 5000 + b"1"),
            *(b'"0001-01-01T00:00:00+14:00"', b'"9999-12-31T23:59:59.999999Z"', b'"\\ud800"'),
            *(b'"2024-05-01T11:59:30Z"', b"[" * 200 + b"]" * 200, b"{}", b'"x"', b"1" * 5000),
        ]
    ),
    st.text(max_size=5).map(lambda text: json.dumps(text).encode()),
)


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    """An object that has everything we read, written as badly as can be."""
    fields = dict.fromkeys(draw(st.sets(st.sampled_from(REQUIRED))), b'"x"')
    inner = {name: draw(odd) for name in draw(st.sets(st.sampled_from(HEADER_NAMES)))}
    fields |= {name: draw(odd) for name in draw(st.sets(st.sampled_from(FIELD_NAMES)))}
    if draw(st.booleans()):
        fields["_remediation"] = encoded(inner)
    return encoded(fields)


HEADER_NAMES = ("replays", "forgiven", "first_at", "last_at", "route", "reason")
REQUIRED = ("hostname", "timestamp", "message")
FIELD_NAMES = ("_retry_count", "_moog_retry_count", "timestamp", "shedding_reason", "_remediation")


def encoded(fields: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%s":%s' % (k.encode(), v) for k, v in fields.items()) + b"}"


@BOTH
@given(
    raw=st.one_of(hostile(), st.binary(max_size=30), damaged(objects)),
    max_age=st.sampled_from([0.0, HOUR]),
)
@settings(max_examples=200)
@example(raw=b'{"_remediation":{"first_at":"0001-01-01T00:00:00+14:00"}}', max_age=0.0)
@example(raw=b'{"_retry_count":1e' + b"0" * 5000 + b"1}", max_age=0.0)
def test_any_bytes_whatsoever_are_dealt_with(route: Route, raw: bytes, max_age: float) -> None:
    decision = decided(raw, route, replace(POLICY, max_age=max_age))

    if decision.action is Action.WAIT:
        assert NOW < decision.ready_at <= NOW + 2 * HOUR
        assert decision.payload == b""
    elif decision.reason == MALFORMED:
        assert decision.payload == raw
    else:
        ours = ("_remediation", *(route.reset_fields if decision.reason == "" else ()))
        kept = [member for member in members_of(decision.payload) if member[0] not in ours]
        assert kept == [member for member in members_of(raw) if member[0] not in ours]


def test_what_was_moved_aside_untried_is_not_forgiven_for_an_earlier_outage_again() -> None:
    header = {"replays": 2, "forgiven": 1, "last_at": iso(NOW - HOUR), "lane": "sheltered"}
    outage = replace(POLICY, spans=((NOW - 2 * HOUR, NOW - HOUR / 2),))

    payload = decided(packed(_remediation=header), MOOG, outage).payload

    assert (header_of(payload)["replays"], header_of(payload)["forgiven"]) == (3, 1)
