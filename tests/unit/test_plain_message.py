"""What is read fast is decided as if located member by member; and most is read fast."""

import json
import sys
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.moments import iso
from mutt_tasks.core.plain_message import LARGEST, NoJsonError, plain_message
from mutt_tasks.core.policy import MALFORMED, STALE, Policy, decide, decide_located
from mutt_tasks.core.refusals import DEEPEST, MOST_DIGITS
from mutt_tasks.core.routes import Route, alerter_route, moog_route
from mutt_tasks.core.suspects import Suspects
from tests.unit.json_texts import damaged, objects

ALERTER = alerter_route("dlq", "ingest", "dead")
MOOG = moog_route("dlq:moog", "alerts", "dead")
# As no route of ours: several counters to reset, in another order than they stand in.
BOTH_COUNTERS = replace(ALERTER, reset_fields=("_moog_retry_count", "_retry_count"))
ROUTES = (ALERTER, MOOG, BOTH_COUNTERS)
NOW = 1_714_564_800.0
HOUR = 3600.0


def assert_same(raw: bytes, route: Route, policy: Policy, is_cleared: bool = False) -> None:
    """Everything that is decided, the payload byte for byte."""
    fast = decide(raw, route, policy, "c1", NOW, is_cleared=is_cleared)

    assert fast == decide_located(raw, route, policy, "c1", NOW, is_cleared=is_cleared)


def is_plain(raw: bytes, route: Route) -> bool:
    try:
        return plain_message(raw, route) is not None
    except NoJsonError:
        return False


policies = st.builds(
    Policy,
    max_retries=st.integers(1, 4),
    backoff=st.just(60.0),
    max_age=st.sampled_from([0.0, HOUR]),
    suspect_wait=st.sampled_from([0.0, HOUR]),
    suspects_may_go=st.booleans(),
    suspects=st.sampled_from([None, Suspects()]),
)

# --- most messages: what the pipeline writes ---

# An encoder may write the characters from U+0080 to U+00FF and control characters as \\u00XX.
_letters = st.characters(codec="utf-8", min_codepoint=0x100) | st.sampled_from(
    "abcXYZ019 _-:.,;{}[]()/%\n\t"
)
texts = st.text(_letters, max_size=20) | st.sampled_from(
    [
        "down",
        "ü",
        "_retry_count",
        '"_retry_count"',
        "\\",
        '\\"',
        "[{",
        "}",
        "/",
        "\u2028",
        "\U0001f600",
        "x" * 300,
    ]
)
plain_values = st.one_of(
    texts, st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(), st.none(), st.lists(st.integers(), max_size=3),
)  # fmt: skip
FIELDS = ("severity", "facility", "program", "trap_oid", "Retry", "_correlation_id", "raw_json")
moments = st.sampled_from(
    ["2024-05-01T10:00:00Z", "2024-05-01T11:59:30.123456+00:00", 1_714_564_000, 1_714_000_000_000.5]
)


@st.composite
def ordinary(draw: st.DrawFn) -> bytes:
    """An event or alert as the consumers encode it, in any order, with either separators."""
    required = {"hostname": "r1", "message": draw(texts) or "down", "timestamp": draw(moments)}
    more = draw(st.dictionaries(st.sampled_from(FIELDS), plain_values, max_size=4))
    if isinstance(more.get("severity"), list):
        del more["severity"]
    names = ("_retry_count", "_moog_retry_count")
    counters = {name: draw(st.integers(0, 9)) for name in draw(st.sets(st.sampled_from(names)))}
    items = draw(st.permutations(list((required | more | counters).items())))
    separators = draw(st.sampled_from([(", ", ": "), (",", ":"), (" , ", " :\t")]))
    is_escaped = draw(st.booleans())
    return json.dumps(dict(items), separators=separators, ensure_ascii=is_escaped).encode()


def test_most_of_what_the_pipeline_writes_is_plain_and_decided_as_if_located() -> None:
    """Fast equals slow; and at least four in five of the messages did take the fast way."""
    seen: Counter[bool] = Counter()

    @given(raw=ordinary(), route=st.sampled_from(ROUTES), policy=policies, is_cleared=st.booleans())
    @settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
    def holds(raw: bytes, route: Route, policy: Policy, is_cleared: bool) -> None:
        seen[is_plain(raw, route)] += 1
        assert_same(raw, route, policy, is_cleared)

    holds()

    assert seen[True] >= 4 * seen[False]


# --- the borders ---

NAMES = ("_retry_count", "_moog_retry_count")


def spellings(name: str) -> list[str]:
    escaped = f"\\u{ord(name[1]):04x}"
    return [
        *(f'"{name}"', f'"\\u005f{name[1:]}"', f'"_{escaped}{name[2:]}"', f'"\\u005F{name[1:]}"'),
        *(f'"{name} "', f'"x{name}"', f'"\\"{name}"', f'"\\\\{name}"', f'"\\\\u005f{name[1:]}"'),
    ]


odd_keys = st.sampled_from(
    [
        *(text for name in (*NAMES, "_remediation", "hostname") for text in spellings(name)),
        *('"shedding_reason"', r'"shedding\u005freason"', '"timestamp"', '"message"', '"severity"'),
    ]
)
counter_texts = st.sampled_from(
    [
        *("0", "4", "999999999", "1000000000", "-0", "-1", "4.0", "4e0", "4E1", "0e5", "04", "1_0"),
        *('"4"', "true", "null", "[]", "{}", "[4]", "NaN", "1e999", "4.5", "+4", "4 4", '""'),
    ]
)
odd_values = st.one_of(
    counter_texts,
    st.sampled_from(
        [
            *(f'"{name}"' for name in NAMES), '"\\"_retry_count\\": 4"', '{"_retry_count": 4}',
            '{"a":[{"_moog_retry_count":4}]}', '[NaN]', '{"_remediation":{}}', '"\\u00fc"',
            '"\\ud800"', '"\\ud83d\\ude00"', '"\\/"', '"ü"', "-Infinity", "1" * 30, "0.0", "1e-400",
            "9" * MOST_DIGITS, "9" * (MOST_DIGITS + 1), "9" * 400 + ".0", '"x"',
            '"2024-05-01T10:00:00.' + "1" * 90 + '"', '"2024-05-01\\u202810:00:00Z"',
            "[" * (DEEPEST - 2) + "]" * (DEEPEST - 2), "[" * (DEEPEST + 2) + "]" * (DEEPEST + 2),
            "[" + "[]," * DEEPEST + "1]",
        ]
    ),
)  # fmt: skip
BASE = {
    '"hostname"': '"r1"',
    '"timestamp"': '"2024-05-01T10:00:00Z"',
    '"message"': '"down"',
    '"_retry_count"': "4",
    '"_moog_retry_count"': "0",
}
spaces = st.sampled_from(["", " ", "\n", "\t\r\n ", "\x0b"])
# Everything between the members' own texts, and around the object.
GAPS = {"before": "", "key": "", "colon": "", "value": "", "last": "", "behind": ""}
Parts = tuple[list[tuple[str, str]], dict[str, str]]


@st.composite
def _odd(draw: st.DrawFn, parts: Parts) -> Parts:
    """The same members and gaps with one more thing that is odd, or only looks it."""
    members, gaps = list(parts[0]), dict(parts[1])
    at = draw(st.integers(0, len(members) - 1))
    kind = draw(st.sampled_from(["key", "key", "value", "value", "changed", "lost", "gap"]))
    if kind == "key":
        members.insert(at + draw(st.booleans()), (draw(odd_keys), draw(st.sampled_from("45"))))
    elif kind == "value":
        members.insert(at, ('"x"', draw(odd_values)))
    elif kind == "changed":
        members[at] = (members[at][0], draw(odd_values))
    elif kind == "lost":
        del members[at]
    else:
        gap = draw(st.sampled_from(list(GAPS)))
        around = {"before": st.just("\ufeff") | spaces, "behind": st.sampled_from(["}", "{}", " "])}
        gaps[gap] = draw(around.get(gap, spaces))
    return members, gaps


@st.composite
def bordering(draw: st.DrawFn) -> bytes:
    """A plain event with one oddity or two: with more, each would hide what the others do."""
    parts: Parts = draw(st.permutations(list(BASE.items()))), GAPS
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        parts = draw(_odd(parts))
    members, gaps = parts
    inner = ",".join(
        f"{key}{gaps['key']}:{gaps['colon']}{value}{gaps['value']}" for key, value in members
    )
    return f"{gaps['before']}{{{inner}{gaps['last']}}}{gaps['behind']}".encode()


@pytest.mark.parametrize("route", ROUTES, ids=["alerter", "moog", "both_counters"])
def test_what_is_nearly_plain_is_decided_as_if_located(route: Route) -> None:
    """Of these messages some must lie on either side of the border: at least a fifth of them."""
    seen: Counter[bool] = Counter()

    @given(raw=bordering(), policy=policies, is_cleared=st.booleans())
    @settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
    def holds(raw: bytes, policy: Policy, is_cleared: bool) -> None:
        seen[is_plain(raw, route)] += 1
        assert_same(raw, route, policy, is_cleared)

    holds()

    assert min(seen[True], seen[False]) >= seen.total() / 5


@pytest.mark.parametrize("route", ROUTES, ids=["alerter", "moog", "both_counters"])
@given(
    raw=damaged(bordering().map(bytes.decode)) | damaged(objects),
    policy=policies,
    is_cleared=st.booleans(),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_damaged_is_decided_as_if_located(
    route: Route, raw: bytes, policy: Policy, is_cleared: bool
) -> None:
    assert_same(raw, route, policy, is_cleared)


# --- each condition by itself ---

PLAIN = (
    b'{"hostname": "r1", "timestamp": "2024-05-01T10:00:00Z", "message": "down",'
    b' "_retry_count": 4, "n": [1, {"a": "b"}]}'
)
POLICY = Policy(max_retries=3, backoff=60.0, max_age=0.0)


def with_more(members: bytes) -> bytes:
    return PLAIN[:-1] + b", " + members + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN,
        PLAIN.replace(b'"_retry_count": 4, ', b""),
        PLAIN.replace(b": 4,", b"\n:\t999999999 ,"),
        with_more(b'"_moog_retry_count": 2'),
        b'{"x": "\xc3\xbc", ' + PLAIN[1:],
        with_more(b'"raw_json": {"_remediation": {"replays": 9}}'),
        with_more(b'"x": "\\"_retry_count\\": 4, \\\\ \\/"'),
        with_more(b'"x": "\\ud83d\\ude00 \\ud800 \\u2028"'),
        with_more('"ü": "\U0001f600"'.encode()),
        with_more(b'"_retry_count ": 1, "x_retry_count": 2'),
        with_more(b'"x": ' + b"9" * MOST_DIGITS),
        with_more(b'"x": ' + b"[" * (DEEPEST - 20) + b"]" * (DEEPEST - 20)),
        with_more(b'"x": "' + b"y" * (LARGEST - len(with_more(b'"x": ""'))) + b'"'),
    ],
)
def test_this_is_plain(raw: bytes) -> None:
    assert is_plain(raw, ALERTER)
    assert_same(raw, ALERTER, POLICY)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[1]",
        b" " + PLAIN,
        PLAIN + b"\n",
        PLAIN[:-1] + b" }",
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN + PLAIN,
        PLAIN + b"}",
        PLAIN + b"{}",
        PLAIN[:-1],
        with_more(b'"x": "\xff"'),
        with_more(b'"x": "\xed\xa0\x80"'),
        with_more(b'"x": NaN'),
        with_more(b'"x": [-Infinity]'),
        with_more(b'"x": 1e999'),
        with_more(b'"x": ' + b"9" * (MOST_DIGITS + 1)),
        with_more(b'"x": ' + b"[" * DEEPEST + b"]" * DEEPEST),
        with_more(b'"_retry_count": 4'),
        with_more(b'"\\u005fretry_count": 5'),
        with_more(b'"_retry_coun\\u0074": 5'),
        with_more(b'"x": {"_retry_count": 5}'),
        with_more(b'"x": "_retry_count"'),
        with_more(b'"\\"_retry_count": 5'),
        with_more(b'"_remediation": {}'),
        with_more(b'"_remediation": null'),
        with_more(b'"shedding_reason": "x", "_moog_retry_count": 0'),
        with_more(b'"_moog_retry_count": "2"'),
        with_more(b'"_moog_retry_count": true'),
        with_more(b'"_moog_retry_count": -1'),
        with_more(b'"_moog_retry_count": 2.0'),
        with_more(b'"_moog_retry_count": 1000000000'),
        with_more(b'"hostname": ""'),
        with_more(b'"hostname": ["x"]'),
        with_more(b'"timestamp": 1e-400'),
        with_more(b'"message": 5, "trap_oid": "1.3"'),
        with_more(b'"x": "' + b"y" * (LARGEST - len(with_more(b'"x": ""')) + 1) + b'"'),
        *(
            PLAIN.replace(b": 4,", b": %s," % count)
            for count in (b"-0", b"4.0", b"4e1", b"1234567890", b'"4"', b"null", b"true", b"[4]")
        ),
    ],
)
def test_this_is_not_plain_and_decided_as_ever(raw: bytes) -> None:
    assert not is_plain(raw, ALERTER)
    assert_same(raw, ALERTER, replace(POLICY, max_age=HOUR))


def test_where_the_limit_on_digits_was_lifted_a_number_too_long_is_malformed_all_the_same() -> None:
    raw = with_more(b'"x": ' + b"9" * (MOST_DIGITS + 1))
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        decision = decide(raw, ALERTER, POLICY, "c1", NOW)
    finally:
        sys.set_int_max_str_digits(limit)

    assert decision.reason == MALFORMED


def test_a_timestamp_with_a_long_fraction_tells_its_moment_both_ways() -> None:
    old = PLAIN.replace(b"10:00:00Z", b"10:00:00." + b"1" * 90 + b"Z")
    policy = replace(POLICY, max_age=HOUR)

    assert decide(old, ALERTER, policy, "c1", NOW).reason == STALE
    assert_same(old, ALERTER, policy)


def test_a_replay_is_the_same_bytes_with_the_counter_at_zero_and_a_header_at_the_end() -> None:
    payload = decide(PLAIN, ALERTER, POLICY, "c1", NOW).payload
    reset = PLAIN.replace(b'"_retry_count": 4', b'"_retry_count": 0')

    assert payload.startswith(reset[:-1] + b',"_remediation":{"replays":1,')


@pytest.mark.parametrize("raw", [PLAIN, with_more(b'"_remediation": {"replays": 1}')])
def test_a_remembered_stamp_is_that_of_this_route_cycle_and_moment(raw: bytes) -> None:
    asked = [
        (route, cycle, now)
        for route in (ALERTER, MOOG)
        for cycle in ("c1", "c2")
        for now in (NOW, NOW + 0.001)
    ]
    for route, cycle, now in asked * 2:
        stamp = json.loads(decide(raw, route, POLICY, cycle, now).payload)["_remediation"]

        assert (stamp["route"], stamp["cycle"], stamp["last_at"]) == (route.name, cycle, iso(now))
