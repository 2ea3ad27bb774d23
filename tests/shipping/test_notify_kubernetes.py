"""The notifier's manifest: valid, locked down, and in step with the worker's and the settings."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.shipping.files import KNOWN, ROOT, default_of, manifest

PATH = ROOT / "k8s" / "notify-deployment.yaml"
FOUND: list[dict[str, Any]] = yaml.safe_load(PATH.read_text())["items"]
BY_KIND = {each["kind"]: each for each in FOUND}
SELECTED = {"app": "mutt", "component": "remediation-notify"}


def pod() -> dict[str, Any]:
    found: dict[str, Any] = BY_KIND["Deployment"]["spec"]["template"]["spec"]
    return found


def container(of: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = of["containers"][0]
    return found


@pytest.mark.parametrize("version", ["1.27", "1.37"])
@pytest.mark.parametrize("found", FOUND, ids=lambda found: str(found["kind"]))
def test_an_object_satisfies_the_kubernetes_schema(found: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(found, version, strict=True)


def test_it_is_in_the_worker_s_namespace_and_no_part_of_the_worker() -> None:
    """The worker's Service, budget and policy select by these labels."""
    worker = manifest("Deployment")["spec"]["selector"]["matchLabels"]
    assert {each["metadata"]["namespace"] for each in FOUND} == {
        manifest("Deployment")["metadata"]["namespace"]
    }
    labels = BY_KIND["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert not worker.items() <= labels.items()
    assert SELECTED.items() <= labels.items()
    assert BY_KIND["Deployment"]["spec"]["selector"] == {"matchLabels": SELECTED}
    assert BY_KIND["Service"]["spec"]["selector"] == SELECTED
    assert BY_KIND["NetworkPolicy"]["spec"]["podSelector"] == {"matchLabels": SELECTED}


def test_it_takes_what_the_worker_takes() -> None:
    worker = manifest("Deployment")["spec"]["template"]["spec"]
    ours, its = container(pod()), container(worker)
    assert ours["image"] == its["image"]
    assert ours["envFrom"] == its["envFrom"]
    assert ours["volumeMounts"] == its["volumeMounts"]
    assert all(entry in its["env"] for entry in ours["env"])
    assert {entry["name"] for entry in ours["env"]} <= KNOWN
    assert pod()["volumes"] == worker["volumes"]
    assert pod()["serviceAccountName"] == worker["serviceAccountName"]


def test_it_can_do_no_more_than_the_worker() -> None:
    worker = manifest("Deployment")["spec"]["template"]["spec"]
    for name in ("automountServiceAccountToken", "enableServiceLinks", "securityContext"):
        assert pod()[name] == worker[name]
    assert container(pod())["securityContext"] == container(worker)["securityContext"]
    assert container(pod())["resources"]["limits"]["memory"]


def test_its_ports_are_those_of_the_settings() -> None:
    metrics, health = (int(default_of(f"{name}_PORT_NOTIFY")) for name in ("METRICS", "HEALTH"))
    names = {port["name"]: port["containerPort"] for port in container(pod())["ports"]}
    assert names == {"metrics": metrics, "health": health}
    annotations = BY_KIND["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(metrics)
    (ingress,) = BY_KIND["NetworkPolicy"]["spec"]["ingress"]
    assert {port["port"] for port in ingress["ports"]} == {metrics, health}


def test_what_is_on_its_way_may_arrive_before_it_is_killed() -> None:
    assert pod()["terminationGracePeriodSeconds"] > 2 * float(default_of("NOTIFY_TIMEOUT"))
