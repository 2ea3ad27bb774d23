"""`locate` says the same as Python's own decoder, whatever the bytes, and says where."""

import json
import tracemalloc
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mutt_tasks.core import json_object
from mutt_tasks.core.json_object import locate
from tests.unit.json_texts import Pairs, damaged, decoded, objects, values

# Values are read in one of two ways, depending on the size of the whole.
BUILT, WALKED = 1 << 20, 0
both_ways = pytest.mark.parametrize("build_at_most", [BUILT, WALKED], ids=["built", "walked"])

DEPTH = 100_000
MANY = 50_000_000


def is_object(raw: bytes) -> bool:
    """Python's own answer."""
    try:
        return isinstance(decoded(raw), Pairs)
    except ValueError:
        return False


def is_located(raw: bytes, build_at_most: int) -> bool:
    with patch.object(json_object, "_BUILD_AT_MOST", build_at_most):
        return locate(raw) is not None


@both_ways
@given(raw=st.one_of(st.binary(max_size=40), damaged(objects), damaged(values)))
@settings(max_examples=300)
@example(raw=b"")
@example(raw=b"{")
@example(raw=b'{"a":1,}')
@example(raw=b'{,"a":1}')
@example(raw=b'{"a":01}')
@example(raw=b'{"a":-}')
@example(raw=b'{"a":1.}')
@example(raw=b'{"a":.5}')
@example(raw=b'{"a":1e}')
@example(raw=b'{"a":1e+,"b":2}')
@example(raw=b'{"a":[1e]}')
@example(raw=b'{"a":1.e5}')
@example(raw=b'{"a":1.5.5}')
@example(raw=b'{"a":0x1}')
@example(raw=b'{"a":"b""c":1}')
@example(raw=b'{"a":truefalse}')
@example(raw=b'{"a":1]')
@example(raw=b'{"a":[1e5,true,null,NaN,-Infinity,"x"]}')
@example(raw=b'{"a":+1}')
@example(raw=b'{"a":-NaN}')
@example(raw=b'{"a":nulL}')
@example(raw=b'{"a":[1,]}')
@example(raw=b'{"a":[}]}')
@example(raw=b'{"a":{]}}')
@example(raw=b'{"a":[1}}')
@example(raw=b'{"a":{"b":1]}')
@example(raw=b'{"a":[,1]}')
@example(raw=b'{"a":{"b"}}')
@example(raw=b'{"a":{"b":}}')
@example(raw=b'{"a":{1:2}}')
@example(raw=b'{"a":{"b":1,}}')
@example(raw=b'{"a":[1 2]}')
@example(raw=b'{"a" 1}')
@example(raw=b'{"a":1 "b":2}')
@example(raw=b'{"a":1}{')
@example(raw=b'{"a":1}\x00')
@example(raw=b'{"a":1}\x0b')
@example(raw=b'\xc2\xa0{"a":1}')
@example(raw=b'{"a":\xc2\x85 1}')
@example(raw=b'{"a":"\\x"}')
@example(raw=b'{"a":"\\u12g4"}')
@example(raw=b'{"a":"\\u123"}')
@example(raw=b'{"a":"\\ud800"}')
@example(raw=b'{"a":"\t"}')
@example(raw='{"a":"\x85\u2028"}'.encode())
@example(raw='{"ä":"ö"}'.encode())
@example(raw='{"a":"ö"}'.encode("latin-1"))
@example(raw=b'{"a":"\xed\xa0\x80"}')
@example(raw=b'{"a":"\xc0\x80"}')
@example(raw='{"a":"x"}'.encode("utf-16"))
@example(raw='{"a":"x"}'.encode("utf-32-le"))
@example(raw='{"a":١}'.encode())
def test_it_agrees_with_pythons_decoder_on_what_an_object_is(
    raw: bytes, build_at_most: int
) -> None:
    assert is_located(raw, build_at_most) == is_object(raw)


@both_ways
@given(text=objects)
@settings(max_examples=200)
def test_it_finds_every_member_with_its_key_and_the_bytes_of_its_value(
    text: str, build_at_most: int
) -> None:
    raw = text.encode()
    with patch.object(json_object, "_BUILD_AT_MOST", build_at_most):
        span = locate(raw)

    assert span is not None
    found = [
        (json.JSONDecoder().raw_decode(raw[m.start : m.end].decode())[0], m.value_start, m.end)
        for m in span.members
    ]
    assert Pairs((key, decoded(raw[start:end])) for key, start, end in found) == decoded(raw)
    assert raw[: span.inside].strip(b" \t\r\n") == b"{"


@pytest.mark.parametrize(
    ("raw", "keys"),
    [
        (b'{"\\u005fremediation":1}', ["_remediation"]),
        (b'{"_remediation":1,"_remediation":2}', ["_remediation", "_remediation"]),
        (b'{"\\u005fremediati\\u006fn" : 1 , "" : 2}', ["_remediation", ""]),
        (b'{"a":{"_remediation":1}}', ["a"]),
        (b'{"_remediation\\u0000":1}', ["_remediation\0"]),
    ],
)
def test_keys_are_compared_as_they_read_and_only_at_the_top(raw: bytes, keys: list[str]) -> None:
    span = locate(raw)

    assert span is not None
    assert [member.key for member in span.members] == keys


@pytest.mark.parametrize("bom", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00"])
def test_a_byte_order_mark_or_a_leading_nul_makes_it_no_object(bom: bytes) -> None:
    assert locate(bom + b'{"a":1}') is None


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (b"[", b"]"),
        (b'{"a":', b"}"),
        (b'[{"a":[ ', b"]} ]"),
        (b"[0,", b",0]"),
        (b'{"":0,"b":', b"}"),
    ],
    ids=["arrays", "objects", "mixed", "arrays_with_items", "objects_with_members"],
)
def test_nesting_100000_deep_is_located_like_any_other(opening: bytes, closing: bytes) -> None:
    value = opening * DEPTH + b"1" + closing * DEPTH
    raw = b'{"first":1,"deep":' + value + b',"last":2}'

    span = locate(raw)

    assert span is not None
    assert [member.key for member in span.members] == ["first", "deep", "last"]
    assert raw[span.members[1].value_start : span.members[1].end] == value


@pytest.mark.parametrize(
    "value",
    [
        b"[" * DEPTH,
        b"[" * DEPTH + b"]" * (DEPTH - 1),
        b"[" * DEPTH + b"]" * (DEPTH + 1),
        b"[" * DEPTH + b"]" * (DEPTH - 1) + b"}",
        b'{"a":' * DEPTH + b"1" + b"}" * (DEPTH - 1) + b"]",
        b'{"a":' * DEPTH + b"}" * DEPTH,
    ],
    ids=["unclosed", "one_short", "one_more", "wrong_end", "wrong_object_end", "no_value"],
)
def test_nesting_100000_deep_that_does_not_match_is_no_object(value: bytes) -> None:
    assert locate(b'{"deep":' + value + b"}") is None


@pytest.mark.parametrize(
    "value",
    [
        b'"' + b"x" * MANY + b'"',
        b'"' + "ü".encode() * (MANY // 2) + b'"',
        b'"' + b"\\n" * (MANY // 2) + b'"',
        b"1" * MANY,
        b"-1." + b"0" * MANY,
        b"[" + b" " * MANY + b"]",
    ],
    ids=["text", "umlauts", "escapes", "digits", "fraction", "spaces"],
)
def test_a_value_of_50_megabytes_is_located_whole(value: bytes) -> None:
    raw = b'{"big":' + value + b',"a":1}'

    span = locate(raw)

    assert span is not None
    assert [(m.key, m.end - m.value_start) for m in span.members] == [("big", len(value)), ("a", 1)]


@pytest.mark.parametrize(
    "value",
    [b'"' + b"x" * MANY, b"1" * MANY + b"x", b'"' + b"x" * MANY + b'\n"', b" " * MANY],
    ids=["unclosed_text", "digits_and_a_letter", "line_break_in_text", "nothing_but_spaces"],
)
def test_50_megabytes_that_are_wrong_at_the_very_end_are_no_object(value: bytes) -> None:
    assert locate(b'{"big":' + value + b"}") is None


def test_a_large_value_of_many_parts_is_walked_to_its_end() -> None:
    value = b"[" + b'{"a":[1,"x",null]},' * 100_000 + b"-1.5e3]"
    raw = b'{"big": ' + value + b' ,"a":1}'
    assert len(raw) > BUILT

    span = locate(raw)

    assert span is not None
    assert [raw[m.value_start : m.end] for m in span.members] == [value, b"1"]


def test_hundreds_of_thousands_of_members_are_all_located() -> None:
    raw = b"{" + b'"a":1,' * 300_000 + b'"b":{}}'

    span = locate(raw)

    assert span is not None
    assert len(span.members) == 300_001
    assert span.members[-1].key == "b"


@pytest.mark.parametrize(
    "value",
    [
        b"[" + b",".join([b'{"a":[["a text of some length"]]}'] * 50_000) + b"]",
        b"[" + b",".join([b"[],1"] * 400_000) + b"]",
        b"{" + b",".join(b'"%d":"x"' % n for n in range(200_000)) + b"}",
    ],
    ids=["objects", "items", "members"],
)
def test_a_large_nested_value_is_never_built_in_memory(value: bytes) -> None:
    raw = b'{"big":%s,"n":1}' % value
    tracemalloc.start()
    span = locate(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert span is not None
    assert [member.key for member in span.members] == ["big", "n"]
    # One text of the message; decoded, such a value is many times as large.
    assert peak < 1.5 * len(raw)
