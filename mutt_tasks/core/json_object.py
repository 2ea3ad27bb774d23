"""Where the members of a JSON object stand in its bytes, without decoding what they hold.

Replaying a message changes two or three of its members; every other byte must survive.
So a message is never decoded and encoded again: its top-level members are located, and
the few that change are cut out and replaced.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple


class Member(NamedTuple):
    """One top-level member: its decoded key, and byte offsets.

    They are those of the key, the value, the value's end, and the next member's key (-1 behind
    the last member).
    """

    key: str
    start: int
    value_start: int
    end: int
    next_start: int


class Span(NamedTuple):
    """A JSON object's members, in order; where the first one stands or would; the last one's end.

    `end` is `inside` when the object is empty.
    """

    members: tuple[Member, ...]
    inside: int
    end: int


# Values are only located, so numbers stay text: no limit on digits, no rounding, no cost.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_WHITE = b" \t\n\r"
_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN_VALUE = (
    r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|NaN|-?Infinity"
)
_PLAIN = re.compile(_PLAIN_VALUE)

# Nearly every member of an event is plain: key and value without escapes or nesting. One match
# replaces half a dozen steps; whatever does not match takes the long way.
_WS = r"[ \t\n\r]*+"
_TEXT = r'"[^"\\\x00-\x1f]*+"'
_PLAIN_MEMBER = re.compile(
    rf'"([^"\\\x00-\x1f]*+)"{_WS}:{_WS}({_TEXT}|{_PLAIN_VALUE}){_WS}(,{_WS}|(?=}}))'
)

# Runs of what nobody asks for are passed in one match. The bound keeps the matcher's own
# memory small, whatever stands in a message.
_EMPTY = rf"\[{_WS}\]|\{{{_WS}\}}"
_ITEMS = re.compile(rf"(?:(?:{_TEXT}|{_PLAIN_VALUE}|{_EMPTY}){_WS},{_WS}){{1,1000}}")


@cache
def _members_but(wanted: frozenset[str]) -> re.Pattern[str]:
    """Runs of plain members, up to one of the wanted keys."""
    keys = "|".join(re.escape(key) for key in sorted(wanted))
    unwanted = rf'(?!(?:{keys})")' if keys else ""
    return re.compile(
        rf'(?:"{unwanted}[^"\\\x00-\x1f]*+"{_WS}:{_WS}(?:{_TEXT}|{_PLAIN_VALUE}|{_EMPTY}){_WS},{_WS})'
        r"{1,1000}"
    )


_ANY_MEMBERS = _members_but(frozenset())

# An object of more parts than this is not read to its end: it would take longer than a step of a
# cycle may, and the queue behind it would never move. Runs of plain members and items count
# once for each thousand, so only tens of megabytes of nothing but structure come here.
_MOST_PARTS = 500_000

# A larger value is walked without building it, so that memory stays flat.
_BUILD_AT_MOST = 1 << 20


def locate(raw: bytes, wanted: frozenset[str] | None = None) -> Span | None:
    """Locate the top-level members of a JSON object; None if the bytes are anything else.

    Only members whose key is `wanted` are returned; None asks for all. Accepts what the
    pipeline's own decoder (Python's `json`) accepts, NaN and Infinity included, at any depth of
    nesting and in time linear in the size. An object of more than _MOST_PARTS parts counts as
    none: the queue behind it must not wait for it.
    """
    before = len(raw) - len(raw.lstrip(_WHITE))
    if raw[before : before + 1] != b"{":
        return None
    if not raw.isascii():
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            return None
    # JSON's structure is ASCII, so one character a byte keeps it, and makes offsets byte offsets.
    text = raw.decode("latin-1")
    try:
        return _members(text, before + 1, wanted, iter(range(_MOST_PARTS)))
    except (ValueError, IndexError, _TooManyParts):
        return None


class _TooManyParts(Exception):
    """The object has more than _MOST_PARTS parts."""


def _members(text: str, at: int, wanted: frozenset[str] | None, parts: Iterator[int]) -> Span:
    """The members from `at` on, which is behind the object's opening."""
    inside = end = at
    members: list[Member] = []
    at = _skip(text, at)
    closed = text[at] == "}"
    run = None if wanted is None else _members_but(wanted)
    while not closed:
        if run is not None:
            at = _past_runs(run, text, at)
        _count(parts)
        start = at
        plain = _PLAIN_MEMBER.match(text, at)
        if plain:
            key = plain[1]
            value_start, end = plain.span(2)
            at = plain.end()
            closed = not plain[3]
        else:
            key, value_start = _key(text, at)
            end = _value_end(text, value_start, parts)
            at = _skip(text, end)
            closed = text[at] == "}"
            if not closed:
                if text[at] != ",":
                    raise ValueError
                at = _skip(text, at + 1)
        if wanted is None or key in wanted:
            members.append(Member(key, start, value_start, end, -1 if closed else at))
    if _skip(text, at + 1) != len(text):
        raise ValueError
    return Span(tuple(members), inside, end)


def _count(parts: Iterator[int]) -> None:
    if next(parts, None) is None:
        raise _TooManyParts


def _past_runs(run: re.Pattern[str], text: str, at: int) -> int:
    """The first offset from `at` on where `run` does not match."""
    match = run.match(text, at)
    while match:
        at = match.end()
        match = run.match(text, at)
    return at


def _skip(text: str, at: int) -> int:
    """The next offset, from `at` on, that is not white space."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _value_end(text: str, start: int, parts: Iterator[int]) -> int:
    if len(text) <= _BUILD_AT_MOST:
        try:
            return _DECODER.raw_decode(text, start)[1]
        except RecursionError:
            pass
    return _walk(text, start, parts)


def _walk(text: str, at: int, parts: Iterator[int]) -> int:
    """The end of a value of any size and depth, with a stack of our own instead of Python's."""
    open_containers: list[str] = []
    while True:
        # Here a value must begin.
        _count(parts)
        char = text[at]
        if char in "{[":
            at = _skip(text, at + 1)
            open_containers.append(char)
            if text[at] not in "}]":
                at = _next_value(text, at, char)
                continue
        else:
            at = _scalar_end(text, at)
        # Here a value has ended: close what closes, then go to the next value.
        while open_containers:
            at = _skip(text, at)
            char = text[at]
            if char == ",":
                at = _next_value(text, _skip(text, at + 1), open_containers[-1])
                break
            if char != ("}" if open_containers.pop() == "{" else "]"):
                raise ValueError
            at += 1
        else:
            return at


def _next_value(text: str, at: int, container: str) -> int:
    """The next value that no run passes; `at` is behind the container's opening or a comma."""
    if container == "[":
        return _past_runs(_ITEMS, text, at)
    return _key(text, _past_runs(_ANY_MEMBERS, text, at))[1]


def _key(text: str, at: int) -> tuple[str, int]:
    """The decoded key at `at`, and where its value begins."""
    if text[at] != '"':
        raise ValueError
    key, at = _DECODER.raw_decode(text, at)
    at = _skip(text, at)
    if text[at] != ":":
        raise ValueError
    return key, _skip(text, at + 1)


def _scalar_end(text: str, at: int) -> int:
    if text[at] == '"':
        return _DECODER.raw_decode(text, at)[1]
    match = _PLAIN.match(text, at)
    if match is None:
        raise ValueError
    return match.end()
