"""One message as people see it: what it says, how it came where it lies, and what it looks like.

A look at a million messages asks little of each. So everything is found out when it is asked for,
and from the decoded members wherever they tell the same as the bytes (`simple_bytes`).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeGuard

from mutt_tasks.core.lanes import lane_of, route_named
from mutt_tasks.core.message import HEADER_FIELD, job_named
from mutt_tasks.core.moments import moment_of
from mutt_tasks.core.policy import MALFORMED
from mutt_tasks.core.redaction import (
    ALL,
    NONE,
    Hints,
    key_redacted,
    member_redacted,
    raw_redacted,
    redacted,
    text_redacted,
)
from mutt_tasks.core.routes import Route
from mutt_tasks.core.simple_bytes import is_flat, is_simple
from mutt_tasks.core.templates import Masks

# A dead letter that bears no reason of ours: somebody else put it there.
UNKNOWN = "unknown"

# An alert holds the event that it was made of, and has its text under another name.
_EVENT = "raw_json"
_TEXTS = ("message", "message_body")

# As many digits as Python reads without being asked.
_MOST_DIGITS = 4300
_LONGEST_WORD = 200


@dataclass(frozen=True)
class View:
    """Where messages are looked at, what is hidden then, and what is masked to group them.

    They lie in the source of the `route`, or (`is_dead`) in the dead letter list, where each
    belongs to the one of the `routes` that its header names, else to the `route`; or in the trash
    of the `job` that took them from there.
    """

    route: Route
    hints: Hints = ALL
    is_dead: bool = False
    routes: tuple[Route, ...] = ()
    masks: Masks = Masks()
    job: str = ""

    def shows(self, name: str) -> bool:
        """Whether a member has its name among what people see; asked for few names, very often."""
        known = self._shown_names.get(name)
        if known is None:
            known = self._shown_names[name] = key_redacted(name, self.hints) == name
        return known

    @cached_property
    def _shown_names(self) -> dict[str, bool]:
        return {}


class Description:
    """What can be said of a message from its bytes, without credentials."""

    def __init__(self, raw: bytes, view: View) -> None:
        self._raw, self._view = raw, view
        self._decoded = _decoded(raw)
        self._members: dict[str, Any] = self._decoded or {}

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """Its members; empty when it is no JSON object, or too deep a one."""
        if not self._members or self._hints == NONE:
            return self._members
        try:
            found: Mapping[str, Any] = redacted(self._members, self._hints)
        except RecursionError:
            return {}
        return found

    def values(self, names: tuple[str, ...]) -> list[Any]:
        """What the members with these names hold, also those of the event in an alert."""
        if not self._is_simple:
            event = self.fields.get(_EVENT)
            places = (self.fields, event) if isinstance(event, dict) else (self.fields,)
            return [place[name] for place in places for name in names if name in place]
        if not self._members:
            return []
        view, found = self._view, []
        for place in (self._members, self._event if view.shows(_EVENT) else {}):
            for name in names:
                if name in place and view.shows(name):
                    value = place[name]
                    # A text stands in the bytes as it is, so it makes no difference to ask for all.
                    hints = view.hints if type(value) is str else self._hints
                    found.append(member_redacted(name, value, hints))
        return found

    @property
    def text(self) -> str:
        """What it says."""
        if self._decoded is None:
            return raw_redacted(self._raw, self._view.hints)
        return text_redacted(self.alike, Hints(self._hints.known, parts=()))

    @property
    def alike(self) -> str:
        """The same, and differs from it where a known secret is hidden."""
        is_too_deep = self._members and not is_flat(self._raw) and not self.fields
        if self._decoded is None or is_too_deep:
            return raw_redacted(self._raw)
        for name in _TEXTS:
            found = self._members.get(name)
            if isinstance(found, str):
                return text_redacted(found)
        # Whatever else it says, in an order of its own.
        rest = {name: value for name, value in self._members.items() if name[:1] != "_"}
        try:
            by_shape = Hints(parts=self._hints.parts)
            return json.dumps(redacted(rest, by_shape), sort_keys=True, ensure_ascii=False)
        except RecursionError:
            return raw_redacted(self._raw)

    @property
    def lane(self) -> str:
        """How it came."""
        if self._decoded is None:
            return MALFORMED
        return lane_of(self._raw, self._members, self._route, is_simple=self._is_simple)

    @property
    def reason(self) -> str:
        """Why it lies where it does: a dead letter's own reason, else how it came."""
        if self._decoded is None or not self._view.is_dead:
            return self.lane
        return _word(self._header.get("reason")) or UNKNOWN

    @property
    def replays(self) -> int:
        """How often it was replayed."""
        return _count(self._header.get("replays"))

    @property
    def correlation_id(self) -> str:
        """What names it over its whole life; empty without one."""
        found = self._members.get("_correlation_id")
        # No two messages have the same: it is not worth remembering.
        return text_redacted(found) if _is_word(found) else ""

    @property
    def program(self) -> str:
        """The syslog program, or the trap's OID."""
        return _program(self._members) or _program(self._event)

    @property
    def happened_at(self) -> float | None:
        """The event's own moment in seconds since 1970, if it names one."""
        for each in (self._members, self._event):
            moment = moment_of(each.get("timestamp"))
            if moment is not None:
                return moment
        return None

    @property
    def cycle(self) -> str:
        """What stamped it last; empty without a stamp."""
        return _word(self._header.get("cycle"))

    @property
    def job(self) -> str:
        """The operator's job that threw it away, or else sent it last; empty where none did."""
        return self._view.job or job_named(self._header)

    @property
    def template(self) -> str:
        """The text with everything variable masked; a known secret may be in it."""
        return self._view.masks.template(self.alike)

    @cached_property
    def group(self) -> str:
        """The id of the group of messages that look alike."""
        masks = self._view.masks
        return masks.group_id(self.lane, self.reason, self.program, self.template)

    def age(self, now: float) -> float | None:
        """How old the event is, in seconds."""
        moment = self.happened_at
        return None if moment is None else max(0.0, now - moment)

    @property
    def _route(self) -> Route:
        view, named = self._view, None
        if view.is_dead:
            named = route_named(self._raw, self._members, view.routes, is_simple=self._is_simple)
        return named or view.route

    @cached_property
    def _is_simple(self) -> bool:
        return is_simple(self._raw)

    @cached_property
    def _hints(self) -> Hints:
        return self._view.hints.within(self._raw.decode("utf-8"))

    @property
    def _header(self) -> dict[str, Any]:
        return _object(self._members.get(HEADER_FIELD))

    @property
    def _event(self) -> dict[str, Any]:
        return _object(self._members.get(_EVENT))


def _decoded(raw: bytes) -> dict[str, Any] | None:
    """The object as Python reads it; None when the bytes are no object.

    Numbers that JSON cannot write, or Python not read, stay text.
    """
    decoder = _DECODER if len(raw) > _MOST_DIGITS else _SHORT_DECODER
    try:
        found = decoder.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_number, parse_constant=str)
# No number is too long for Python here, so the decoder need not ask.
_SHORT_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=str)


def _program(fields: Mapping[str, Any]) -> str:
    return _word(fields.get("program")) or _word(fields.get("trap_oid"))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    """A whole number that is not negative; 0 for anything else."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return int(value) if is_count else 0  # type: ignore[call-overload]


def _word(value: object) -> str:
    """A short text without credentials; empty for anything else."""
    return _word_redacted(value) if _is_word(value) else ""


def _is_word(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _LONGEST_WORD


@lru_cache(4096)
def _word_redacted(word: str) -> str:
    return text_redacted(word)
