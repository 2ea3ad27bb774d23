"""A place in a list is known again by the messages before it, also where some are equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.places import Around, Ends, Place, arrived, best, is_certain, name_of

letters = st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=30)


def ends_of(messages: list[bytes], size: int = 8) -> Ends:
    return Ends(messages[:size], messages[-size:], len(messages))


def around(first: int, text: str, *, is_end: bool) -> Around:
    return Around(first, [name_of(letter.encode()) for letter in text], is_end)


def place(before: str, following: str, at: int | None = None) -> Place:
    passed, rest = ([letter.encode() for letter in each] for each in (before, following))
    return Place.behind(len(before) if at is None else at, passed, rest)


@pytest.mark.parametrize(
    ("known", "seen", "is_end", "where"),
    [
        (place("abc", "d"), "xyabcd", False, 5),  # two came
        (place("abc", "d"), "bcd", False, 2),  # one left at the beginning
        (place("aaa", "b"), "aaaaab", False, 5),  # what follows tells
        (place("bca", "a"), "ab" + "bcaa", False, 5),  # so does what stands further before
        (place("abc", "d"), "xab", True, 3),  # c and d left at the end
        (place("abc", ""), "abcd", False, 3),
        (place("abc", "d"), "xbce", False, 3),  # what is most like it
        (place("abc", "d"), "xyz", False, None),
        (place("abc", "d"), "dxyz", False, 0),  # all before it left
    ],
)
def test_where_a_place_is_now(known: Place, seen: str, is_end: bool, where: int | None) -> None:
    found = best(known, around(0, seen, is_end=is_end))

    assert (found.at if found else None) == where


def test_a_place_is_certain_where_all_is_as_it_was() -> None:
    known = place("abc", "d", at=7)

    assert is_certain(known, around(4, "abcd", is_end=False), 3)
    assert not is_certain(known, around(4, "abcx", is_end=False), 3)
    assert not is_certain(known, around(4, "xbcd", is_end=False), 3)
    assert is_certain(known, around(4, "xab", is_end=True), 3)


def test_few_large_messages_are_enough_to_know_a_place_by() -> None:
    large = [b"a" * 20_000, b"b" * 20_000]

    assert Place.behind(2, large, []).names == (name_of(large[1]),)
    assert len(Place.behind(50, [b"a"] * 50, []).names) == 20


@given(letters, letters, st.integers(0, 30))
def test_no_more_came_than_did(before: list[bytes], coming: list[bytes], leaving: int) -> None:
    now = [*coming, *before][: len(before) + len(coming) - min(leaving, len(before))]

    assert arrived(ends_of(before), ends_of(now)) <= len(coming)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 8))
def test_what_came_is_counted_where_messages_differ(length: int, coming: int, leaving: int) -> None:
    before = [b"%d" % n for n in range(length)]
    came = [b"new %d" % n for n in range(coming)]
    now = [*came, *before[: max(0, length - leaving)]]

    found = arrived(ends_of(before), ends_of(now))

    assert found == coming or leaving >= min(8, length)
