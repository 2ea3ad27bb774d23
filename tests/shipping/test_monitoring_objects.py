"""What Prometheus' operator is given: the rules as they are, and how to find the worker."""

import importlib.util
from typing import Any

import pytest
import yaml

from tests.monitoring.files import ROOT, rules
from tests.shipping.files import manifest

OBJECTS = ROOT / "k8s" / "monitoring.yaml"


def of_kind(kind: str) -> dict[str, Any]:
    """The only object of its kind."""
    found = yaml.safe_load(OBJECTS.read_text())
    (wanted,) = (each for each in found["items"] if each["kind"] == kind)
    return dict(wanted)


def test_the_file_is_what_make_docs_would_write() -> None:
    spec = importlib.util.spec_from_file_location("writer", ROOT / "tools/write_monitoring.py")
    assert spec is not None
    assert spec.loader is not None
    writer: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert OBJECTS.read_text() == writer.written()


def test_the_operator_gets_every_rule_as_it_is() -> None:
    told = of_kind("PrometheusRule")["spec"]["groups"]
    found = [rule for group in told for rule in group["rules"]]
    assert [rule for rule in rules() if rule not in found] == []
    assert len({group["name"] for group in told}) == len(told)


def test_the_worker_is_found_by_its_service_and_its_metrics_port() -> None:
    service, monitor = manifest("Service"), of_kind("ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert service["metadata"]["labels"].items() >= wanted.items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    # The operator calls the job after the Service; the alerts ask for that name.
    assert service["metadata"]["name"].endswith("mutt-remediation")


@pytest.mark.parametrize("kind", ["PrometheusRule", "ServiceMonitor"])
def test_an_object_stands_beside_the_worker(kind: str) -> None:
    found, service = of_kind(kind), manifest("Service")
    assert found["apiVersion"] == "monitoring.coreos.com/v1"
    assert found["metadata"]["namespace"] == service["metadata"]["namespace"]
    assert found["metadata"]["labels"].items() >= {"app": "mutt"}.items()
