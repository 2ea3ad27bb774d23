"""How the console is shipped: by itself, locked, and with nothing that relies on it."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from mutt_tasks import __version__
from mutt_tasks.settings import load
from tests.shipping.files import (
    KNOWN,
    ROOT,
    default_of,
    environment_of,
    instructions,
    interpolated,
    last,
    manifest,
    services,
)

FILE = ROOT / "k8s" / "console-deployment.yaml"
ITEMS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["items"]
OBJECTS = {found["kind"]: found for found in ITEMS}
POD: dict[str, Any] = OBJECTS["Deployment"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
PORT = int(default_of("CONSOLE_PORT"))


def test_in_compose_nothing_relies_on_it() -> None:
    assert all("console" not in each.get("depends_on", {}) for each in services().values())
    assert services()["console"]["depends_on"] == {"redis": {"condition": "service_healthy"}}


def test_in_compose_keys_are_made_where_it_looks_for_them() -> None:
    folder = services()["console"]["volumes"][1].partition(":")[2]
    path = environment_of("console", {})["CONSOLE_KEYS_FILE"]

    assert path.startswith(f"{folder}/")
    assert environment_of("console", {"CONSOLE_KEYS_FILE": "/run/mutt/x"})["CONSOLE_KEYS_FILE"] == (
        "/run/mutt/x"
    )
    owner = last("USER").partition(":")[0]
    made = [rest for word, rest in instructions() if word == "RUN" and folder in rest]
    assert f"install -d -o {owner} -g {owner} -m 700 {folder}" in made[0]


def test_in_compose_it_is_at_its_port_on_this_host_alone() -> None:
    ports = [interpolated(port, {}) for port in services()["console"]["ports"]]

    assert ports == [f"127.0.0.1:{PORT}:{PORT}"]
    assert str(PORT) in last("EXPOSE").split()
    assert f":{PORT}/health" in services()["console"]["healthcheck"]["test"][-1]
    assert load(environment_of("console", {})).console.port == PORT


@pytest.mark.parametrize("version", ["1.27", "1.37"])
@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_satisfies_the_kubernetes_schema(kind: str, version: str) -> None:
    kubernetes_validate.validate(OBJECTS[kind], version, strict=True)


def test_in_kubernetes_its_pod_is_not_the_workers() -> None:
    """The worker's Service, budget and policy select by labels."""
    selected = {"app": "mutt", "component": "console"}

    assert OBJECTS["Deployment"]["spec"]["replicas"] == 1
    assert OBJECTS["Deployment"]["spec"]["selector"] == {"matchLabels": selected}
    assert OBJECTS["Service"]["spec"]["selector"] == selected
    assert OBJECTS["NetworkPolicy"]["spec"]["podSelector"] == {"matchLabels": selected}
    assert selected != manifest("Service")["spec"]["selector"]
    assert {found["metadata"]["namespace"] for found in ITEMS} == {
        manifest("Service")["metadata"]["namespace"]
    }


def test_in_kubernetes_it_may_no_more_than_the_worker_and_reaches_only_redis() -> None:
    worker = manifest("Deployment")["spec"]["template"]["spec"]
    spec = OBJECTS["NetworkPolicy"]["spec"]
    inward, outward = (
        {port["port"] for rule in spec[way] for port in rule["ports"]}
        for way in ("ingress", "egress")
    )

    assert POD["securityContext"] == worker["securityContext"]
    assert CONTAINER["securityContext"] == worker["containers"][0]["securityContext"]
    assert POD["automountServiceAccountToken"] is False
    assert POD["enableServiceLinks"] is False
    assert (inward, outward) == ({PORT}, {53, 6379, 26379})


def test_in_kubernetes_it_runs_this_version_with_keys_from_a_secret() -> None:
    keys = {each["name"]: each for each in CONTAINER["volumeMounts"]}["keys"]
    (volume,) = (each for each in POD["volumes"] if each["name"] == "keys")
    env = {entry["name"]: entry for entry in CONTAINER["env"]}

    assert CONTAINER["image"] == f"mutt-remediation:{__version__}"
    assert CONTAINER["command"] == ["mutt-console"]
    assert volume["secret"] == {"secretName": "mutt-console", "optional": True}
    assert env["CONSOLE_KEYS_FILE"]["value"] == f"{keys['mountPath']}/console.keys"
    assert set(env) <= KNOWN
    assert CONTAINER["ports"] == [{"name": "http", "containerPort": PORT}]
