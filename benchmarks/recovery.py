"""How replay policies recover from trouble: time, drops, live delay, poison, conservation.

The service's own code in virtual time on a real Redis, against a model of the pipeline, beside its
peers. Without options: every scenario and policy, and docs/recovery.md and .png are written.

    .venv/bin/python benchmarks/recovery.py --scenario moogsoft-down --live-rate 30 --policy ours
    .venv/bin/python benchmarks/recovery.py --sweep room.HEADROOM_SIGMAS=3,4,5 --seeds 3
    .venv/bin/python benchmarks/recovery.py --quick
"""

import argparse
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.recovery_model.harm import ALL
from benchmarks.recovery_model.jobs import Job, run_all
from benchmarks.recovery_model.measures import Measures
from benchmarks.recovery_model.run import NONE, OURS, POLICIES, REPLAYING
from benchmarks.recovery_model.scenario import EVEN, POISSON, Scenario, small
from benchmarks.recovery_model.sweep import Sweep, run_sweep, sweep_of, sweep_table
from benchmarks.recovery_model.words import COLUMNS, row, table

ROOT = Path(__file__).parent.parent

# Every number and text of a scenario can be set by its name; these have an option of their own.
FIELDS: dict[str, type[Any]] = {
    name: type(value)
    for name, value in asdict(Scenario("")).items()
    if name not in ("name", "env", "changes")
}
OWN_OPTIONS = {"--live-rate": "live_rate", "--limit": "limit", "--outage": "outage"}
SWEPT_SCENARIO = "backlog"

# What the whole command runs beside the scenarios: those that the limiter bounds once more with
# evenly spaced live events, and what the room kept for live alerts costs and saves.
EVENLY = ("moogsoft-down", "alerter-down", "backlog", "both-routes")
TRADEOFF = "room.HEADROOM_SIGMAS=3.5,3.8,4.1,4.4"
TRADEOFF_SCENARIO = replace(ALL[SWEPT_SCENARIO], backlog_alerter=15_000, backlog_poison=0.0)
TRADEOFF_SEEDS = 4


def main() -> int:
    """Run and print; 1 when a message was lost, doubled, or by us quarantined without need."""
    options = _options()
    scenarios = _scenarios(options)
    if options.sweep:
        return _sweep(options, scenarios)
    policies = options.policy or REPLAYING
    started = time.perf_counter()
    jobs = [Job(scenario, options.seed) for scenario in scenarios]
    sample = 1.0 if options.quick else 10.0
    by_place = run_all(jobs, policies, options.processes, sample, _tell)
    found = {(jobs[at].scenario.name, policy): one for (at, policy), one in by_place.items()}
    for scenario in scenarios:
        shown = [found[scenario.name, p] for p in POLICIES if (scenario.name, p) in found]
        print(f"\n{scenario.name}: least possible {found[scenario.name, NONE].least:.0f} s")
        print(table(COLUMNS, [row(one) for one in shown]))
    if options.write:
        _write(options, found, scenarios)
    print(f"\nall runs: {time.perf_counter() - started:.0f} s")
    is_wrong = (
        one.lost or one.doubled or (one.policy == OURS and one.good_dead) for one in found.values()
    )
    return int(any(is_wrong))


def _tell(one: Measures) -> None:
    print(f"{one.scenario}, {one.policy}: {one.run_seconds:.1f} s", file=sys.stderr)


def _write(
    options: argparse.Namespace,
    found: dict[tuple[str, str], Measures],
    scenarios: list[Scenario],
) -> None:
    from benchmarks.recovery_model.page import page
    from benchmarks.recovery_model.plots import backlog_curves, tradeoff

    docs = ROOT / "docs"
    backlog_curves(found, docs / "recovery.png")
    even = [replace(ALL[name], live_pattern=EVEN) for name in EVENLY]
    jobs = [Job(scenario, options.seed) for scenario in even]
    by_place = run_all(jobs, [OURS], options.processes, 60.0, _tell)
    sweep = sweep_of(TRADEOFF)
    seeds = list(range(options.seed, options.seed + TRADEOFF_SEEDS))
    rows = run_sweep(sweep, TRADEOFF_SCENARIO, seeds, options.processes, _tell)
    tradeoff(sweep.name, rows, docs / "recovery-tradeoff.png")
    text = page(
        found, scenarios, [by_place[at, OURS] for at in range(len(jobs))], sweep_table(sweep, rows)
    )
    (docs / "recovery.md").write_text(text, encoding="utf-8")


def _sweep(options: argparse.Namespace, scenarios: list[Scenario]) -> int:
    sweep: Sweep = options.sweep
    seeds = list(range(options.seed, options.seed + options.seeds))
    for scenario in scenarios:
        rows = run_sweep(sweep, scenario, seeds, options.processes, _tell)
        print(f"\n{scenario.name}, seeds {seeds[0]} to {seeds[-1]}")
        print(sweep_table(sweep, rows))
    return 0


def _scenarios(options: argparse.Namespace) -> list[Scenario]:
    names = options.scenario or ([SWEPT_SCENARIO] if options.sweep else list(ALL))
    chosen = [ALL[name] for name in names]
    if options.quick:
        chosen = [small(scenario) for scenario in chosen]
    changes: dict[str, Any] = dict(options.set)
    changes |= {
        name: getattr(options, name)
        for name in (*OWN_OPTIONS.values(), "live_pattern")
        if getattr(options, name) is not None
    }
    return [replace(scenario, **changes) for scenario in chosen]


def _setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    if name not in FIELDS:
        raise argparse.ArgumentTypeError(f"{name}: accepted is one of {', '.join(FIELDS)}")
    kind = FIELDS[name]
    return name, value.lower() == "true" if kind is bool else kind(value)


def _sweep_of(text: str) -> Sweep:
    try:
        return sweep_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenario", action="append", choices=ALL, help="may be repeated")
    parser.add_argument("--policy", action="append", choices=POLICIES, help="may be repeated")
    for option, name in OWN_OPTIONS.items():
        parser.add_argument(option, dest=name, type=FIELDS[name])
    parser.add_argument("--pattern", dest="live_pattern", choices=(POISSON, EVEN))
    parser.add_argument(
        "--set", action="append", default=[], type=_setting, metavar="NAME=VALUE",
        help=f"any number of a scenario: {', '.join(FIELDS)}",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3, help="of a sweep, from --seed on")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--sweep",
        type=_sweep_of,
        metavar="NAME=v1,v2",
        help="a constant of mutt_tasks.core, as module.NAME",
    )
    parser.add_argument("--quick", action="store_true", help="small versions, in seconds")
    options = parser.parse_args()
    options.write = len(sys.argv) == 1
    return options


if __name__ == "__main__":
    sys.exit(main())
