"""Recording and alerting rules for Prometheus, made from the objectives.

    mutt:slo:burn_rate:5m{slo}      and 30m, 1h, 6h: how many times too fast the budget is used up
    mutt:slo:budget_left{slo}       share of the budget that is left, over the objective's window
    mutt:slo:objective{slo}         what is promised

An objective that allows no failure has no budget to burn: there the first failure alerts.
"""

from collections.abc import Iterable
from typing import Any

from mutt_tasks.core.slo import BURSTS, HOUR, STRETCHES, Burst, Objective
from mutt_tasks.core.slo_queries import duration, within

RUNBOOK = "docs/runbook.md"


def rules(objectives: Iterable[Objective]) -> dict[str, Any]:
    """The content of a file of rules."""
    chosen = tuple(objectives)
    groups = [_group(f"mutt-slo-{each.name}", "30s", _burning(each)) for each in chosen]
    # A whole window is much to read.
    left = [rule for each in chosen for rule in (_promised(each), _left(each))]
    return {"groups": [*groups, _group("mutt-slo-budgets", "5m", left)]}


def _group(name: str, interval: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "interval": interval, "rules": rules}


def _burning(objective: Objective) -> list[dict[str, Any]]:
    """One objective's burn rates and alerts; in a group each rule sees what those before it say."""
    rates = [_burn_rate(objective, stretch) for stretch in STRETCHES if objective.budget]
    return [*rates, *_alerts(objective)]


def _share(objective: Objective, seconds: float) -> str:
    """The share that failed: 0 where nothing failed, and where nothing happened."""
    failures, events = within(objective.failures, seconds), within(objective.events, seconds)
    return f"({failures})\n/ (({events}) > 0)\nor 0 * ({events})"


def _burn_rate(objective: Objective, seconds: float) -> dict[str, Any]:
    return {
        "record": f"mutt:slo:burn_rate:{duration(seconds)}",
        "labels": {"slo": objective.name},
        "expr": f"(\n{_share(objective, seconds)}\n) / {objective.budget:g}",
    }


def _promised(objective: Objective) -> dict[str, Any]:
    return {
        "record": "mutt:slo:objective",
        "labels": {"slo": objective.name, "window": duration(objective.window)},
        "expr": f"vector({objective.target:g})",
    }


def _left(objective: Objective) -> dict[str, Any]:
    share = _share(objective, objective.window)
    spent = f"(\n{share}\n) / {objective.budget:g}"
    if not objective.budget:
        spent = f"((\n{share}\n) > bool 0)"
    return {
        "record": "mutt:slo:budget_left",
        "labels": {"slo": objective.name, "window": duration(objective.window)},
        "expr": f"1 - {spent}",
    }


def _alerts(objective: Objective) -> list[dict[str, Any]]:
    if not objective.budget:
        long = BURSTS[0].long
        failures = within(objective.failures, long)
        told = f'{{{{ $value | printf "%.0f" }}}} failed in the last {duration(long)}.'
        summary = "An objective that allows no failure is missed"
        severity = BURSTS[0].state.value
        return [_alert(objective, severity, f"({failures}) >= {objective.least}", summary, told)]
    return [_burst(objective, burst) for burst in BURSTS]


def _burst(objective: Objective, burst: Burst) -> dict[str, Any]:
    lengths = [duration(length) for length in (burst.long, burst.short)]
    rates = "\nand ".join(
        f'mutt:slo:burn_rate:{length}{{slo="{objective.name}"}} > {burst.rate:g}'
        for length in lengths
    )
    failures = within(objective.failures, burst.long)
    left = f"{objective.window / burst.rate / HOUR:.3g} h"
    told = (
        f'In the last {lengths[0]} {{{{ $value | printf "%.1f" }}}} times as many failed as that'
        f" allows, and in the last {lengths[1]} still more than {burst.rate:g} times as many. At"
        f" {burst.rate:g} times a whole budget of {duration(objective.window)} is gone in {left}."
    )
    summary = "An error budget is used up too fast"
    enough = f"({failures}) >= {objective.least}"
    expr = f"{rates}\nand ignoring (slo) {enough}"
    return _alert(objective, burst.state.value, expr, summary, told)


def _alert(
    objective: Objective, severity: str, expr: str, summary: str, told: str
) -> dict[str, Any]:
    promised = f"{objective.target * 100:.6g} % {objective.title}"
    return {
        "alert": objective.alert,
        "expr": expr,
        "labels": {
            "severity": severity,
            "service": "remediation",
            "component": "mutt",
            "slo": objective.name,
        },
        "annotations": {
            "summary": f"{summary}: {objective.name}",
            "description": f"Promised: {promised}. {told}",
            "runbook": f"{RUNBOOK}#{objective.alert.lower()}",
        },
    }
