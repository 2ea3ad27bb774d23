"""Service levels: what an objective promises, and whether what was counted keeps it.

An objective allows a share of events to fail: its error budget. The burn rate is how many times as
fast as it may the budget is used up: at 1 it is gone exactly when the window is over. Google's Site
Reliability Workbook (chapter 5, "Alerting on SLOs") pages at 14.4 over an hour, which is 2 % of a
30 days' budget, and at 6 over six hours (5 %), if a twelfth of that time says so too: then it still
goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from mutt_tasks.core.slo_books import Count

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


class State(StrEnum):
    """How an objective stands, the worst last."""

    NO_DATA = "no_data"
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Burst:
    """The budget is used up `rate` times too fast, over a long and over a short stretch (s)."""

    rate: float
    long: float
    short: float
    state: State


BURSTS = (
    Burst(14.4, HOUR, 5 * MINUTE, State.CRITICAL),
    Burst(6.0, 6 * HOUR, 30 * MINUTE, State.WARNING),
)
# Every stretch that is looked at beside the objective's own window.
STRETCHES = tuple(sorted(length for burst in BURSTS for length in (burst.long, burst.short)))


@dataclass(frozen=True)
class Objective:
    """What is promised: of all events in a `window` (s) the share `target` does not fail.

    Fewer than `least` failures in the long stretch of a burst are no burst: where little happens,
    one failure is a large share. `failures` and `events` are expressions of PromQL, in which
    `$window` and `$step` stand for durations; without any it is one of our own, which Redis holds.
    `series` is a selector of what they read, and `quantile` an expression for the seconds that an
    objective of latency is about (both may be empty). `alert` names its alerts, `title` what it is.
    """

    name: str
    title: str
    target: float
    window: float
    failures: str
    events: str
    series: str = ""
    quantile: str = ""
    alert: str = ""
    least: int = 5
    is_own: bool = False

    @property
    def budget(self) -> float:
        """The share of events that may fail."""
        return round(1.0 - self.target, 12)


@dataclass(frozen=True)
class Measured:
    """What was counted: in the window, of which data covers `covered` seconds, and in stretches.

    `covered` is None where it is not known; `seconds` is the latency that was asked for.
    """

    counted: Count
    covered: float | None
    stretches: Mapping[float, Count] = field(default_factory=dict)
    seconds: float | None = None


@dataclass(frozen=True)
class Level:
    """How an objective stands: `actual` is the share that did not fail, of so many `counted`.

    `budget_left` is the share of the budget that is left, below 0 when it was overdrawn. `burn` is
    the burn rate over the window, `stretches` those over shorter ones. `why` says why there is no
    data, or what makes the state.
    """

    objective: Objective
    state: State
    why: str
    measured: Measured | None = None
    actual: float | None = None
    budget_left: float | None = None
    burn: float | None = None
    stretches: Mapping[float, float] = field(default_factory=dict)


def unknown(objective: Objective, why: str) -> Level:
    """The level of an objective of which there is no data."""
    return Level(objective, State.NO_DATA, why)


def judged(objective: Objective, measured: Measured) -> Level:
    """How an objective stands by what was counted."""
    burn = burn_rate(objective, measured.counted)
    state, why = _state(objective, measured, burn)
    return Level(
        objective=objective,
        state=state,
        why=why,
        measured=measured,
        actual=1.0 - share(measured.counted),
        budget_left=1.0 - burn if burn < inf else 0.0,
        burn=burn,
        stretches={
            length: burn_rate(objective, count) for length, count in measured.stretches.items()
        },
    )


def share(count: Count) -> float:
    """Which share failed; of no events none did."""
    if count.events <= 0:
        return 0.0
    return min(1.0, max(0.0, count.failures / count.events))


def burn_rate(objective: Objective, count: Count) -> float:
    """How many times too fast the budget is used up; where there is none, any failure is."""
    failed = share(count)
    if not failed:
        return 0.0
    return failed / objective.budget if objective.budget else inf


def _state(objective: Objective, measured: Measured, burn: float) -> tuple[State, str]:
    if burn > 1.0 + 1e-9:
        return State.CRITICAL, "the objective is missed: no budget is left"
    for burst in BURSTS:
        if _is_burst(objective, measured, burst):
            minutes = burst.long / MINUTE, burst.short / MINUTE
            over = "over {:.0f} min and {:.0f} min".format(*minutes)
            return burst.state, f"the budget burns more than {burst.rate:g} times too fast {over}"
    return State.OK, ""


def _is_burst(objective: Objective, measured: Measured, burst: Burst) -> bool:
    long, short = (measured.stretches.get(each, Count()) for each in (burst.long, burst.short))
    return (
        long.failures >= objective.least
        and burn_rate(objective, long) > burst.rate
        and burn_rate(objective, short) > burst.rate
    )
