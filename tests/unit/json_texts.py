"""JSON as other programs write it: odd white space, escapes, numbers and duplicate keys."""

import json
from typing import Any

from hypothesis import strategies as st

spaces = st.sampled_from(["", "", "", " ", "\n", "\t\r\n "])

plain_values = st.sampled_from(
    [
        *("0", "-0", "7", "-12", "3.0", "0.5", "1e5", "1E-2", "2.50e+01", "true", "false", "null"),
        *("NaN", "Infinity", "-Infinity", "18446744073709551616", "0.1000000000000000055511151231"),
        *("1" + "0" * 400, "-1e400", "1e-999999999999"),
    ]
)

_pieces = st.sampled_from(
    [
        *("a", "_", "b c", "ü", "\u2028", "\U0001f600", "{", "}", "[", "]", ",", ":", "'", "/"),
        *(r"\"", r"\\", r"\/", r"\n", r"\u0000", r"\u005f", r"\ud800", r"\uD83D\uDE00", "\x7f"),
    ]
)
strings = st.lists(_pieces, max_size=5).map(lambda pieces: '"' + "".join(pieces) + '"')

# Spellings of the fields that matter, escaped ones included, among keys that do not.
keys = st.one_of(
    strings,
    st.sampled_from(
        [
            *('"_remediation"', r'"\u005fremediation"', '"_retry_count"', r'"_retry\u005Fcount"'),
            *('"_moog_retry_count"', '"timestamp"', '"hostname"', '"shedding_reason"', '"_retry"'),
        ]
    ),
)


def _array(parts: list[tuple[str, str, str]]) -> str:
    return "[" + ",".join(before + value + after for before, value, after in parts) + "]"


def _object(parts: list[tuple[str, str, str, str, str]]) -> str:
    members = (f"{s1}{key}{s2}:{s3}{value}" for s1, key, s2, s3, value in parts)
    return "{" + ",".join(members) + "}"


def _arrays(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(spaces, inner, spaces), max_size=4).map(_array)


def _objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(spaces, keys, spaces, spaces, inner), max_size=5).map(_object)


values = st.recursive(
    st.one_of(plain_values, strings),
    lambda inner: st.one_of(_arrays(inner), _objects(inner), st.sampled_from(["[ ]", "{\n}"])),
    max_leaves=12,
)
objects = st.tuples(spaces, _objects(values), spaces).map("".join)


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> bytes:
    """A text with up to three bytes replaced, taken out or put in."""
    raw = bytearray(draw(texts).encode())
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        new = draw(st.sampled_from(['"', "{", "}", "[", "]", ",", ":", "\\", "0", "-", ".", "e"]))
        byte = draw(st.sampled_from([new.encode(), b"", b"\x00", b"\x1f", b"\xff", b"\xc3", b" "]))
        raw[at : at + draw(st.integers(0, 1))] = byte
    return bytes(raw)


def decoded(raw: bytes) -> Any:
    """What Python's own decoder makes of the bytes: objects as lists of pairs, numbers as text.

    Raises ValueError when they are not JSON.
    """
    text = raw.decode("utf-8")
    return json.loads(
        text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=Pairs
    )


class Pairs(list[tuple[str, Any]]):
    """An object's members in order, duplicates included."""


def members_of(raw: bytes) -> list[tuple[str, bytes]]:
    """An object's members as (decoded key, the value's own bytes), found with Python's decoder."""
    text = raw.decode("utf-8")
    decoder = json.JSONDecoder(parse_int=str)
    found: list[tuple[str, bytes]] = []

    def past_space(at: int) -> int:
        while text[at] in " \t\n\r":
            at += 1
        return at

    at = past_space(past_space(0) + 1)
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        start = past_space(past_space(at) + 1)
        _, end = decoder.raw_decode(text, start)
        found.append((key, text[start:end].encode()))
        at = past_space(end)
        if text[at] == ",":
            at = past_space(at + 1)
    return found
