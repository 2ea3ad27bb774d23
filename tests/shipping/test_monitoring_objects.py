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


def service_of(name: str) -> dict[str, Any]:
    """The Service with this name: the operator calls the job after it, and the alerts ask so."""
    files = (ROOT / "k8s").glob("*-deployment.yaml")
    items = [item for file in files for item in yaml.safe_load(file.read_text())["items"]]
    (wanted,) = (
        item for item in items if item["kind"] == "Service" and item["metadata"]["name"] == name
    )
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


@pytest.mark.parametrize("name", ["mutt-remediation", "mutt-notify"])
def test_each_process_is_found_by_its_service_and_its_metrics_port(name: str) -> None:
    service, monitor = service_of(name), of_kind("ServiceMonitor")
    selector, labels = monitor["spec"]["selector"], service["metadata"]["labels"]
    (expression,) = selector["matchExpressions"]
    assert labels.items() >= selector["matchLabels"].items()
    assert (expression["operator"], labels["component"] in expression["values"]) == ("In", True)
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize("kind", ["PrometheusRule", "ServiceMonitor"])
def test_an_object_stands_beside_the_worker(kind: str) -> None:
    found, service = of_kind(kind), manifest("Service")
    assert found["apiVersion"] == "monitoring.coreos.com/v1"
    assert found["metadata"]["namespace"] == service["metadata"]["namespace"]
    assert found["metadata"]["labels"].items() >= {"app": "mutt"}.items()
