"""Where a listing goes on, as text and back."""

import pytest

from mutt_tasks.core.cursor import Cursor, parse_cursor

LAST, NEXT = "0123456789ab", "ba9876543210"


@pytest.mark.parametrize(
    ("cursor", "text"),
    [
        (Cursor("dlq"), "dlq.o0"),
        (Cursor("dlq", is_newest_first=True), "dlq.n0"),
        (Cursor("dead-2", False, 7, LAST, NEXT), f"dead-2.o7.{LAST}.{NEXT}"),
        (Cursor("dlq", True, 123_456_789_012, LAST), f"dlq.n123456789012.{LAST}."),
    ],
)
def test_a_cursor_is_written_and_read_back(cursor: Cursor, text: str) -> None:
    assert str(cursor) == text
    assert parse_cursor(f" {text}\n") == cursor


@pytest.mark.parametrize(
    "text",
    [
        *("", "dlq", "dlq.o", "dlq.x0", "dlq.o-1", "d q.o0", "a" * 41 + ".o0", ".o0"),
        "dlq.o7",  # behind some message, but behind which?
        f"dlq.o0.{LAST}.",  # at the very beginning, yet behind one
        f"dlq.o7.{LAST}",
        f"dlq.o7.{LAST[:-1]}.",
        f"dlq.o7.{LAST}.{NEXT[:-1]}",
        f"dlq.o7.{LAST.upper()}.",
        "dlq.o1234567890123." + LAST + ".",
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="accepts the cursor of an earlier page"):
        parse_cursor(text)
