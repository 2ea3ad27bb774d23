"""The alerting rules and their test files, read as Prometheus and promtool read them."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "monitoring" / "prometheus.yml"
RULES = ROOT / "monitoring" / "rules.yml"
TESTS = sorted(Path(__file__).parent.glob("*.yml"))


def alerts() -> dict[str, dict[str, Any]]:
    """Every alert by its name."""
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}
