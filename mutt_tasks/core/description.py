"""One message as people see it: what it says, how it came where it lies, and what it looks like."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mutt_tasks.core.message import HEADER_FIELD, SHELTERED_LANE
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.policy import MALFORMED, Arrival, arrival
from mutt_tasks.core.redaction import ALL, NONE, Hints, raw_redacted, redacted, text_redacted
from mutt_tasks.core.routes import Route
from mutt_tasks.core.templates import group_id, template

# How a message came: its consumer failed at it, or set it aside untried, or we did.
FAILED, SHED = "failed", "shed"
_LANES = {
    Arrival.FRESH: FAILED,
    Arrival.RETURNED: FAILED,
    Arrival.SHED: SHED,
    Arrival.SHELTERED: SHELTERED_LANE,
    Arrival.MALFORMED: MALFORMED,
}
LANES = tuple(dict.fromkeys(_LANES.values()))

# A dead letter that bears no reason of ours: somebody else put it there.
UNKNOWN = "unknown"

# An alert holds the event that it was made of, and has its text under another name.
_EVENT = "raw_json"
_TEXTS = ("message", "message_body")

# As many digits as Python reads without being asked.
_MOST_DIGITS = 4300


@dataclass(frozen=True, slots=True)
class Description:
    """What can be said of a message from its bytes, without credentials.

    `fields` are its members; empty when it is no JSON object, or too deep a one. `text` is what it
    says; `alike` is the same, and differs from it where a known secret is hidden. `lane` tells how
    it came, and `reason` why it lies here: a dead letter's own, else the lane. `program` is
    the syslog program or the trap's OID. `happened_at` is the event's own moment, if it names one;
    `cycle` stamped the message last (empty: none did).
    """

    fields: Mapping[str, Any]
    text: str
    alike: str
    lane: str
    reason: str
    replays: int = 0
    correlation_id: str = ""
    program: str = ""
    happened_at: float | None = None
    cycle: str = ""

    @property
    def template(self) -> str:
        """The text with everything variable masked; a known secret may be in it."""
        return template(self.alike)

    @property
    def group(self) -> str:
        """The id of the group of messages that look alike."""
        return group_id(self.lane, self.reason, self.program, self.template)

    def age(self, now: float) -> float | None:
        """How old the event is, in seconds."""
        return None if self.happened_at is None else max(0.0, now - self.happened_at)


def described(
    raw: bytes, route: Route, hints: Hints = ALL, *, is_dead: bool = False
) -> Description:
    """Describe a message that lies in the route's source, or in the dead letter list.

    `hints` says what is hidden.
    """
    fields = _decoded(raw)
    if fields is None:
        alike = raw_redacted(raw)
        return Description({}, raw_redacted(raw, hints), alike, MALFORMED, MALFORMED)
    hints = hints.within(raw.decode("utf-8"))
    header, event = (_object(fields.get(name)) for name in (HEADER_FIELD, _EVENT))
    lane = _lane(raw, fields, route)
    shown, alike = _shown(raw, fields, hints)
    moments = (moment_of(each.get("timestamp")) for each in (fields, event))
    return Description(
        fields=shown,
        text=text_redacted(alike, Hints(hints.known, parts=())),
        alike=alike,
        lane=lane,
        reason=(_word(header.get("reason")) or UNKNOWN) if is_dead else lane,
        replays=_replays(header),
        correlation_id=_word(fields.get("_correlation_id")),
        program=_program(fields) or _program(event),
        happened_at=next((moment for moment in moments if moment is not None), None),
        cycle=_word(header.get("cycle")),
    )


def _decoded(raw: bytes) -> dict[str, Any] | None:
    """The object as Python reads it; None when the bytes are no object.

    Numbers that JSON cannot write, or Python not read, stay text.
    """
    try:
        found = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_number, parse_constant=str)


def _lane(raw: bytes, fields: dict[str, Any], route: Route) -> str:
    """How the message came; the bytes are read only where they can tell something."""
    if HEADER_FIELD not in fields and route.shed_field not in fields:
        return FAILED
    return _LANES[arrival(raw, route)]


def _replays(header: dict[str, Any]) -> int:
    found = header.get("replays")
    is_count = isinstance(found, int) and not isinstance(found, bool) and found >= 0
    return int(header["replays"]) if is_count else 0


def _shown(raw: bytes, fields: dict[str, Any], hints: Hints) -> tuple[dict[str, Any], str]:
    """The members without credentials; and what the message says, known secrets not hidden."""
    by_shape = Hints(parts=hints.parts)
    try:
        shown = fields if hints == NONE else redacted(fields, hints)
    except RecursionError:
        return {}, raw_redacted(raw)
    for name in _TEXTS:
        found = fields.get(name)
        if isinstance(found, str):
            return shown, text_redacted(found, by_shape)
    # Whatever else it says, in an order of its own.
    rest = {name: value for name, value in fields.items() if name[:1] != "_"}
    return shown, json.dumps(redacted(rest, by_shape), sort_keys=True, ensure_ascii=False)


def _program(fields: Mapping[str, Any]) -> str:
    return _word(fields.get("program")) or _word(fields.get("trap_oid"))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    """A short text without credentials; empty for anything else."""
    return text_redacted(value) if isinstance(value, str) and len(value) <= 200 else ""
