"""Where the members of a JSON object stand in its bytes, without decoding what they hold.

Replaying a message changes two or three of its members; every other byte must survive.
So a message is never decoded and encoded again: its top-level members are located, and
the few that change are cut out and replaced.
"""

import json
import re
from typing import NamedTuple


class Member(NamedTuple):
    """One top-level member: its decoded key, and byte offsets of key, value and the value's end."""

    key: str
    start: int
    value_start: int
    end: int


class Span(NamedTuple):
    """A JSON object's members, in order, and the offset just behind its opening brace."""

    members: tuple[Member, ...]
    inside: int


# Values are only located, so numbers stay text: no limit on digits, no rounding, no cost.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN_VALUE = (
    r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|NaN|-?Infinity"
)
_PLAIN = re.compile(_PLAIN_VALUE)

# Nearly every member of an event is one of these: key and value without escapes or nesting.
# One match replaces half a dozen steps; whatever does not match takes the long way.
_TEXT = r'"[^"\\\x00-\x1f]*+"'
_SIMPLE_MEMBER = re.compile(
    rf'"([^"\\\x00-\x1f]*+)"[ \t\n\r]*+:[ \t\n\r]*+({_TEXT}|{_PLAIN_VALUE})[ \t\n\r]*+(?=[,}}])'
)

# A larger value is walked without building it, so that memory stays flat.
_BUILD_AT_MOST = 1 << 20


def locate(raw: bytes) -> Span | None:
    """Locate the top-level members of a JSON object; None if the bytes are anything else.

    Accepts what the pipeline's own decoder (Python's `json`) accepts, NaN and Infinity
    included, at any depth of nesting and in time linear in the size.
    """
    if not raw.isascii():
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            return None
    # JSON's structure is ASCII, so one character a byte keeps it, and makes offsets byte offsets.
    text = raw.decode("latin-1")
    try:
        return _members(text)
    except (ValueError, IndexError):
        return None


def _members(text: str) -> Span:
    at = _skip(text, 0)
    if text[at] != "{":
        raise ValueError
    inside = at + 1
    members: list[Member] = []
    at = _skip(text, inside)
    closed = text[at] == "}"
    while not closed:
        simple = _SIMPLE_MEMBER.match(text, at)
        if simple:
            members.append(Member(simple[1], at, simple.start(2), simple.end(2)))
            at = simple.end()
        else:
            if text[at] != '"':
                raise ValueError
            key, colon = _DECODER.raw_decode(text, at)
            value_start = _after_colon(text, colon)
            end = _value_end(text, value_start)
            members.append(Member(key, at, value_start, end))
            at = _skip(text, end)
        closed = text[at] == "}"
        if not closed:
            if text[at] != ",":
                raise ValueError
            at = _skip(text, at + 1)
    if _skip(text, at + 1) != len(text):
        raise ValueError
    return Span(tuple(members), inside)


def _skip(text: str, at: int) -> int:
    """The next offset, from `at` on, that is not white space."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _value_end(text: str, start: int) -> int:
    if len(text) <= _BUILD_AT_MOST:
        try:
            return _DECODER.raw_decode(text, start)[1]
        except RecursionError:
            pass
    return _walk(text, start)


def _walk(text: str, at: int) -> int:
    """The end of a value of any size and depth, with a stack of our own instead of Python's."""
    open_containers: list[str] = []
    while True:
        # Here a value must begin.
        char = text[at]
        if char in "{[":
            at = _skip(text, at + 1)
            open_containers.append(char)
            if text[at] not in "}]":
                at = _after_key(text, at) if char == "{" else at
                continue
        else:
            at = _scalar_end(text, at)
        # Here a value has ended: close what closes, then go to the next value.
        while open_containers:
            if text[at] in " \t\n\r":
                at = _skip(text, at)
            char = text[at]
            if char == ",":
                at = _skip(text, at + 1)
                at = _after_key(text, at) if open_containers[-1] == "{" else at
                break
            if char != ("}" if open_containers.pop() == "{" else "]"):
                raise ValueError
            at += 1
        else:
            return at


def _after_key(text: str, at: int) -> int:
    """The start of the value that belongs to the key at `at`."""
    if text[at] != '"':
        raise ValueError
    return _after_colon(text, _DECODER.raw_decode(text, at)[1])


def _after_colon(text: str, at: int) -> int:
    at = _skip(text, at)
    if text[at] != ":":
        raise ValueError
    return _skip(text, at + 1)


def _scalar_end(text: str, at: int) -> int:
    if text[at] == '"':
        return _DECODER.raw_decode(text, at)[1]
    match = _PLAIN.match(text, at)
    if match is None:
        raise ValueError
    return match.end()
