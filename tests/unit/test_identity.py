"""Message ids come from the bytes alone."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.identity import MessageId, Numbering, digest, parse_id


@given(st.lists(st.sampled_from([b"", b"a", b"\xff", b"{}"])))
def test_the_ids_of_a_listing_differ_and_count_equal_messages(raws: list[bytes]) -> None:
    numbering = Numbering()
    ids = [numbering.id_of(raw) for raw in raws]

    assert len(set(map(str, ids))) == len(raws)
    assert Counter(each.digits for each in ids) == Counter(
        hashlib.sha1(raw).hexdigest()[:12] for raw in raws
    )
    assert [parse_id(str(each)) for each in ids] == ids


def test_an_id_is_read_as_people_paste_it() -> None:
    assert str(MessageId("0123456789ab")) == "m-0123456789ab"
    assert parse_id(" M-0123456789AB-12 ") == MessageId("0123456789ab", 12)


@pytest.mark.parametrize("text", ["", "m-", "m-0123", "0123456789ab", "m-0123456789ab-0", "m-x"])
def test_anything_else_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match="accepts m- and 12 hexadecimal digits"):
        parse_id(text)


def test_the_first_of_equal_messages_has_no_number_and_the_second_has_two() -> None:
    numbering = Numbering()

    ids = [str(numbering.id_of(raw)) for raw in (b"a", b"b", b"a", b"a")]

    # The SHA-1 of `a` is 86f7e437faa5…, that of `b` is e9d71f5ee7c9….
    assert ids == ["m-86f7e437faa5", "m-e9d71f5ee7c9", "m-86f7e437faa5-2", "m-86f7e437faa5-3"]
    assert digest(b"a") == "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
    assert parse_id("m-86f7e437faa5").nth == 1


@pytest.mark.parametrize(
    "text", ["m-0123456789abc", "m-0123456789ab-1234567890", "xm-0123456789ab"]
)
def test_more_digits_than_an_id_has_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="accepts m-"):
        parse_id(text)
