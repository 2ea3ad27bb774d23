"""An ordinary message, read by the standard library's C decoder: four times as fast.

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

from mutt_tasks.core.message import HEADER_FIELD, LONGEST_TIMESTAMP, Header, members_of
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.refusals import DEEPEST, MOST_DIGITS
from mutt_tasks.core.routes import Route

# In bytes. Its decoded copy is small, and its timestamp is never too long to be decoded.
LARGEST = LONGEST_TIMESTAMP

_MOST_IN_COUNTER = 999_999_999
# Behind a key: a number of 1 to 9 digits, and nothing that would make it another number.
_COUNTER = re.compile(rb"[ \t\n\r]*+:[ \t\n\r]*+([0-9]{1,9}+)(?![0-9.eE])")


class NoJsonError(Exception):
    """The bytes begin like an object and are none: no decoder takes them."""


class PlainMessage(NamedTuple):
    """A message without our header that has nothing odd about it.

    `event` holds its decoded members, `counters` where the value of each reset field stands that it
    has: field, offset, length, in the order of the offsets.
    """

    raw: bytes
    event: dict[str, Any]
    counters: list[tuple[str, int, int]]
    header: Header = Header()

    def timestamp(self) -> float | None:
        """The event's own moment, if it names one."""
        return moment_of(self.event.get("timestamp"))

    def stamped(self, header: bytes, zeroed: tuple[str, ...] = ()) -> bytes:
        """The same bytes with `header`, and 0 in the `zeroed` fields, reset fields all of them."""
        pieces: list[bytes] = []
        kept_to = 0
        for field, at, length in self.counters:
            if field in zeroed:
                pieces += (self.raw[kept_to:at], b"0")
                kept_to = at + length
        added = {field: b"0" for field in zeroed if field not in self.event}
        # The last byte closes the object, and the byte before it ends the last member.
        pieces += (self.raw[kept_to:-1], b",", members_of(added | {HEADER_FIELD: header}), b"}")
        return b"".join(pieces)


def plain_message(raw: bytes, route: Route) -> PlainMessage | None:
    """Read a message of the route's source; None if it is not plain, which says nothing else of it.

    A plain message can be decoded by every consumer, is complete for the one of `route`, was not
    shed, and has no counter but sound ones. Raises NoJsonError where that is found on the way.
    """
    event = decoded(raw)
    if not event or HEADER_FIELD in event or not is_ordinary(event, route):
        return None
    counters: list[tuple[str, int, int]] = []
    for field in route.reset_fields:
        if field in event:
            found = _counter(raw, field)
            if found is None:
                return None
            counters.append((field, *found))
    if len(counters) > 1:
        counters.sort(key=lambda counter: counter[1])
    return PlainMessage(raw, event, counters)


def decoded(raw: bytes) -> dict[str, Any] | None:
    """What every consumer decodes; None if they might not, or if an ASCII letter may be escaped.

    Raises NoJsonError where the bytes are found to be no object.
    """
    if not (raw.startswith(b'{"') and raw.endswith(b"}") and len(raw) <= LARGEST):
        return None
    if raw[-2:-1].isspace() or (b"\\" in raw and b"\\u00" in raw):
        return None
    # Python's limit on digits can be lifted for a process; ours may then decode what others cannot.
    if raw.count(b"[") + raw.count(b"{") > DEEPEST or not _has_limit_on_digits():
        return None
    try:
        text = raw.decode("utf-8")
        event, end = _DECODER.raw_decode(text)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise NoJsonError from None
    except (ValueError, RecursionError):
        return None
    # An object's own `}` is the last byte, so behind an earlier end stands no white space only.
    if end != len(text):
        raise NoJsonError
    found: dict[str, Any] = event  # an object, for it begins with `{`
    return found


def _has_limit_on_digits() -> bool:
    return 0 < sys.get_int_max_str_digits() <= MOST_DIGITS


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


def _counter(raw: bytes, field: str) -> tuple[int, int] | None:
    """Offset and length of the value of a top-level `field` that the decoder found."""
    key = _quoted(field)
    at = raw.find(key)
    behind = at + len(key)
    if raw.find(key, behind) >= 0:
        return None
    found = _COUNTER.match(raw, behind)
    return (found.start(1), found.end(1) - found.start(1)) if found else None
