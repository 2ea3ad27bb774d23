"""An edit shows no credential and loses none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.draft import draft_of, finished
from mutt_tasks.core.redaction import ALL, Hints
from tests.unit.json_texts import objects

SECRET = "hunter2Zk4"
HINTS = Hints.of([SECRET])


@given(objects.map(str.encode) | st.binary(max_size=60))
def test_what_is_not_edited_comes_back_byte_for_byte(raw: bytes) -> None:
    try:
        draft = draft_of(raw, HINTS)
    except ValueError:
        return
    assert finished(draft, draft.shown) == raw


@given(st.sampled_from(["api_key", "password", "note"]), st.booleans())
def test_a_credential_is_never_shown_and_always_comes_back(key: str, is_nested: bool) -> None:
    value = {"deep": [1, SECRET]} if is_nested else SECRET
    raw = json.dumps({"hostname": "r1", key: value, "message": f"token={SECRET} x"}).encode()
    draft = draft_of(raw, HINTS)
    assert SECRET.encode() not in draft.shown
    edited = draft.shown.replace(b'"r1"', b'"r2"') + b"\n"
    assert finished(draft, edited) == raw.replace(b'"r1"', b'"r2"')


@pytest.mark.parametrize(
    ("edited", "wrong"),
    [
        (b'{"hostname":"r1"}', "is missing"),
        (b'{"a":"***1***","b":"***1***"}', "stands there twice"),
    ],
)
def test_a_placeholder_that_is_lost_or_doubled_is_refused(edited: bytes, wrong: str) -> None:
    draft = draft_of(b'{"hostname":"r1","api_key":"abc"}', ALL)
    assert draft.shown == b'{"hostname":"r1","api_key":"***1***"}'
    with pytest.raises(ValueError, match=wrong):
        finished(draft, edited)


def test_a_placeholder_of_none_of_its_credentials_is_text_like_any_other() -> None:
    draft = draft_of(b'{"api_key":"abc"}', ALL)
    assert finished(draft, b'{"api_key":"***1***","a":"***7***"}') == (
        b'{"api_key":"abc","a":"***7***"}'
    )


def test_bytes_that_are_no_json_and_hold_a_credential_cannot_be_edited() -> None:
    with pytest.raises(ValueError, match="no JSON"):
        draft_of(b"{broken password=hunter2", ALL)


def test_placeholders_are_numbered_from_one_in_the_order_of_the_bytes() -> None:
    raw = b'{"token":"a","x":1,"api_key":["b",2],"y":"z"}'
    draft = draft_of(raw, ALL)

    assert draft.shown == b'{"token":"***1***","x":1,"api_key":"***2***","y":"z"}'
    assert draft.hidden == [b'"a"', b'["b",2]']
    moved = b'{"api_key":"***2***","token":"***1***"}'
    assert finished(draft, moved) == b'{"api_key":["b",2],"token":"a"}'
    with pytest.raises(ValueError, match=r"\*\*\*2\*\*\*. is missing"):
        finished(draft, b'{"token":"***1***"}')


@pytest.mark.parametrize(
    ("shown", "edited", "result"),
    [
        (b"{}", b"{ }\n", b"{ }"),
        (b"{}", b"{ }\r\n", b"{ }"),
        (b"{}", b"{ }\n\n", b"{ }\n"),
        (b"{}\n", b"{ }\n", b"{ }\n"),
        (b"{}", b"{ }\r", b"{ }\r"),
    ],
)
def test_the_line_end_that_an_editor_adds_is_not_part_of_the_message(
    shown: bytes, edited: bytes, result: bytes
) -> None:
    assert finished(draft_of(shown, ALL), edited) == result


def test_a_placeholder_of_number_nought_stands_for_nothing() -> None:
    draft = draft_of(b'{"api_key":"abc"}', ALL)

    assert finished(draft, b'{"api_key":"***1***","a":"***0***"}').endswith(b'"a":"***0***"}')
