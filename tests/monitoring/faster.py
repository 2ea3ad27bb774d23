"""Our rules in a world where time flies: every length of time in them is divided."""

import re
from pathlib import Path
from typing import Any

import yaml

# Two hours of the rules are a minute here.
FASTER = 120
# A rule that looks back over days would still take a quarter of an hour.
FASTER_YET = {"MUTTRemediationDisabled": 1440}

# Limits in seconds that stand in an expression, as they are and as they are here. What events and
# a drain say of themselves (how old, how long to go) is of the usual length here too.
SHORTER = {
    "MUTTRemediationNoCycle": {"+ 60": "+ 4"},
    "MUTTRemediationPauseForgotten": {"> 14400": "> 120"},
    # The worker checks the books every 30 s and the audit every 60 s, here as elsewhere.
    "MUTTRemediationChecksLate": {"> 600": "> 60", "> 21600": "> 120"},
    "MUTTNotifierLagging": {"> 600": "> 5"},
    # The console reads Redis every 10 s.
    "MUTTConsoleLagging": {"> 60": "> 15"},
}

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def factor_of(alert: str) -> int:
    """How many times as fast as usual an alert's time goes by."""
    return FASTER_YET.get(alert, FASTER)


def shortened(*files: Path) -> str:
    """The rules of these files with every length of time shortened."""
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    for group in groups:
        # What spans a month is much to read.
        group["interval"] = "5s" if group["name"].endswith("-budgets") else "1s"
        for rule in group["rules"]:
            _shorten(rule)
    return yaml.safe_dump({"groups": groups})


def _shorten(rule: dict[str, Any]) -> None:
    alert = rule.get("alert", "")
    factor = factor_of(alert)

    def shorter(length: str) -> str:
        return f"{int(length[:-1]) * _UNITS[length[-1]] * 1000 // factor}ms"

    for name in ("for", "keep_firing_for"):
        if name in rule:
            rule[name] = shorter(rule[name])
    # Of ranges, the steps of subqueries, and offsets; not in names, as in `burn_rate:1h`.
    expr = re.sub(
        r"\[[^]]+\]|offset \w+",
        lambda found: re.sub(r"\d+[smhd]\b", lambda length: shorter(length[0]), found[0]),
        rule["expr"],
    )
    for usual, short in SHORTER.get(alert, {}).items():
        assert usual in expr, f"{alert} has no {usual}"
        expr = expr.replace(usual, short)
    rule["expr"] = expr
