"""How replay policies recover from trouble: time, drops, live delay, poison, conservation.

The service's own code in virtual time on a real Redis, against a model of the pipeline, beside its
peers. Without options: every scenario and policy, and docs/recovery.md and .png are written.

    .venv/bin/python benchmarks/recovery.py --scenario moogsoft-down --live-rate 30 --policy ours
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
from benchmarks.recovery_model.words import COLUMNS, row, table

ROOT = Path(__file__).parent.parent

# Every number and text of a scenario can be set by its name; these have an option of their own.
FIELDS: dict[str, type[Any]] = {
    name: type(value)
    for name, value in asdict(Scenario("")).items()
    if name not in ("name", "env", "changes")
}
OWN_OPTIONS = {"--live-rate": "live_rate", "--limit": "limit", "--outage": "outage"}

# What the whole command runs beside the scenarios: those that the limiter bounds once more with
# evenly spaced live events.
EVENLY = ("backlog", "both-routes")


def main() -> int:
    """Run and print; 1 when a message was lost, doubled, or by us quarantined without need."""
    options = _options()
    scenarios = _scenarios(options)
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
    from benchmarks.recovery_model.plots import backlog_curves

    docs = ROOT / "docs"
    backlog_curves(found, docs / "recovery.png")
    even = [replace(ALL[name], live_pattern=EVEN) for name in EVENLY]
    jobs = [Job(scenario, options.seed) for scenario in even]
    by_place = run_all(jobs, [OURS], options.processes, 60.0, _tell)
    text = page(found, scenarios, [by_place[at, OURS] for at in range(len(jobs))])
    (docs / "recovery.md").write_text(text, encoding="utf-8")


def _scenarios(options: argparse.Namespace) -> list[Scenario]:
    chosen = [ALL[name] for name in options.scenario or ALL]
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
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="small versions, in seconds")
    options = parser.parse_args()
    options.write = len(sys.argv) == 1
    return options


if __name__ == "__main__":
    sys.exit(main())
