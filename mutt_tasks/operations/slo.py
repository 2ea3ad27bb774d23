"""Service levels: every objective, what was counted, and how it stands.

With a Prometheus all of it comes from there, that of the pipeline's own services too. Without one
ours come from the books in Redis, and say how far back these go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from mutt_tasks.core.slo import STRETCHES, Level, Measured, Objective, State, judged, unknown
from mutt_tasks.core.slo_books import Count, totals
from mutt_tasks.core.slo_queries import answered, duration, question
from mutt_tasks.errors import PrometheusRefused, PrometheusUnavailable
from mutt_tasks.settings import Settings
from mutt_tasks.store.levels import Kept
from mutt_tasks.store.store import Store

PROMETHEUS, REDIS = "prometheus", "redis"

# Asks Prometheus; returns the parts of the answer. Raises PrometheusUnavailable or -Refused.
Ask = Callable[[str], Mapping[str, float]]

_WORST = tuple(State)


@dataclass(frozen=True)
class Report:
    """Every level, and where it comes from: `prometheus` or `redis`."""

    source: str
    levels: tuple[Level, ...]

    @property
    def state(self) -> State:
        """The worst state of all; what there is no data of is never the worst."""
        return max((level.state for level in self.levels), key=_WORST.index, default=State.NO_DATA)

    def reaches(self, state: State) -> bool:
        """Whether any objective is in this state, or a worse one."""
        return _WORST.index(self.state) >= _WORST.index(state)

    def as_json(self) -> dict[str, Any]:
        """What faces show, by the names that they keep."""
        return {
            "source": self.source,
            "state": self.state.value,
            "objectives": [_as_json(level) for level in self.levels],
        }


def from_prometheus(objectives: Sequence[Objective], ask: Ask) -> Report:
    """All objectives, as Prometheus has them. What it does not answer has no data."""
    return Report(PROMETHEUS, tuple(_asked(objective, ask) for objective in objectives))


def from_redis(objectives: Sequence[Objective], store: Store, settings: Settings) -> Report:
    """Our own objectives, as Redis holds them. Raises StoreError."""
    own = [objective for objective in objectives if objective.is_own]
    kept, counted, now = store.levels.kept(settings.routes)
    if not kept.books.whole.at:
        why = "no cycle has ended yet"
        return Report(REDIS, tuple(unknown(objective, why) for objective in own))
    found = totals(kept.books, counted, now, settings.levels.recovered_within)
    return Report(REDIS, tuple(judged(each, _since(each, kept, found, now)) for each in own))


def _asked(objective: Objective, ask: Ask) -> Level:
    try:
        measured = answered(objective, ask(question(objective)))
    except (PrometheusUnavailable, PrometheusRefused) as error:
        return unknown(objective, str(error))
    if measured is None:
        return unknown(objective, "Prometheus has nothing of it")
    return judged(objective, measured)


def _since(objective: Objective, kept: Kept, found: Mapping[str, Count], now: float) -> Measured:
    """What was counted in the window, or since the oldest point that there is."""
    counted, covered = _added(objective, kept, found, now, objective.window)
    stretches = {s: _added(objective, kept, found, now, s)[0] for s in STRETCHES}
    return Measured(counted, covered, stretches)


def _added(
    objective: Objective, kept: Kept, found: Mapping[str, Count], now: float, seconds: float
) -> tuple[Count, float]:
    """What was counted in the last so many seconds, and how many that really are."""
    total = found[objective.name]
    points = [point for point in kept.points if point.at <= now]
    if not points:
        return total, 0.0
    old = [point for point in points if point.at <= now - seconds]
    point = old[-1] if old else points[0]
    return total.since(point.totals[objective.name]), now - point.at


def _as_json(level: Level) -> dict[str, Any]:
    objective, measured = level.objective, level.measured
    counted = measured.counted if measured else None
    return {
        "name": objective.name,
        "title": objective.title,
        "objective": objective.target,
        "window": duration(objective.window),
        "window_seconds": objective.window,
        "covered_seconds": _rounded(measured.covered if measured else None, 1),
        "events": _rounded(counted.events if counted else None, 3),
        "failures": _rounded(counted.failures if counted else None, 3),
        "actual": _rounded(level.actual),
        "error_budget_left": _rounded(level.budget_left),
        # Where no failure is allowed there is no rate at which a budget burns.
        "burn_rate": _rounded(level.burn),
        "burn_rates": {duration(s): _rounded(rate) for s, rate in level.stretches.items()},
        "p99_seconds": _rounded(measured.seconds if measured else None),
        "state": level.state.value,
        "why": level.why,
    }


def _rounded(number: float | None, digits: int = 6) -> float | None:
    return None if number is None or number == inf or number != number else round(number, digits)
