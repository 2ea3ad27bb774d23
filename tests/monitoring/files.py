"""The alerting rules and their test files, read as Prometheus and promtool read them."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "monitoring" / "prometheus.yml"
RULES = ROOT / "monitoring" / "rules.yml"
SLO_RULES = ROOT / "monitoring" / "slo-rules.yml"
ALERTMANAGER = ROOT / "monitoring" / "alertmanager.yml"
RUNBOOK = ROOT / "docs" / "runbook.md"
# Who is told, by severity.
RECEIVERS = {"critical": "mutt-pager", "warning": "mutt-team", "info": "mutt-later"}
TESTS = sorted(Path(__file__).parent.glob("*.yml"))


def runbook_commands(program: str) -> list[str]:
    """Every command of a program in the runbook, each once, without the comment behind it."""
    text = RUNBOOK.read_text()
    lines = re.findall(rf"^ *({program} .*)$", text, re.MULTILINE)
    spans = re.findall(rf"`({program} [^`]*)`", text)
    found = [re.sub(r"\s+#.*", "", line) for line in lines + spans]
    return list(dict.fromkeys(line for line in found if "…" not in line))


def rules() -> list[dict[str, Any]]:
    """Every rule, in the file's order."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Every alert by its name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def every_alert() -> set[str]:
    """The names of all alerts, of whichever file of rules."""
    return {
        rule["alert"]
        for file in RULES.parent.glob("*rules.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


def records() -> dict[str, str]:
    """What is recorded by which expression."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
