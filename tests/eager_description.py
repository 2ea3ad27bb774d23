"""What people see of a message, found out at once and in the plainest way: a model for tests."""

import json
import math
from dataclasses import dataclass
from typing import Any

from mutt_tasks.core.message import HEADER_FIELD, parse
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.policy import Arrival, arrival
from mutt_tasks.core.redaction import Hints, raw_redacted, redacted, text_redacted
from mutt_tasks.core.routes import Route
from mutt_tasks.core.templates import Masks

MASKS = Masks()

LANES = {
    Arrival.FRESH: "failed",
    Arrival.RETURNED: "failed",
    Arrival.SHED: "shed",
    Arrival.SHELTERED: "sheltered",
    Arrival.MALFORMED: "malformed",
}


@dataclass(frozen=True)
class Eager:
    """The properties of a Description."""

    fields: dict[str, Any]
    text: str
    lane: str
    reason: str
    replays: int
    correlation_id: str
    program: str
    happened_at: float | None
    cycle: str
    group: str

    def values(self, names: tuple[str, ...]) -> list[Any]:
        """What the members with these names hold, also those of the event in an alert."""
        event = self.fields.get("raw_json")
        places = [self.fields, *([event] if isinstance(event, dict) else [])]
        return [place[name] for place in places for name in names if name in place]


def eagerly(
    raw: bytes, route: Route, routes: tuple[Route, ...], hints: Hints, is_dead: bool
) -> Eager:
    """Describe a message; of a dead letter the header may name one of the routes."""
    try:
        found = json.loads(
            raw.decode("utf-8"),
            parse_int=lambda digits: int(digits) if len(digits) <= 4300 else digits,
            parse_float=lambda text: float(text) if math.isfinite(float(text)) else text,
            parse_constant=str,
        )
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        text, alike = raw_redacted(raw, hints), raw_redacted(raw)
        group = MASKS.group_id("malformed", "malformed", "", MASKS.template(alike))
        return Eager({}, text, "malformed", "malformed", 0, "", "", None, "", group)
    hints = hints.within(raw.decode("utf-8"))
    message = parse(raw) if is_dead else None
    named = message.header_route() if message else ""
    lane = LANES[arrival(raw, next((each for each in routes if each.name == named), route))]
    header, event = (_object(found.get(name)) for name in (HEADER_FIELD, "raw_json"))
    reason = (_word(header.get("reason")) or "unknown") if is_dead else lane
    shown, alike = _shown(raw, found, hints)
    moments = [moment_of(each.get("timestamp")) for each in (found, event)]
    words = (each.get(name) for each in (found, event) for name in ("program", "trap_oid"))
    program = next(filter(None, map(_word, words)), "")
    replays = header.get("replays")
    return Eager(
        fields=shown,
        text=text_redacted(alike, Hints(hints.known, parts=())),
        lane=lane,
        reason=reason,
        replays=replays if type(replays) is int and replays >= 0 else 0,
        correlation_id=_word(found.get("_correlation_id")),
        program=program,
        happened_at=next((moment for moment in moments if moment is not None), None),
        cycle=_word(header.get("cycle")),
        group=MASKS.group_id(lane, reason, program, MASKS.template(alike)),
    )


def _shown(raw: bytes, found: dict[str, Any], hints: Hints) -> tuple[dict[str, Any], str]:
    """The members without credentials; and what the message says, known secrets not hidden."""
    try:
        shown = redacted(found, hints)
        for name in ("message", "message_body"):
            if isinstance(found.get(name), str):
                return shown, text_redacted(found[name])
        rest = {name: value for name, value in found.items() if name[:1] != "_"}
        return shown, json.dumps(redacted(rest), sort_keys=True, ensure_ascii=False)
    except RecursionError:
        return {}, raw_redacted(raw)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str:
    return text_redacted(value) if isinstance(value, str) and len(value) <= 200 else ""
