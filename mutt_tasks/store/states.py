"""Small states as one field of a hash each, in JSON.

What cannot be read (written by hand, by another version, by chance) takes its default, which costs
pace and never a message.
"""

import json
import math
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from mutt_tasks.core.consumer_limits import FollowedLimits
from mutt_tasks.core.flow import Flow
from mutt_tasks.core.pace import Pace
from mutt_tasks.core.packing import packed
from mutt_tasks.core.slo_books import Book, QueueBook
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.core.watch import Watch

State = TypeVar("State", Flow, Suspects, Pace, Watch, FollowedLimits, Book, QueueBook)

# The field that each kind stands in.
FIELDS: dict[type[Any], str] = {
    Flow: "flow",
    Suspects: "suspects",
    Pace: "pace",
    Watch: "watch",
    FollowedLimits: "limits",
}

# All others count something, or are moments.
_SIGNED = frozenset({"ceiling", "low_below", "skew", "tokens"})

# No number of ours comes near this.
_LARGEST = 1e15


def encoded(state: Flow | Suspects | Pace | Watch | FollowedLimits) -> dict[str, str]:
    """A state as a field of its hash."""
    return {FIELDS[type(state)]: packed(state)}


def decoded(kind: type[State], text: bytes | str | None) -> State:
    """The state that a field's text tells."""
    its_kind: Any = kind  # which mypy does not take for hashable
    found: State = _decoded(its_kind, text or b"{}")
    return found


# From one look to the next most of them stay the same.
@lru_cache(maxsize=32)
def _decoded(kind: type[Any], text: bytes | str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return kind()
    return kind(**_values(kind(), found))


def _values(default: Any, found: object) -> dict[str, Any]:
    """What can be read of a state's fields, given the state that they have by default."""
    values: dict[str, Any] = {}
    for each in fields(default):
        value = found.get(each.name) if isinstance(found, dict) else None
        its_default = getattr(default, each.name)
        if is_dataclass(its_default):
            values[each.name] = replace(its_default, **_values(its_default, value))  # type: ignore[type-var]
        elif isinstance(its_default, bool):
            if isinstance(value, bool):
                values[each.name] = value
        elif isinstance(its_default, tuple):
            if isinstance(value, list) and all(_is_pair(pair) for pair in value):
                values[each.name] = tuple(tuple(pair) for pair in value)
        elif value is not None and _is_number(value) and (value >= 0 or each.name in _SIGNED):
            values[each.name] = value if isinstance(its_default, float) else int(value)
    return values


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and -_LARGEST < value < _LARGEST
    )


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def number(raw: bytes | None) -> float:
    """A number of our own state; 0 for anything else, which only costs pace, never a message."""
    try:
        value = float(raw or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
