"""What Prometheus is asked for an objective, and what its answer says.

One question holds all that is wanted of an objective, each part under a name of its own, so that
all of it is of one moment. The same expressions are in the recording rules (`slo_rules`); the
question does not need these, so that it is answered by a Prometheus that has not loaded them.
"""

import re
from collections.abc import Mapping
from math import isnan

from mutt_tasks.core.slo import DAY, HOUR, MINUTE, STRETCHES, Measured, Objective
from mutt_tasks.core.slo_books import Count

# The label that names a part of the answer.
PART = "part"

_WINDOW, _COVERED, _SECONDS = "window", "covered", "seconds"
# A step of as much as Prometheus looks back misses no sample, however far apart they are.
_LOOK_BACK = 5 * MINUTE


def within(expression: str, seconds: float) -> str:
    """An expression over a stretch of time."""
    step = 15.0 if seconds <= HOUR else MINUTE if seconds <= 6 * HOUR else 5 * MINUTE
    values = {"window": duration(seconds), "step": duration(step)}
    return re.sub(r"\$(window|step)\b", lambda found: values[found[1]], expression)


def duration(seconds: float) -> str:
    """A length of time as PromQL writes it."""
    for unit, length in (("d", DAY), ("h", HOUR), ("m", MINUTE)):
        if seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"


def question(objective: Objective) -> str:
    """What to ask for an objective."""
    parts = {}
    stretches = {duration(length): length for length in STRETCHES}
    for name, length in {**stretches, _WINDOW: objective.window}.items():
        parts[f"failures {name}"] = f"sum({within(objective.failures, length)})"
        parts[f"events {name}"] = f"sum({within(objective.events, length)})"
    if objective.series:
        every = f"[{duration(objective.window)}:{duration(_LOOK_BACK)}]"
        parts[_COVERED] = f"time() - min(min_over_time(timestamp({objective.series}){every}))"
    if objective.quantile:
        parts[_SECONDS] = within(objective.quantile, objective.window)
    return " or ".join(
        f'label_replace({expression}, "{PART}", "{name}", "", "")'
        for name, expression in parts.items()
    )


def answered(objective: Objective, parts: Mapping[str, float]) -> Measured | None:
    """What the parts of an answer say; None when there is no data."""
    found = {name: value for name, value in parts.items() if not isnan(value)}
    counted = _count(found, _WINDOW)
    if counted is None:
        return None
    covered = found.get(_COVERED)
    return Measured(
        counted=counted,
        covered=None if covered is None else min(covered, objective.window),
        stretches={length: _count(found, duration(length)) or Count() for length in STRETCHES},
        seconds=found.get(_SECONDS),
    )


def _count(found: Mapping[str, float], stretch: str) -> Count | None:
    """Events and failures; what never failed has no series of failures."""
    events = found.get(f"events {stretch}")
    return None if events is None else Count(events, found.get(f"failures {stretch}", 0.0))
