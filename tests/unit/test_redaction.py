"""What people see of a message holds no credential, wherever and however it stands there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.redaction import HIDDEN, Hints, raw_redacted, redacted, text_redacted
from tests.unit.json_texts import damaged, objects

SECRET = "hunter2Zk4"
KEYS = (
    *("api_key", "API-Key", "apiKey", "password", "db.passwd", "Authorization", "x_secret_2"),
    *("auth_token", "SNMP community", "private_key", "pwd", "cookie", "credentials", "smtp_pass"),
)

plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=SECRET), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def with_secret(draw: st.DrawFn) -> Any:
    """A value that holds the secret under a key that says so, at any depth."""
    hidden: Any = draw(st.sampled_from([SECRET, [SECRET], {"v": SECRET}, [[{"a": [SECRET]}], 1]]))
    found: Any = {draw(st.sampled_from(KEYS)): hidden, **draw(st.dictionaries(plain, values))}
    for _ in range(draw(st.integers(0, 3))):
        beside = draw(values)
        found = draw(
            st.sampled_from(
                [
                    {"raw_json": found, "n": beside},
                    [beside, found],
                    {"text": json.dumps(found)},
                    {"text": f"got {json.dumps(found)} there"},
                ]
            )
        )
    return {"message": "link down", "it": found}


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """JSON for it, perhaps with white space, and with letters written as their numbers."""
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.just(1)))
    if draw(st.booleans()):
        letter = draw(st.sampled_from("apkswo_e"))
        text = text.replace(letter, f"\\u{ord(letter):04x}") if "\\" not in text else text
    return text


@given(st.data())
def test_a_secret_is_hidden_at_any_depth_and_in_any_spelling(data: st.DataObject) -> None:
    value = data.draw(with_secret())
    text = data.draw(written(value))

    assert json.loads(text) == value
    assert SECRET not in json.dumps(redacted(value))
    shown = raw_redacted(text.encode())
    assert SECRET not in shown
    assert SECRET not in repr(json.loads(shown))


@given(st.data())
def test_a_message_that_is_cut_off_anywhere_shows_no_secret(data: st.DataObject) -> None:
    text = data.draw(written({"a": 1, "api_key": SECRET, "b": {"password": SECRET}}))
    cut = data.draw(st.integers(0, len(text)))

    shown = raw_redacted(text.encode()[:cut])

    # A part of the secret is as good as the secret.
    assert "hunter" not in shown
    assert "hunter" not in raw_redacted(b"\xff" + text.encode()[:cut])


@given(objects)
def test_what_is_shown_of_the_bytes_and_of_the_fields_is_the_same(text: str) -> None:
    value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)

    shown = json.loads(
        raw_redacted(text.encode()), parse_int=str, parse_float=str, parse_constant=str
    )

    assert shown == redacted(value)


@given(st.data())
def test_what_is_not_in_the_bytes_need_not_be_looked_for(data: st.DataObject) -> None:
    value = data.draw(with_secret() | values)
    text = data.draw(written(value))
    known = Hints.of([SECRET, "linkdown"])

    assert redacted(value, known.within(text)) == redacted(value, known)


@given(st.binary(max_size=60) | damaged(objects))
def test_any_bytes_can_be_shown(raw: bytes) -> None:
    assert isinstance(raw_redacted(raw, Hints.of(["known-secret"])), str)


@given(objects)
def test_json_without_a_secret_stays_byte_for_byte(text: str) -> None:
    if raw_redacted(text.encode()) != text:
        assert HIDDEN in raw_redacted(text.encode())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("login with password=hunter2Zk4, then", "login with password=***, then"),
        ("Authorization: Bearer hunter2Zk4", "Authorization: ***"),
        ("sent Bearer hunter2Zk4.x to", "sent Bearer *** to"),
        ("GET https://ann:hunter2Zk4@host/x", "GET https://***@host/x"),
        ("logged command:username x password 7 hunter2Zk4", None),
        ("snmp-server community hunter2Zk4 RO", "snmp-server community *** RO"),
        ('{"api_key":"hunter2Zk4","a":1', '{"api_key":"***","a":1'),
        ('{"api_key": "hunter2', '{"api_key": "***'),
        ('{"a":"{\\"token\\": \\"hunter2Zk4\\", \\"b\\": 1', None),
        ("token: {hunter2Zk4", "token: ***"),
        ("DB_PASSWORD='hunter2Zk4 x' y", "DB_PASSWORD='***' y"),
        ("-----BEGIN RSA PRIVATE KEY-----\nhunter2Zk4", "***"),
        ("key AKIAHUNTER2ZK4ABCDEF x", "key *** x"),
        ("from ghp_hunter2Zk4hunter2Zk4 x", "from *** x"),
        ("sent xoxb-hunter2Zk4-1 to", "sent *** to"),
        ('{"x_pass": "hunter2"', '{"x_pass": "***"'),
        ("pass=hunter2 of smtp_pass:hunter2", "pass=*** of smtp_pass:***"),
        ("got eyJhunter2Zk4.hunter2Zk4.x too", "got *** too"),
        ('{"api\\u005fkey":"hunter2Zk4"', '{"api_key":"***"'),
    ],
)
def test_what_looks_like_a_credential_is_hidden_in_texts(text: str, shown: str | None) -> None:
    found = text_redacted(text)

    assert "hunter2" not in found
    assert "HUNTER2" not in found
    assert shown is None or found == shown


@pytest.mark.parametrize(
    "text",
    [
        "Failed password for invalid user admin from 172.16.3.4 port 22022 ssh2",
        "%LINK-3-UPDOWN: Interface Gi1/0/3, changed state to down",
        "Basic authentication failed",
        "auth: failed, passed: 3",
        "see http://host:8080/path",
        "neighbor 172.16.3.4 Down Hold Timer Expired (3 s)",
    ],
)
def test_what_people_need_to_read_stays(text: str) -> None:
    assert text_redacted(text) == text


def test_a_known_secret_is_hidden_wherever_it_stands() -> None:
    known = Hints.of(["opensesame", "ab"])

    assert text_redacted("xx opensesame yy ab", known) == "xx *** yy ab"
    assert redacted({"a": ["opensesame"], "opensesame": 1}, known) == {"a": [HIDDEN], HIDDEN: 1}
    assert raw_redacted(b'{"a":"open\\u0073esame"}', known) == '{"a":"***"}'
    assert raw_redacted(b'{"a":"opensesame"}', known) == '{"a":"***"}'


def test_a_known_secret_is_hidden_whole_and_as_a_number() -> None:
    known = Hints.of(["4711", "4711-sesame"])

    assert text_redacted("xx 4711-sesame 4711", known) == "xx *** ***"
    assert redacted({"a": 4711, "b": 5}, known) == {"a": HIDDEN, "b": 5}
    assert raw_redacted(b'{"a":4711,"b":5}', known) == '{"a":"***","b":5}'


def test_nothing_is_shown_as_nothing() -> None:
    assert redacted({"api_key": "", "token": None}) == {"api_key": "", "token": None}
    assert raw_redacted(b'{"api_key":"","token":null}') == '{"api_key":"","token":null}'


# --- at the bounds ---


def test_a_known_secret_of_fewer_than_three_characters_would_hide_too_much() -> None:
    assert Hints.of(["ab", "abc", ""]).known == ("abc",)


def test_a_short_plain_key_is_shown_as_it_is_and_a_longer_one_looked_at() -> None:
    shape = "AKIAHUNTER2ZK4AB"  # sixteen characters

    assert redacted({shape: 1}) == {HIDDEN: 1}
    assert redacted({"password_x": ""}) == {"password_x": ""}
    assert redacted({"token=abc": 1}) == {"token=***": HIDDEN}


@pytest.mark.parametrize("value", [None, "", True, False])
def test_what_says_nothing_need_not_be_hidden(value: object) -> None:
    assert redacted({"api_key": value}) == {"api_key": value}
    text = json.dumps({"api_key": value})
    assert raw_redacted(text.encode()) == text


def test_what_stands_beside_a_hidden_value_is_shown() -> None:
    raw = b'{"api_key":{"a":[1,{"b":2}]},"x":[1],"token":[[1],2],"y":{"z":"t"}}'

    assert raw_redacted(raw) == '{"api_key":"***","x":[1],"token":"***","y":{"z":"t"}}'
    assert raw_redacted(b'{"a":{"token":1},"b":2}') == '{"a":{"token":"***"},"b":2}'
    assert raw_redacted(b'["token","x"]') == '["token","x"]'


def test_a_word_behind_bearer_is_hidden_from_eight_characters_on() -> None:
    assert text_redacted("Bearer abcdefg1") == "Bearer ***"
    assert text_redacted("Bearer abcdef1") == "Bearer abcdef1"


def test_a_name_and_its_value_may_be_eight_spaces_apart() -> None:
    assert text_redacted("pwd        =        x") == "pwd        =        ***"
    assert text_redacted("pwd         = x") == "pwd         = x"


def test_an_empty_quoted_value_stays_and_what_follows_is_shown() -> None:
    assert text_redacted("password='' user=ann") == "password='' user=ann"
    assert text_redacted("password='a b' user=ann") == "password='***' user=ann"
