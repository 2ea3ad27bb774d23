"""What is found out fast and only when it is asked for is what a plain look finds."""

import json
from dataclasses import fields as fields_of
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mutt_tasks.core.description import Description, View
from mutt_tasks.core.filters import parse_filter
from mutt_tasks.core.redaction import Hints, _without_shapes, text_redacted
from mutt_tasks.core.routes import alerter_route, moog_route
from tests.eager_description import Eager, eagerly
from tests.unit.json_texts import damaged, objects

ROUTES = (alerter_route("a", "b", "dead"), moog_route("c", "d", "dead"))
NOW = 1_800_000_000.0

pieces = st.sampled_from(
    [
        *(
            "password=hunter2",
            "Bearer AbC12345=",
            "opensesame",
            r"\u0070assword: x",
            "\\",
            "/",
            '"',
        ),
        *(
            "://u:pw@h",
            "AKIA1234567890123456",
            "password 7 0822",
            "link 7 down",
            " ",
            "\t",
            "token",
        ),
        *("rtr-7.example", "10.1.2.3", "K", "ß", "ſ", "İ", "\x1b", "1e3", "1000.0", "null", "***"),
    ]
)
texts = st.lists(pieces, max_size=4).map("".join) | st.text(max_size=5)
odd = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**7) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
counts: st.SearchStrategy[Any] = st.sampled_from([0, 1, -1, True, None, 0.0, "0", "3", [], 10**30])
headers = st.fixed_dictionaries(
    {},
    optional={
        "lane": st.sampled_from(["sheltered", "shed", 1]),
        "route": st.sampled_from(["alerter", "moog", "other", 7]),
        "replays": counts,
        "reason": st.sampled_from(["poison", "stale", "password=x", 5, "r" * 300]),
        "cycle": texts,
        "pad": st.just("x" * 5000),
    },
)
events = st.fixed_dictionaries(
    {},
    optional={
        "_remediation": headers | odd,
        "_retry_count": counts,
        "_moog_retry_count": counts,
        "shedding_reason": odd,
        "timestamp": st.sampled_from(["2026-11-21T05:00:00Z", 1.8e9, "?", True]),
        "number": st.integers(-9, 10**7) | st.floats(),
        "api_key": odd,
        **dict.fromkeys(
            ("hostname", "message", "message_body", "program", "trap_oid"), texts | odd
        ),
        **dict.fromkeys(("x\\u0061", "opensesame", "_correlation_id", "pass"), texts),
    },
)
alerts = st.builds(lambda alert, event: {**alert, "raw_json": event}, events, events | odd)
objects_of_events = st.builds(
    lambda event, is_ascii, pad: (
        json.dumps(event, ensure_ascii=is_ascii)
        .replace("/", r"\/" if pad else "/")
        .encode("utf-8", "surrogatepass")
    ),
    events | alerts,
    st.booleans(),
    st.booleans(),
)
nested = st.sampled_from([40, 70, 400, 600, 1200]).map(
    lambda levels: b'{"a":%s1%s,"message":"up","pass":"x"}' % (b"[" * levels, b"]" * levels)
)
messages = objects_of_events | damaged(objects) | st.binary(max_size=30) | nested
hints = st.sampled_from([Hints(), Hints.of(["opensesame"]), Hints.of(["1000", "message", "raw_"])])
names = ("hostname", "message", "number", "api_key", "xa", "opensesame", "_remediation", "pass")
filters = st.sampled_from(
    [
        *("host:rtr-7*", "message:*LINK*", "number:1000*", "api_key:hunter2", "xa:*", "number:*e*"),
        *(
            "rtr-7.EXAMPLE",
            "10.1.2.",
            "1000.0",
            "1e3",
            '"***"',
            "***",
            "opensesame",
            "k",
            "ss",
            "i",
        ),
        *(
            "password=*",
            "bearer",
            "a*b",
            "null",
            "x",
            "{}",
            "hostname",
            "true",
            '"link 7"',
            "tok\\*",
        ),
        *(
            "number:1000",
            "number:*.0",
            "age>1h",
            "replays>=1",
            "lane:shed",
            "group:s1-*",
            "u0070ass",
        ),
    ]
)


def both(raw: bytes, hints: Hints, place: int) -> tuple[Description, Eager]:
    """A message as it is described, and as the model describes it."""
    is_dead, route = place == 2, ROUTES[place % 2]
    view = View(route, hints, is_dead, ROUTES if is_dead else ())
    return Description(raw, view), eagerly(raw, route, ROUTES, hints, is_dead=is_dead)


@settings(max_examples=300)
@example(b'{"message":"up","a":1e3}', Hints.of(["1000"]), 0)
@example(b"{}", Hints(), 0)
@given(messages, hints, st.integers(0, 2))
def test_a_description_says_what_the_plain_model_says(raw: bytes, hints: Hints, place: int) -> None:
    fast, plain = both(raw, hints, place)

    for each in fields_of(Eager):
        assert repr(getattr(fast, each.name)) == repr(getattr(plain, each.name)), each.name
    for name in names:
        assert repr(both(raw, hints, place)[0].values((name,))) == repr(plain.values((name,)))


@settings(max_examples=600)
@example(b'{"hostname":"\\u0072tr-7"}', Hints(), 0, "host:rtr-7*")
@example(b'{"number":1e3}', Hints(), 0, "number:1000*")
@example(b'{"number":1E3}', Hints(), 0, "1000.0")
@example('{"message":"\u212a"}'.encode(), Hints(), 0, "k")
@given(messages, hints, st.integers(0, 2), filters)
def test_what_a_filter_excludes_by_the_bytes_would_not_match(
    raw: bytes, hints: Hints, place: int, text: str
) -> None:
    meant = parse_filter(text, NOW)
    fast, plain = both(raw, hints, place)
    as_fast: Any = SimpleNamespace(**vars(plain), values=plain.values, age=fast.age)

    matches = meant.matches(cast("Description", as_fast))

    assert meant.matches(fast) == matches
    assert not (meant.excludes(raw) and matches)


@given(texts, hints)
def test_what_is_remembered_of_a_kind_of_text_hides_no_less(text: str, hints: Hints) -> None:
    plain = text
    for secret in hints.known:
        plain = plain.replace(secret, "***")

    assert text_redacted(text, hints) == _without_shapes(plain)
