"""One constant of the pace at several values, over several seeds: what it trades."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from math import isnan
from statistics import median

from benchmarks.recovery_model.jobs import Job, run_all
from benchmarks.recovery_model.measures import Measures
from benchmarks.recovery_model.run import OURS
from benchmarks.recovery_model.scenario import Scenario
from benchmarks.recovery_model.words import table


@dataclass(frozen=True)
class Sweep:
    """A constant of mutt_tasks.core as `module.NAME`, and the values to run with."""

    name: str
    values: tuple[float, ...]


def sweep_of(text: str) -> Sweep:
    """Read `module.NAME=v1,v2,…` (module `flow` if none); else ValueError says what is."""
    name, _, values = text.partition("=")
    module, _, constant = name.rpartition(".")
    module = module or "flow"
    try:
        found = vars(import_module(f"mutt_tasks.core.{module}"))
    except ImportError:
        raise ValueError(f"{module}: accepted is a module of mutt_tasks.core") from None
    kinds = {key: type(value) for key, value in found.items() if type(value) in (int, float)}
    if constant not in kinds:
        raise ValueError(f"{constant}: accepted is a number of {module}: {', '.join(kinds)}")
    kind = kinds[constant]
    return Sweep(f"{module}.{constant}", tuple(kind(float(value)) for value in values.split(",")))


def run_sweep(
    sweep: Sweep,
    scenario: Scenario,
    seeds: list[int],
    processes: int,
    done: Callable[[Measures], None],
) -> list[tuple[float, list[Measures]]]:
    """The measures of `ours` at each value, one for each seed."""
    jobs = [Job(scenario, seed, {sweep.name: value}) for value in sweep.values for seed in seeds]
    found = run_all(jobs, [OURS], processes, 60.0, done)
    rows: dict[float, list[Measures]] = {}
    for at, job in enumerate(jobs):
        rows.setdefault(job.constants[sweep.name], []).append(found[at, OURS])
    return list(rows.items())


def sweep_table(sweep: Sweep, rows: list[tuple[float, list[Measures]]]) -> str:
    """Median and worst over the seeds, one row a value."""
    columns = [
        sweep.name,
        *("× least, median", "× least, worst", "dropped, median", "dropped, worst"),
        *("dropped an hour", "p99 delay, median", "p99 delay, worst"),
    ]
    lines = []
    for value, runs in rows:
        series = (
            [float("inf") if isnan(one.ratio) else one.ratio for one in runs],
            [float(one.dropped) for one in runs],
            [0.0 if isnan(one.delay) else one.delay for one in runs],
        )
        cells = [f"{number:.2f}" for one in series for number in (median(one), max(one))]
        hours = sum(one.ratio * one.least for one in runs if not isnan(one.ratio)) / 3600
        cells.insert(4, f"{sum(series[1]) / hours:.2f}" if hours else "–")
        lines.append([f"{value:g}", *cells])
    return table(columns, lines)
