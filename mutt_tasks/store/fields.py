"""How values are handed to Lua scripts, and their answers read: one encoding for every list."""

from collections.abc import Iterable, Mapping
from typing import Any

# Far below 2^63, where Redis stops counting; checks.lua refuses to raise what is longer.
MOST_DIGITS = 17


def listed(values: Iterable[Any]) -> list[Any]:
    """A list as `lists.lua` reads it: how many values follow, then the values."""
    values = list(values)
    return [len(values), *values]


def paired(fields: Mapping[str, Any]) -> list[Any]:
    """A mapping as `lists.lua` reads it: a list of name, value, name, value, …"""
    return listed(part for pair in fields.items() for part in pair)


def whole_number(raw: bytes | None) -> int | None:
    """A counter or a moment of ours; None for anything else, and for what overflows Redis' own."""
    is_one = raw is not None and raw.isdigit() and len(raw) <= MOST_DIGITS
    return int(raw) if raw is not None and is_one else None


def text(raw: bytes | None) -> str:
    """A text that was written by us, by another version, or by hand."""
    return (raw or b"").decode("utf-8", "replace")
