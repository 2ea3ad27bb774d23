"""The dashboards as Grafana reads them: their panels, and the queries that it would send."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.monitoring.files import ROOT

FOLDER = ROOT / "monitoring" / "grafana" / "dashboards"
FILES = sorted(FOLDER.glob("*.json"))

# What Grafana puts in the place of a variable when nothing was chosen.
VALUES = {
    "job": ".*",
    "namespace": ".*",
    "route": "alerter",
    "dlq": "mutt:dlq:alerter",
    "dead": "mutt:dlq:dead",
    "task": "mutt_tasks.*",
    "__rate_interval": "1m",
}

# celery-exporter 0.12.2, the release that Compose has: src/exporter.py.
_OF_A_TASK = {"name", "hostname", "queue_name"}
_OF_A_QUEUE = {"queue_name"}
CELERY_EXPORTER: dict[str, set[str]] = {
    **{
        f"celery_task_{event}_total": _OF_A_TASK
        for event in ("sent", "received", "started", "succeeded", "rejected", "revoked", "retried")
    },
    "celery_task_failed_total": _OF_A_TASK | {"exception"},
    "celery_task_runtime_bucket": _OF_A_TASK | {"le"},
    "celery_worker_up": {"hostname"},
    "celery_worker_tasks_active": {"hostname"},
    "celery_queue_length": _OF_A_QUEUE,
    "celery_active_consumer_count": _OF_A_QUEUE,
    "celery_active_worker_count": _OF_A_QUEUE,
    "celery_active_process_count": _OF_A_QUEUE,
}

# MUTT 2.3: services/alerter_service.py and services/moog_forwarder_service.py.
MUTT: dict[str, set[str]] = {
    "mutt_moog_rate_limit_hits_total": set(),
    "mutt_moog_alerts_processed_total": {"status"},
    "mutt_alerter_events_processed_total": {"status"},
    "mutt_alerter_shed_events_total": {"mode"},
}

# Prometheus' own, and what it gives every series.
OF_PROMETHEUS = {"ALERTS": {"alertname", "alertstate", "service"}, "up": set[str]()}
OF_A_TARGET = {"job", "namespace", "instance"}


def read(name: str) -> dict[str, Any]:
    """A dashboard by its file's name."""
    found: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return found


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """All panels, those of closed rows as well, without the rows."""
    found = [panel for each in dashboard["panels"] for panel in (each, *each.get("panels", []))]
    return [panel for panel in found if panel["type"] != "row"]


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    """What is asked of Prometheus, as it is asked when nothing was chosen."""
    asked = [target["expr"] for panel in panels(dashboard) for target in panel.get("targets", [])]
    asked += [each["expr"] for each in dashboard["annotations"]["list"] if "expr" in each]
    yield from map(filled, asked)


def filled(expression: str) -> str:
    """An expression with a value for each variable; one without a value stays, and is no PromQL."""
    return re.sub(r"\$(\w+)", lambda match: VALUES.get(match[1], match[0]), expression)


def metrics_in(expression: str) -> set[str]:
    """The names of the metrics that an expression asks for."""
    plain = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"\b(?:mutt|celery)_\w+|\bALERTS\b|\bup\b", plain))


def labels_of(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of an expression with the labels by which it is chosen."""
    for name, chosen in re.findall(r"\b(\w+)\{([^}]*)\}", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", chosen))


def counted_once(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of which the largest of all workers is taken, with the labels that it keeps."""
    pattern = r"\bmax by \(([^)]*)\) \((?:\w+\()?(mutt_remediation_\w+)"
    for labels, name in re.findall(pattern, expression):
        yield name, {label.strip() for label in labels.split(",")}


def grouping_of(expression: str) -> set[str]:
    """The labels by which an expression sums up."""
    groups = re.findall(r"\bby\s*\(([^)]*)\)", expression)
    return {label.strip() for group in groups for label in group.split(",")}
