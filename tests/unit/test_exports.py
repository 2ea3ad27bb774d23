"""An export gives the same bytes back, and one that was cut or changed gives none."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.exports import line_of, messages_of, redacted_line_of, sealed
from mutt_tasks.core.identity import Numbering
from mutt_tasks.core.redaction import Hints
from tests.unit.json_texts import damaged, objects

raws = st.lists(st.binary(max_size=30) | damaged(objects) | st.text().map(str.encode), max_size=6)


def lines_of(messages: Iterable[bytes]) -> list[bytes]:
    numbering = Numbering()
    return list(sealed(line_of(str(numbering.id_of(raw)), "dead", raw) for raw in messages))


@given(raws)
def test_any_bytes_come_back_and_nothing_in_a_line_moves_a_terminal(messages: list[bytes]) -> None:
    lines = lines_of(messages)

    assert list(messages_of(lines)) == messages
    assert all(line.endswith(b"\n") and line[:-1].decode().isprintable() for line in lines)
    assert b"".join(lines).splitlines(keepends=True) == lines


@given(raws.filter(bool), st.data())
def test_an_export_that_was_cut_or_changed_is_refused(
    messages: list[bytes], data: st.DataObject
) -> None:
    lines = lines_of(messages)
    at = data.draw(st.integers(0, len(lines) - 1))
    other = line_of(str(Numbering().id_of(b"other")), "dead", b"other")
    changed = data.draw(
        st.sampled_from(
            [
                lines[:at],
                [*lines[:at], *lines[at + 1 :]],
                [*lines[:at], lines[at][:-3], *lines[at + 1 :]],
                [*lines[:at], other, *lines[at:]],
                [*lines[: at + 1], lines[at], *lines[at + 1 :]],
                [*lines, *lines],
                [*lines[:at], b"\n", *lines[at:]],
            ]
        )
    )

    with pytest.raises(ValueError, match=r"line|checksum"):
        list(messages_of(changed))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (redacted_line_of("m-0123456789ab", "dead", b"{}", Hints()), "line 1: it is without cred"),
        (b'{"id":"m-0123456789ab","text":"x"}\n', "line 1: the message is not the one"),
        (b'{"id":"m-0123456789ab","base64":"?"}\n', "line 1: the message is not the one"),
        (b'{"id":7,"text":"x"}\n', "line 1: the message is not the one"),
        (b'{"text":7}\n', "line 1: the message is not the one"),
        (b'{"id":"m-0123456789ab","text":"\\ud800"}\n', "line 1: the message is not the one"),
        (b"[1]\n", "line 1: accepts lines of JSON"),
        (b"[" * 100_000, "line 1: accepts lines of JSON"),
        (b"garbage", "line 1: accepts lines of JSON"),
    ],
)
def test_what_is_wrong_is_named(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        list(messages_of(sealed([line])))


def test_what_people_get_has_no_credentials() -> None:
    line = redacted_line_of(
        "m-1", "dead", b'{"api_key":"hunter2","a":"\x1b opensesame"}', Hints(("opensesame",))
    )

    assert b"hunter2" not in line
    assert b"opensesame" not in line
    assert json.loads(line)["redacted"] is True
