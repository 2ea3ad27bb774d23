"""The frozen messages of a plan, and which of what a job looks at belongs to them."""

from hashlib import sha1

import pytest

from mutt_tasks.core.frozen import WIDTH, FrozenSet
from mutt_tasks.core.hunt import Hunt


def digest(raw: bytes) -> bytes:
    return sha1(raw).digest()


def frozen(*messages: bytes) -> FrozenSet:
    return FrozenSet.of(digest(raw) for raw in messages)


def in_order(*messages: bytes) -> list[bytes]:
    """The messages as their digests are sorted."""
    return sorted(messages, key=digest)


def test_a_set_keeps_sixteen_bytes_of_each_digest_in_order() -> None:
    members = frozen(b"a", b"b", b"c", b"b")

    assert (len(members), len(members.data), WIDTH) == (4, 64, 16)
    assert members.data == b"".join(sorted(digest(raw)[:16] for raw in (b"a", b"b", b"b", b"c")))
    assert frozen(b"c", b"b", b"b", b"a") == members
    assert len(frozen()) == 0


def test_equal_messages_have_places_side_by_side_and_others_none() -> None:
    first, second, third = in_order(b"a", b"b", b"c")
    members = frozen(first, second, second, third)

    assert members.places(digest(first)) == range(1)
    assert members.places(digest(second)) == range(1, 3)
    assert members.places(digest(third)) == range(3, 4)
    assert len(members.places(digest(b"another"))) == 0
    # What is longer than a place is compared as far as the place goes.
    assert members.places(digest(first)[:16] + b"other") == range(1)


def test_each_place_is_taken_once_and_of_equal_messages_as_many_as_there_are() -> None:
    first, second = in_order(b"a", b"b")
    hunt = Hunt(frozen(first, second, second), b"")

    assert hunt.left == 3
    assert hunt.place_of(first, ()) == 0
    assert hunt.place_of(second, ()) == 1
    assert hunt.place_of(second, {1}) == 2
    assert hunt.place_of(second, {1, 2}) is None
    assert hunt.place_of(b"came later", ()) is None


def test_what_is_done_is_not_taken_again() -> None:
    first, second = in_order(b"a", b"b")
    hunt = Hunt(frozen(first, second, second), b"")

    hunt.note([0, 1])

    assert hunt.left == 1
    assert hunt.place_of(first, ()) is None
    assert hunt.place_of(second, ()) == 2


@pytest.mark.parametrize(
    ("done", "left", "place"),
    [(b"", 9, 0), (b"\x80", 8, 1), (b"\x01", 8, 0), (b"\xff", 1, 8), (b"\xff\x80", 0, None)],
)
def test_the_first_place_is_the_highest_bit_of_the_first_byte(
    done: bytes, left: int, place: int | None
) -> None:
    hunt = Hunt(frozen(*[b"same"] * 9), done)

    assert (hunt.left, hunt.place_of(b"same", ())) == (left, place)


def test_places_beyond_the_first_byte_are_noted_as_well() -> None:
    hunt = Hunt(frozen(*[b"same"] * 9), b"\xfe")

    hunt.note([8])

    assert (hunt.left, hunt.place_of(b"same", ())) == (1, 7)
    hunt.note([7])
    assert (hunt.left, hunt.place_of(b"same", ())) == (0, None)


def test_a_hunt_for_nothing_finds_nothing() -> None:
    assert (Hunt.over().left, Hunt.over().place_of(b"a", ())) == (0, None)
