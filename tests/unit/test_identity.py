"""Message ids come from the bytes alone."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.identity import MessageId, Numbering, parse_id


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
