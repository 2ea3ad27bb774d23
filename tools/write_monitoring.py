"""Write `k8s/monitoring.yaml` from the rules in `monitoring/`, for Prometheus' operator.

`make docs` runs it; a test fails when the file is not what it would write.
"""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "k8s" / "monitoring.yaml"

HEAD = """\
# For a cluster with Prometheus' operator: it scrapes worker and notifier, and knows the alerts.
# Written by `make docs` from monitoring/*rules.yml, where the rules have their reasons. After
# k8s/remediation-deployment.yaml:
#
#   kubectl apply -f k8s/monitoring.yaml
#
# An operator that only takes what bears a certain label gets it by, for instance:
#
#   kubectl label -n mutt prometheusrule,servicemonitor mutt-remediation release=prometheus
"""

NAME, NAMESPACE = "mutt-remediation", "mutt"
LABELS = {"app": "mutt", "component": "remediation", "app.kubernetes.io/name": NAME}

# The components whose Services have a port `metrics`.
SCRAPED = ["remediation", "remediation-notify"]


class _Dumper(yaml.SafeDumper):
    """Writes expressions as they were written, line by line, and nothing as a reference."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": kind,
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": LABELS},
        "spec": spec,
    }


def service_monitor() -> dict[str, Any]:
    """Scrapes worker and notifier by their Services; the alerts ask for the names of these."""
    return _object(
        "ServiceMonitor",
        {
            "selector": {
                "matchLabels": {"app": "mutt"},
                "matchExpressions": [
                    {"key": "component", "operator": "In", "values": SCRAPED},
                ],
            },
            "endpoints": [{"port": "metrics", "path": "/metrics", "interval": "15s"}],
        },
    )


def prometheus_rule() -> dict[str, Any]:
    """The groups of every file of rules."""
    files = sorted((ROOT / "monitoring").glob("*rules.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return _object("PrometheusRule", {"groups": groups})


def written() -> str:
    """The file's text."""
    items = {"apiVersion": "v1", "kind": "List", "items": [service_monitor(), prometheus_rule()]}
    return HEAD + yaml.dump(items, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


if __name__ == "__main__":
    TARGET.write_text(written())
