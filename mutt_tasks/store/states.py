"""Small states as fields of a hash: one field a value, as JSON.

What cannot be read (written by hand, by another version, by chance) takes its default, which costs
pace and never a message.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from mutt_tasks.core.flow import Flow
from mutt_tasks.core.pace import Pace

State = TypeVar("State", Flow, Pace)

# No number of ours comes near this.
_LARGEST = 1e15


def encoded(state: Flow | Pace) -> dict[str, str]:
    """A state as texts by field; moments and averages to the microsecond."""
    return {each.name: json.dumps(_rounded(getattr(state, each.name))) for each in fields(state)}


def decoded(kind: type[State], found: Mapping[bytes, bytes]) -> State:
    """The state in these fields of a hash."""
    values: dict[str, Any] = {}
    for each in fields(kind):
        try:
            value = json.loads(found[each.name.encode()])
        except (KeyError, ValueError, RecursionError):
            continue
        if each.name == "depth":
            is_sound = value is None or _is_number(value)
        elif isinstance(each.default, bool):
            is_sound = isinstance(value, bool)
        elif isinstance(each.default, tuple):
            is_sound = isinstance(value, list) and all(_is_pair(pair) for pair in value)
            value = tuple(tuple(pair) for pair in value) if is_sound else ()
        else:
            is_sound = _is_number(value)
        if is_sound:
            is_whole = isinstance(each.default, int) or each.name == "depth"
            values[each.name] = int(value) if is_whole and _is_number(value) else value
    return kind(**values)


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(part) for part in value]
    return round(value, 6) if isinstance(value, float) else value


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and -_LARGEST < value < _LARGEST
    )


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
