"""A frozen set holds what it was made of, and a hunt finds each message of it once."""

import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.frozen import WIDTH, FrozenSet
from mutt_tasks.core.hunt import Hunt


def digest_of(raw: bytes) -> bytes:
    return hashlib.sha1(raw).digest()


def frozen(raws: list[bytes]) -> FrozenSet:
    return FrozenSet.of(digest_of(raw) for raw in raws)


few = st.sampled_from([b"a", b"b", b"c", b"", b"\xff"])
lists = st.lists(few | st.binary(max_size=3), max_size=30)


@given(lists, st.binary(max_size=3))
def test_each_message_has_as_many_places_as_it_was_there(raws: list[bytes], other: bytes) -> None:
    members = frozen(raws)

    places = [place for raw in set(raws) for place in members.places(digest_of(raw))]
    assert sorted(places) == list(range(len(raws))) == list(range(len(members)))
    for raw in {*raws, other}:
        assert len(members.places(digest_of(raw))) == raws.count(raw)


@given(st.lists(st.integers(0, 2**128 - 1) | st.sampled_from([0, 1, 2**128 - 1]), max_size=50))
def test_any_digests_are_found_whole_or_shortened_whatever_their_order(numbers: list[int]) -> None:
    digests = [number.to_bytes(WIDTH, "big") + b"tail" for number in numbers]
    members = FrozenSet.of(digests)

    assert members == FrozenSet.of(reversed(digests)) == FrozenSet.of(d[:WIDTH] for d in digests)
    for digest in digests:
        for place in members.places(digest):
            assert members.data[place * WIDTH : (place + 1) * WIDTH] == digest[:WIDTH]


@given(lists, lists, st.integers(0, 8), st.data())
def test_a_hunt_takes_what_is_in_the_set_and_each_place_once(
    raws: list[bytes], met: list[bytes], at_once: int, data: st.DataObject
) -> None:
    members = frozen(raws)
    done = data.draw(st.sets(st.integers(0, len(raws) - 1))) if raws else set()
    bits = bytearray((len(raws) + 7) // 8)
    for place in done:
        bits[place // 8] |= 0x80 >> place % 8
    hunt = Hunt(members, bytes(bits).rstrip(b"\0"))
    assert hunt.left == len(raws) - len(done)

    found: Counter[bytes] = Counter()
    taken: list[int] = []
    for raw in met:
        free = hunt.place_of(raw, taken)
        if free is not None:
            found[raw] += 1
            taken.append(free)
        if len(taken) > at_once:
            hunt.note(taken)
            taken = []
    hunt.note(taken)

    undone = Counter(
        raw for raw in set(raws) for at in members.places(digest_of(raw)) if at not in done
    )
    assert found == undone & Counter(met)
    assert hunt.left == undone.total() - found.total()
