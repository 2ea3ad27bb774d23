"""What a file's data (`slo.yaml`) make of the objectives that are built in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from mutt_tasks.core.slo import DAY, HOUR, Objective
from mutt_tasks.core.slo_objectives import OBJECTIVES

_UNITS = {"s": 1.0, "m": 60.0, "h": HOUR, "d": DAY, "w": 7 * DAY}
# A word that names an objective in labels, and in the file.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NUMBERS, _TEXTS = ("objective", "window", "least"), ("title", "events", "failures", "series")


def objectives_of(data: object) -> tuple[Objective, ...]:
    """The objectives that a file's data make of those that are built in.

    `objectives` maps names to `false` (that one is off) or to what differs: `objective` (a share),
    `window` (such as `30d`), `least`, `title`. One with another name needs `objective`, `events`
    and `failures`, in PromQL. Raises ValueError with a line that names what cannot be used.
    """
    if data is None:
        return OBJECTIVES
    if not isinstance(data, Mapping) or set(data) - {"objectives"}:
        raise ValueError("got something else, accepts a mapping `objectives`")
    given = data.get("objectives") or {}
    if given and not isinstance(given, Mapping):
        raise ValueError("objectives: got no mapping, accepts names with what is promised of each")
    found = {each.name: each for each in OBJECTIVES}
    for name, wanted in given.items():
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise ValueError(f"{name!r}: accepts lower-case letters, digits and _ as a name")
        if wanted is False:
            found.pop(name, None)
        elif isinstance(wanted, Mapping):
            found[name] = _changed(name, found.get(name), wanted)
        else:
            raise ValueError(f"{name}: got {wanted!r}, accepts false or a mapping")
    return tuple(found.values())


def seconds_of(text: object) -> float:
    """A length of time such as `30m`, `24h` or `30d`; raises ValueError."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([smhdw])", text) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"got {text!r}, accepts a length of time such as 30m, 24h or 30d")
    return int(found[1]) * _UNITS[found[2]]


def _changed(name: str, known: Objective | None, wanted: Mapping[object, object]) -> Objective:
    """An objective as the file wants it."""
    texts = _TEXTS if known is None or not known.is_own else ("title",)
    for key in wanted:
        if key not in (*_NUMBERS, *texts):
            raise ValueError(f"{name}: got {key!r}, accepts {', '.join((*_NUMBERS, *texts))}")
    values = dict(_values(name, wanted, texts))
    if known is not None:
        return replace(known, **values)
    for needed in ("target", "events", "failures"):
        if needed not in values:
            key = "objective" if needed == "target" else needed
            raise ValueError(f"{name}: {key} is missing; one of your own needs it")
    words = "".join(part.capitalize() for part in name.split("_"))
    usual = Objective(
        name=name,
        title=name,
        target=1.0,
        window=30 * DAY,
        failures="",
        events="",
        alert=f"MUTT{words}Burn",
    )
    return replace(usual, **values)


def _values(
    name: str, wanted: Mapping[object, object], texts: tuple[str, ...]
) -> Iterator[tuple[str, Any]]:
    if "objective" in wanted:
        target = wanted["objective"]
        if not _is_number(target) or not 0 < target <= 1:
            raise ValueError(f"{name}: objective: got {target!r}, accepts a share such as 0.99")
        yield "target", float(target)
    if "window" in wanted:
        try:
            window = seconds_of(wanted["window"])
        except ValueError as error:
            raise ValueError(f"{name}: window: {error}") from None
        if not 6 * HOUR <= window <= 366 * DAY:
            raise ValueError(f"{name}: window: accepts 6h to 366d")
        yield "window", window
    if "least" in wanted:
        least = wanted["least"]
        if not _is_number(least) or least < 1 or least != int(least):
            raise ValueError(f"{name}: least: got {least!r}, accepts a number of failures")
        yield "least", int(least)
    for key in texts:
        if key in wanted:
            text = wanted[key]
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name}: {key}: got {text!r}, accepts a text")
            yield key, text.strip()


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
