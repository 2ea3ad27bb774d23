"""An ordinary message, read by the standard library's C decoder: ten times as fast.

The decoder says what a message holds, but not where it stands. Where the reset counters stand is
proved from the bytes instead; docs/design.md has the argument ("Plain messages"). A message for
which one step of it fails is not plain, and is read member by member (`message.parse`).
"""

import json
import re
import sys
from functools import cache
from math import isinf
from typing import Any, NamedTuple

from mutt_tasks.core.message import HEADER_FIELD, LONGEST_TIMESTAMP, Header
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.refusals import DEEPEST, MOST_DIGITS
from mutt_tasks.core.routes import Route

# In bytes. Its decoded copy is small, and its timestamp is never too long to be decoded.
LARGEST = LONGEST_TIMESTAMP

_SPACE = ord(" ")
_HEADER = b',"%b":' % HEADER_FIELD.encode()
_MOST_IN_COUNTER = 999_999_999
# Behind a key: a number of 1 to 9 digits, and nothing that would make it another number.
_COUNTER = re.compile(rb"[ \t\n\r]*+:[ \t\n\r]*+([0-9]{1,9}+)(?![0-9.eE])")


class NoJsonError(Exception):
    """The bytes begin like an object and are none: no decoder takes them."""


class PlainMessage(NamedTuple):
    """A message without our header that has nothing odd about it.

    `event` holds its decoded members; `reset` is `raw` with 0 in each reset field, and without the
    brace that closes it.
    """

    raw: bytes
    event: dict[str, Any]
    reset: bytes
    header: Header = Header()

    def timestamp(self) -> float | None:
        """The event's own moment, if it names one."""
        return moment_of(self.event.get("timestamp"))

    def stamped(self, header: bytes, zeroed: tuple[str, ...] = ()) -> bytes:
        """The same bytes with `header`, and 0 in the `zeroed` fields: all reset fields, or none."""
        # The last byte closes the object, and the byte before it ends the last member.
        body = self.reset if zeroed else self.raw[:-1]
        return b"".join((body, _HEADER, header, b"}"))


def plain_message(raw: bytes, route: Route) -> PlainMessage | None:
    """Read a message of the route's source; None if it is not plain, which says nothing else of it.

    A plain message can be decoded by every consumer, is complete for the one of `route`, was not
    shed, and has no counter but sound ones. Raises NoJsonError where that is found on the way.
    """
    event = decoded(raw)
    if not event or HEADER_FIELD in event or not is_ordinary(event, route):
        return None
    reset = _reset(raw, event, route.reset_fields)
    return None if reset is None else PlainMessage(raw, event, reset)


def decoded(raw: bytes) -> dict[str, Any] | None:
    """What every consumer decodes; None if they might not, or if an ASCII letter may be escaped.

    Raises NoJsonError where the bytes are found to be no object.
    """
    size = len(raw)
    if raw[:2] != b'{"' or raw[-2] <= _SPACE or size > LARGEST:
        return None
    if b"\\" in raw and b"\\u00" in raw:
        return None
    # What is short is neither too deep nor has too many digits.
    if size > DEEPEST and not _is_in_bounds(raw):
        return None
    try:
        text = raw.decode("utf-8")
        event, end = _DECODER.raw_decode(text)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise NoJsonError from None
    except (ValueError, RecursionError):
        return None
    if end != len(text):
        return None
    found: dict[str, Any] = event  # an object, for it begins with `{`
    return found


def _is_in_bounds(raw: bytes) -> bool:
    """Whether no nesting is too deep, and no number that is decoded has too many digits."""
    # Python's limit on digits can be lifted for a process; ours may then decode what others cannot.
    has_limit = 0 < sys.get_int_max_str_digits() <= MOST_DIGITS
    return has_limit and raw.count(b"[") + raw.count(b"{") <= DEEPEST


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError("too large a number")
    return number


def _refuse(constant: str) -> None:
    raise ValueError(f"no JSON: {constant}")


# NaN and infinities are refused wherever they stand.
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse)


def is_ordinary(event: dict[str, Any], route: Route) -> bool:
    """Whether the fields that the rules read are what they should be; it was not shed."""
    if route.shed_field in event or not isinstance(event.get(route.text_field, ""), str):
        return False
    for field in route.required_fields:
        if not event.get(field):
            return False
    for field in route.scalar_fields:
        if isinstance(event.get(field), list | dict):
            return False
    for field in route.failure_fields:
        count = event.get(field, 0)
        if type(count) is not int or not 0 <= count <= _MOST_IN_COUNTER:
            return False
    return True


@cache
def _quoted(field: str) -> bytes:
    return b'"%s"' % field.encode()


def _reset(raw: bytes, event: dict[str, Any], fields: tuple[str, ...]) -> bytes | None:
    """The bytes with 0 in these top-level fields, without the closing brace.

    None if one is no sound counter, or if it is not certain where it stands.
    """
    body = raw[:-1]
    for field in fields:
        key = _quoted(field)
        if field not in event:
            body += b",%b:0" % key
            continue
        at = body.find(key)
        found = _COUNTER.match(body, at + len(key)) if body.rfind(key) == at else None
        if found is None:
            return None
        start, end = found.span(1)
        body = b"%b0%b" % (body[:start], body[end:])
    return body
