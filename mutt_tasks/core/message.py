"""One message: what its bytes say about its past, and its bytes with a new stamp."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from mutt_tasks.core.counts import whole_number
from mutt_tasks.core.identity import is_job
from mutt_tasks.core.json_object import Span, locate
from mutt_tasks.core.moments import iso, moment_of

HEADER_FIELD = "_remediation"
# The header's `lane` of a message that was moved aside untried.
SHELTERED_LANE = "sheltered"

_ENCODER = json.JSONEncoder(separators=(",", ":"))

# The text of a longer timestamp is not decoded.
LONGEST_TIMESTAMP = 1 << 16

# No header of ours comes near this; a longer one is somebody else's and is not decoded.
_HEADER_BYTES = 4096
_BEFORE_BYTES = 2048


class Header(NamedTuple):
    """What we wrote into the message when we last touched it.

    `replays` counts all of them, `forgiven` how many of those do not count towards poison;
    `first_at` and `last_at` are moments of the first and the last replay, None before it.
    `is_sheltered` says that the message lies where it is untried, moved aside before an outage
    could destroy it. `before` is the header that a requeue replaced, as JSON, and `job` the
    operator's job that sent the message last; both are empty without one.
    """

    replays: int = 0
    forgiven: int = 0
    first_at: float | None = None
    last_at: float | None = None
    is_sheltered: bool = False
    before: str = ""
    job: str = ""

    def sheltered(self, undoes_replay: bool) -> "Header":
        """The header of a message that is moved aside; `undoes_replay`: its last one was no try."""
        replays = self.replays - undoes_replay
        forgiven = min(self.forgiven, replays)
        return self._replace(replays=replays, forgiven=forgiven, is_sheltered=True)

    def replayed(self, now: float, forgiven: int) -> "Header":
        """The header after one more replay."""
        first_at = now if self.first_at is None else self.first_at
        return Header(self.replays + 1, forgiven, first_at, now, before=self.before, job=self.job)

    def encode(self, route: str, cycle: str, reason: str = "", dead_at: float = 0.0) -> bytes:
        """The header as JSON; `reason` and `dead_at` only on the way to the dead letter list.

        A job sends with its own id as the `cycle`.
        """
        fields: dict[str, object] = {
            "replays": self.replays,
            "forgiven": self.forgiven,
            "route": route,
            "cycle": cycle,
            "first_at": None if self.first_at is None else iso(self.first_at),
            "last_at": None if self.last_at is None else iso(self.last_at),
        }
        if self.job and not is_job(cycle):
            fields["job"] = self.job
        if self.is_sheltered:
            fields["lane"] = SHELTERED_LANE
        if reason:
            fields |= {"reason": reason, "dead_at": iso(dead_at)}
        text = _ENCODER.encode(fields)
        if self.before:
            text = f'{text[:-1]},"before":{self.before}}}'
        return text.encode()


class Count(NamedTuple):
    """A counter's value, and whether it was written as a counter should be."""

    value: int
    is_sound: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A JSON object as it lay in a queue, byte for byte.

    `is_sound` is False when our own header did not hold what we write there.
    """

    raw: bytes
    span: Span
    header: Header
    is_sound: bool

    def value(self, field: str) -> str | None:
        """A top-level value's own text; the last one when the key stands there twice."""
        return _value(self.raw, self.span, field)

    def count(self, field: str) -> Count:
        """A counter of the pipeline; 0 when it is missing or no counter."""
        value = self.value(field)
        number = 0 if value is None else whole_number(value)
        return Count(number or 0, number is not None)

    def header_route(self) -> str:
        """The route that our header names; empty when it names none."""
        name = (_header_fields(self.value(HEADER_FIELD) or "") or {}).get("route")
        return name if isinstance(name, str) else ""

    def header_before(self) -> str:
        """Our header as one that a requeue replaces; empty when there is none."""
        return _kept(_header_fields(self.value(HEADER_FIELD) or "", _number))

    def timestamp(self) -> float | None:
        """The event's own moment, if it names one."""
        value = self.value("timestamp")
        if value is None or len(value) > LONGEST_TIMESTAMP or value[0] in "[{":
            return None
        try:
            return moment_of(json.loads(value))
        except ValueError:
            return None

    def stamped(self, header: bytes, zeroed: tuple[str, ...] = ()) -> bytes:
        """The same bytes with `header` in place of ours, and the `zeroed` fields set to 0.

        Every other byte stays. A field that is missing is added at the end; of several
        `_remediation` members the last is replaced and the others are removed.
        """
        members = self.span.members
        pieces: list[bytes] = []
        missing = dict.fromkeys(zeroed, b"0") | {HEADER_FIELD: header}
        header_is_at = max(
            (at for at, member in enumerate(members) if member.key == HEADER_FIELD), default=-1
        )
        kept_to = 0
        for at, member in enumerate(members):
            if member.key == HEADER_FIELD and at != header_is_at:
                pieces.append(self.raw[kept_to : member.start])
                kept_to = member.next_start
            elif member.key == HEADER_FIELD or member.key in zeroed:
                value = header if at == header_is_at else b"0"
                pieces += (self.raw[kept_to : member.value_start], value)
                kept_to = member.end
                missing.pop(member.key, None)
        end = self.span.end
        pieces.append(self.raw[kept_to:end])
        if missing:
            pieces += (b"" if end == self.span.inside else b",", members_of(missing))
        pieces.append(self.raw[end:])
        return b"".join(pieces)


def members_of(fields: dict[str, bytes]) -> bytes:
    """JSON members, keys that need no escape and texts of values, as they stand in an object."""
    return b",".join([b'"%s":%s' % (key.encode(), value) for key, value in fields.items()])


def parse(raw: bytes, wanted: frozenset[str] | None = None) -> Message | None:
    """Read a message; None when the bytes are no JSON object.

    Only the `wanted` fields, our header among them, can be asked for or replaced; None wants all.
    """
    span = locate(raw, wanted)
    if span is None:
        return None
    value = _value(raw, span, HEADER_FIELD)
    header, is_sound = (Header(), True) if value is None else _header(value)
    return Message(raw, span, header, is_sound)


def sent_by(raw: bytes) -> str:
    """The cycle or the job that stamped a message last; empty when none did."""
    if HEADER_FIELD.encode() not in raw:
        return ""
    message = parse(raw, frozenset({HEADER_FIELD}))
    text = message.value(HEADER_FIELD) if message else None
    name = (_header_fields(text or "") or {}).get("cycle")
    return name if isinstance(name, str) else ""


def died_at(raw: bytes) -> float | None:
    """When a message was set aside (seconds since 1970); None where our header says nothing."""
    if HEADER_FIELD.encode() not in raw:
        return None
    message = parse(raw, frozenset({HEADER_FIELD}))
    text = message.value(HEADER_FIELD) if message else None
    return moment_of((_header_fields(text or "") or {}).get("dead_at"))


def _value(raw: bytes, span: Span, field: str) -> str | None:
    for member in reversed(span.members):
        if member.key == field:
            return raw[member.value_start : member.end].decode("utf-8")
    return None


def _header(value: str) -> tuple[Header, bool]:
    """Our header from its text, and whether all of it was in the shape that we write."""
    return _read_header(value) if len(value) <= _HEADER_BYTES else (Header(), False)


# Messages that were replayed together come back with the same header.
@lru_cache(maxsize=256)
def _read_header(value: str) -> tuple[Header, bool]:
    """What can be read counts: a damaged field must not lift the bound that the others set."""
    fields = _header_fields(value)
    if fields is None:
        return Header(), False
    replays, forgiven = (_count_in(fields.get(name, "0")) for name in ("replays", "forgiven"))
    header = Header(
        replays=replays or 0,
        forgiven=forgiven or 0,
        first_at=moment_of(fields.get("first_at")),
        last_at=moment_of(fields.get("last_at")),
        is_sheltered=fields.get("lane") == SHELTERED_LANE,
        before=_before(value) if "before" in fields else "",
        job=job_named(fields),
    )
    return header, replays is not None and forgiven is not None


def job_named(fields: Mapping[str, object]) -> str:
    """The job that a header names: as what sent the message last, or before others did; or none."""
    return next((name for name in map(fields.get, ("cycle", "job")) if is_job(name)), "")


def _before(value: str) -> str:
    """The header that a requeue replaced, in the text of the one that took its place."""
    return _kept((_header_fields(value, _number) or {}).get("before"))


def _kept(fields: object) -> str:
    """A header that was replaced, as text; without the one before it. Empty when it is too long."""
    if not isinstance(fields, dict):
        return ""
    text = _ENCODER.encode({name: value for name, value in fields.items() if name != "before"})
    return text if len(text) <= _BEFORE_BYTES else ""


def _header_fields(value: str, number: Callable[[str], object] = str) -> dict[str, object] | None:
    """A header's members. Numbers stay text: whole_number reads them, whatever their length."""
    fields = None
    if len(value) <= _HEADER_BYTES:
        with suppress(ValueError, RecursionError):
            fields = json.loads(value, parse_int=number, parse_float=number, parse_constant=str)
    return fields if isinstance(fields, dict) else None


def _number(text: str) -> int | float:
    return json.loads(text)  # type: ignore[no-any-return]


def _count_in(value: object) -> int | None:
    return whole_number(value) if isinstance(value, str) else None
