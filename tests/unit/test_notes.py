"""What notes are kept as, and what they may be about."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.notes import Note, note_of, subject_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.builds(Note, TEXT, TEXT, TEXT))
def test_a_note_is_read_as_it_was_written(note: Note) -> None:
    assert note_of(note.encoded().encode()) == note


@given(st.binary())
def test_what_is_no_note_is_none(raw: bytes) -> None:
    assert note_of(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        *(b"7", b"[]", b"null", b"{}", b'{"at": "x", "actor": "y"}', b"[" * 100_000),
        b'{"at": "x", "actor": "y", "text": 7}',
    ],
)
def test_json_of_another_kind_is_no_note(raw: bytes) -> None:
    assert note_of(raw) is None


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("m-3f2a9c01d4e7", "m-3f2a9c01d4e7"),
        (" M-3F2A9C01D4E7 ", "m-3f2a9c01d4e7"),
        ("m-3f2a9c01d4e7-2", "m-3f2a9c01d4e7"),
        ("s1-9f3a12cd4e5f", "s1-9f3a12cd4e5f"),
        ("S12-9F3A12CD4E5F", "s12-9f3a12cd4e5f"),
    ],
)
def test_a_note_is_about_a_message_or_a_group(text: str, subject: str) -> None:
    assert subject_of(text) == subject


@pytest.mark.parametrize("text", ["", "m-", "j-3f2a9c01d4e7", "s-9f3a12cd4e5f", "s1-9f3a", "x:y"])
def test_it_is_about_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="accepts a message's id"):
        subject_of(text)


@pytest.mark.parametrize("text", ["s12345-9f3a12cd4e5f", "s1-9f3a12cd4e5", "s1-9f3a12cd4e5f0"])
def test_a_group_has_a_version_of_four_digits_at_most_and_twelve_behind_it(text: str) -> None:
    with pytest.raises(ValueError, match="accepts a message's id"):
        subject_of(text)


def test_a_note_is_kept_as_json_with_all_it_says() -> None:
    assert json.loads(Note("now", "ann", "why").encoded()) == {
        **{"at": "now", "actor": "ann", "text": "why"}
    }
