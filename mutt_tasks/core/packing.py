"""Dataclasses as JSON texts, and back by their types."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

# The fields of a dataclass are what it holds; to copy them first would take most of the time.
_ENCODER = json.JSONEncoder(default=vars, separators=(",", ":"))


def packed(value: Any) -> str:
    """A dataclass, or a mapping or sequence of such, as JSON."""
    return _ENCODER.encode(value)


def unpacked(kind: Any, text: str) -> Any:
    """The value of this type that a text tells; raises ValueError for anything else.

    What a dataclass has and the text does not takes its default, so that a later version reads what
    an earlier one wrote.
    """
    try:
        return _value(kind, json.loads(text))
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _value(kind: Any, found: Any) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if found is None else _value(args[0], found)
    if origin is tuple:
        return tuple(_value(args[0], each) for each in _a(list, found))
    if origin in (Mapping, dict):
        pairs = _a(dict, found).items()
        return {_value(args[0], name): _value(args[1], each) for name, each in pairs}
    if is_dataclass(kind):
        its_fields = _a(dict, found)
        types = get_type_hints(kind)
        return kind(  # type: ignore[operator]
            **{
                each.name: _value(types[each.name], its_fields[each.name])
                for each in fields(kind)
                if each.name in its_fields
            }
        )
    if issubclass(kind, Enum):
        return kind(found)
    return float(_a((int, float), found)) if kind is float else _a(kind, found)


def _a(kind: Any, found: Any) -> Any:
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise TypeError(f"got {type(found).__name__}, accepts {kind}")
    return found
