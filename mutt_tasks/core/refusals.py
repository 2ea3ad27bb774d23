"""What MUTT's consumers would destroy, strand or never deliver, told from a message's bytes.

Every rule here was seen with the real alerter and forwarder; docs/guarantees.md has the list.
"""

import re
from math import isinf

from mutt_tasks.core.json_object import locate
from mutt_tasks.core.message import Message
from mutt_tasks.core.routes import Route

# Python's JSON decoder stops at its recursion limit of 1000, less the frames of whoever calls it,
# and the alerter wraps an event once more. The real consumers delivered 980 levels.
DEEPEST = 900

# Python's own limit on the digits of an integer that is read from text.
MOST_DIGITS = 4300

# What may hold a number that is too large, or none. Nothing else has to be read closely: fewer than
# 200 digits with an exponent of at most two are far below the largest float.
_SUSPECT = re.compile(
    rb"[:\[,][ \t\n\r]*+(?:NaN|-?(?:Infinity|[0-9]{200}|[0-9.]++[eE][+-]?[0-9]{3}))"
)

_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_HARMLESS = rb"-?+[0-9]{1,199}+(?:\.[0-9]++)?+(?:[eE][+-]?+[0-9]{1,2}+)?+(?![0-9.eE])"
_TO_NEXT_NUMBER = re.compile(rb"(?:" + _TEXT + rb'|[^"0-9NI-]++|' + _HARMLESS + rb")*+")
_NUMBER = re.compile(rb"NaN|-?Infinity|-?[0-9]++[0-9.eE+-]*+")
_EMPTY = rb"\[[ \t\n\r]*+\]|\{[ \t\n\r]*+\}"
_EMPTY_CONTAINER = re.compile(_EMPTY)
_TO_NEXT_BRACKET = re.compile(rb"(?:" + _TEXT + rb'|[^"\[\]{}]++|' + _EMPTY + rb")*+")
_QUOTE = ord('"')


def is_undeliverable(message: Message, replaced: tuple[str, ...]) -> bool:
    """Whether a consumer could not decode the message, or not encode it again for Moogsoft.

    Our header and the `replaced` fields do not matter: a replay overwrites them.
    """
    raw = message.raw
    brackets = raw.count(b"[") + raw.count(b"{")
    has_suspect = _SUSPECT.search(raw) is not None
    if brackets <= DEEPEST and not has_suspect:
        return False
    sent = message.stamped(b"0", replaced)
    return (has_suspect and _has_bad_number(sent)) or (brackets > DEEPEST and _is_too_deep(sent))


def is_incomplete(message: Message, route: Route) -> bool:
    """Whether the fields lack what the route's consumer needs: it would drop the message."""
    if not (route.required_fields or route.scalar_fields):
        return False
    raw = message.raw
    last = {member.key: member for member in message.span.members}
    for field in route.required_fields:
        member = last.get(field)
        if member is None or _is_empty(raw, member.value_start, member.end):
            return True
    for field in route.scalar_fields:
        member = last.get(field)
        if member is not None and raw[member.value_start] in b"[{":
            return True
    member = last.get(route.text_field)
    if member is None or raw[member.value_start] == _QUOTE:
        return False
    span = locate(raw, frozenset({route.text_instead}))
    if span is None or not span.members:
        return True
    instead = span.members[-1]
    return raw[instead.value_start] != _QUOTE or _is_empty(raw, instead.value_start, instead.end)


def _is_empty(raw: bytes, start: int, end: int) -> bool:
    """Whether Python takes the value there for false once it is decoded."""
    if raw[start] == _QUOTE:
        return end - start == len('""')
    first = raw[start : start + 1]
    if first in (b"[", b"{"):
        return _EMPTY_CONTAINER.match(raw, start) is not None
    if first in (b"t", b"f", b"n"):
        return first != b"t"
    # A number: 0, -0.0, and what is too small for a float.
    return float(raw[start:end]) == 0


def _has_bad_number(raw: bytes) -> bool:
    """Whether a number stands in JSON that no decoder takes, or no encoder writes as JSON."""
    at = 0
    while True:
        at = _TO_NEXT_NUMBER.match(raw, at).end()  # type: ignore[union-attr]
        number = _NUMBER.match(raw, at)
        if number is None:
            return False
        at = number.end()
        text = number[0]
        if text.lstrip(b"-").isdigit():
            if len(text.lstrip(b"-")) > MOST_DIGITS:
                return True
        elif text == b"NaN" or isinf(float(text)):
            return True


def _is_too_deep(raw: bytes) -> bool:
    """Whether JSON is nested more than DEEPEST levels deep."""
    at = depth = 0
    while True:
        at = _TO_NEXT_BRACKET.match(raw, at).end()  # type: ignore[union-attr]
        if at == len(raw):
            return False
        depth += 1 if raw[at] in b"[{" else -1
        if depth > DEEPEST:
            return True
        at += 1
